import http from 'node:http';

export type Answer = { readonly status: number; readonly headers: http.IncomingHttpHeaders; readonly text: string };

/** A keep-alive client with as many sockets as there are workers; node:http costs the driver less than fetch. */
export type Client = {
  request(method: string, path: string, body?: string, headers?: http.OutgoingHttpHeaders): Promise<Answer>;
  close(): void;
};

/** @param base  on loopback: this drives a server as hard as it can */
export function openClient(base: string, token: string | undefined, sockets: number): Client {
  const url = new URL(base);
  if (!['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname)) throw new Error('the benchmark only drives servers on loopback');
  const prefix = url.pathname.replace(/\/$/, '');
  const agent = new http.Agent({ keepAlive: true, maxSockets: sockets, maxFreeSockets: sockets, scheduling: 'lifo' });
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const request = (method: string, path: string, body?: string, extra: http.OutgoingHttpHeaders = {}): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const content = body === undefined ? {} : { 'content-type': 'application/fhir+json', 'content-length': Buffer.byteLength(body) };
      const headers = { accept: 'application/fhir+json', ...authorization, ...content, ...extra };
      const sent = http.request({ host: url.hostname, port: url.port, method, path: prefix + path, headers, agent }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString('utf8') }),
        );
        response.on('error', reject);
      });
      sent.setTimeout(120_000, () => sent.destroy(new Error('no answer within 120 s')));
      sent.on('error', reject);
      sent.end(body);
    });
  return { request, close: () => agent.destroy() };
}

/** The answer is not what it must be: counted as an error. */
export class WrongAnswer extends Error {
  override readonly name = 'WrongAnswer';
}

export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new WrongAnswer(what);
}

/**
 * An answer as the checks take it to be: the members they look at, as if all were there. One that isn't there makes a check
 * throw, which counts as an error.
 */
export type Foreign = {
  readonly resourceType: string;
  readonly id: string;
  readonly meta: { readonly versionId: string };
  readonly birthDate: string;
  readonly effectiveDateTime: string;
  readonly name: readonly [{ readonly family: string }];
  readonly telecom: readonly [{ value: string }];
  readonly code: { readonly coding: readonly [{ readonly code: string }] };
  readonly subject: { readonly reference: string };
  readonly valueQuantity: { readonly value: number };
};

export type ForeignBundle = {
  readonly resourceType: string;
  readonly type: string;
  readonly entry?: readonly {
    readonly resource?: Foreign;
    readonly search?: { readonly mode?: string };
    readonly response?: { readonly status?: string; readonly location?: string };
  }[];
};

export function resourceOf(answer: Answer, status: number): Foreign {
  return jsonOf(answer, status) as Foreign;
}

export function bundleOf(answer: Answer, status: number): ForeignBundle {
  return jsonOf(answer, status) as ForeignBundle;
}

function jsonOf(answer: Answer, status: number): unknown {
  must(answer.status === status, `status ${answer.status}, wanted ${status}: ${answer.text.slice(0, 160)}`);
  return JSON.parse(answer.text);
}
