import { setTimeout as delay } from 'node:timers/promises';
import { contractPath, described } from '../support/contract.ts';
import { type Answers, exchange, insist, newAnswers } from './answers.ts';

export type Ask = {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  /** In place of JSON. */
  readonly file?: { readonly type: string; readonly bytes: Buffer; readonly isSlow?: boolean };
  readonly headers?: Readonly<Record<string, string>>;
  /** Another than the load's; none, if it is empty. */
  readonly token?: string;
};

export type Told = {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- what is in an answer follows from what was asked
  readonly json: any;
};

/** A request that is repeated with the same Idempotency-Key until it is answered. */
export type Keyed = {
  readonly ask: Ask;
  readonly key: string;
  readonly status: number;
  /** The first answer. */
  told?: Told;
};

/** The native API as the load asks it. */
export type Native = {
  readonly answers: Answers;
  readonly token: string;
  /** What was answered otherwise than it may be, in words. */
  readonly faults: string[];
  /** @param statuses  that may be answered, beside 503; undefined: no answer, or 503 */
  readonly ask: (ask: Ask, statuses: readonly number[]) => Promise<Told | undefined>;
  /** The same of what leaves no event, or what may be broken off: no answer to it is noted. */
  readonly peek: (ask: Ask, statuses: readonly number[]) => Promise<Told | undefined>;
  /** The same, asked until there is an answer, of a server that nobody kills. */
  readonly look: (path: string, statuses?: readonly number[]) => Promise<Told>;
  /** Asks with an Idempotency-Key until there is an answer; undefined: it was told to stop before, and is gone on with by `settle`. */
  readonly once: (keyed: Keyed) => Promise<Told | undefined>;
  /** Asks all again that got no answer. */
  readonly settle: () => Promise<void>;
  /** All rows of a list. */
  readonly rows: (path: string) => Promise<readonly Row[]>;
  stopped: () => boolean;
};

// oxlint-disable-next-line typescript/no-explicit-any -- rows of many lists
export type Row = Readonly<Record<string, any>>;

export function nativeClient(origin: string, token: string, answers: Answers): Native {
  const faults: string[] = [];
  const pending = new Set<Keyed>();

  async function raw(ask: Ask, into = answers): Promise<Told | undefined> {
    const { method, path, token: other = token } = ask;
    const credentials: Record<string, string> = other === '' ? {} : { authorization: `Bearer ${other}` };
    const init = { method, headers: { ...credentials, ...ask.headers, ...typeOf(ask) }, ...bodyOf(ask) };
    const received = await exchange(into, `${origin}/api/v1${path}`, init);
    if (received === undefined) return undefined;
    const text = received.headers.get('content-type')?.startsWith('application/json') === true ? received.bytes.toString() : '';
    const body = text === '' && received.bytes.length > 0 ? undefined : text;
    faults.push(...(await described()).faultsOf(method, contractPath(`${origin}/api/v1${path}`) ?? '', { ...received, body }));
    return { ...received, text, json: text === '' ? undefined : JSON.parse(text) };
  }

  const fault = ({ method, path }: Ask, { status, text }: Told): void => {
    faults.push(`${method} ${path}: ${status} ${text.slice(0, 500)}`);
  };

  async function asked(ask: Ask, statuses: readonly number[], into = answers): Promise<Told | undefined> {
    const told = await raw(ask, into);
    if (told === undefined || told.status === 503) return undefined;
    if (!statuses.includes(told.status)) fault(ask, told);
    return told;
  }

  /** One try; undefined: to be repeated. What is answered twice is answered alike. */
  async function tried(keyed: Keyed): Promise<Told | undefined> {
    const { ask, key, status } = keyed;
    const told = await raw({ ...ask, headers: { ...ask.headers, 'idempotency-key': key } });
    if (told === undefined || told.status === 503 || (told.status === 409 && told.headers.has('retry-after'))) return undefined;
    if (told.status !== status) fault(ask, told);
    const { told: first } = keyed;
    if (first === undefined) keyed.told = told;
    else if (wordsOf(told) !== wordsOf(first) || told.headers.get('etag') !== first.headers.get('etag'))
      faults.push(`${ask.method} ${ask.path}: answered\n${first.text}\nand again\n${told.text}`);
    return told;
  }

  async function once(keyed: Keyed, until: () => boolean): Promise<Told | undefined> {
    for (;;) {
      // Who gets no answer in time sends it again while the first is at work: so does each third.
      const tries = keyed.key.length % 3 === 0 ? [tried(keyed), tried(keyed)] : [tried(keyed)];
      const told = (await Promise.all(tries)).find((each) => each !== undefined);
      if (told !== undefined) return keyed.told;
      if (until()) return undefined;
      await delay(50);
    }
  }

  const native: Native = {
    answers,
    token,
    faults,
    ask: (ask, statuses) => asked(ask, statuses),
    peek: (ask, statuses) => asked(ask, statuses, newAnswers()),
    async look(path, statuses = [200]) {
      const ask = { method: 'GET', path };
      const told = await insist(`GET ${path}`, () => raw(ask));
      if (!statuses.includes(told.status)) fault(ask, told);
      return told;
    },
    async once(keyed) {
      pending.add(keyed);
      const told = await once(keyed, native.stopped);
      if (told !== undefined) pending.delete(keyed);
      return told;
    },
    async settle() {
      const deadline = performance.now() + 120_000;
      await Promise.all([...pending].map((keyed) => once(keyed, () => performance.now() > deadline)));
      for (const { ask, told } of pending) if (told === undefined) faults.push(`${ask.method} ${ask.path}: never answered`);
      pending.clear();
    },
    async rows(path) {
      const rows: Row[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const { json }: Told = await native.look(`${path}limit=100${cursor === '' ? '' : `&cursor=${cursor}`}`);
        rows.push(...json.data);
        cursor = json.next_cursor;
      }
      return rows;
    },
    stopped: () => false,
  };
  return native;
}

/** A job's state is told as it is. */
const wordsOf = ({ status, text }: Told): string => (status === 202 ? text.replace(/"state":"\w+"/, '') : text);

function typeOf({ body, file }: Ask): Record<string, string> {
  if (file !== undefined) return { 'content-type': file.type };
  return body === undefined ? {} : { 'content-type': 'application/json' };
}

function bodyOf({ body, file }: Ask): RequestInit {
  if (file === undefined) return body === undefined ? {} : { body: JSON.stringify(body) };
  if (file.isSlow !== true) return { body: new Uint8Array(file.bytes) };
  return { body: ReadableStream.from(slowly(file.bytes)), duplex: 'half' };
}

const pieces = 8;

async function* slowly(bytes: Buffer): AsyncGenerator<Uint8Array> {
  const size = Math.ceil(bytes.length / pieces);
  for (let from = 0; from < bytes.length; from += size) {
    await delay(20);
    yield new Uint8Array(bytes.subarray(from, from + size));
  }
}
