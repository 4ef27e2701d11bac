declare module 'unbzip2-stream' {
  import type { EventEmitter } from 'node:events';

  /** A stream of the old kind: what a call to `write` or `end` can decode, it emits before it returns. */
  type Decoder = EventEmitter & { write(chunk: Uint8Array): boolean; end(): void };
  function unbzip2(): Decoder;
  export = unbzip2;
}
