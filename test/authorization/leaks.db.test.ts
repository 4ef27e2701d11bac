import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { filterSql, type FilterUse, longListOf, type RowFilter } from '../../src/storage/filter.ts';
import { sqlValues, statement } from '../../src/storage/sql.ts';
import { type Answered, type RequestOptions, startTestServer, type TestServer } from '../support/server.ts';
import { category, observation, put, type Resource } from './matrix-world.ts';

/** Ways around a filter that are no single interaction's: scopes beside each other, versions that references name, who is not known. */

let server: TestServer;

const coding = (system: string, code: string) => ({ coding: [{ system, code }] });
const psychiatry = { meta: { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'PSY' }] } };
const denialOf = (id: string, patient: string, provision: object): Resource => ({
  resourceType: 'Consent',
  id,
  status: 'active',
  scope: coding('http://terminology.hl7.org/CodeSystem/consentscope', 'patient-privacy'),
  category: [coding('http://loinc.org', '59284-0')],
  patient: { reference: `Patient/${patient}` },
  policyRule: coding('http://terminology.hl7.org/CodeSystem/v3-ActCode', 'OPTIN'),
  provision: { type: 'deny', ...provision },
});
const actor = (reference: string) => ({
  role: coding('http://terminology.hl7.org/CodeSystem/v3-ParticipationType', 'PRCP'),
  reference: { reference },
});
const encounter = (id: string, patient: string, practitioner: string): Resource => ({
  resourceType: 'Encounter',
  id,
  status: 'in-progress',
  class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
  subject: { reference: `Patient/${patient}` },
  participant: [{ individual: { reference: `Practitioner/${practitioner}` } }],
  period: { start: new Date().toISOString().slice(0, 10) },
});
const ask = async (token: string, path: string, options: RequestOptions = {}): Promise<Answered> =>
  server.request('GET', path, { ...options, token });
const named = ({ json }: Answered): string[] => (json.entry ?? []).map(({ resource }: { resource: { id: string } }) => resource.id).sort();

beforeAll(async () => {
  server = await startTestServer();
  await put(server, [
    { resourceType: 'Practitioner', id: 'doe' },
    { resourceType: 'Practitioner', id: 'idle' },
    { resourceType: 'Patient', id: 'ann' },
    { resourceType: 'Patient', id: 'bob' },
    encounter('enc-ann', 'ann', 'doe'),
    observation('ann-lab', 'ann', 'laboratory', 'ann'),
    observation('bob-lab', 'bob', 'laboratory', 'bob'),
    observation('bob-vit', 'bob', 'vital-signs', 'bob'),
  ]);
}, 60_000);
afterAll(() => server?.stop());

describe('scopes beside each other', () => {
  const whole = 'user/Observation.rs';
  const narrow = `user/Observation.rs?category=${category}|laboratory`;
  test.each([`${whole} ${narrow}`, `${narrow} ${whole}`, `${narrow} user/Observation.rs?category=${category}|vital-signs`])(
    'give nothing to who cares for nobody: %s',
    async (scope) => {
      for (const roles of [['provider'], ['patient'], ['viewer', 'patient']]) {
        const token = await server.token({ scope, user: 'Practitioner/idle', roles });
        expect(named(await ask(token, '/Observation')), roles.join()).toEqual([]);
        expect((await ask(token, '/Observation/bob-lab')).status).toBe(404);
      }
    },
  );
  test.each([`${whole} ${narrow}`, `${narrow} ${whole}`])('give to who cares for somebody that patient’s: %s', async (scope) => {
    expect(named(await ask(await server.token({ scope, user: 'Practitioner/doe' }), '/Observation'))).toEqual(['ann-lab']);
  });
});

describe('a version that a reference names', () => {
  test('is not included where a label took the resource away since', async () => {
    await put(server, [observation('ann-old', 'ann', 'survey', 'withheldword')]);
    await put(server, [{ ...observation('ann-old', 'ann', 'survey', 'withheldword'), ...psychiatry }]);
    await put(server, [observation('ann-new', 'ann', 'survey', 'plain', { hasMember: [{ reference: 'Observation/ann-old/_history/1' }] })]);
    const token = await server.token({ scope: 'user/*.rs', user: 'Practitioner/doe' });
    for (const asked of ['_include=Observation:has-member', '_include=*', '_include:iterate=Observation:has-member']) {
      const { text } = await ask(token, `/Observation?_id=ann-new&${asked}`);
      expect(text, asked).not.toContain('withheldword');
      expect((await server.request('GET', `/Observation?_id=ann-new&${asked}`)).text, asked).toContain('withheldword');
    }
    expect((await ask(token, '/Patient/ann/$everything')).text).not.toContain('withheldword');
    expect((await ask(token, '/Observation/ann-old/_history/1')).status).toBe(404);
  });
});

describe('who is named by a consent', () => {
  test('by his care team is denied where all are cared for, too', async () => {
    const open = await startTestServer({ CARE_RELATIONSHIPS: 'all' });
    try {
      await put(open, [
        { resourceType: 'Patient', id: 'ann' },
        observation('one', 'ann', 'survey', 'one'),
        { resourceType: 'CareTeam', id: 'team', status: 'active', participant: [{ member: { reference: 'Practitioner/doe' } }] },
        denialOf('no', 'ann', { actor: [actor('CareTeam/team')] }),
      ]);
      const seen = async (token: string): Promise<string[]> => named(await open.request('GET', '/Observation', { token }));
      expect(await seen(await open.token({ scope: 'user/*.rs', user: 'Practitioner/doe' }))).toEqual([]);
      expect(await seen(await open.token({ scope: 'user/*.rs', user: 'Practitioner/other' }))).toEqual(['one']);
      // Of whom only the role is told may be anybody.
      expect(await seen(await open.token({ scope: 'user/*.rs', roles: ['provider'] }))).toEqual([]);
    } finally {
      await open.stop();
    }
  }, 30_000);

  test('by a care team is permitted while that is in force', async () => {
    const team = (end: string | undefined): Resource => ({
      resourceType: 'CareTeam',
      id: 'named',
      status: 'active',
      period: { start: '2020-01-01', ...(end === undefined ? {} : { end }) },
      participant: [{ member: { reference: 'Practitioner/doe' } }],
    });
    const permission = denialOf('yes', 'bob', { type: 'permit', actor: [actor('CareTeam/named')] });
    const token = await server.token({ scope: 'user/Observation.rs', user: 'Practitioner/doe' });
    await put(server, [team(undefined), permission]);
    expect((await ask(token, '/Observation/bob-lab')).status).toBe(200);
    await put(server, [team('2021-01-01')]);
    expect((await ask(token, '/Observation/bob-lab')).status).toBe(404);
    await put(server, [permission], true);
  });

  test('is bound by a provision from its first instant, and to its last', async () => {
    const token = await server.token({ scope: 'user/Observation.rs', user: 'Practitioner/doe' });
    const [start, end] = [Date.now() + 1_500, Date.now() + 3_000];
    const period = { start: new Date(start).toISOString(), end: new Date(end).toISOString() };
    await put(server, [denialOf('soon', 'ann', { period })]);
    const heard: string[] = [];
    for (let now = Date.now(); now < end + 500; now = Date.now()) {
      const { status } = await ask(token, '/Observation/ann-lab');
      // What was asked across a border may be answered by either side.
      if (now >= start && Date.now() < end) heard.push(`within ${status}`);
      if (now > end + 5 || Date.now() < start) heard.push(`outside ${status}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect([...new Set(heard)].sort()).toEqual(['outside 200', 'within 404']);
    await put(server, [denialOf('soon', 'ann', { period })], true);
  });
});

describe('what is asked about a profile', () => {
  const profile = (url: string, constraint: object): Resource => ({
    resourceType: 'StructureDefinition',
    id: url.slice(4),
    url,
    name: 'Quoted',
    status: 'active',
    kind: 'resource',
    abstract: false,
    type: 'Observation',
    baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Observation',
    derivation: 'constraint',
    differential: { element: [{ id: 'Observation', path: 'Observation', constraint: [constraint] }] },
  });
  const asked = (token: string, url: string, body: Resource): Promise<Answered> =>
    server.request('POST', `/Observation/$validate?profile=${url}`, { token, body });
  const claiming = (url: string): Resource => observation('claims', 'ann', 'laboratory', 'claims', { meta: { profile: [url] } });

  test('that is hidden is answered as about one that isn’t there', async () => {
    await put(server, [profile('urn:quoted', { key: 'q-1', severity: 'error', human: 'quotedword', expression: "status = 'amended'" })]);
    const plain = observation('claims', 'ann', 'laboratory', 'claims');
    for (const scope of ['patient/Observation.cruds', 'patient/Observation.c', 'patient/*.c']) {
      const token = await server.token({ scope, patient: 'ann' });
      for (const ask of [(url: string) => asked(token, url, plain), (url: string) => asked(token, url, claiming(url))]) {
        const [there, never] = [await ask('urn:quoted'), await ask('urn:nothing')];
        expect(there.status, there.text).toBe(200);
        expect(there.text).not.toContain('quotedword');
        expect(there.text.replaceAll('urn:quoted', 'URL')).toBe(never.text.replaceAll('urn:nothing', 'URL'));
      }
    }
  });

  test('is answered to who may read it, and forgotten when it changes', async () => {
    const token = await server.token({ scope: 'patient/Observation.c patient/StructureDefinition.r', patient: 'ann' });
    expect((await asked(token, 'urn:quoted', observation('x', 'ann', 'laboratory', 'x'))).text).toContain('quotedword');
    await put(server, [profile('urn:quoted', { key: 'q-1', severity: 'error', human: 'anotherword', expression: "status = 'amended'" })]);
    const { text } = await asked(token, 'urn:quoted', observation('x', 'ann', 'laboratory', 'x'));
    expect(text).toContain('anotherword');
    expect(text).not.toContain('quotedword');
  });
});

describe('what is a patient’s though it is in no compartment', () => {
  const of = (id: string) => ({ reference: `Patient/${id}` });
  const device = (id: string, patient?: string): Resource => ({
    resourceType: 'Device',
    id,
    ...(patient === undefined ? {} : { patient: of(patient) }),
  });
  const task = (id: string, patient: string): Resource => ({
    resourceType: 'Task',
    id,
    status: 'requested',
    intent: 'order',
    for: of(patient),
  });
  const binary = (id: string, context?: string): Resource => ({
    resourceType: 'Binary',
    id,
    contentType: 'text/plain',
    data: Buffer.from(id).toString('base64'),
    ...(context === undefined ? {} : { securityContext: { reference: context } }),
  });
  const attached: Resource = {
    resourceType: 'DocumentReference',
    id: 'ann-doc',
    status: 'current',
    subject: of('ann'),
    content: [
      { attachment: { url: 'Binary/nobodys' } },
      { attachment: { url: 'Binary/ann-bin' } },
      { attachment: { url: 'Binary/bob-bin' } },
    ],
  };
  beforeAll(async () => {
    await put(server, [
      device('ann-dev', 'ann'),
      device('bob-dev', 'bob'),
      device('stock'),
      task('ann-task', 'ann'),
      task('bob-task', 'bob'),
      binary('ann-bin', 'Patient/ann'),
      binary('bob-bin', 'Patient/bob'),
      binary('nobodys'),
      binary('by-document', 'DocumentReference/ann-doc'),
      attached,
    ]);
  });
  const callers = async (): Promise<string[]> => [
    await server.token({ scope: 'patient/*.cruds', patient: 'ann' }),
    await server.token({ scope: 'user/*.cruds', user: 'Patient/ann' }),
    await server.token({ scope: 'user/*.cruds', user: 'Practitioner/doe' }),
  ];

  test('is read by who may read his record, and nobody else’s is', async () => {
    for (const token of await callers()) {
      for (const [type, own, others] of [
        ['Device', ['ann-dev'], ['bob-dev', 'stock']],
        ['Task', ['ann-task'], ['bob-task']],
        ['Binary', ['ann-bin'], ['bob-bin', 'nobodys', 'by-document']],
      ] as const) {
        for (const id of own) expect((await ask(token, `/${type}/${id}`)).status, `${type}/${id}`).toBe(200);
        for (const id of others) {
          const never = await ask(token, `/${type}/x${id}`);
          const there = await ask(token, `/${type}/${id}`);
          expect([there.status, there.text.replaceAll(id, 'x')], `${type}/${id}`).toEqual([404, never.text.replaceAll(`x${id}`, 'x')]);
        }
        expect(named(await ask(token, `/${type}?_lastUpdated=ge2020`))).toEqual([...own]);
      }
      expect(named(await ask(token, '/Device?patient=ann'))).toEqual(['ann-dev']);
      const { text } = await ask(token, '/Patient/ann/$everything');
      expect(text).toContain('"Binary","id":"ann-bin"');
      expect(text).not.toMatch(/"id":"(?:bob-bin|nobodys|by-document)"/);
    }
  });

  test('is written for him, and for nobody else', async () => {
    const [patient = '', user = '', doctor = ''] = await callers();
    for (const token of [patient, user, doctor]) {
      for (const [mine, another] of [
        [device('x', 'ann'), device('x', 'bob')],
        [task('x', 'ann'), task('x', 'bob')],
        [binary('x', 'Patient/ann'), binary('x', 'Patient/bob')],
        [binary('x', 'Patient/ann'), binary('x')],
      ] as const) {
        const create = (body: Resource): Promise<Answered> => server.request('POST', `/${body['resourceType']}`, { token, body });
        expect((await create(another)).status).toBe(403);
        const made = await create(mine);
        expect(made.status, made.text).toBe(201);
        const path = `/${mine.resourceType}/${made.json.id}`;
        expect((await server.request('PUT', path, { token, body: { ...another, id: made.json.id } })).status).toBe(403);
        expect((await server.request('PUT', path, { token, body: { ...mine, id: made.json.id } })).status).toBe(200);
        expect((await server.request('DELETE', path, { token })).status).toBe(200);
      }
      expect((await server.request('PUT', '/Binary/bob-bin', { token, body: binary('bob-bin', 'Patient/ann') })).status).toBe(404);
      expect((await server.request('PUT', '/Binary/nobodys', { token, body: binary('nobodys', 'Patient/ann') })).status).toBe(404);
    }
  });

  test('is withheld by his consent and by labels', async () => {
    const doctor = await server.token({ scope: 'user/*.rs', user: 'Practitioner/doe' });
    await put(server, [denialOf('no-files', 'ann', { class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'Binary' }] })]);
    expect((await ask(doctor, '/Binary/ann-bin')).status).toBe(404);
    expect((await ask(doctor, '/Device/ann-dev')).status).toBe(200);
    await put(server, [denialOf('no-files', 'ann', {})], true);
    await put(server, [{ ...device('ann-dev', 'ann'), ...psychiatry }]);
    expect((await ask(doctor, '/Device/ann-dev')).status).toBe(404);
    expect((await ask(await server.token({ scope: 'user/*.rs', user: 'Patient/ann' }), '/Device/ann-dev')).status).toBe(200);
  });
});

describe('who cares for more patients than are compared one by one', () => {
  const count = 240;
  const isCared = (n: number): boolean => n % 2 === 0;
  const cared = Array.from({ length: count }, (_, n) => n).filter(isCared);
  let busy: string;
  beforeAll(async () => {
    const all = Array.from({ length: count }, (_, n): Resource[] => [
      { resourceType: 'Patient', id: `m-${n}`, name: [{ family: isCared(n) ? 'Cared' : 'Uncaredword' }] },
      ...(isCared(n) ? [encounter(`m-enc-${n}`, `m-${n}`, 'busy')] : []),
      observation(`m-obs-${n}`, `m-${n}`, 'survey', isCared(n) ? 'many' : 'uncaredword', {
        hasMember: [{ reference: `Observation/m-obs-${count - 1 - n}` }],
      }),
    ]);
    await put(server, all.flat());
    await server.services.context.pool.query('analyze');
    await server.services.context.statistics.refresh();
    busy = await server.token({ scope: 'user/*.rs', user: 'Practitioner/busy' });
  }, 30_000);

  test('sees theirs, all of them, and of others nothing', async () => {
    const own = cared.map((n) => `m-obs-${n}`).toSorted((a, b) => (a < b ? -1 : 1));
    expect(named(await ask(busy, '/Observation?_count=1000'))).toEqual(own);
    expect(named(await ask(busy, '/Observation?status=final&_sort=-date&_count=1000'))).toEqual(own);
    for (const path of ['/Observation?status=final&_summary=count', '/Observation?subject:Patient.family=Cared&_summary=count'])
      expect((await ask(busy, path)).json.total, path).toBe(cared.length);
    for (const path of [
      '/Observation?subject:Patient.family=Uncaredword&_summary=count',
      '/Patient?_has:Observation:subject:value-string=uncaredword&_summary=count',
      '/Observation?_has:Observation:has-member:value-string=uncaredword&_summary=count',
    ])
      expect((await ask(busy, path)).json.total, path).toBe(0);
    for (const path of [
      '/Observation?value-string=many&_include=Observation:has-member&_revinclude=Observation:has-member&_count=500',
      '/Patient?family=Cared&_revinclude=Observation:subject&_count=500',
      '/Observation/_history?_count=500',
    ]) {
      const { status, text } = await ask(busy, path);
      expect(status, text).toBe(200);
      expect(text, path).toContain('"valueString":"many"');
      expect(text, path).not.toMatch(/uncaredword/i);
    }
    expect((await ask(busy, '/Observation/m-obs-0')).status).toBe(200);
    expect((await ask(busy, '/Observation/m-obs-1')).status).toBe(404);
  });

  test('whichever way the list is asked', async () => {
    const { access } = await server.services.authenticate({ authorization: `Bearer ${busy}` });
    const filter = access.filter('s', 'Observation');
    expect(longListOf(filter)).toBe(cared.length);
    const rowsOf = async (asked: RowFilter, use: FilterUse): Promise<string[]> => {
      const values = sqlValues();
      const text = `select id from resource_observation r where ${filterSql(asked, 'r', values, use)} order by id`;
      return (await server.services.context.pool.query<{ id: string }>(statement(text, values.list))).rows.map(({ id }) => id);
    };
    const denying = (of: RowFilter): RowFilter => (of === 'all' ? of : { anyOf: [[]], noneOf: of.anyOf });
    for (const asked of [filter, denying(filter)]) expect(await rowsOf(asked, 'test')).toEqual(await rowsOf(asked, 'ride'));
    expect(await rowsOf(filter, 'test')).toHaveLength(cared.length);
    expect(await rowsOf(denying(filter), 'test')).not.toContain('m-obs-0');
    expect(await rowsOf(denying(filter), 'test')).toContain('m-obs-1');
  });
});
