/**
 * The port to whatever keeps the root key: a file (key-file.ts) or a key management service. It wraps the few and short secrets that all
 * else is encrypted with; wrapped ones lie in the database and are worth nothing without it. The bytes of a wrapped secret are the
 * provider's own matter.
 */
export type KeyManagement = {
  /**
   * @param secret   16 to 64 bytes
   * @param context  what the secret is and is for (its id and purpose); it can be unwrapped with the same context only. Not secret
   */
  readonly wrap: (secret: Buffer, context: string) => Promise<Buffer> | Buffer;
  /**
   * @throws SealBroken          if the wrapped secret or the context isn't the one that was wrapped
   * @throws KeyManagementError  if the root key isn't there
   */
  readonly unwrap: (wrapped: Buffer, context: string) => Promise<Buffer> | Buffer;
  readonly describe: () => KeyManagementState;
};

/** For health checks, the command line and logs: names, never secrets. */
export type KeyManagementState = {
  readonly provider: string;
  /** A file's path or a service's address. */
  readonly location: string;
  /** The root key that wraps from now on. */
  readonly currentKeyId: string;
  /** All that can unwrap. */
  readonly keys: readonly { readonly id: string; readonly created: string }[];
};

/**
 * `key-file-missing`: there is no key file, and making one would make all that exists unreadable; `key-file-exposed`: others may read or
 * replace it; `key-file-invalid`: it isn't a key file of ours; `key-file-busy`: it is being rotated; `root-key-missing`: it lacks the key
 * that a secret is wrapped with.
 */
export type KeyManagementFault = 'key-file-missing' | 'key-file-exposed' | 'key-file-invalid' | 'key-file-busy' | 'root-key-missing';

/** What an operator has to put right; the text says how. */
export class KeyManagementError extends Error {
  readonly code: KeyManagementFault;

  constructor(code: KeyManagementFault, text: string) {
    super(text);
    this.name = 'KeyManagementError';
    this.code = code;
  }
}
