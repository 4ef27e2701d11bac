import type { IncomingMessage } from 'node:http';
import { FhirError, issue } from '../fhir/error.ts';

/** More headers than any client has reason for. Node itself would drop those beyond 2,000 in silence. */
const headersMax = 200;

/** Headers that say one thing. */
const single: ReadonlyMap<string, string> = new Map(
  [
    'Authorization',
    'X-Api-Key',
    'Host',
    'Content-Type',
    'If-None-Exist',
    'Idempotency-Key',
    'X-Security-Context',
    'X-Provenance',
    'X-Break-Glass',
    'X-Break-Glass-Patient',
    'X-Consistency-Token',
  ].map((name) => [name.toLowerCase(), name]),
);

/**
 * Refuses what a proxy before this server may have read in another way than it is read here, and what nobody has reason to send.
 *
 * @throws FhirError 400, 431
 * @see    https://www.rfc-editor.org/rfc/rfc9112#section-3.2, https://www.rfc-editor.org/rfc/rfc9112#section-6.1
 */
export function assertPlainRequest({ rawHeaders, headers, httpVersion }: IncomingMessage): void {
  if (rawHeaders.length > 2 * headersMax) {
    throw new FhirError(431, [issue('too-long', 'headers-too-many', `A request has at most ${headersMax} headers.`)], {
      headers: { connection: 'close' },
    });
  }
  assertOnce(rawHeaders, httpVersion);
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked')
    throw refused('transfer-encoding-unsupported', 'Transfer-Encoding is chunked. Compress by Content-Encoding.');
}

/** Of two, Node takes the first, or both as one; a proxy may have looked at the other. */
function assertOnce(rawHeaders: readonly string[], httpVersion: string): void {
  const seen: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase() ?? '';
    const written = single.get(name);
    if (written === undefined) continue;
    if (seen.includes(name))
      throw refused(
        written === 'Authorization' || written === 'X-Api-Key' ? 'credentials-ambiguous' : 'header-repeated',
        `Send ${written} once.`,
      );
    seen.push(name);
  }
  if (httpVersion === '1.1' && !seen.includes('host')) throw refused('host-missing', 'Send Host.');
}

/** Where a request ends may have been understood in another way too: nothing more is read behind it. */
function refused(id: string, text: string): FhirError {
  return new FhirError(400, [issue('security', id, text)], { headers: { connection: 'close' } });
}
