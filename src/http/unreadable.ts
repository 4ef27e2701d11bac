import { ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type Issue, issue } from '../fhir/error.ts';
import { outcomeJson } from '../fhir/outcome.ts';
import { fhirJson } from './respond.ts';

const lingerMs = 1_000;

/** Answers what Node refuses before it is a request (its `clientError`): an outcome like any other, and the connection ends. */
export function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  // A handshake that failed leaves nothing to answer over.
  if (error.code === 'ECONNRESET' || /^ERR_(?:SSL|TLS)_/.test(error.code ?? '') || !socket.writable) {
    socket.destroy();
    return;
  }
  const answer = answerOn(socket);
  if (answer?.req.complete === true) {
    // The fault is behind a request that came whole: it has its own answer, and is the last.
    answer.shouldKeepAlive = false;
    answer.once('finish', () => socket.destroySoon());
    return;
  }
  // Nothing may be put behind what has begun.
  if (answer?.headersSent === true) {
    socket.destroy();
    return;
  }
  const { status, found } = faultOf(error.code);
  const body = outcomeJson([found]);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    'Cache-Control: no-store',
    `Content-Type: ${fhirJson}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  // A client that is still sending would lose the answer to a reset: what it sends is read for a moment, and dropped.
  socket.resume();
  setTimeout(() => socket.destroy(), lingerMs).unref();
}

function faultOf(code: string | undefined): { readonly status: number; readonly found: Issue } {
  if (code === 'HPE_HEADER_OVERFLOW') {
    const text = 'The URL and headers are too long together. Search by POST to _search instead.';
    return { status: 431, found: issue('too-long', 'headers-too-long', text) };
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return { status: 408, found: issue('timeout', 'request-timeout', 'The request took too long to arrive. Send it again.') };
  }
  return { status: 400, found: issue('structure', 'request-malformed', 'What was sent is no HTTP request.') };
}

/** The answer that is to be given, or is being given, on the socket. */
function answerOn(socket: Socket): ServerResponse | undefined {
  const message: unknown = Reflect.get(socket, '_httpMessage');
  return message instanceof ServerResponse ? message : undefined;
}
