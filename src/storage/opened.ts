import { LRUCache } from 'lru-cache';
import type { DataKey } from '../encryption/seal.ts';
import type { ContentAddress } from '../encryption/content-header.ts';

/**
 * Texts that were opened lately. A text is found again only for the same sealed bytes at the same address and with the same
 * key object in hand, so it is out of reach as soon as the key is: dropped, destroyed or fetched anew.
 */
export type OpenedTexts = {
  readonly get: (content: Buffer, address: ContentAddress, key: DataKey) => Buffer | undefined;
  readonly set: (content: Buffer, address: ContentAddress, key: DataKey, text: Buffer) => void;
};

type Opened = { readonly address: ContentAddress; readonly length: number; readonly key: WeakRef<DataKey>; readonly text: Buffer };

/** The end of a sealed content is its authentication tag: 16 bytes that differ between any two. */
const tagBytes = 16;
/** What an entry costs beside its text. */
const entryBytes = 400;
/** Longer texts are opened each time: they would push out many others. */
const textBytesMax = 65_536;

/** @param bytesMax  how much memory the texts may take; 0 keeps none */
export function openedTexts(bytesMax: number): OpenedTexts {
  if (bytesMax === 0) return { get: () => undefined, set: () => {} };
  const texts = new LRUCache<string, Opened>({ maxSize: bytesMax });
  return {
    get(content, { type, id, version }, key) {
      const opened = texts.get(tagOf(content));
      if (opened === undefined || opened.length !== content.length || opened.key.deref() !== key) return undefined;
      const { address } = opened;
      return address.id === id && address.version === version && address.type === type ? opened.text : undefined;
    },
    set(content, { type, id, version }, key, text) {
      if (text.length > textBytesMax) return;
      const opened = { address: { type, id, version }, length: content.length, key: new WeakRef(key), text };
      texts.set(tagOf(content), opened, { size: entryBytes + text.length });
    },
  };
}

const tagOf = (content: Buffer): string => content.toString('latin1', content.length - tagBytes);
