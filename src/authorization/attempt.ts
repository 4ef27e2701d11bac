import { FhirError } from '../fhir/error.ts';
import type { Grant } from './grant.ts';

/** Told of each look at a token or key that isn't known yet, and of those that were in vain. */
export type Attempt = {
  /** Rejects where no more may be looked at. */
  readonly begin: () => Promise<unknown> | undefined;
  readonly failed: () => Promise<unknown> | undefined;
  /** Told who calls, before it is judged what he may do. */
  readonly known?: (grant: Grant) => void;
};

/** Looks, unless too much was looked at in vain already. Who is known needs no such look: he isn't held up by others of his address. */
export async function attempted<T>(attempt: Attempt | undefined, look: () => Promise<T>): Promise<T> {
  await attempt?.begin();
  try {
    return await look();
  } catch (error) {
    if (error instanceof FhirError && error.status === 401) await attempt?.failed();
    throw error;
  }
}

/** What needs no look to be refused counts as one in vain: each refusal is recorded, and nobody may fill the disk without being somebody. */
export async function refusedUnseen(attempt: Attempt | undefined, error: FhirError): Promise<never> {
  await attempt?.begin();
  await attempt?.failed();
  throw error;
}
