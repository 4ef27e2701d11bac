import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answered, startTestServer, type TestServer } from '../support/server.ts';
import { type Asked, readings, standIns, writings } from './matrix-requests.ts';
import {
  callerOf,
  canary,
  denial,
  type Kind,
  kinds,
  observation,
  operators,
  put,
  recordOf,
  type Resource,
  shared,
  terminology,
  withheld,
} from './matrix-world.ts';

/*
 * Every interaction by every kind of caller: what he may not see changes nothing of what he gets. Each request is asked while the forbidden
 * rows never were, while they are there, and when they are deleted again; the three answers are the same, byte for byte but for what is new
 * each time. The last row of the matrix is a caller who sees everything: his answers do change, so that none of the requests asks in vain.
 */

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await put(server, [...shared, denial]);
  await put(
    server,
    recordOf(
      'pa',
      plainly,
      'doc',
      numbered.map((_, at) => `hh${at}`),
    ),
  );
}, 60_000);
afterAll(() => server?.stop());

/** Who sees everything, and of whom all is withheld only to learn whether the requests would tell it. */
const everyone: Kind = { name: 'who sees everything', scope: 'system/*.cruds', audits: true, sees: () => false };
/** What is in the texts of the patient whom callers may know of. */
const plainly = 'Plainly';
const numbered: readonly Kind[] = [...kinds, everyone];

/** What of the world is a row's own: the ids that stand for others, and the text that mustn't be told. */
const canaryOf = (at: number): string => `${canary}${String.fromCharCode(97 + at).repeat(2)}`;
const placed = <T>(value: T, at: number): T =>
  JSON.parse(JSON.stringify(value).replaceAll(standIns, `$1${at}`).replaceAll(canary, canaryOf(at))) as T;

const candidates: readonly Resource[] = [
  ...recordOf('hh', canary, 'other-doc', ['pa']),
  ...operators('xx', 'hh', canary),
  ...terminology('xx', canary),
  ...withheld,
  observation('pp-lab', 'pa', 'laboratory', canary, { hasMember: [{ reference: 'Observation/pa-lab' }] }),
  observation('pp-vit', 'pa', 'vital-signs', canary, { hasMember: [{ reference: 'Observation/pa-lab' }] }),
  {
    resourceType: 'Condition',
    id: 'pp-con',
    clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }] },
    code: { text: canary },
    subject: { reference: 'Patient/pa' },
  },
];
const candidatesOfWrites: readonly Resource[] = [
  ...recordOf('ww', canary, 'other-doc', ['pa']),
  ...operators('yy', 'ww', canary),
  observation('qq-vit', 'pa', 'vital-signs', canary),
];

const newEachTime = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const instants = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(?:Z|[+-]\d\d:\d\d)/g;

/** What of an answer tells anything: of ids, times and page links that are new each time only that they are there. */
function told(answers: readonly Answered[], since: number): string {
  const plain = (text: string): string =>
    text
      .replaceAll(newEachTime, 'NEW')
      .replaceAll(instants, (instant) => (Date.parse(instant) >= since ? 'NOW' : instant))
      .replaceAll(/_page=[\w%-]+/g, (page) => `_page of ${page.length}`);
  const dated = ['date', 'x-request-id', 'connection', 'keep-alive', 'last-modified'];
  return answers
    .map(({ status, headers, text }) => {
      const kept = [...headers].filter(([name]) => !dated.includes(name)).map(([name, value]) => `${name}: ${value}`);
      return plain([status, ...kept, text].join('\n'));
    })
    .join('\n');
}

const readingsOf = ({ audits }: Kind): readonly Asked[] => readings.filter(({ ofAll }) => audits !== true || ofAll !== true);

type Caller = Awaited<ReturnType<typeof callerOf>>;

async function answersTo(asked: Asked, caller: Caller): Promise<Answered[]> {
  const { method, path, headers = {}, body } = asked;
  const answers: Answered[] = [];
  for (let next: string | undefined = path; next !== undefined; ) {
    const options = {
      token: caller.token,
      headers: { ...headers, ...caller.headers, 'accept-encoding': 'identity' },
      ...(body === undefined ? {} : { body }),
    };
    const answer: Answered = await server.request(method, next, options);
    answers.push(answer);
    const isBundle = asked.paged === true && answer.status === 200;
    next = isBundle ? answer.json.link.find(({ relation }: { relation: string }) => relation === 'next')?.url : undefined;
    if (answers.length > 200) throw new Error(`${asked.name} has no end`);
  }
  return answers;
}

/** Asks all, a few at a time. */
async function askAll(list: readonly Asked[], caller: Caller, since: number): Promise<string[]> {
  const told_: string[] = [];
  for (let at = 0; at < list.length; at += 6) {
    const part = list.slice(at, at + 6).map(async (asked) => told(await answersTo(asked, caller), since));
    told_.push(...(await Promise.all(part)));
  }
  return told_;
}

const holdsCanary = (text: string, at: number): boolean => text.toLowerCase().includes(canaryOf(at).toLowerCase());
/** What the caller said himself may come back. */
const namesCanary = ({ path, body, headers }: Asked, at: number): boolean => holdsCanary(JSON.stringify([path, body, headers]), at);

describe('what a caller may not see changes no answer to him', () => {
  test.each(kinds.map((kind, at) => [kind.name, kind, at] as const))('%s', { timeout: 120_000 }, async (_, kind, at) => {
    const caller = await callerOf(server, kind);
    const hidden = placed(
      candidates.filter((resource) => !kind.sees(resource)),
      at,
    );
    const list = placed(readingsOf(kind), at);
    const since = Date.now();
    const never = await askAll(list, caller, since);
    if (hidden.length > 0) await put(server, hidden);
    const there = await askAll(list, caller, since);
    if (hidden.length > 0) await put(server, hidden.toReversed(), true);
    const gone = await askAll(list, caller, since);
    // What he may see he does see.
    expect(never.some((text) => text.includes(plainly))).toBe(recordOf('pa', plainly, 'doc', []).some(kind.sees));
    for (const [index, asked] of list.entries()) {
      expect.soft(there[index], `${kind.name}, ${asked.name}`).toBe(never[index]);
      expect.soft(gone[index], `${kind.name}, ${asked.name}, deleted`).toBe(never[index]);
      if (!namesCanary(asked, at)) expect.soft(holdsCanary(there[index] ?? '', at), `${kind.name}, ${asked.name}`).toBe(false);
      if (kind.name === 'expired') expect.soft(there[index], asked.name).toMatch(/^401\n/);
    }
  });

  test('while each request tells it to who sees everything', { timeout: 120_000 }, async () => {
    const at = numbered.indexOf(everyone);
    const caller = await callerOf(server, everyone);
    const list = placed(readingsOf(everyone), at);
    const since = Date.now();
    const never = await askAll(list, caller, since);
    await put(server, placed(candidates, at));
    const there = await askAll(list, caller, since);
    const mute = list.filter((_, index) => there[index] === never[index]).map(({ name }) => name);
    expect(mute).toEqual(list.filter((asked) => asked.mute).map(({ name }) => name));
    await put(server, placed(candidates, at).toReversed(), true);
  });
});

/** Undoes what a caller made. */
async function unmake(answers: readonly Answered[]): Promise<void> {
  const made = answers.flatMap(({ headers, text }) =>
    [...`${headers.get('location') ?? ''} ${text}`.matchAll(/([A-Z][A-Za-z]+)\/([0-9a-f-]{36})\/_history\/1/g)].map(
      ([, type, id]) => `/${type}/${id}`,
    ),
  );
  for (const path of new Set(made)) await server.request('DELETE', path);
}

describe('what a caller may not see is not written, and no answer to a write tells of it', () => {
  test.each(kinds.map((kind, at) => [kind.name, kind, at] as const))('%s', { timeout: 120_000 }, async (_, kind, at) => {
    const caller = await callerOf(server, kind);
    const { writes = kind.sees } = kind;
    const hidden = placed(
      candidatesOfWrites.filter((resource) => !writes(resource)),
      at,
    );
    const list = placed(writings, at);
    const since = Date.now();
    const askOne = async (): Promise<string[]> => {
      const answers: string[] = [];
      for (const asked of list) {
        const answered = await answersTo(asked, caller);
        answers.push(told(answered, since));
        await unmake(answered);
      }
      return answers;
    };
    const never = await askOne();
    await put(server, hidden);
    const there = await askOne();
    for (const { resourceType, id } of hidden) {
      const { json } = await server.request('GET', `/${resourceType}/${id}`);
      expect.soft(json.meta?.versionId, `${kind.name} wrote ${resourceType}/${id}`).toBe('1');
    }
    await put(server, hidden.toReversed(), true);
    const gone = await askOne();
    for (const [index, asked] of list.entries()) {
      expect.soft(there[index], `${kind.name}, ${asked.name}`).toBe(never[index]);
      expect.soft(gone[index], `${kind.name}, ${asked.name}, deleted`).toBe(never[index]);
      if (!namesCanary(asked, at)) expect.soft(holdsCanary(there[index] ?? '', at), `${kind.name}, ${asked.name}`).toBe(false);
    }
  });
});
