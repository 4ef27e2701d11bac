import { constants, zstdCompressSync } from 'node:zlib';
import type { Span } from './cache-file.ts';

/** Collects pieces into one buffer and tells where each will stand. */
export class Pieces {
  readonly #pieces: Buffer[] = [];
  #length = 0;

  add(piece: Buffer): Span {
    const span = { offset: this.#length, length: piece.length };
    this.#pieces.push(piece);
    this.#length += piece.length;
    return span;
  }

  whole(): Buffer {
    return Buffer.concat(this.#pieces, this.#length);
  }
}

export function compress(text: string): Buffer {
  return zstdCompressSync(text, { params: { [constants.ZSTD_c_compressionLevel]: 6, [constants.ZSTD_c_checksumFlag]: 1 } });
}
