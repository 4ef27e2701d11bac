import { FhirError, issue, Refusal } from '../fhir/error.ts';
import { ContentionError, isUnavailable, sqlStateOf } from '../storage/database.ts';

/** How an error is going to be answered: its status, and what names its first issue. */
export function faultOf(error: unknown): { readonly status: number; readonly reason: string } {
  if (error instanceof Refusal) return error;
  const known = knownFault(error);
  return { status: known?.status ?? 500, reason: known?.issues[0]?.id ?? 'internal-error' };
}

/** The id of the issue that tells that nothing is known of what the database did. */
export const databaseUnavailable = 'database-unavailable';

/** Undefined for a fault of the server's own, of which clients are told nothing. */
export function knownFault(error: unknown): FhirError | undefined {
  return error instanceof FhirError ? error : translated(error);
}

/** Faults of the database that a client can act on. */
function translated(error: unknown): FhirError | undefined {
  if (error instanceof ContentionError) {
    return new FhirError(
      409,
      [issue('conflict', 'write-contention', 'Too many other writes touched the same resources at this moment. Send the request again.')],
      { headers: { 'retry-after': '1' } },
    );
  }
  if (sqlStateOf(error) === '57014') {
    return new FhirError(
      503,
      [
        issue(
          'timeout',
          'statement-timeout',
          'The request took longer than this server lets a statement run. Add a clause that selects fewer resources, or ask for smaller pages.',
        ),
      ],
      { headers: { 'retry-after': '5' } },
    );
  }
  if (isUnavailable(error)) {
    return new FhirError(
      503,
      [
        issue(
          'transient',
          databaseUnavailable,
          "The database can't be reached at this moment. Whether a write took effect is not known: read before you repeat it, or repeat it with If-Match or If-None-Exist.",
        ),
      ],
      { headers: { 'retry-after': '2' } },
    );
  }
  return undefined;
}
