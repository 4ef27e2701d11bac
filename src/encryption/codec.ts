import { constants, deflateRawSync, inflateRawSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { makeDictionaries } from './dictionaries.ts';
import { SealBroken } from './seal-broken.ts';
import { readVarint, varintBytes, writeVarint } from './varint.ts';

/** How contents are written and read: one for the life of a process. */
export type Codec = {
  /** Whether contents are encrypted, and only encrypted ones are opened. */
  readonly encrypted: boolean;
  readonly dictionaryVersion: number;
  /** Compresses the text of a resource of this type. */
  readonly pack: (text: Buffer, type: string) => Buffer;
  /** The text again. Throws SealBroken `seal-text` if there is no such dictionary, or the text isn't whole, or it is over the limit. */
  readonly expand: (packed: Buffer, type: string, dictionaryVersion: number) => Buffer;
};

export type CodecOptions = {
  readonly encrypted: boolean;
  /** Longest text, in bytes, that is packed and expanded. */
  readonly textBytesMax: number;
};

// The first byte of a packed text; then the length of the text (varint), then the bytes.
const asItIs = 0;
const deflated = 1;
const zstandard = 2;

/**
 * Up to this length deflate with a dictionary is smaller than zstd, and expands in a third of its time; a dictionary means little
 * to longer texts, and zstd is several times faster on them, so that a large Binary doesn't keep the process from all else.
 */
const deflateBytesMax = 32_768;
const deflateLevel = 6;
const zstdLevel = 1;
/** zlib's output buffer, made for each call: large ones cost more than compressing. */
const chunkBytes = { min: 64, usual: 1024, max: 65_536 } as const;

/** Makes the codec. @throws RangeError on packing a text over the limit: to be refused before it comes here */
export function makeCodec({ encrypted, textBytesMax }: CodecOptions): Codec {
  const dictionaries = makeDictionaries();

  function pack(text: Buffer, type: string): Buffer {
    if (text.length > textBytesMax) throw new RangeError('the text of a resource is over the limit');
    if (text.length > deflateBytesMax) return shorter(zstandard, zstd(text), text);
    return shorter(deflated, deflate(text, dictionaries.of(type, dictionaries.current)), text);
  }

  function expand(packed: Buffer, type: string, dictionaryVersion: number): Buffer {
    const length = readVarint(packed, 1);
    if (length === undefined || length > textBytesMax) throw new SealBroken('seal-text');
    const bytes = packed.subarray(1 + varintBytes(length));
    const text = packed[0] === asItIs ? bytes : decompress(packed[0], bytes, length, dictionaries.of(type, dictionaryVersion));
    if (text.length !== length) throw new SealBroken('seal-text');
    return text;
  }

  return { encrypted, dictionaryVersion: dictionaries.current, pack, expand };
}

function deflate(text: Buffer, dictionary: Buffer | undefined): Buffer {
  if (dictionary === undefined) throw new Error('the current version of the dictionaries is missing');
  return deflateRawSync(text, { level: deflateLevel, dictionary, chunkSize: Math.max(chunkBytes.usual, text.length >> 2) });
}

function zstd(text: Buffer): Buffer {
  return zstdCompressSync(text, { chunkSize: chunkBytes.max, params: { [constants.ZSTD_c_compressionLevel]: zstdLevel } });
}

function decompress(method: number | undefined, bytes: Buffer, length: number, dictionary: Buffer | undefined): Buffer {
  if (dictionary === undefined || length === 0) throw new SealBroken('seal-text');
  // One byte more than the text has, so that zlib ends in one call and into one buffer.
  const limits = { maxOutputLength: length, chunkSize: Math.max(chunkBytes.min, length + 1) };
  try {
    if (method === deflated) return inflateRawSync(bytes, { dictionary, ...limits });
    if (method === zstandard) return zstdDecompressSync(bytes, limits);
  } catch (cause) {
    throw new SealBroken('seal-text', { cause });
  }
  throw new SealBroken('seal-text');
}

/** The compressed form, unless it is the longer one. */
function shorter(method: number, compressed: Buffer, text: Buffer): Buffer {
  const [kept, bytes] = compressed.length < text.length ? [method, compressed] : [asItIs, text];
  const packed = Buffer.allocUnsafe(1 + varintBytes(text.length) + bytes.length);
  packed[0] = kept;
  packed.set(bytes, writeVarint(text.length, packed, 1));
  return packed;
}
