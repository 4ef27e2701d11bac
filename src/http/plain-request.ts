import type { IncomingMessage } from 'node:http';
import { FhirError, issue } from '../fhir/error.ts';

/** More headers than any client has reason for. Node itself would drop those beyond 2,000 in silence. */
const headersMax = 200;

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
  // Of two, Node takes the first; a proxy may have looked at the other.
  if (timesNamed(rawHeaders, 'authorization') > 1) throw refused('credentials-ambiguous', 'Send Authorization once.');
  if (timesNamed(rawHeaders, 'content-type') > 1) throw refused('header-repeated', 'Send Content-Type once.');
  const hosts = timesNamed(rawHeaders, 'host');
  if (hosts > 1 || (hosts === 0 && httpVersion === '1.1')) throw refused('host-unclear', 'Send Host, and once.');
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked')
    throw refused('transfer-encoding-unsupported', 'Transfer-Encoding is chunked. Compress by Content-Encoding.');
}

function timesNamed(rawHeaders: readonly string[], name: string): number {
  let times = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const header = rawHeaders[at];
    if (header?.length === name.length && header.toLowerCase() === name) times++;
  }
  return times;
}

/** Where a request ends may have been understood in another way too: nothing more is read behind it. */
function refused(id: string, text: string): FhirError {
  return new FhirError(400, [issue('security', id, text)], { headers: { connection: 'close' } });
}
