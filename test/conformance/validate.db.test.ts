import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answered, type RequestOptions, startTestServer, type TestServer } from '../support/server.ts';
import { issueId, observation, patient } from './samples.ts';

/** https://hl7.org/fhir/R4/resource-operation-validate.html, https://hl7.org/fhir/R4/validation.html */
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await server.request('PUT', '/Patient/stored', { body: patient({ id: 'stored' }) });
});
afterAll(() => server?.stop());

type Issue = {
  readonly severity: string;
  readonly code: string;
  readonly details: {
    readonly coding: readonly { readonly system: string; readonly version?: string; readonly code: string }[];
    readonly text: string;
  };
  readonly expression?: readonly string[];
  readonly extension?: readonly { readonly url: string; readonly valueInteger: number }[];
};

const issuesOf = ({ json }: Answered): readonly Issue[] => json.issue;
const faultsOf = (answer: Answered): readonly Issue[] => issuesOf(answer).filter(({ severity }) => severity === 'error');
const placeOf = ({ extension = [] }: Issue): string => extension.map(({ valueInteger }) => valueInteger).join(':');
const validate = (body: unknown, path = '/Patient/$validate', options: RequestOptions = {}) =>
  server.request('POST', path, { ...options, body });
const parameters = (resource: unknown, ...more: readonly unknown[]) => ({
  resourceType: 'Parameters',
  parameter: [...more, ...(resource === undefined ? [] : [{ name: 'resource', resource }])],
});
const bodyHeightProfile = 'http://hl7.org/fhir/StructureDefinition/bodyheight';

describe('a resource', () => {
  test('that is valid has no faults, and is not written', async () => {
    const body = patient({
      id: 'not-written',
      gender: 'female',
      text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">x</div>' },
    });
    const answer = await validate(body);
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ resourceType: 'OperationOutcome', issue: [{ severity: 'information', code: 'informational' }] });
    expect((await server.request('GET', '/Patient/not-written')).status).toBe(404);
  });

  test('with many faults hears of all of them, with the place of each', async () => {
    const text = `{
  "resourceType": "Patient",
  "gendr": "male",
  "gender": "mael",
  "birthDate": "1970-02-30",
  "name": [{ "family": 1 }]
}`;
    const answer = await validate(text);
    expect(answer.status).toBe(200);
    expect(faultsOf(answer).map((fault) => [fault.expression?.[0], placeOf(fault)])).toEqual(
      expect.arrayContaining([
        ['Patient.gendr', '3:3'],
        ['Patient.gender', '4:3'],
        ['Patient.birthDate', '5:3'],
        ['Patient.name[0].family', '6:14'],
      ]),
    );
    expect(faultsOf(answer).find(({ expression }) => expression?.[0] === 'Patient.gendr')?.details.text).toContain('did you mean gender');
  });

  test('has its errors before warnings and remarks', async () => {
    const grave = ['fatal', 'error', 'warning', 'information'];
    const severities = issuesOf(
      await validate(observation({ status: 'finl', subject: { reference: 'nobody' } }), '/Observation/$validate'),
    );
    const ranks = severities.map(({ severity }) => grave.indexOf(severity));
    expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
    expect(new Set(ranks).size).toBeGreaterThan(1);
  });

  test('is validated as the parameter "resource" too, and places are told in the Parameters', async () => {
    const text = `{"resourceType":"Parameters","parameter":[\n{"name":"mode","valueCode":"create"},\n{"name":"resource","resource":{"resourceType":"Patient",\n"gender":"mael"}}]}`;
    const [fault] = faultsOf(await validate(text));
    expect(fault?.expression).toEqual(['Patient.gender']);
    expect(fault === undefined ? '' : placeOf(fault)).toBe('4:1');
  });

  test('that breaks an invariant hears which, of what profile', async () => {
    const answer = await validate(patient({ contact: [{ gender: 'male' }] }));
    expect(faultsOf(answer)[0]).toMatchObject({ code: 'invariant', expression: ['Patient.contact[0]'] });
    expect(faultsOf(answer)[0]?.details.coding[1]).toMatchObject({
      system: 'http://hl7.org/fhir/StructureDefinition/Patient',
      code: 'pat-1',
    });
  });

  test('in a Bundle is named by its entry', async () => {
    const entry = { fullUrl: 'urn:uuid:7d1b2e3c-0000-4000-8000-000000000001', resource: patient({ gender: 'mael' }) };
    const answer = await validate({ resourceType: 'Bundle', type: 'collection', entry: [entry] }, '/Bundle/$validate');
    expect(faultsOf(answer)[0]?.expression?.[0]).toMatch(/^Bundle\.entry\[0\]\.resource.*\.gender$/);
  });

  test('of another type than the URL names is told so', async () => {
    expect(faultsOf(await validate(observation())).map(({ details }) => details.coding[0]?.code)).toContain('resource-type-mismatch');
  });

  test('without a type is told so', async () => {
    expect(faultsOf(await validate({ id: '1' })).map(({ details }) => details.coding[0]?.code)).toContain('shape-resource-type');
  });
});

describe('a profile', () => {
  const height = observation({
    category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' }] }],
    code: { coding: [{ system: 'http://loinc.org', code: '8302-2' }] },
    subject: { reference: 'Patient/1' },
    effectiveDateTime: '2020-01-01',
    valueQuantity: { value: 180, unit: 'cm', system: 'http://unitsofmeasure.org', code: 'cm' },
  });

  test.each([
    ['in the URL', (resource: unknown) => validate(resource, `/Observation/$validate?profile=${bodyHeightProfile}`)],
    [
      'as a parameter',
      (resource: unknown) => validate(parameters(resource, { name: 'profile', valueUri: bodyHeightProfile }), '/Observation/$validate'),
    ],
  ])('%s is held against the resource', async (_, ask) => {
    expect(faultsOf(await ask(height))).toEqual([]);
    const { subject: _subject, ...without } = {
      ...height,
      valueQuantity: { ...(height['valueQuantity'] as object), code: 'kg' },
    } as Record<string, unknown>;
    const faults = faultsOf(await ask(without));
    expect(faults.map(({ expression }) => expression?.[0])).toEqual(expect.arrayContaining(['Observation.subject']));
    expect(faults.flatMap(({ details }) => details.coding.map(({ system }) => system))).toContain(bodyHeightProfile);
  });

  test('that is not known is an error, when it is asked for', async () => {
    const answer = await validate(height, '/Observation/$validate?profile=http://example.org/StructureDefinition/none');
    expect(answer.status).toBe(200);
    expect(faultsOf(answer)[0]).toMatchObject({ severity: 'error', code: 'not-found' });
    expect(faultsOf(answer)[0]?.details.text).toContain('http://example.org/StructureDefinition/none');
  });
});

describe('a stored resource', () => {
  test.each(['GET', 'POST'])('is validated by %s, and by a profile', async (method) => {
    const plain = await server.request(method, '/Patient/stored/$validate');
    expect([plain.status, faultsOf(plain)]).toEqual([200, []]);
    const other = await server.request(method, `/Patient/stored/$validate?profile=${bodyHeightProfile}`);
    expect([other.status, faultsOf(other).length]).toEqual([200, 1]);
  });

  test('that the caller may not see is answered as one that never was', async () => {
    const token = await server.token({ scope: 'patient/Patient.rs', patient: 'another' });
    const [hidden, none] = [
      await server.request('GET', '/Patient/stored/$validate', { token }),
      await server.request('GET', '/Patient/nobody/$validate', { token }),
    ];
    expect([hidden.status, hidden.text]).toEqual([404, none.text]);
    expect((await server.request('GET', '/Patient/stored/$validate')).status).toBe(200);
  });

  test('that was deleted is gone', async () => {
    await server.request('PUT', '/Patient/deleted', { body: patient({ id: 'deleted' }) });
    await server.request('DELETE', '/Patient/deleted');
    expect((await server.request('GET', '/Patient/deleted/$validate')).status).toBe(410);
  });
});

describe('a mode', () => {
  const ids = (answer: Answered) => faultsOf(answer).map(({ details }) => details.coding[0]?.code);

  test('create says whether it would be accepted', async () => {
    expect(ids(await validate(patient(), '/Patient/$validate?mode=create'))).toEqual([]);
    const token = await server.token({ scope: 'system/Patient.rs' });
    expect(ids(await validate(patient(), '/Patient/$validate?mode=create', { token }))).toEqual(['scope-insufficient']);
  });

  test('update asks for the id, the version and the right to it', async () => {
    const path = '/Patient/stored/$validate?mode=update';
    expect(ids(await validate(patient({ id: 'stored' }), path))).toEqual([]);
    expect(ids(await validate(patient({ id: 'other' }), path))).toEqual(['id-mismatch']);
    expect(ids(await validate(patient({ id: 'stored' }), path, { headers: { 'if-match': 'W/"7"' } }))).toEqual(['version-conflict']);
    expect(ids(await validate(patient({ id: 'stored' }), path, { headers: { 'if-match': 'W/"1"' } }))).toEqual([]);
    const token = await server.token({ scope: 'system/Patient.rs' });
    expect(ids(await validate(patient({ id: 'stored' }), path, { token }))).toEqual(['scope-insufficient']);
  });

  test('delete looks at no content', async () => {
    const path = '/Patient/stored/$validate?mode=delete';
    expect(ids(await server.request('POST', path))).toEqual([]);
    expect(ids(await validate(parameters(undefined), path))).toEqual([]);
    const token = await server.token({ scope: 'system/Patient.cru' });
    expect(ids(await server.request('POST', path, { token }))).toEqual(['scope-insufficient']);
    expect((await server.request('POST', '/Patient/nobody/$validate?mode=delete')).status).toBe(404);
    expect((await server.request('GET', '/Patient/stored')).status).toBe(200);
  });

  test('of an audit event is never a change', async () => {
    const event = {
      resourceType: 'AuditEvent',
      id: 'e',
      type: { system: 'http://dicom.nema.org/resources/ontology/DCM', code: '110100' },
      recorded: '2020-01-01T00:00:00Z',
      agent: [{ requestor: true }],
      source: { observer: { display: 'x' } },
    };
    expect((await server.request('PUT', '/AuditEvent/e', { body: event })).status).toBe(201);
    expect(ids(await validate(event, '/AuditEvent/e/$validate?mode=update'))).toContain('audit-event-unchangeable');
  });

  test.each([
    ['/Patient/$validate?mode=update', 'of one resource'],
    ['/Patient/$validate?mode=delete', 'of one resource'],
    ['/Patient/stored/$validate?mode=create', 'of a new resource'],
    ['/Patient/$validate?mode=destroy', 'one of create, update, delete, profile'],
  ])('%s is refused where it has no meaning', async (path, words) => {
    const answer = await validate(patient(), path);
    expect(answer.status).toBe(400);
    expect(answer.json.issue[0].details.text).toContain(words);
  });
});

describe('a body', () => {
  test('with a fault of its JSON that leaves it a document is told so, with the place', async () => {
    const answer = await validate('{"resourceType":"Patient",\n"gender":"male","gender":"female"}');
    expect([answer.status, issueId(answer.json)]).toEqual([200, 'json-duplicate-member']);
    expect(placeOf(issuesOf(answer)[0] as Issue)).toBe('2:17');
  });

  test.each([
    ['that is no JSON', '<Patient/>'],
    ['that ends early', '{"resourceType":"Patient"'],
    ['that is an array', '[]'],
    ['that is a number', '1'],
  ])('%s is 400', async (_, body) => {
    expect((await validate(body)).status).toBe(400);
  });

  test('that is missing is 400, and says where it goes', async () => {
    const answer = await server.request('POST', '/Patient/$validate');
    expect([answer.status, issueId(answer.json)]).toEqual([400, 'validate-without-resource']);
    expect((await server.request('GET', '/Patient/$validate')).status).toBe(400);
  });

  test('of another media type is 415', async () => {
    expect((await validate('<Patient/>', '/Patient/$validate', { headers: { 'content-type': 'application/fhir+xml' } })).status).toBe(415);
  });
});

describe('the address', () => {
  test('asks for a token', async () => {
    expect((await validate(patient(), '/Patient/$validate', { token: null })).status).toBe(401);
  });

  test('of no operation names the nearest', async () => {
    const answer = await validate(patient(), '/Patient/$valdate');
    expect([answer.status, issueId(answer.json)]).toEqual([404, 'operation-unknown']);
    expect(answer.json.issue[0].details.text).toContain('Did you mean "$validate"?');
    expect((await validate(patient(), '/Patint/$validate')).status).toBe(404);
    expect((await validate(patient(), '/$validate')).status).toBe(404);
  });

  test('takes a dollar sign that is escaped', async () => {
    expect((await validate(patient(), '/Patient/%24validate')).status).toBe(200);
  });

  test.each(['PUT', 'PATCH', 'DELETE'])('takes no %s', async (method) => {
    const answer = await server.request(method, '/Patient/$validate', method === 'DELETE' ? {} : { body: patient() });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST, OPTIONS']);
  });

  test('with a parameter that is none names the nearest, or leaves it out for the lenient', async () => {
    const answer = await validate(patient(), '/Patient/$validate?profil=x');
    expect(answer.status).toBe(400);
    expect(answer.json.issue[0].details.text).toContain('Did you mean "profile"?');
    const lenient = await validate(patient(), '/Patient/$validate?profil=x', { headers: { prefer: 'handling=lenient' } });
    expect(lenient.status).toBe(200);
  });

  test('is in the capability statement of every type', async () => {
    const { json } = await server.request('GET', '/metadata', { token: null });
    for (const { operation } of json.rest[0].resource) {
      expect(operation).toContainEqual({ name: 'validate', definition: 'http://hl7.org/fhir/OperationDefinition/Resource-validate' });
    }
  });
});

describe('a write', () => {
  const prefer = { headers: { prefer: 'return=OperationOutcome' } };

  test('of what has not the shape of its type is 400, with the place', async () => {
    const answer = await server.request('POST', '/Patient', { body: '{"resourceType":"Patient",\n"gendr":"male"}' });
    expect(answer.status).toBe(400);
    expect(placeOf(issuesOf(answer)[0] as Issue)).toBe('2:1');
  });

  test.each([
    ['a binding', { gender: 'mael' }],
    ['an invariant', { contact: [{ gender: 'male' }] }],
    ['a profile it claims', { meta: { profile: [bodyHeightProfile] } }],
  ])('of what breaks %s is 422, by POST, PUT, PATCH and in Bundles', async (_, broken) => {
    const answers = [
      await server.request('POST', '/Patient', { body: patient(broken) }),
      await server.request('PUT', '/Patient/broken', { body: patient({ id: 'broken', ...broken }) }),
      await server.request('PATCH', '/Patient/stored', {
        body: Object.entries(broken).map(([name, value]) => ({ op: 'add', path: `/${name}`, value })),
        headers: { 'content-type': 'application/json-patch+json' },
      }),
      await server.request('POST', '', {
        body: {
          resourceType: 'Bundle',
          type: 'transaction',
          entry: [{ resource: patient(broken), request: { method: 'POST', url: 'Patient' } }],
        },
      }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([422, 422, 422, 422]);
    expect(answers[3]?.json.issue[0].expression[0]).toMatch(/^Bundle\.entry\[0\]\.resource\.ofType\(Patient\)/);
    const { json } = await server.request('POST', '', {
      body: { resourceType: 'Bundle', type: 'batch', entry: [{ resource: patient(broken), request: { method: 'POST', url: 'Patient' } }] },
    });
    expect(json.entry[0].response.status).toMatch(/^422/);
    expect((await server.request('GET', '/Patient/broken')).status).toBe(404);
  });

  test('of a transaction hears of all its entries that are invalid', async () => {
    const entry = ['mael', 'male', 'femal'].map((gender) => ({
      resource: patient({ gender }),
      request: { method: 'POST', url: 'Patient' },
    }));
    const answer = await server.request('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } });
    expect(answer.status).toBe(422);
    expect(faultsOf(answer).map(({ expression }) => expression?.[0])).toEqual([
      'Bundle.entry[0].resource.ofType(Patient).gender',
      'Bundle.entry[2].resource.ofType(Patient).gender',
    ]);
  });

  test('of what claims a profile that is not known here is taken, and warned of when asked', async () => {
    const body = patient({ meta: { profile: ['http://example.org/StructureDefinition/none'] } });
    const answer = await server.request('POST', '/Patient', { body, ...prefer });
    expect(answer.status).toBe(201);
    expect(issuesOf(answer)[0]?.details.coding[0]?.code).toBe('resource-created');
    expect(issuesOf(answer)).toContainEqual(expect.objectContaining({ severity: 'warning', code: 'not-found' }));
    expect((await server.request('POST', '/Patient', { body })).json.resourceType).toBe('Patient');
  });

  test('of a profile is in force for the next write', async () => {
    const url = 'http://example.org/StructureDefinition/born';
    const claimed = patient({ meta: { profile: [url] } });
    expect((await server.request('POST', '/Patient', { body: claimed })).status).toBe(201);
    const profile = {
      resourceType: 'StructureDefinition',
      url,
      name: 'Born',
      status: 'active',
      kind: 'resource',
      abstract: false,
      type: 'Patient',
      baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Patient',
      derivation: 'constraint',
      differential: { element: [{ id: 'Patient.birthDate', path: 'Patient.birthDate', min: 1 }] },
    };
    const made = await server.request('POST', '/StructureDefinition', { body: profile });
    expect(made.json.issue ?? made.status).toBe(201);
    const refused = await server.request('POST', '/Patient', { body: claimed });
    expect([refused.status, refused.json.issue[0].expression]).toEqual([422, ['Patient.birthDate', 'Patient']]);
    expect((await server.request('POST', '/Patient', { body: { ...claimed, birthDate: '1970-01-01' } })).status).toBe(201);
    await server.request('DELETE', `/StructureDefinition/${made.json.id}`);
    expect((await server.request('POST', '/Patient', { body: claimed })).status).toBe(201);
  });
});

describe('a caller', () => {
  test('validates what his scopes have anything to do with, and nothing else', async () => {
    const writer = await server.token({ scope: 'system/Patient.c' });
    expect((await validate(patient({}), '/Patient/$validate', { token: writer })).status).toBe(200);
    expect((await validate(observation({}), '/Observation/$validate', { token: writer })).status).toBe(403);
    const stranger = await server.token({ scope: 'openid fhirUser' });
    const refused = await validate(patient({}), `/Patient/$validate?profile=${encodeURIComponent(bodyHeightProfile)}`, { token: stranger });
    expect([refused.status, issueId(refused.json)]).toEqual([403, 'scope-insufficient']);
  });
});
