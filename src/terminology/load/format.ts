import type { SystemHead, TermRow } from '../../storage/terminology-load.ts';
import type { Release } from './sources.ts';

/** What the user said of the code system, which goes before what its files say. */
export type Said = { readonly url?: string | undefined; readonly version?: string | undefined; readonly name?: string | undefined };

/** How one kind of release is read. */
export type Format = {
  readonly name: string;
  readonly recognises: (release: Release) => boolean;
  /** @throws UnreadableFile */
  readonly read: (release: Release, said: Said) => Reading | Promise<Reading>;
};

export type Reading = { readonly head: SystemHead; readonly rows: AsyncIterable<TermRow> | Iterable<TermRow> };
