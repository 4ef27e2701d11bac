import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answered, startTestServer, type TestServer } from '../support/server.ts';
import { bundle, identified, issueId, locatedId, observation, patient, statuses } from './samples.ts';

/** What a patch brings is rewritten as a resource would be. https://hl7.org/fhir/R4/http.html#trules */
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server?.stop());

type Operation = Readonly<Record<string, unknown>>;

const jsonPatch = (operations: readonly Operation[]) => ({
  resourceType: 'Binary',
  contentType: 'application/json-patch+json',
  data: Buffer.from(JSON.stringify(operations)).toString('base64'),
});
const part = (name: string, value: Operation) => ({ name, ...value });
const operation = (type: string, path: string, ...parts: readonly Operation[]) => ({
  name: 'operation',
  part: [part('type', { valueCode: type }), part('path', { valueString: path }), ...parts],
});
const added = (path: string, name: string, value: Operation) =>
  operation('add', path, part('name', { valueString: name }), part('value', value));
const replaced = (path: string, value: Operation) => operation('replace', path, part('value', value));
const parameters = (operations: readonly Operation[]) => ({ resourceType: 'Parameters', parameter: operations });

async function create(resource: Record<string, unknown>): Promise<string> {
  const { status, json } = await server.request('POST', `/${String(resource.resourceType)}`, { body: resource });
  expect(status).toBe(201);
  return json.id;
}

/** Patches a resource beside a patient under `fullUrl`. */
async function patched(
  resource: Record<string, unknown>,
  patch: Record<string, unknown>,
  fullUrl: string,
  own?: string,
): Promise<{ readonly answer: Answered; readonly text: string; readonly resource: Answered['json']; readonly made: string }> {
  const path = `${String(resource.resourceType)}/${await create(resource)}`;
  const answer = await server.request('POST', '', {
    body: bundle(
      'transaction',
      { ...(own === undefined ? {} : { fullUrl: own }), resource: patch, request: { method: 'PATCH', url: path } },
      { fullUrl, resource: patient(), request: { method: 'POST', url: 'Patient' } },
    ),
  });
  const { text, json } = await server.request('GET', `/${path}`);
  return { answer, text, resource: json, made: answer.status === 200 ? `Patient/${locatedId(answer.json, 1)}` : '' };
}

const withSubject = observation({ subject: { reference: 'Patient/before' } });

describe('the subject', () => {
  const forms: readonly (readonly [string, (reference: string) => Record<string, unknown>])[] = [
    ['JSON Patch › an object', (reference) => jsonPatch([{ op: 'replace', path: '/subject', value: { reference } }])],
    ['JSON Patch › its text', (reference) => jsonPatch([{ op: 'replace', path: '/subject/reference', value: reference }])],
    [
      'JSON Patch › tested once it is set',
      (reference) =>
        jsonPatch([
          { op: 'add', path: '/subject', value: {} },
          { op: 'add', path: '/subject/reference', value: reference },
          { op: 'test', path: '/subject', value: { reference } },
          { op: 'test', path: '/subject/reference', value: reference },
        ]),
    ],
    ['FHIRPath Patch › a Reference', (reference) => parameters([replaced('Observation.subject', { valueReference: { reference } })])],
    ['FHIRPath Patch › its text', (reference) => parameters([replaced('Observation.subject.reference', { valueString: reference })])],
    [
      'FHIRPath Patch › parts',
      (reference) => parameters([replaced('Observation.subject', { part: [part('reference', { valueString: reference })] })]),
    ],
    [
      'FHIRPath Patch › added to what is there',
      (reference) =>
        parameters([
          replaced('Observation.subject', { valueReference: { display: 'x' } }),
          added('Observation.subject', 'reference', { valueString: reference }),
        ]),
    ],
  ];

  test.each(forms)('%s › by fullUrl', async (_, patchOf) => {
    const fullUrl = `urn:uuid:${randomUUID()}`;
    const { answer, resource, made } = await patched(withSubject, patchOf(fullUrl), fullUrl);
    expect(answer.json.issue ?? statuses(answer.json)).toEqual([200, 201]);
    expect(resource.subject.reference).toBe(made);
    expect((await server.request('GET', `/Observation?subject=${made}`)).json.total).toBe(1);
  });

  test.each(forms)('%s › relative to the base of the entry’s own fullUrl', async (_, patchOf) => {
    const base = 'https://elsewhere.example.org/fhir';
    const { resource, made } = await patched(withSubject, patchOf('Patient/78'), `${base}/Patient/78`, `${base}/Observation/1`);
    expect(resource.subject.reference).toBe(made);
  });

  test.each(forms)('%s › conditional', async (_, patchOf) => {
    const { identifier, criteria } = identified();
    const id = await create(patient({ identifier }));
    const { answer, resource } = await patched(withSubject, patchOf(`Patient?${criteria}`), `urn:uuid:${randomUUID()}`);
    expect(answer.json.issue ?? answer.status).toBe(200);
    expect(resource.subject.reference).toBe(`Patient/${id}`);
  });

  test.each(forms)('%s › conditional without a match refuses all and names the entry', async (_, patchOf) => {
    const { answer, resource } = await patched(withSubject, patchOf(`Patient?${identified().criteria}`), `urn:uuid:${randomUUID()}`);
    expect([answer.status, issueId(answer.json)]).toEqual([412, 'conditional-reference-unresolved']);
    expect(answer.json.issue[0].expression[0]).toMatch(/^Bundle\.entry\[0\]/);
    expect(resource.subject.reference).toBe('Patient/before');
  });
});

describe('elsewhere', () => {
  const url = 'https://example.org/ext';
  const fullUrl = `urn:uuid:${randomUUID()}`;
  const div = (target: string) => `<div xmlns="http://www.w3.org/1999/xhtml"><a href="${target}">x</a></div>`;

  test('JSON Patch › in lists, extensions, primitives’ extensions, contained resources, narratives and uris', async () => {
    const { resource, made } = await patched(
      observation(),
      jsonPatch([
        { op: 'add', path: '/performer', value: [{ reference: fullUrl }] },
        { op: 'add', path: '/performer/-', value: { reference: `${fullUrl}/_history/1` } },
        { op: 'add', path: '/performer/0', value: { display: 'x' } },
        { op: 'add', path: '/performer/0/reference', value: fullUrl },
        { op: 'add', path: '/extension', value: [{ url, valueUri: fullUrl }] },
        { op: 'add', path: '/_status', value: { extension: [{ url, valueReference: { reference: fullUrl } }] } },
        { op: 'add', path: '/_status/extension/-', value: { url, valueUrl: fullUrl } },
        { op: 'add', path: '/contained', value: [{ resourceType: 'Specimen', id: 's', subject: { reference: fullUrl } }] },
        { op: 'add', path: '/contained/0/collection', value: { extension: [{ url, valueReference: { reference: fullUrl } }] } },
        { op: 'add', path: '/specimen', value: { reference: '#s' } },
        { op: 'add', path: '/text', value: { status: 'generated', div: div('') } },
        { op: 'replace', path: '/text/div', value: div(fullUrl) },
      ]),
      fullUrl,
    );
    expect(resource).toMatchObject({
      performer: [{ display: 'x', reference: made }, { reference: made }, { reference: `${made}/_history/1` }],
      extension: [{ url, valueUri: made }],
      _status: {
        extension: [
          { url, valueReference: { reference: made } },
          { url, valueUrl: made },
        ],
      },
      contained: [{ subject: { reference: made }, collection: { extension: [{ url, valueReference: { reference: made } }] } }],
      specimen: { reference: '#s' },
      text: { div: div(made) },
    });
  });

  test('FHIRPath Patch › in lists, extensions, contained resources, narratives and uris', async () => {
    const { answer, resource, made } = await patched(
      observation({ performer: [{ display: 'first' }] }),
      parameters([
        operation(
          'insert',
          'Observation.performer',
          part('index', { valueInteger: 1 }),
          part('value', { valueReference: { reference: fullUrl } }),
        ),
        added('Observation', 'extension', { part: [part('url', { valueUri: url }), part('valueUri', { valueUri: fullUrl })] }),
        added('Observation', 'contained', { resource: { resourceType: 'Specimen', id: 's', subject: { reference: fullUrl } } }),
        added('Observation', 'specimen', { valueReference: { reference: '#s' } }),
        added('Observation', 'text', { part: [part('status', { valueCode: 'generated' }), part('div', { valueString: div(fullUrl) })] }),
        added('Observation', 'component', {
          part: [part('code', { valueCodeableConcept: { text: 'x', extension: [{ url, valueReference: { reference: fullUrl } }] } })],
        }),
      ]),
      fullUrl,
    );
    expect(answer.json.issue ?? answer.status).toBe(200);
    expect(resource).toMatchObject({
      performer: [{ display: 'first' }, { reference: made }],
      extension: [{ url, valueUri: made }],
      contained: [{ subject: { reference: made } }],
      specimen: { reference: '#s' },
      text: { div: div(made) },
      component: [{ code: { extension: [{ valueReference: { reference: made } }] } }],
    });
  });

  const kept = {
    identifier: [{ system: 'urn:ietf:rfc:3986', value: fullUrl }],
    code: { coding: [{ system: fullUrl, code: 'x', display: fullUrl }], text: fullUrl },
    note: [{ text: fullUrl }, { text: 'Patient?identifier=none' }],
  };

  test('JSON Patch › what only looks like a reference stays, and so does what was there before', async () => {
    const before = { reference: fullUrl };
    const { answer, resource } = await patched(
      observation({ focus: [before] }),
      jsonPatch([
        ...Object.entries(kept).map(([name, value]) => ({ op: 'add', path: `/${name}`, value })),
        { op: 'replace', path: '/code/coding/0/system', value: fullUrl },
        { op: 'test', path: '/code/coding/0/system', value: fullUrl },
      ]),
      fullUrl,
    );
    expect(answer.json.issue ?? answer.status).toBe(200);
    expect(resource).toMatchObject({ ...kept, focus: [before] });
  });

  test('FHIRPath Patch › what only looks like a reference stays, and so does what was there before', async () => {
    const before = { reference: fullUrl };
    const { answer, resource } = await patched(
      observation({ code: { coding: [{ system: 'http://loinc.org', code: 'x' }] }, focus: [before] }),
      parameters([
        replaced('Observation.code.coding.system', { valueUri: fullUrl }),
        added('Observation.code', 'text', { valueString: fullUrl }),
        added('Observation', 'note', { valueAnnotation: { text: 'Patient?identifier=none' } }),
      ]),
      fullUrl,
    );
    expect(answer.json.issue ?? answer.status).toBe(200);
    expect(resource).toMatchObject({
      code: { coding: [{ system: fullUrl, code: 'x' }], text: fullUrl },
      note: [{ text: 'Patient?identifier=none' }],
      focus: [before],
    });
  });

  test('a Bundle that is stored keeps its references', async () => {
    const stored = {
      resourceType: 'Bundle',
      type: 'collection',
      entry: [{ resource: observation({ subject: { reference: 'Patient/1' } }) }],
    };
    const { answer, resource } = await patched(
      stored,
      jsonPatch([{ op: 'replace', path: '/entry/0/resource/subject/reference', value: fullUrl }]),
      fullUrl,
    );
    expect(answer.json.issue ?? answer.status).toBe(200);
    expect(resource.entry[0].resource.subject.reference).toBe(fullUrl);
  });

  test('decimals beside a rewritten reference keep their digits', async () => {
    const operations = `[{"op":"add","path":"/component","value":[{"code":{"text":"x"},"valueQuantity":{"value":1.50,"extension":[{"url":"${url}","valueReference":{"reference":"${fullUrl}"}}]}}]}]`;
    const patch = { ...jsonPatch([]), data: Buffer.from(operations).toString('base64') };
    const { text, made } = await patched(observation(), patch, fullUrl);
    expect(text).toContain('"value":1.50');
    expect(text).toContain(`"reference":"${made}"`);
  });
});

test('a malformed patch refuses the transaction and names its entry', async () => {
  const path = `Observation/${await create(observation())}`;
  for (const resource of [
    jsonPatch([{ op: 'add', path: '/note' }]),
    parameters([{ name: 'operation', part: [part('type', { valueCode: 'add' })] }]),
  ]) {
    const { status, json } = await server.request('POST', '', {
      body: bundle(
        'transaction',
        { resource: patient(), request: { method: 'POST', url: 'Patient' } },
        { resource, request: { method: 'PATCH', url: path } },
      ),
    });
    expect([status, issueId(json)]).toEqual([400, 'patch-format']);
    expect(json.issue[0].expression[0]).toMatch(/^Bundle\.entry\[1\]/);
  }
});
