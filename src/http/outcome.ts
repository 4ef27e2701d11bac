import { issue } from '../fhir/error.ts';
import type { Answer } from '../interactions/answer.ts';
import { knownFault } from '../interactions/faults.ts';
import type { Log } from '../telemetry/log.ts';

/** An error as an answer, with headers of its own. */
export type ErrorAnswer = Answer & { readonly headers: Readonly<Record<string, string>> };

/**
 * The one place where an error becomes an answer. What isn't ours to tell (a fault of the server's own) is logged by its
 * facts and answered in general words.
 */
export function answerError(error: unknown, log: Log, requestId: string): ErrorAnswer {
  const known = knownFault(error);
  if (known !== undefined) return { status: known.status, issues: known.issues, headers: known.headers };
  log.error({ requestId }, 'a request failed', error);
  const text = `The server failed to answer. Nothing is known to be wrong with the request; report the request id ${requestId}.`;
  return { status: 500, issues: [issue('exception', 'internal-error', text)], headers: {} };
}
