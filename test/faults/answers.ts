import { setTimeout as delay } from 'node:timers/promises';

/** What came back of all that was asked of a server: kept outside of it, to hold it to its word after a crash. */
export type Answers = {
  /** What was answered, and the request it was the answer to: each has an event in the audit trail. */
  readonly answered: { readonly requestId: string; readonly what: string }[];
  /** Status of each answer; `lost` for a request that got none. */
  readonly statuses: Map<number | 'lost', number>;
  /** Of each that got none: what was asked, after how long it was given up, and why. */
  readonly lost: string[];
};

export const newAnswers = (): Answers => ({ answered: [], statuses: new Map(), lost: [] });

export type Target = { readonly base: string; readonly token: string };

/** What asks a server for things while it is killed, and holds it to its word then. */
export type Load = {
  readonly answers: Answers;
  /** One worker, until it is told to stop. */
  readonly work: (worker: number, stopped: () => boolean) => Promise<void>;
  /** @returns every promise that the server broke, in words; empty if it kept them all */
  readonly broken: () => Promise<string[]>;
  /** How much the server has promised, by kind. */
  readonly acknowledged: () => Readonly<Record<string, number>>;
};

export type Received = { readonly status: number; readonly headers: Headers; readonly bytes: Buffer };

/** Asks, and notes what comes back; undefined for no answer. */
export async function exchange(
  answers: Answers,
  url: string,
  init: RequestInit & { readonly method: string },
): Promise<Received | undefined> {
  const what = `${init.method} ${new URL(url).pathname}`;
  const at = performance.now();
  let status: number | 'lost' = 'lost';
  try {
    const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(30_000) });
    const bytes = Buffer.from(await answer.arrayBuffer());
    status = answer.status;
    const requestId = answer.headers.get('x-request-id');
    // What could not be recorded was not done.
    if (requestId !== null && status !== 503) answers.answered.push({ requestId, what: `${what} ${status}` });
    return { status, headers: answer.headers, bytes };
  } catch (error) {
    const { message, cause } = error as Error;
    const why = `${message} ${cause instanceof Error ? cause.message : ''}`;
    answers.lost.push(`${what} after ${Math.round(performance.now() - at)} ms: ${why}`);
    return undefined;
  } finally {
    answers.statuses.set(status, (answers.statuses.get(status) ?? 0) + 1);
  }
}

/** Asks until there is an answer, of a server that nobody kills: PostgreSQL may notice only now that one of its own was killed, and recover. */
export async function insist<T extends { readonly status: number }>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  let answer = await ask();
  for (let again = 0; (answer === undefined || answer.status === 503) && again < 300; again++) {
    await delay(100);
    answer = await ask();
  }
  if (answer === undefined) throw new Error(`no answer to ${what}`);
  return answer;
}
