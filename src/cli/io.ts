import type { Writable } from 'node:stream';

/** Where a command writes; `isTTY` and `columns` as of a terminal. */
export type Output = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** What a command may use of the outside world. Results go to `stdout`, everything said about them to `stderr`. */
export type CommandIo = {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Makes a token for our own development server; absent where there is no such issuer. */
  readonly mintToken?: (scope: string) => Promise<string>;
};
