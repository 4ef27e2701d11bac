import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answered, type RequestOptions, startTestServer, type TestServer } from '../support/server.ts';

/**
 * Doctor Doe cares for Ann, not for Bob, of whom nothing may come out: `hidden` stands in every text of Bob's. Each test that changes
 * rights has patients of its own.
 */

type Resource = { readonly resourceType: string; readonly id?: string } & Readonly<Record<string, unknown>>;
type Entry = { readonly resource?: { readonly resourceType: string; readonly id: string } };

let server: TestServer;
let doe: string;

const today = new Date().toISOString().slice(0, 10);
const hidden = 'qzxhiddenword';
const patient = (id: string, more: object = {}): Resource => ({ resourceType: 'Patient', id, name: [{ family: id }], ...more });
const observation = (id: string, of: string, more: object = {}): Resource => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
  subject: { reference: `Patient/${of}` },
  ...more,
});
const encounter = (id: string, of: string, who: string, more: object = {}): Resource => ({
  resourceType: 'Encounter',
  id,
  status: 'finished',
  class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
  subject: { reference: `Patient/${of}` },
  participant: [{ individual: { reference: who } }],
  period: { start: today, end: today },
  ...more,
});
const labelled = (...codes: string[]) => ({
  meta: {
    security: codes.map((code) => ({
      system: `http://terminology.hl7.org/CodeSystem/${code.length === 1 ? 'v3-Confidentiality' : 'v3-ActCode'}`,
      code,
    })),
  },
});
const consent = (id: string, of: string, provision: object, more: object = {}): Resource => ({
  resourceType: 'Consent',
  id,
  status: 'active',
  scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
  category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
  patient: { reference: `Patient/${of}` },
  policyRule: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTIN' }] },
  provision,
  ...more,
});
const actor = (reference: string) => ({
  role: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'PRCP' }] },
  reference: { reference },
});

async function write(...resources: Resource[]): Promise<void> {
  const entry = resources.map((resource) => ({ resource, request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` } }));
  const { status, text } = await server.request('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } });
  expect(status, text).toBe(200);
}

const as = (token: string, method: string, path: string, options: RequestOptions = {}): Promise<Answered> =>
  server.request(method, path, { ...options, token });
const user = (fhirUser: string, scope = 'user/*.cruds', more: { patient?: string; roles?: string[] } = {}): Promise<string> =>
  server.token({ scope, user: fhirUser, ...more });
const status = async (token: string, path: string, options: RequestOptions = {}): Promise<number> =>
  (await as(token, 'GET', path, options)).status;
const named = ({ json }: Answered): string[] => (json.entry ?? []).flatMap(({ resource }: Entry) => resource?.id ?? []).sort();
const found = async (token: string, path: string, options: RequestOptions = {}): Promise<string> => {
  const answer = await as(token, 'GET', path, options);
  expect(answer.status, answer.text).toBe(200);
  return named(answer).join(' ');
};

/** What of an answer a caller could learn from, with the id that he sent himself made equal. */
function tells({ status: code, headers, text }: Answered, id: string): object {
  const kept = [...headers].filter(([name]) => !['date', 'x-request-id'].includes(name));
  return { code, headers: kept.map(([name, value]) => [name, value.replaceAll(id, 'ID')]), text: text.replaceAll(id, 'ID') };
}

beforeAll(async () => {
  server = await startTestServer({ LABEL_CLEARANCE: 'viewer=PSY' });
  doe = await user('Practitioner/doe');
  await write(
    { resourceType: 'Practitioner', id: 'doe' },
    { resourceType: 'Practitioner', id: 'roe' },
    { resourceType: 'Organization', id: 'ward', name: 'Ward' },
    {
      resourceType: 'PractitionerRole',
      id: 'doe-ward',
      practitioner: { reference: 'Practitioner/doe' },
      organization: { reference: 'Organization/ward' },
    },
    patient('ann'),
    patient('bob', { name: [{ family: hidden }] }),
    encounter('enc-ann', 'ann', 'Practitioner/doe'),
    encounter('enc-bob', 'bob', 'Practitioner/roe', { reasonCode: [{ text: hidden }] }),
    observation('ann-1', 'ann'),
    observation('bob-1', 'bob', { valueString: hidden }),
    { resourceType: 'Task', id: 'task', status: 'requested', intent: 'order', for: { reference: 'Patient/ann' } },
  );
}, 60_000);
afterAll(() => server?.stop());

describe('a provider', () => {
  test('sees the patients he cares for, and of others nothing', async () => {
    expect(await found(doe, '/Patient')).toBe('ann');
    expect(await found(doe, '/Observation')).toBe('ann-1');
    expect(await found(doe, `/Observation?value-string=${hidden}`)).toBe('');
    expect(await found(doe, '/Encounter?_include=Encounter:subject&_revinclude=Observation:subject')).toBe('ann enc-ann');
    expect((await as(doe, 'GET', '/Observation?_summary=count')).json.total).toBe(1);
    expect((await as(doe, 'GET', '/Observation/_history')).text).not.toContain(hidden);
    expect(await status(doe, '/Observation/ann-1')).toBe(200);
  });
  test.each([
    '/Observation/bob-1',
    '/Observation/bob-1/_history',
    '/Observation/bob-1/_history/1',
    '/Patient/bob',
    '/Patient/bob/Observation',
  ])('what he may not see, %s, is what never was', async (path) => {
    const id = /bob(-1)?/.exec(path)?.[0] ?? '';
    const never = await as(doe, 'GET', path.replace(id, 'nev' + id.slice(3)));
    expect(never.status).toBe(404);
    expect(tells(await as(doe, 'GET', path), id)).toEqual(tells(never, 'nev' + id.slice(3)));
  });
  test('reads what is shared and writes none of it; what is neither is not his', async () => {
    expect(await found(doe, '/Organization')).toBe('ward');
    expect((await as(doe, 'PUT', '/Organization/ward', { body: { resourceType: 'Organization', id: 'ward', name: 'Mine' } })).status).toBe(
      403,
    );
    expect(await status(doe, '/Task/task')).toBe(200);
    expect(await status(doe, '/Bundle')).toBe(403);
    expect(await status(doe, '/AuditEvent')).toBe(403);
  });
  test('writes for his patients only', async () => {
    expect((await as(doe, 'POST', '/Observation', { body: { ...observation('x', 'ann'), id: undefined } })).status).toBe(201);
    const refused = await as(doe, 'POST', '/Observation', { body: { ...observation('x', 'bob'), id: undefined } });
    expect(refused.status).toBe(403);
    const absent = await as(doe, 'POST', '/Observation', { body: { ...observation('x', 'nev'), id: undefined } });
    expect(absent.text).toBe(refused.text);
    const moved = [{ op: 'replace', path: '/subject/reference', value: 'Patient/bob' }];
    expect(
      (await as(doe, 'PATCH', '/Observation/ann-1', { body: moved, headers: { 'content-type': 'application/json-patch+json' } })).status,
    ).toBe(403);
    expect((await as(doe, 'PUT', '/Observation/bob-1', { body: observation('bob-1', 'ann') })).status).toBe(404);
    expect((await as(doe, 'DELETE', '/Observation/bob-1')).status).toBe(200);
    expect(await status(await server.token(), '/Observation/bob-1')).toBe(200);
  });
  test('writes nothing of another’s because one of his patients is named in it', async () => {
    const performer = [{ reference: 'Patient/ann' }];
    await write(observation('bob-by-ann', 'bob', { performer }));
    expect(await status(doe, '/Observation/bob-by-ann')).toBe(200);
    const changed = observation('bob-by-ann', 'bob', { performer, status: 'amended' });
    const app = await user('Patient/ann', 'patient/*.cruds', { patient: 'ann' });
    for (const token of [doe, app]) {
      expect((await as(token, 'PUT', '/Observation/bob-by-ann', { body: changed })).status).toBe(403);
      expect((await as(token, 'DELETE', '/Observation/bob-by-ann')).status).toBe(403);
      expect((await as(token, 'POST', '/Observation', { body: { ...changed, id: undefined } })).status).toBe(403);
      const into = [
        { op: 'replace', path: '/subject/reference', value: 'Patient/bob' },
        { op: 'add', path: '/performer', value: performer },
      ];
      expect(
        (await as(token, 'PATCH', '/Observation/ann-1', { body: into, headers: { 'content-type': 'application/json-patch+json' } })).status,
      ).toBe(403);
    }
    await server.request('DELETE', '/Observation/bob-by-ann');
  });
  test('can’t give himself a relationship', async () => {
    const mine = [
      { ...encounter('x', 'bob', 'Practitioner/doe'), id: undefined },
      {
        resourceType: 'CareTeam',
        status: 'active',
        subject: { reference: 'Patient/bob' },
        participant: [{ member: { reference: 'Practitioner/doe' } }],
      },
      // In Ann's compartment by its participant.
      {
        resourceType: 'CareTeam',
        status: 'active',
        subject: { reference: 'Patient/bob' },
        participant: [{ member: { reference: 'Practitioner/doe' } }, { member: { reference: 'Patient/ann' } }],
      },
      {
        resourceType: 'Appointment',
        status: 'booked',
        start: `${today}T10:00:00Z`,
        end: `${today}T11:00:00Z`,
        participant: [
          { actor: { reference: 'Practitioner/doe' }, status: 'accepted' },
          { actor: { reference: 'Patient/bob' }, status: 'accepted' },
          { actor: { reference: 'Patient/ann' }, status: 'accepted' },
        ],
      },
    ];
    for (const body of mine) await as(doe, 'POST', `/${body.resourceType}`, { body });
    expect((await as(doe, 'POST', '/CareTeam', { body: mine[1] })).status).toBe(403);
    expect(await found(doe, '/Patient')).toBe('ann');
  });
  test('and his app is bound to a patient he cares for', async () => {
    expect(await found(await user('Practitioner/doe', 'patient/*.rs', { patient: 'ann' }), '/Patient')).toBe('ann');
    expect(await status(await user('Practitioner/doe', 'patient/*.rs', { patient: 'bob' }), '/Patient')).toBe(403);
  });
});

describe('a care relationship', () => {
  const team = (id: string, of: string, member: string, more: object = {}): Resource => ({
    resourceType: 'CareTeam',
    id,
    status: 'active',
    subject: { reference: `Patient/${of}` },
    participant: [{ member: { reference: member } }],
    ...more,
  });
  const appointment = (id: string, of: string, code: string, start = `${today}T10:00:00Z`): Resource => ({
    resourceType: 'Appointment',
    id,
    status: code,
    start,
    end: start.replace('10:00', '11:00'),
    participant: [
      { actor: { reference: 'Practitioner/doe' }, status: 'accepted' },
      { actor: { reference: `Patient/${of}` }, status: 'accepted' },
    ],
  });
  test.each<[string, (of: string) => Resource, boolean]>([
    ['an encounter', (of) => encounter(`c-${of}`, of, 'Practitioner/doe'), true],
    ['an encounter in his role', (of) => encounter(`c-${of}`, of, 'PractitionerRole/doe-ward'), true],
    ['a cancelled encounter', (of) => encounter(`c-${of}`, of, 'Practitioner/doe', { status: 'cancelled' }), false],
    [
      'an old encounter',
      (of) => encounter(`c-${of}`, of, 'Practitioner/doe', { period: { start: '2001-01-01', end: '2001-01-02' } }),
      false,
    ],
    [
      'an encounter that goes on',
      (of) => encounter(`c-${of}`, of, 'Practitioner/doe', { status: 'in-progress', period: { start: '2001-01-01' } }),
      true,
    ],
    ['a team', (of) => team(`c-${of}`, of, 'Practitioner/doe'), true],
    ['his organization’s team', (of) => team(`c-${of}`, of, 'Organization/ward'), true],
    ['a team that ended', (of) => team(`c-${of}`, of, 'Practitioner/doe', { period: { start: '2001', end: '2002' } }), false],
    ['an inactive team', (of) => team(`c-${of}`, of, 'Practitioner/doe', { status: 'inactive' }), false],
    ['an appointment', (of) => appointment(`c-${of}`, of, 'booked'), true],
    ['a cancelled appointment', (of) => appointment(`c-${of}`, of, 'cancelled'), false],
    ['a general practitioner', (of) => patient(of, { generalPractitioner: [{ reference: 'Practitioner/doe' }] }), true],
  ])('%s', async (name, make, counts) => {
    const of = name.toLowerCase().replaceAll(/[^a-z]+/g, '-');
    await write(patient(of));
    expect(await status(doe, `/Patient/${of}`)).toBe(404);
    await write(make(of));
    expect(await status(doe, `/Patient/${of}`)).toBe(counts ? 200 : 404);
    // And ends with what made it.
    if (!counts || make(of).resourceType === 'Patient') return;
    expect((await server.request('DELETE', `/${make(of).resourceType}/c-${of}`)).status).toBe(200);
    expect(await status(doe, `/Patient/${of}`)).toBe(404);
  });
});

describe('a user of another role', () => {
  test('a viewer reads and writes nothing', async () => {
    const viewer = await user('Practitioner/doe', 'user/*.cruds', { roles: ['viewer'] });
    expect(await status(viewer, '/Observation/ann-1')).toBe(200);
    expect((await as(viewer, 'POST', '/Observation', { body: { ...observation('x', 'ann'), id: undefined } })).status).toBe(403);
    expect((await as(viewer, 'DELETE', '/Observation/ann-1')).status).toBe(403);
  });
  test('an administrator has all types', async () => {
    const admin = await user('Practitioner/roe', 'user/*.cruds', { roles: ['admin'] });
    expect(await status(admin, '/Task/task')).toBe(200);
    expect(await status(admin, '/Observation/bob-1')).toBe(200);
  });
  test('a patient has his own record', async () => {
    const ann = await user('Patient/ann');
    expect(await found(ann, '/Patient')).toBe('ann');
    expect(await status(ann, '/Observation/bob-1')).toBe(404);
    expect(await status(await user('Patient/bob', 'patient/*.rs', { patient: 'ann' }), '/Patient')).toBe(403);
  });
  test('a relative has the patient’s, as long as he is one', async () => {
    const relative = await user('RelatedPerson/rel');
    expect(await found(relative, '/Patient')).toBe('');
    await write(patient('kid'), { resourceType: 'RelatedPerson', id: 'rel', patient: { reference: 'Patient/kid' } });
    expect(await found(relative, '/Patient')).toBe('kid');
    await write({ resourceType: 'RelatedPerson', id: 'rel', active: false, patient: { reference: 'Patient/kid' } });
    expect(await found(relative, '/Patient')).toBe('');
  });
  test('a person has what a privileged writer linked to him', async () => {
    const person = await user('Person/per', 'user/*.cruds', { roles: ['patient'] });
    await write(patient('me'), { resourceType: 'Person', id: 'per', link: [{ target: { reference: 'Patient/me' } }] });
    expect(await found(person, '/Patient')).toBe('me');
    const body = {
      resourceType: 'Person',
      id: 'per',
      link: [{ target: { reference: 'Patient/me' } }, { target: { reference: 'Patient/bob' } }],
    };
    expect((await as(person, 'PUT', '/Person/per', { body })).status).toBe(403);
    expect(await found(person, '/Patient')).toBe('me');
  });
  test.each(['Practitioner/nobody', 'http://elsewhere.example.org/fhir/Practitioner/doe', 'Device/x'])('%s has nobody’s', async (name) => {
    const stranger = await user(name, 'user/*.cruds', { roles: ['provider'] });
    expect(await found(stranger, '/Patient')).toBe('');
  });
  test('without a role a user has nothing', async () => {
    expect(await status(await server.token({ scope: 'user/*.cruds' }), '/Patient')).toBe(403);
  });
  test('user and system scopes don’t mix', async () => {
    expect(await status(await user('Practitioner/doe', 'user/*.rs system/*.rs'), '/Patient')).toBe(403);
  });
});

describe('a consent', () => {
  const cared = async (id: string, ...more: Resource[]): Promise<void> =>
    write(patient(id), encounter(`enc-${id}`, id, 'Practitioner/doe'), observation(`obs-${id}`, id), ...more);
  const seen = (id: string, token = doe, options: RequestOptions = {}): Promise<number> => status(token, `/Observation/obs-${id}`, options);

  test('denies from the next request on, and no more once it has ended', async () => {
    await cared('c1');
    expect(await seen('c1')).toBe(200);
    await write(consent('c1', 'c1', { type: 'deny', actor: [actor('Practitioner/doe')] }));
    expect(await seen('c1')).toBe(404);
    expect(await found(doe, '/Observation?subject=Patient/c1')).toBe('');
    expect((await as(doe, 'GET', '/Observation?subject=Patient/c1&_summary=count')).json.total).toBe(0);
    expect(await status(doe, '/Patient/c1')).toBe(404);
    expect(await seen('c1', await user('Patient/c1'))).toBe(200);
    await write(consent('c1', 'c1', { type: 'deny', actor: [actor('Practitioner/doe')] }, { status: 'inactive' }));
    expect(await seen('c1')).toBe(200);
    await write(consent('c1', 'c1', { type: 'deny' }));
    expect(await seen('c1')).toBe(404);
    await server.request('DELETE', '/Consent/c1');
    expect(await seen('c1')).toBe(200);
  });
  test('stored by another process denies within a second', async () => {
    await cared('c2');
    await write(consent('c2', 'c2', { type: 'deny' }, { status: 'draft' }));
    expect(await seen('c2')).toBe(200);
    // Past this process's knowledge: as it would come from another one.
    const { context } = server.services;
    const told = context.rightsWritten;
    Object.assign(context, { rightsWritten: undefined });
    try {
      await write(consent('c2', 'c2', { type: 'deny' }));
    } finally {
      Object.assign(context, { rightsWritten: told });
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(await seen('c2')).toBe(404);
  });
  test.each<[string, object, number]>([
    ['another actor', { type: 'deny', actor: [actor('Practitioner/roe')] }, 200],
    ['his organization', { type: 'deny', actor: [actor('Organization/ward')] }, 404],
    [
      'an actor who isn’t known',
      { type: 'deny', actor: [actor('Practitioner/x').role && { ...actor('x'), reference: { display: 'Dr. Who' } }] },
      404,
    ],
    ['the class', { type: 'deny', class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'Observation' }] }, 404],
    ['another class', { type: 'deny', class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'Condition' }] }, 200],
    ['the code', { type: 'deny', code: [{ coding: [{ system: 'http://loinc.org', code: '8867-4' }] }] }, 404],
    ['another code', { type: 'deny', code: [{ coding: [{ system: 'http://loinc.org', code: '1-8' }] }] }, 200],
    ['a code in words', { type: 'deny', code: [{ text: 'pulse' }] }, 404],
    ['a period that has ended', { type: 'deny', period: { start: '2001', end: '2002' } }, 200],
    ['a period that holds today', { type: 'deny', period: { start: '2001' } }, 404],
    ['a period of data', { type: 'deny', dataPeriod: { start: '2001', end: '2002' } }, 404],
    ['another action', { type: 'deny', action: [{ coding: [{ code: 'collect' }] }] }, 200],
    ['the data itself', { type: 'deny', data: [{ meaning: 'instance', reference: { reference: 'Observation/elsewhere' } }] }, 404],
    ['an exception for him', { type: 'deny', provision: [{ type: 'permit', actor: [actor('Practitioner/doe')] }] }, 200],
    ['an exception for another', { type: 'deny', provision: [{ type: 'permit', actor: [actor('Practitioner/roe')] }] }, 404],
    [
      'all but a code',
      { type: 'deny', provision: [{ type: 'permit', code: [{ coding: [{ system: 'http://loinc.org', code: '8867-4' }] }] }] },
      200,
    ],
    [
      'permit but for a code',
      { type: 'permit', provision: [{ type: 'deny', code: [{ coding: [{ system: 'http://loinc.org', code: '8867-4' }] }] }] },
      404,
    ],
  ])('denies by %s', async (name, provision, expected) => {
    const id = `d-${name.toLowerCase().replaceAll(/[^a-z]+/g, '-')}`;
    await cared(id, consent(id, id, provision));
    expect(await seen(id)).toBe(expected);
  });
  test('denies by purpose, and any purpose that isn’t told', async () => {
    await cared(
      'c3',
      consent('c3', 'c3', { type: 'deny', purpose: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'HRESCH' }] }),
    );
    expect(await seen('c3')).toBe(404);
    expect(await seen('c3', doe, { headers: { 'x-purpose-of-use': 'HRESCH' } })).toBe(404);
    expect(await seen('c3', doe, { headers: { 'x-purpose-of-use': 'TREAT' } })).toBe(200);
    expect(await seen('c3', doe, { headers: { 'x-purpose-of-use': "'; drop" } })).toBe(400);
  });
  test('gives a record to whom it names, as far as it does', async () => {
    await write(patient('c4'), observation('obs-c4', 'c4'), {
      resourceType: 'Condition',
      id: 'con-c4',
      subject: { reference: 'Patient/c4' },
      code: { text: hidden },
    });
    expect(await seen('c4')).toBe(404);
    await write(
      consent('c4', 'c4', {
        type: 'permit',
        actor: [actor('Practitioner/doe')],
        class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'Observation' }],
      }),
    );
    expect(await seen('c4')).toBe(200);
    expect(await status(doe, '/Condition/con-c4')).toBe(404);
    expect((await as(doe, 'PUT', '/Observation/obs-c4', { body: observation('obs-c4', 'c4', { status: 'amended' }) })).status).toBe(403);
    await write(consent('c4', 'c4', { type: 'permit' }));
    expect(await seen('c4')).toBe(404);
  });
  test('counts only if somebody wrote it who may', async () => {
    await cared('c5');
    const own = consent('c5', 'c5', { type: 'permit', actor: [actor('Practitioner/roe')] });
    const roe = await user('Practitioner/roe');
    const { id: _, ...unnamed } = own;
    expect((await as(doe, 'POST', '/Consent', { body: unnamed })).status).toBe(403);
    expect((await as(roe, 'POST', '/Consent', { body: unnamed })).status).toBe(403);
    const proposed = await as(doe, 'POST', '/Consent', { body: { ...unnamed, status: 'proposed' } });
    expect(proposed.status).toBe(201);
    expect(await seen('c5', roe)).toBe(404);
    const active = [{ op: 'replace', path: '/status', value: 'active' }];
    const path = `/Consent/${proposed.json.id}`;
    const headers = { 'content-type': 'application/json-patch+json' };
    expect((await as(doe, 'PATCH', path, { body: active, headers })).status).toBe(403);
    expect((await as(await user('Patient/c5'), 'PATCH', path, { body: active, headers })).status).toBe(200);
    expect(await seen('c5', roe)).toBe(200);
    // Nor may somebody else end it.
    expect((await as(doe, 'PATCH', path, { body: [{ op: 'replace', path: '/status', value: 'inactive' }], headers })).status).toBe(403);
    expect((await as(doe, 'DELETE', path)).status).toBe(403);
  });
});

describe('a sensitive label', () => {
  beforeAll(() =>
    write(
      patient('lab'),
      encounter('enc-lab', 'lab', 'Practitioner/doe'),
      observation('lab-plain', 'lab'),
      observation('lab-r', 'lab', { ...labelled('R'), valueString: hidden }),
      observation('lab-psy', 'lab', { ...labelled('N', 'PSY'), valueString: hidden }),
      observation('lab-author', 'lab', { ...labelled('HIV'), performer: [{ reference: 'Practitioner/doe' }] }),
    ),
  );
  test('hides from who has no clearance, on every way', async () => {
    expect(await found(doe, '/Observation?subject=Patient/lab')).toBe('lab-author lab-plain');
    expect((await as(doe, 'GET', '/Observation?subject=Patient/lab&_total=accurate')).json.total).toBe(2);
    expect(await found(doe, '/Patient?_id=lab&_revinclude=Observation:subject')).toBe('lab lab-author lab-plain');
    expect(await found(doe, `/Patient?_has:Observation:subject:value-string=${hidden}`)).toBe('');
    for (const path of ['/Observation/lab-r', '/Observation/lab-r/_history', '/Observation/lab-r/_history/1']) {
      const never = await as(doe, 'GET', path.replace('lab-r', 'lab-n'));
      expect(tells(await as(doe, 'GET', path), 'lab-r')).toEqual(tells(never, 'lab-n'));
    }
    expect((await as(doe, 'GET', '/Observation/_history')).text).not.toContain(hidden);
  });
  test('shows to the patient himself, and to roles with clearance', async () => {
    expect(await found(await user('Patient/lab'), '/Observation')).toBe('lab-author lab-plain lab-psy lab-r');
    const viewer = await user('Practitioner/doe', 'user/*.rs', { roles: ['viewer'] });
    expect(await found(viewer, '/Observation?subject=Patient/lab')).toBe('lab-author lab-plain lab-psy');
    expect(await found(await server.token({ scope: 'patient/*.rs', patient: 'lab' }), '/Observation')).toBe('lab-plain');
  });
  test('shows to whom a consent names for it', async () => {
    const psy = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'PSY' };
    await write(consent('lab', 'lab', { type: 'permit', actor: [actor('Practitioner/doe')], securityLabel: [psy] }));
    expect(await found(doe, '/Observation?subject=Patient/lab')).toBe('lab-author lab-plain lab-psy');
    await server.request('DELETE', '/Consent/lab');
  });
  test.each([
    ['no system', undefined, 'R'],
    ['no system, in small letters', undefined, 'psy'],
    ['the system by its older name', 'http://hl7.org/fhir/v3/Confidentiality', 'V'],
    ['the system by its OID', 'urn:oid:2.16.840.1.113883.5.25', 'R'],
  ])('is one under %s too: it hides, and is neither set nor removed', async (_, system, code) => {
    const security = [{ ...(system === undefined ? {} : { system }), code }];
    const loose = observation('lab-loose', 'lab', { meta: { security }, valueString: hidden });
    const plain = observation('lab-loose', 'lab');
    expect((await as(doe, 'POST', '/Observation', { body: { ...loose, id: undefined } })).status).toBe(403);
    await write(loose);
    expect(await status(doe, '/Observation/lab-loose')).toBe(404);
    expect(await found(doe, '/Observation?subject=Patient/lab')).not.toContain('lab-loose');
    expect((await as(doe, 'PUT', '/Observation/lab-loose', { body: plain })).status).not.toBe(200);
    expect(await found(await user('Patient/lab'), '/Observation')).toContain('lab-loose');
    await server.request('DELETE', '/Observation/lab-loose');
  });
  test('under no system is taken away by a consent that denies it under its own', async () => {
    const taboo = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'TBOO' };
    await write(observation('lab-loose', 'lab', { meta: { security: [{ code: 'TBOO' }] } }));
    expect(await status(doe, '/Observation/lab-loose')).toBe(200);
    await write(consent('lab', 'lab', { type: 'deny', actor: [actor('Practitioner/doe')], securityLabel: [taboo] }));
    await expect.poll(() => status(doe, '/Observation/lab-loose')).toBe(404);
    await server.request('DELETE', '/Consent/lab');
    await server.request('DELETE', '/Observation/lab-loose');
  });
  test('hides what the resource was before it had it', async () => {
    await write(observation('lab-later', 'lab', { valueString: hidden }));
    await write(observation('lab-later', 'lab', { ...labelled('V'), valueString: hidden }));
    expect(await status(doe, '/Observation/lab-later')).toBe(404);
    expect(await status(doe, '/Observation/lab-later/_history/1')).toBe(404);
    expect((await as(doe, 'GET', '/Observation/_history?_count=500')).text).not.toContain('lab-later');
    expect((await as(doe, 'GET', '/_history?_count=500')).text).not.toContain('lab-later');
    expect(await status(await user('Patient/lab'), '/Observation/lab-later/_history/1')).toBe(200);
  });
  test('is neither set nor removed by who may not', async () => {
    const headers = { 'content-type': 'application/json-patch+json' };
    const path = '/Observation/lab-author';
    expect((await as(doe, 'PATCH', path, { body: [{ op: 'remove', path: '/meta/security' }], headers })).status).toBe(403);
    expect((await as(doe, 'PUT', path, { body: observation('lab-author', 'lab') })).status).toBe(403);
    expect((await as(doe, 'PUT', '/Observation/lab-plain', { body: observation('lab-plain', 'lab', labelled('R')) })).status).toBe(403);
    expect((await as(doe, 'POST', '/Observation', { body: { ...observation('x', 'lab', labelled('R')), id: undefined } })).status).toBe(
      403,
    );
    const kept = observation('lab-author', 'lab', {
      ...labelled('HIV'),
      status: 'amended',
      performer: [{ reference: 'Practitioner/doe' }],
    });
    expect((await as(doe, 'PUT', path, { body: kept })).status).toBe(200);
    const admin = await user('Practitioner/roe', 'user/*.cruds', { roles: ['admin'] });
    expect((await as(admin, 'PUT', '/Observation/lab-plain', { body: observation('lab-plain', 'lab', labelled('R')) })).status).toBe(200);
    expect(await status(doe, '/Observation/lab-plain')).toBe(404);
    expect((await as(admin, 'PUT', '/Observation/lab-plain', { body: observation('lab-plain', 'lab') })).status).toBe(200);
  });
});

describe('breaking the glass', () => {
  const glass = { 'x-break-glass': 'unconscious in the emergency room', 'x-break-glass-patient': 'bob', 'x-purpose-of-use': 'BTG' };
  test('opens one patient’s record, for the request alone', async () => {
    await write(observation('bob-r', 'bob', labelled('R')), patient('cyd'));
    expect(await status(doe, '/Observation/bob-r', { headers: glass })).toBe(200);
    expect(await found(doe, '/Patient', { headers: glass })).toContain('bob');
    expect(await status(doe, '/Patient/cyd', { headers: glass })).toBe(404);
    expect(await status(doe, '/Observation/lab-r', { headers: glass })).toBe(404);
    expect(await status(doe, '/Observation/bob-r')).toBe(404);
  });
  test.each<[string, Record<string, string>, number]>([
    ['without a reason', { ...glass, 'x-break-glass': 'because' }, 400],
    ['without a purpose', { 'x-break-glass': glass['x-break-glass'], 'x-break-glass-patient': 'bob' }, 403],
    ['for another purpose', { ...glass, 'x-purpose-of-use': 'HRESCH' }, 403],
    ['for no patient', { 'x-break-glass': glass['x-break-glass'], 'x-purpose-of-use': 'BTG' }, 400],
    ['for what is no patient', { ...glass, 'x-break-glass-patient': 'a/b' }, 400],
  ])('%s is refused', async (_, headers, code) => {
    expect(await status(doe, '/Patient/bob', { headers })).toBe(code);
  });
  test('is not for patients, viewers and systems', async () => {
    for (const token of [
      await user('Patient/ann'),
      await user('Practitioner/doe', 'user/*.rs', { roles: ['viewer'] }),
      await server.token(),
    ])
      expect(await status(token, '/Patient/bob', { headers: glass })).toBe(403);
  });
});

test('of more patients than count, those with the newest records do, and it is said', async () => {
  const few = await startTestServer({ CARE_PATIENTS_MAX: '2', CARE_RELATIONSHIPS: 'related' });
  try {
    const many = Array.from({ length: 3 }, (_, n) => patient(`many-${n}`));
    const entry = [...many, ...many.map(({ id }) => encounter(`enc-${id}`, id ?? '', 'Practitioner/doe'))].map((resource) => ({
      resource,
      request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` },
    }));
    expect((await few.request('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } })).status).toBe(200);
    const token = await few.token({ scope: 'user/*.rs', user: 'Practitioner/doe' });
    const { text, json } = await few.request('GET', '/Encounter', { token });
    expect(text).toContain('care-patients-cut');
    expect(json.entry.filter(({ search }: { search: { mode: string } }) => search.mode === 'match')).toHaveLength(2);
  } finally {
    await few.stop();
  }
}, 30_000);

describe('what is in two patients’ records', () => {
  beforeAll(() =>
    write(
      patient('both'),
      patient('twin'),
      observation('twin-by-both', 'twin', { performer: [{ reference: 'Patient/both' }], valueString: hidden }),
      observation('both-by-twin', 'both', { performer: [{ reference: 'Patient/twin' }] }),
    ),
  );
  const apps = async () => ({
    app: await server.token({ scope: 'patient/*.rs', patient: 'both', user: 'Patient/both', roles: ['patient'] }),
    stranger: await server.token({ scope: 'patient/*.rs', patient: 'both' }),
  });

  test('is seen by an app of either, until one of them denies it: then by nobody but an app of his own', async () => {
    const { app, stranger } = await apps();
    for (const token of [app, stranger]) expect(await found(token, '/Observation')).toBe('both-by-twin twin-by-both');
    await write(consent('twin', 'twin', { type: 'deny' }));
    await expect.poll(() => found(app, '/Observation')).toBe('');
    for (const token of [app, stranger]) {
      expect(await status(token, '/Observation/twin-by-both')).toBe(404);
      expect(await status(token, '/Observation/twin-by-both/_history/1')).toBe(404);
      expect((await as(token, 'GET', '/Observation?_total=accurate')).json.total).toBe(0);
      expect(await found(token, `/Observation?value-string=${hidden}`)).toBe('');
    }
    const own = await server.token({ scope: 'patient/*.rs', patient: 'twin', user: 'Patient/twin', roles: ['patient'] });
    expect(await found(own, '/Observation')).toBe('both-by-twin twin-by-both');
    await server.request('DELETE', '/Consent/twin');
    await expect.poll(() => found(app, '/Observation')).toBe('both-by-twin twin-by-both');
  });

  test('is not given to an app by what the other one permits', async () => {
    const { app } = await apps();
    await write(observation('twin-alone', 'twin'));
    await write(consent('twin', 'twin', { type: 'permit', actor: [actor('Patient/both')] }));
    expect(await found(app, '/Observation')).toBe('both-by-twin twin-by-both');
    await server.request('DELETE', '/Consent/twin');
  });
});

test('where all are cared for, a provider sees all records, but what labels and consents take away', async () => {
  const open = await startTestServer({ CARE_RELATIONSHIPS: 'all', PRIVILEGED_WRITERS: 'Consent=provider' });
  try {
    const entry = [
      patient('one'),
      patient('two'),
      observation('plain', 'one'),
      observation('secret', 'one', labelled('R')),
      consent('deny', 'two', { type: 'deny' }),
    ].map((resource) => ({ resource, request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` } }));
    expect((await open.request('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } })).status).toBe(200);
    const token = await open.token({ scope: 'user/*.cruds', user: 'Practitioner/doe' });
    expect(named(await open.request('GET', '/Patient', { token }))).toEqual(['one']);
    expect(named(await open.request('GET', '/Observation', { token }))).toEqual(['plain']);
    const { id: _, ...unnamed } = consent('x', 'one', { type: 'deny', actor: [actor('Practitioner/roe')] });
    expect((await open.request('POST', '/Consent', { token, body: unnamed })).status).toBe(201);
    const roe = await open.token({ scope: 'user/*.rs', user: 'Practitioner/roe' });
    expect(named(await open.request('GET', '/Patient', { token: roe }))).toEqual([]);
    // Update-as-create is for who may see everything: whether an id is taken is not to be found out.
    const body = patient('three');
    expect((await open.request('PUT', '/Patient/three', { token, body })).status).toBe(404);
    expect((await open.request('POST', '/Patient', { token, body: { ...body, id: undefined } })).status).toBe(201);
  } finally {
    await open.stop();
  }
}, 30_000);
