import { FhirError, issue } from '../fhir/error.ts';
import type { Answer } from '../interactions/answer.ts';
import { ContentionError, isUnavailable, sqlStateOf } from '../storage/database.ts';
import type { Log } from '../telemetry/log.ts';

/** An error as an answer, with headers of its own. */
export type ErrorAnswer = Answer & { readonly headers: Readonly<Record<string, string>> };

/**
 * The one place where an error becomes an answer. What isn't ours to tell (a fault of the server's own) is logged by its
 * facts and answered in general words.
 */
export function answerError(error: unknown, log: Log, requestId: string): ErrorAnswer {
  const known = error instanceof FhirError ? error : translated(error);
  if (known !== undefined) return { status: known.status, issues: known.issues, headers: known.headers };
  log.error({ requestId }, 'a request failed', error);
  const text = `The server failed to answer. Nothing is known to be wrong with the request; report the request id ${requestId}.`;
  return { status: 500, issues: [issue('exception', 'internal-error', text)], headers: {} };
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
          'database-unavailable',
          "The database can't be reached at this moment. Whether a write took effect is not known: read before you repeat it, or repeat it with If-Match or If-None-Exist.",
        ),
      ],
      { headers: { 'retry-after': '2' } },
    );
  }
  return undefined;
}
