import { setTimeout as wait } from 'node:timers/promises';
import { outcomeText, parsed } from './answers.ts';

export type Answer = { readonly status: number; readonly headers: Headers; readonly text: string };

export type RequestOptions = { readonly body?: Uint8Array | string; readonly headers?: Readonly<Record<string, string>> };

export type FhirClient = {
  /** @param path  under the base: `/Patient/1`, or empty for the base itself */
  send(method: string, path: string, options?: RequestOptions): Promise<Answer>;
  /** Answers that were not taken but asked for again, by status. */
  readonly retried: ReadonlyMap<number, number>;
};

export type ClientOptions = {
  readonly base: string;
  /** A fixed token. */
  readonly token?: string | undefined;
  /** Makes a token when there is no fixed one, and again when it is refused. */
  readonly mintToken?: (() => Promise<string>) | undefined;
  readonly attemptsMax?: number;
  /** For tests: waits that long. */
  readonly sleep?: (ms: number) => Promise<unknown>;
};

/** The server can't be used at all: not reached, or our token is refused. There is no point in going on. */
export class ServerUnusable extends Error {
  override readonly name = 'ServerUnusable';
}

/** Answers that say "not now": a conflict with a neighbour, too many requests, not ready. */
export const RETRIED: ReadonlySet<number> = new Set([409, 412, 429, 503]);
const WAIT_MAX_MS = 30_000;
const WAIT_FIRST_MS = 200;

/** A FHIR client that asks again, a bounded number of times, where that is safe: when the server says it did nothing. */
export function makeClient(options: ClientOptions): FhirClient {
  const base = options.base.replace(/\/+$/, '');
  const attemptsMax = options.attemptsMax ?? 5;
  const sleep = options.sleep ?? ((ms: number) => wait(ms));
  const retried = new Map<number, number>();
  let minted: Promise<string> | undefined;
  const token = (): string | Promise<string> | undefined => options.token ?? (minted ??= options.mintToken?.());

  const send = async (method: string, path: string, request: RequestOptions = {}): Promise<Answer> => {
    let isRenewed = false;
    for (let attempt = 1; ; attempt++) {
      const used = token();
      const answer = await exchange(`${base}${path}`, method, request, await used);
      if (answer === undefined) {
        if (attempt >= attemptsMax) throw new ServerUnusable(`no server answers at ${base}`);
        await sleep(delayMs(attempt, undefined));
      } else if (answer.status === 401) {
        if (isRenewed || options.token !== undefined || options.mintToken === undefined)
          throw new ServerUnusable(`${base} refuses the token: 401 ${outcomeText(parsed(answer.text)) ?? ''}`.trimEnd());
        // Of several requests that met the old token only the first asks for a new one.
        if (minted === used) minted = undefined;
        isRenewed = true;
      } else if (RETRIED.has(answer.status) && attempt < attemptsMax) {
        retried.set(answer.status, (retried.get(answer.status) ?? 0) + 1);
        await sleep(delayMs(attempt, answer.headers.get('retry-after')));
      } else return answer;
    }
  };
  return { send, retried };
}

/** One request; undefined if no connection came about, so that nothing can have been done. */
async function exchange(url: string, method: string, request: RequestOptions, token: string | undefined): Promise<Answer | undefined> {
  const headers: Record<string, string> = { accept: 'application/fhir+json', ...request.headers };
  if (request.body !== undefined) headers['content-type'] ??= 'application/fhir+json';
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
  try {
    const response = await fetch(url, {
      method,
      headers,
      ...(request.body === undefined ? {} : { body: bodyOf(request.body) }),
      redirect: 'error',
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  } catch (error) {
    const code = networkCode(error);
    if (code === 'ECONNREFUSED') return undefined;
    throw new Error(`no answer (${code ?? 'connection failed'}); whether it was carried out is not known`, { cause: error });
  }
}

function bodyOf(body: Uint8Array | string): string | Uint8Array<ArrayBuffer> {
  return typeof body === 'string' ? body : new Uint8Array(body.buffer as ArrayBuffer, body.byteOffset, body.byteLength);
}

function networkCode(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
    if (cause instanceof AggregateError && cause.errors.length > 0) return networkCode(cause.errors[0]);
  }
  return undefined;
}

/** How long to wait before the next attempt: what the server asks for, else 0.2 s and twice that each time, within limits. */
export function delayMs(attempt: number, retryAfter: string | null | undefined, now = Date.now()): number {
  const asked =
    retryAfter === null || retryAfter === undefined
      ? Number.NaN
      : /^\d+$/.test(retryAfter.trim())
        ? Number(retryAfter) * 1000
        : Date.parse(retryAfter) - now;
  const own = WAIT_FIRST_MS * 2 ** (attempt - 1) * (0.75 + Math.random() / 2);
  return Math.min(WAIT_MAX_MS, Number.isNaN(asked) ? own : Math.max(0, asked));
}
