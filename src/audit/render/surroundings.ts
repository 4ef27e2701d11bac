import type { KeyId } from '../record.ts';

/** What an event needs to be told beside its record. */
export type Surroundings = {
  /** The server's own base URL. */
  readonly base: string;
  /** Undefined where the patient's key is destroyed, or no Patient was ever stored for it. */
  readonly patientId: (keyId: KeyId) => string | undefined;
  /** The query's text; undefined where its key is destroyed. */
  readonly query: Buffer | undefined;
};
