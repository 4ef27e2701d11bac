import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditedAgent, AuditedEvent, AuditedPatient } from '../../src/audit/event.ts';
import { erasePatient } from '../../src/interactions/erasure.ts';
import { makeExtractor } from '../../src/search/extract.ts';
import { matcherOf } from '../../src/search/match-unstored.ts';
import { parseSearch } from '../../src/search/parse.ts';
import { foundColumns, type FoundRow, foundVersion } from '../../src/storage/rows.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { clinician, kinds, outcomes, stranger, system } from './events.ts';

/** Our own events and those of others, searched as one. All of them happened before 2026; what the tests themselves do is later. */
let server: TestServer;
let known: readonly { readonly id: string; readonly resource: object }[];

const patientUser: AuditedAgent = {
  user: { issuer: 'https://login.example.org', subject: 'u-p2', fhirUser: 'Patient/p2', roles: ['patient'] },
  client: 'portal',
  address: '10.1.2.40',
  purposes: ['PATRQT'],
};
const agents = [clinician, system, stranger, patientUser];

beforeAll(async () => {
  server = await startTestServer();
  for (const id of ['p1', 'p2', 'p3']) await server.request('PUT', `/Patient/${id}`, { body: { resourceType: 'Patient', id } });
  const patients = await Promise.all(['p1', 'p2', 'p3'].map(patientOf));
  await server.services.context.audit.record(madeEvents(patients));
  for (const [at, event] of externalEvents().entries()) {
    const { status } = await server.request('PUT', `/AuditEvent/external-${at}`, { body: { ...event, id: `external-${at}` } });
    if (status !== 201) throw new Error(`an event from outside is answered ${status}`);
  }
  known = await rendered();
});
afterAll(() => server?.stop());

async function patientOf(id: string): Promise<AuditedPatient> {
  const { audit, refKeyOf } = server.services.context;
  const patient = await audit.concerned.ofOwner(refKeyOf('Patient', id));
  if (patient === undefined) throw new Error(`${id} has no key`);
  return patient;
}

function madeEvents(patients: readonly AuditedPatient[]): AuditedEvent[] {
  const start = Date.parse('2025-03-01T10:00:00.123Z');
  return Array.from({ length: 240 }, (_, n): AuditedEvent => {
    const patient = patients[n % 5];
    const kind = kinds[n % kinds.length] ?? 'read';
    const data: AuditedEvent['data'][] = [
      { type: 'Observation', id: `o${n % 7}`, version: (n % 3) + 1 },
      { type: 'Patient', id: 'p1', version: 1 },
      { type: 'Patient', id: 'nobody' },
      { type: 'Condition' },
    ];
    const told = data[n % 6];
    return {
      kind,
      at: start + n * 3_600_000,
      requestId: `made-${n % 50}`,
      agent: agents[n % agents.length] ?? stranger,
      outcome: outcomes[n % 4] ?? 0,
      ...(n % 4 === 0 ? {} : { reason: 'scope-insufficient' }),
      ...(told === undefined ? {} : { data: told }),
      ...(patient === undefined ? {} : { patient }),
      ...(n % 3 === 0 ? { query: { line: `GET /Observation?code=${n}`, parameters: 'code' } } : {}),
      ...(kind === 'operation' ? { operation: 'everything' } : {}),
    };
  });
}

function externalEvents(): Record<string, unknown>[] {
  const who = [
    { reference: 'Practitioner/adam', identifier: { system: 'https://login.example.org', value: 'u-17' } },
    { reference: 'Patient/p2' },
    { display: 'somebody' },
  ];
  return Array.from({ length: 24 }, (_, n) => ({
    resourceType: 'AuditEvent',
    type: { system: 'http://terminology.hl7.org/CodeSystem/audit-event-type', code: n % 2 === 0 ? 'rest' : 'object' },
    subtype: [{ system: 'http://hl7.org/fhir/restful-interaction', code: n % 3 === 0 ? 'read' : 'create' }],
    action: n % 3 === 0 ? 'R' : 'C',
    recorded: `2025-03-0${(n % 9) + 1}T1${n % 10}:00:00Z`,
    ...(n % 4 === 0 ? {} : { outcome: ['0', '4', '8'][n % 3] }),
    agent: [
      {
        who: who[n % 3],
        requestor: true,
        ...(n % 2 === 0
          ? { name: ['Dr. Adam Careful', 'Äda Other'][n % 4 === 0 ? 0 : 1], network: { address: `10.1.2.3${n % 5}`, type: '2' } }
          : {}),
        ...(n % 5 === 0 ? { altId: 'alt-1', policy: ['urn:ietf:params:oauth:jti:jti-4711', 'http://example.org/policy/a'] } : {}),
      },
    ],
    source: { site: 'Elsewhere', observer: { reference: 'Device/d1' } },
    entity: [
      {
        what: { reference: `Patient/p${(n % 3) + 1}` },
        type: { system: 'http://terminology.hl7.org/CodeSystem/audit-entity-type', code: '1' },
      },
      { what: { reference: `Observation/o${n % 7}` }, ...(n % 2 === 0 ? { name: 'A Report' } : {}) },
    ],
  }));
}

/** Every event as it is told, opened one after the other. */
async function rendered(): Promise<{ readonly id: string; readonly resource: object }[]> {
  const { pool, open } = server.services.context;
  const { rows } = await pool.query<FoundRow & unknown[]>({
    text: `select ${foundColumns('r')} from audit_event r where r.clinical_at < '2026-01-01'`,
    rowMode: 'array',
  });
  const opened = await open(rows.map(foundVersion));
  return opened.map(({ id, json }) => ({ id, resource: JSON.parse(json.toString('utf8')) as object }));
}

async function searched(query: string): Promise<string[]> {
  const ids: string[] = [];
  for (let path: string | undefined = `/AuditEvent?date=lt2026&_count=100${query === '' ? '' : `&${query}`}`; path !== undefined; ) {
    const { status, json } = await server.request('GET', path);
    expect([status, status === 200 ? '' : JSON.stringify(json)]).toEqual([200, '']);
    for (const { resource } of json.entry ?? []) ids.push(resource.id);
    path = json.link.find(({ relation }: { relation: string }) => relation === 'next')?.url;
  }
  return ids;
}

/** The same by what is extracted from each event as it is told. */
function expected(query: string): string[] {
  const { registry, config, planContext, live } = server.services.context;
  const { standingFor: _, ...context } = planContext();
  const extract = makeExtractor({ registry: live.standard, key: context.key, base: context.base });
  const parsed = parseSearch('AuditEvent', [...new URLSearchParams(query)], registry, config, false);
  const matches = matcherOf(parsed.query, context);
  return known
    .filter(({ id, resource }) => matches({ id, resource, extracted: extract(resource as Record<string, unknown>, 'AuditEvent', id) }))
    .map(({ id }) => id);
}

const queries = [
  '',
  ...['C', 'R', 'U', 'D', 'E', 'R,E'].map((action) => `action=${action}`),
  'action=http://hl7.org/fhir/audit-event-action|R',
  'action:not=R',
  ...['0', '4', '8', '12', '0,12'].map((outcome) => `outcome=${outcome}`),
  'outcome:not=0',
  'outcome:missing=true',
  'type=rest',
  'type=110114',
  'type=http://dicom.nema.org/resources/ontology/DCM|',
  'type=http://terminology.hl7.org/CodeSystem/audit-event-type|rest',
  'type:not=rest',
  'type:text=security',
  'subtype=read',
  'subtype=search,search-type',
  'subtype=http://hl7.org/fhir/restful-interaction|create',
  'subtype:missing=true',
  'patient=p1',
  'patient=Patient/p1',
  'patient:Patient=p2',
  'patient=p1,p3',
  'patient=p9',
  'patient:missing=true',
  'patient:missing=false',
  'entity=Patient/p1',
  'entity=Patient/p1/_history/1',
  'entity=Patient/nobody',
  'entity=Observation/o3',
  'entity=Observation/o3/_history/2',
  'entity:Observation=o3',
  'entity=o3',
  'entity:identifier=made-7',
  'entity:identifier=|made-7',
  'entity:missing=true',
  'entity-role=24',
  'entity-role=1',
  'entity-role:missing=true',
  'entity-type=2',
  'entity-type=https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType|XrequestId',
  'entity-name=a rep',
  'entity-name:missing=false',
  'agent=Practitioner/adam',
  'agent=Patient/p2',
  'agent:Practitioner=adam',
  'agent:identifier=https://login.example.org|u-17',
  'agent:identifier=u-17',
  'agent:identifier=growth-chart',
  'agent:identifier=https://login.example.org|',
  'agent:missing=true',
  'agent-name=Dr. Adam Careful',
  'agent-name=dr.',
  'agent-name=dr. adam care',
  'agent-name:exact=Dr. Adam Careful',
  'agent-name=adam',
  'agent-name:missing=true',
  'agent-name:contains=careful&outcome=0',
  'agent-role=provider',
  'agent-role=https://anamnesis.health/fhir/CodeSystem/role|patient',
  'agent-role:missing=false',
  'address=10.1.2.31',
  'address=10.1.2.3',
  'address=10.1.2',
  'address=192',
  'address:exact=192.0.2.7',
  'address=2001:db8::1',
  'address=http://127.0.0.1',
  'altid=alt-1',
  'altid:missing=true',
  'policy=urn:ietf:params:oauth:jti:jti-4711',
  'policy:below=http://example.org/policy',
  'policy:missing=true',
  'site=Elsewhere',
  'site:not=Elsewhere',
  'source=Device/d1',
  'source:missing=true',
  '_profile=https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.Read',
  '_profile:below=https://profiles.ihe.net/ITI/BALP',
  '_profile:missing=true',
  'date=2025-03-05',
  'date=ne2025-03-05',
  'date=ge2025-03-05T12:00:00Z&date=lt2025-03-06',
  'date=gt2025-03-05T13:00:00.122Z&date=le2025-03-05T18:00:00.123Z',
  'date=sa2025-03-08',
  'date=eb2025-03-02',
  'date=2025-03-05T13:00:00.123Z',
  'date:missing=true',
  'patient=p1&outcome=0&action=R',
  'patient=p1&type=rest&date=ge2025-03-03',
  'type=rest&action=E&agent=Practitioner/adam&outcome:not=8',
  '_filter=action eq "R" or outcome eq "12"',
  '_filter=not (type eq "rest") and patient re Patient/p1',
  '_filter=date ge 2025-03-05 and date lt 2025-03-06',
];

describe('a search finds the events that, as they are told, are what it asks for', () => {
  test('there are events of both kinds', () => {
    expect(known.filter(({ id }) => id.startsWith('external')).length).toBe(24);
    expect(known.length).toBe(264);
  });

  test.each(queries)('%s', async (query) => {
    const found = await searched(query);
    expect(found.toSorted()).toEqual(expected(query).toSorted());
    expect(new Set(found).size).toBe(found.length);
  });

  test('most of these searches tell some events from others', () => {
    const sizes = queries.map((query) => expected(query).length);
    expect(sizes.filter((size) => size > 0 && size < known.length).length).toBeGreaterThan(70);
  });
});

describe('results', () => {
  test('_sort=date and -date go by when it happened', async () => {
    const dateOf = new Map(known.map(({ id, resource }) => [id, Date.parse((resource as { recorded: string }).recorded)]));
    const up = (await searched('_sort=date')).map((id) => dateOf.get(id) ?? 0);
    expect(up).toEqual(up.toSorted((a, b) => a - b));
    const down = (await searched('_sort=-date')).map((id) => dateOf.get(id) ?? 0);
    expect(down).toEqual(down.toSorted((a, b) => b - a));
    expect([up.length, down.length]).toEqual([known.length, known.length]);
  });

  test('_sort by a string, a code and a reference opens the events', async () => {
    for (const sort of ['agent-name', '-address', 'action', 'patient']) expect((await searched(`_sort=${sort}`)).length).toBe(known.length);
  });

  test('_total counts', async () => {
    for (const query of ['type=rest', 'patient=p1', 'address=10.1.2']) {
      const { json } = await server.request('GET', `/AuditEvent?date=lt2026&${query}&_total=accurate&_count=1`);
      expect(json.total).toBe(expected(query).length);
    }
  });

  test('the compartment of a patient has the events that name him', async () => {
    const { json } = await server.request('GET', '/Patient/p1/AuditEvent?date=lt2026&_count=500');
    expect(json.entry.map((each: { resource: { id: string } }) => each.resource.id).toSorted()).toEqual(expected('patient=p1').toSorted());
  });

  test('an event of ours is read, by version and as history', async () => {
    const own = known.find(({ id }) => !id.startsWith('external'));
    const event = await server.request('GET', `/AuditEvent/${own?.id}`);
    expect([event.status, event.headers.get('etag')]).toEqual([200, 'W/"1"']);
    expect(event.json).toMatchObject({
      resourceType: 'AuditEvent',
      id: own?.id,
      meta: { versionId: '1' },
      recorded: event.json.meta.lastUpdated,
    });
    expect((await server.request('GET', `/AuditEvent/${own?.id}/_history/1`)).json).toEqual(event.json);
    expect((await server.request('GET', `/AuditEvent/${own?.id}/_history/2`)).status).toBe(404);
    expect((await server.request('GET', `/AuditEvent/${own?.id}/_history`)).json.entry[0].resource).toEqual(event.json);
    expect(JSON.parse((await server.request('GET', `/AuditEvent/${own?.id}?_summary=true`)).text).type).toBeDefined();
  });

  test('the text of a query is told', async () => {
    const { json } = await server.request('GET', '/AuditEvent?date=lt2026&entity-role=24&_count=1');
    const query = json.entry[0].resource.entity.find((each: { query?: string }) => each.query !== undefined);
    expect(Buffer.from(query.query, 'base64').toString()).toMatch(/^GET \/Observation\?code=\d+$/);
  });
});

describe('refused', () => {
  test.each(['address=10', 'address:contains=1.2', 'agent-name:contains=car'])('%s alone selects nothing', async (query) => {
    const { status, json } = await server.request('GET', `/AuditEvent?${query}`);
    expect([status, json.issue[0].code]).toEqual([400, 'too-costly']);
  });

  test.each([
    ['/AuditEvent?patient.name=x', 'search-chain-unsupported'],
    ['/AuditEvent?agent:Practitioner.name=x', 'search-chain-unsupported'],
    ['/Patient?_has:AuditEvent:patient:action=R', 'search-chain-unsupported'],
    ['/Patient?_revinclude=AuditEvent:patient', 'search-unknown-include'],
  ])('%s: what events refer to is not followed, rather than followed in part', async (path, id) => {
    const { status, json } = await server.request('GET', path);
    expect([status, json.issue[0].details.coding[0].code]).toEqual([400, id]);
  });

  test('_include follows what the events on a page name', async () => {
    const { json } = await server.request('GET', '/AuditEvent?date=lt2026&entity=Patient/p1&_count=3&_include=AuditEvent:patient');
    const included = json.entry.filter(({ search }: { search: { mode: string } }) => search.mode === 'include');
    expect(included.map(({ resource }: { resource: { id: string } }) => resource.id)).toContain('p1');
  });

  test('an event of ours is neither deleted nor replaced; the same again changes nothing', async () => {
    const own = known.find(({ id }) => !id.startsWith('external'));
    const path = `/AuditEvent/${own?.id}`;
    const { json } = await server.request('GET', path);
    expect((await server.request('DELETE', path)).status).toBe(405);
    expect((await server.request('PUT', path, { body: { ...json, outcome: json.outcome === '8' ? '4' : '8' } })).status).toBe(405);
    expect((await server.request('PUT', path, { body: json })).status).toBe(200);
    expect((await server.request('GET', path)).json).toEqual(json);
    expect((await server.request('GET', `/AuditEvent?_id=${own?.id}`)).json.total).toBe(1);
  });

  test('an app of a patient and a clinician see none', async () => {
    const app = await server.token({ scope: 'patient/*.rs', patient: 'p1' });
    expect((await server.request('GET', '/AuditEvent', { token: app })).status).toBe(403);
    const provider = await server.token({ scope: 'user/*.rs', user: 'Practitioner/adam', roles: ['provider'] });
    const answer = await server.request('GET', '/AuditEvent', { token: provider });
    expect(answer.status === 403 || answer.json.total === 0).toBe(true);
  });
});

describe('once a patient is erased', () => {
  const textOf = async (id: string): Promise<string> => (await server.request('GET', `/AuditEvent/${id}`)).text;
  let concerned: readonly string[];

  beforeAll(async () => {
    concerned = await searched('patient=p3&_id:not=nobody').then((ids) => ids.filter((id) => !id.startsWith('external')));
    await erasePatient(server.services.erasing, { id: 'p3', reason: 'order 1', at: new Date() });
  });

  test.each(['patient=p3', 'patient=Patient/p3', 'entity=Patient/p3', 'entity:Patient=p3', '_filter=patient re Patient/p3'])(
    'nothing is found by him: %s',
    async (query) => {
      expect(concerned.length).toBeGreaterThan(20);
      expect(await searched(query)).toEqual([]);
    },
  );

  test('by others as well as by him, those of the others are found', async () => {
    expect((await searched('patient=p1,p3')).toSorted()).toEqual(expected('patient=p1').toSorted());
  });

  test('his compartment is gone', async () => {
    expect((await server.request('GET', '/Patient/p3/AuditEvent')).status).toBe(410);
  });

  test('his events are there, under one pseudonym, without the texts of their queries', async () => {
    const all = await searched('');
    const texts = await Promise.all(concerned.map(textOf));
    const pseudonyms = new Set(texts.flatMap((text) => /urn:uuid:[0-9a-f-]{36}/.exec(text) ?? []));
    expect(concerned.filter((id) => !all.includes(id))).toEqual([]);
    expect(texts.filter((text) => text.includes('Patient/p3'))).toEqual([]);
    expect(texts.filter((text) => text.includes('"query":'))).toEqual([]);
    expect(texts.some((text) => text.includes('"valueCode":"masked"'))).toBe(true);
    expect(pseudonyms.size).toBe(1);
  });
});
