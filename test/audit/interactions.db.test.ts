import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeSecret } from '../../src/authorization/api-keys.ts';
import { insertApiKey } from '../../src/storage/api-keys.ts';
import { type Answered, startTestServer, type TestServer } from '../support/server.ts';
import { readTrail, type Told, type Trail } from './trail-of.ts';

/*
 * Every interaction, by every kind of caller, about a patient whom all of them may see and one whom a person may not: each leaves exactly
 * the events that are told here. Canaries stand where personal data stands.
 */

let server: TestServer;
let trail: Trail;
const since = new Date().toISOString();

const canary = 'qzxvcanaryword';
const today = new Date().toISOString().slice(0, 10);
const observation = (of: string, more: object = {}) => ({
  resourceType: 'Observation',
  status: 'final',
  code: { text: canary },
  subject: { reference: `Patient/${of}` },
  ...more,
});

type Caller = 'system' | 'patient' | 'clinician' | 'key' | 'nobody';
type Headers = Readonly<Record<string, string>>;
const credentials = new Map<Caller, Headers>([['nobody', {}]]);
let keyId = '';

/** What an interaction asks for, of the observation `id` of a patient. */
type Interaction = {
  readonly name: string;
  readonly method: string;
  readonly path: (id: string, of: string) => string;
  readonly body?: (id: string, of: string) => unknown;
  readonly headers?: Headers;
  /** Who is answered with success, about a patient he may see and about the one a person may not. */
  readonly allowed: { readonly seen: readonly Caller[]; readonly hidden: readonly Caller[] };
  /** Who is told of success though there is nothing that he may see, and nothing is done. */
  readonly inVain?: readonly Caller[];
  readonly kind: string;
  /** Of success; of refusal `asked`, or the same without its version. */
  readonly data?: (id: string) => string;
  readonly asked?: (id: string) => string;
  readonly patients?: 'found' | 'none';
  readonly query?: true;
  readonly operation?: string;
};

const readers = { seen: ['system', 'patient', 'clinician', 'key'], hidden: ['system', 'key'] } as const;
const finders = { seen: readers.seen, hidden: readers.seen } as const;
const writers = { seen: ['system', 'clinician'], hidden: ['system'] } as const;
const nobody = { seen: [], hidden: [] } as const;
const at = (id: string): string => `/Observation/${id}`;
const json = { 'content-type': 'application/json-patch+json' };
const form = { 'content-type': 'application/x-www-form-urlencoded' };
const byTag = (id: string): string => `/Observation?identifier=http://example.org/t|${id}`;

const interactions: readonly Interaction[] = [
  { name: 'read', method: 'GET', path: at, allowed: readers, kind: 'read', data: (id) => `Observation/${id}` },
  { name: 'HEAD', method: 'HEAD', path: at, allowed: readers, kind: 'read', data: (id) => `Observation/${id}` },
  {
    name: 'read of what is known already',
    method: 'GET',
    path: at,
    headers: { 'if-none-match': 'W/"1"' },
    allowed: readers,
    kind: 'read',
    data: (id) => `Observation/${id}`,
  },
  {
    name: 'vread',
    method: 'GET',
    path: (id) => `${at(id)}/_history/1`,
    allowed: readers,
    kind: 'vread',
    data: (id) => `Observation/${id}/_history/1`,
    asked: (id) => `Observation/${id}/_history/1`,
  },
  {
    name: 'update',
    method: 'PUT',
    path: at,
    body: (id, of) => observation(of, { id, note: [{ text: canary }] }),
    allowed: writers,
    kind: 'update',
    data: (id) => `Observation/${id}/_history/2`,
  },
  {
    name: 'update that changes nothing',
    method: 'PUT',
    path: at,
    body: (id, of) => observation(of, { id, identifier: [{ system: 'http://example.org/t', value: id }] }),
    allowed: writers,
    kind: 'update',
    data: (id) => `Observation/${id}/_history/1`,
  },
  {
    name: 'update of another version',
    method: 'PUT',
    path: at,
    headers: { 'if-match': 'W/"7"' },
    body: (id, of) => observation(of, { id }),
    allowed: nobody,
    kind: 'update',
    asked: (id) => `Observation/${id}`,
  },
  {
    name: 'patch',
    method: 'PATCH',
    path: at,
    headers: json,
    body: () => JSON.stringify([{ op: 'add', path: '/note', value: [{ text: canary }] }]),
    allowed: writers,
    kind: 'patch',
    data: (id) => `Observation/${id}/_history/2`,
  },
  {
    name: 'delete',
    method: 'DELETE',
    path: at,
    allowed: writers,
    inVain: ['clinician'],
    kind: 'delete',
    data: (id) => `Observation/${id}/_history/1`,
  },
  {
    name: 'conditional update',
    method: 'PUT',
    path: byTag,
    body: (_, of) => observation(of, { note: [{ text: canary }] }),
    allowed: writers,
    kind: 'update',
    data: (id) => `Observation/${id}/_history/2`,
    asked: () => 'Observation',
    query: true,
  },
  {
    name: 'conditional patch',
    method: 'PATCH',
    path: byTag,
    headers: json,
    body: () => JSON.stringify([{ op: 'add', path: '/note', value: [{ text: canary }] }]),
    allowed: writers,
    kind: 'patch',
    data: (id) => `Observation/${id}/_history/2`,
    asked: () => 'Observation',
    query: true,
  },
  {
    name: 'history of one',
    method: 'GET',
    path: (id) => `${at(id)}/_history`,
    allowed: readers,
    kind: 'history-instance',
    data: (id) => `Observation/${id}`,
    query: true,
  },
  { name: 'search', method: 'GET', path: byTag, allowed: finders, kind: 'search', patients: 'found', query: true },
  {
    name: 'search by a form',
    method: 'POST',
    path: () => '/Observation/_search',
    headers: form,
    body: (id) => `identifier=http://example.org/t|${id}`,
    allowed: finders,
    kind: 'search',
    patients: 'found',
    query: true,
  },
  {
    name: 'search of several types',
    method: 'GET',
    path: (id) => `/?_id=${id}&_type=Observation`,
    allowed: finders,
    kind: 'search',
    patients: 'found',
    query: true,
  },
  {
    name: 'search without matches',
    method: 'GET',
    path: () => byTag('none'),
    allowed: finders,
    kind: 'search',
    patients: 'none',
    query: true,
  },
  {
    name: '$validate of one',
    method: 'GET',
    path: (id) => `${at(id)}/$validate`,
    allowed: readers,
    kind: 'operation',
    data: (id) => `Observation/${id}`,
    operation: '$validate',
    query: true,
  },
  {
    name: 'an operation that is none',
    method: 'GET',
    path: (id) => `${at(id)}/$guess`,
    allowed: nobody,
    kind: 'operation',
    asked: (id) => `Observation/${id}`,
    operation: '$guess',
    query: true,
  },
  {
    name: 'a method that is none',
    method: 'POST',
    path: at,
    allowed: nobody,
    kind: 'unknown-interaction',
    asked: (id) => `Observation/${id}`,
    query: true,
  },
  {
    name: 'a path that is none',
    method: 'GET',
    path: (id) => `${at(id)}/_history/1/x`,
    allowed: nobody,
    kind: 'unknown-interaction',
    query: true,
  },
  { name: 'a type that is none', method: 'GET', path: () => `/${canary}/1`, allowed: nobody, kind: 'read' },
];

type Sent = {
  readonly interaction: Interaction;
  readonly caller: Caller;
  readonly of: 'ann' | 'bob';
  readonly id: string;
  answer: Answered;
};
const sent = new Map<string, Sent>();

async function send(interaction: Interaction, caller: Caller, of: 'ann' | 'bob'): Promise<void> {
  const id = `o${sent.size}`;
  const requestId = `r-${sent.size}`;
  const identifier = [{ system: 'http://example.org/t', value: id }];
  const made = await server.request('PUT', at(id), { body: observation(of, { id, identifier }) });
  expect(made.status, made.text).toBe(201);
  const body = interaction.body?.(id, of);
  const answer = await server.request(interaction.method, interaction.path(id, of), {
    token: null,
    headers: { ...credentials.get(caller), ...interaction.headers, 'x-request-id': requestId },
    ...(body === undefined ? {} : { body }),
  });
  sent.set(requestId, { interaction, caller, of, id, answer });
}

beforeAll(async () => {
  server = await startTestServer();
  const put = async (resource: { resourceType: string; id: string }): Promise<void> => {
    const { status, text } = await server.request('PUT', `/${resource.resourceType}/${resource.id}`, { body: resource });
    expect(status, text).toBe(201);
  };
  for (const id of ['ann', 'bob']) await put({ resourceType: 'Patient', id, name: [{ family: canary }] } as never);
  await put({ resourceType: 'Practitioner', id: 'doe' });
  await put({
    resourceType: 'Encounter',
    id: 'visit',
    status: 'finished',
    class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
    subject: { reference: 'Patient/ann' },
    participant: [{ individual: { reference: 'Practitioner/doe' } }],
    period: { start: today, end: today },
  } as never);
  const bearer = async (options: Parameters<TestServer['token']>[0]): Promise<Headers> => ({
    authorization: `Bearer ${await server.token(options)}`,
  });
  const { id, text, hash } = makeSecret();
  keyId = id;
  const expiresAt = new Date(Date.now() + 3_600_000);
  const key = {
    id,
    name: 'feed',
    scopes: ['system/Observation.rs'],
    roles: [],
    patient: null,
    fhirUser: null,
    expiresAt,
    secretHash: hash,
  };
  await insertApiKey(server.services.context.pool, key);
  credentials.set('system', await bearer({ scope: 'system/*.cruds' }));
  credentials.set('patient', await bearer({ scope: 'patient/*.rs', patient: 'ann', user: 'Patient/ann', roles: ['patient'] }));
  credentials.set('clinician', await bearer({ scope: 'user/*.cruds', user: 'Practitioner/doe', roles: ['provider'] }));
  credentials.set('key', { 'x-api-key': text });
  for (const interaction of interactions)
    for (const caller of ['system', 'patient', 'clinician', 'key', 'nobody'] as const)
      for (const of of ['ann', 'bob'] as const) await send(interaction, caller, of);
  trail = await readTrail(server, since);
}, 180_000);
afterAll(() => server?.stop());

const names: Readonly<Record<Caller, () => string>> = {
  system: () => 'developer',
  patient: () => 'Patient/ann',
  clinician: () => 'Practitioner/doe',
  key: () => keyId,
  nobody: () => '127.0.0.1',
};

function lineOf({ interaction, caller, id, of }: Sent): string {
  // Nobody's body is read.
  const isForm = caller !== 'nobody' && interaction.path(id, of).endsWith('_search');
  const body = isForm ? `\n\n${String(interaction.body?.(id, of))}` : '';
  return `${interaction.method} ${new URL(`${server.base}${interaction.path(id, of)}`).href.slice(server.origin.length)}${body}`;
}

function expected(each: Sent): Told {
  const { interaction, caller, of, id } = each;
  const { kind, data, asked = data, patients, query, operation, allowed } = interaction;
  const isAllowed = (of === 'ann' ? allowed.seen : allowed.hidden).includes(caller);
  const common = {
    kind,
    by: names[caller](),
    ...(query === undefined ? {} : { query: lineOf(each) }),
    ...(operation === undefined ? {} : { operation }),
  };
  if (of === 'bob' && interaction.inVain?.includes(caller) === true) return { ...common, outcome: '0', data: `Observation/${id}` };
  if (!isAllowed) {
    const about = asked === undefined ? undefined : asked(id).replace(kind === 'vread' ? /$^/ : /\/_history\/\d+$/, '');
    return { ...common, outcome: '4', ...(about === undefined ? {} : { data: about }) };
  }
  const isFound = patients !== 'none' && (patients !== 'found' || readers[of === 'ann' ? 'seen' : 'hidden'].some((who) => who === caller));
  return {
    ...common,
    outcome: '0',
    ...(data === undefined ? {} : { data: data(id) }),
    ...(isFound ? { patient: `Patient/${of}` } : {}),
  };
}

describe.each(interactions.map((interaction) => [interaction.name, interaction] as const))('%s', (_, interaction) => {
  test.each(['system', 'patient', 'clinician', 'key', 'nobody'] as const)('by %s leaves one event that tells what came of it', (caller) => {
    for (const [requestId, each] of sent) {
      if (each.interaction !== interaction || each.caller !== caller) continue;
      const expectation = expected(each);
      expect(each.answer.status < 400, `${each.of}: ${each.answer.status} ${each.answer.text}`).toBe(expectation.outcome === '0');
      expect(each.answer.headers.get('x-request-id')).toBe(requestId);
      expect(trail.told(requestId), each.of).toEqual([expectation]);
    }
  });
});
