import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answered, startTestServer, type TestServer } from '../support/server.ts';
import { bundle, identified, issueId, locatedId, observation, patient, statuses } from './samples.ts';

/** Every form in which one resource of a transaction may name another. https://hl7.org/fhir/R4/http.html#trules */
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server?.stop());

const transact = (...entries: Parameters<typeof bundle>[1][]) => server.request('POST', '', { body: bundle('transaction', ...entries) });
const post = (type: string) => ({ method: 'POST', url: type });

/** Sends `referring` beside a patient under `fullUrl`; what is stored of it, and the patient's id. */
async function stored(
  fullUrl: string,
  referring: Record<string, unknown>,
  own?: string,
): Promise<{ text: string; id: string; resource: Answered['json'] }> {
  const type = String(referring.resourceType);
  const { status, json } = await transact(
    { ...(own === undefined ? {} : { fullUrl: own }), resource: referring, request: post(type) },
    { fullUrl, resource: patient(), request: post('Patient') },
  );
  expect(json.issue ?? status).toBe(200);
  const { text, json: resource } = await server.request('GET', `/${type}/${locatedId(json, 0)}`);
  return { text, resource, id: locatedId(json, 1) };
}

test.each([
  ['urn:uuid', `urn:uuid:${randomUUID()}`],
  ['urn:oid', 'urn:oid:1.2.3.4.5'],
  ['another server’s URL', 'https://elsewhere.example.org/fhir/Patient/77'],
])('by fullUrl › %s', async (_, fullUrl) => {
  const { resource, id } = await stored(fullUrl, observation({ subject: { reference: fullUrl } }));
  expect(resource.subject.reference).toBe(`Patient/${id}`);
  expect((await server.request('GET', `/Observation?subject=Patient/${id}`)).json.total).toBe(1);
});

test('relative, against the base of the entry’s own fullUrl', async () => {
  const { resource, id } = await stored(
    'https://elsewhere.example.org/fhir/Patient/78',
    observation({ subject: { reference: 'Patient/78' } }),
    'https://elsewhere.example.org/fhir/Observation/1',
  );
  expect(resource.subject.reference).toBe(`Patient/${id}`);
});

test('relative and absolute to us, where the fullUrl is one of ours', async () => {
  const { resource, id } = await stored(
    `${server.base}/Patient/79`,
    observation({ subject: { reference: 'Patient/79' }, performer: [{ reference: `${server.base}/Patient/79` }] }),
    `urn:uuid:${randomUUID()}`,
  );
  expect(resource.subject.reference).toBe(`Patient/${id}`);
  expect(resource.performer[0].reference).toBe(`Patient/${id}`);
});

test('a relative reference under another base stays as it is', async () => {
  const { resource } = await stored(
    'https://elsewhere.example.org/fhir/Patient/80',
    observation({ subject: { reference: 'Patient/80' } }),
    'https://third.example.org/fhir/Observation/1',
  );
  expect(resource.subject.reference).toBe('Patient/80');
});

test('absolute to us, of what is there already, is found by search like a relative one', async () => {
  await server.request('PUT', '/Patient/there', { body: patient({ id: 'there' }) });
  const { json } = await transact({
    resource: observation({ subject: { reference: `${server.base}/Patient/there` } }),
    request: post('Observation'),
  });
  expect(statuses(json)).toEqual([201]);
  expect((await server.request('GET', '/Observation?subject=Patient/there')).json.total).toBe(1);
});

test('versioned: names the version that this transaction writes', async () => {
  await server.request('PUT', '/Patient/versioned', { body: patient({ id: 'versioned' }) });
  const fullUrl = `${server.base}/Patient/versioned`;
  const { json } = await transact(
    { resource: observation({ subject: { reference: 'Patient/versioned/_history/1' } }), request: post('Observation') },
    { fullUrl, resource: patient({ id: 'versioned', active: true }), request: { method: 'PUT', url: 'Patient/versioned' } },
  );
  const { json: resource } = await server.request('GET', `/Observation/${locatedId(json, 0)}`);
  expect(resource.subject.reference).toBe('Patient/versioned/_history/2');
  const { resource: made, id } = await stored('urn:uuid:7d1b2e3c-0000-4000-8000-000000000001', {
    ...observation(),
    subject: { reference: 'urn:uuid:7d1b2e3c-0000-4000-8000-000000000001/_history/1' },
  });
  expect(made.subject.reference).toBe(`Patient/${id}/_history/1`);
});

test('with a fragment', async () => {
  const fullUrl = `urn:uuid:${randomUUID()}`;
  const { resource, id } = await stored(
    fullUrl,
    observation({ extension: [{ url: 'https://example.org/ext', valueUri: `${fullUrl}#part` }] }),
  );
  expect(resource.extension[0].valueUri).toBe(`Patient/${id}#part`);
});

test('inside extensions, of the resource, of elements and of primitives', async () => {
  const fullUrl = `urn:uuid:${randomUUID()}`;
  const url = 'https://example.org/ext';
  const { resource, id } = await stored(
    fullUrl,
    observation({
      extension: [
        { url, extension: [{ url: 'inner', valueReference: { reference: fullUrl } }] },
        { url, valueUri: fullUrl },
      ],
      modifierExtension: [{ url, valueUrl: fullUrl }],
      code: { text: 'x', extension: [{ url, valueUuid: fullUrl }] },
      _status: { extension: [{ url, valueReference: { reference: fullUrl } }] },
    }),
  );
  const reference = `Patient/${id}`;
  expect(resource.extension).toEqual([
    { url, extension: [{ url: 'inner', valueReference: { reference } }] },
    { url, valueUri: reference },
  ]);
  expect(resource.modifierExtension[0].valueUrl).toBe(reference);
  expect(resource._status.extension[0].valueReference.reference).toBe(reference);
});

test('inside contained resources, while their own #references stay', async () => {
  const fullUrl = `urn:uuid:${randomUUID()}`;
  const { resource, id } = await stored(
    fullUrl,
    observation({
      contained: [{ resourceType: 'Specimen', id: 's', subject: { reference: fullUrl } }],
      specimen: { reference: '#s' },
    }),
  );
  expect(resource.contained[0].subject.reference).toBe(`Patient/${id}`);
  expect(resource.specimen.reference).toBe('#s');
});

test('in attachments’ urls and in other elements of type uri', async () => {
  const fullUrl = `urn:uuid:${randomUUID()}`;
  const { json } = await transact(
    {
      resource: {
        resourceType: 'DocumentReference',
        status: 'current',
        content: [{ attachment: { contentType: 'text/plain', url: fullUrl } }],
      },
      request: post('DocumentReference'),
    },
    { fullUrl, resource: { resourceType: 'Binary', contentType: 'text/plain', data: 'eA==' }, request: post('Binary') },
    {
      resource: {
        resourceType: 'ServiceRequest',
        status: 'draft',
        intent: 'order',
        subject: { display: 'x' },
        instantiatesUri: ['urn:x', fullUrl],
      },
      request: post('ServiceRequest'),
    },
  );
  const reference = `Binary/${locatedId(json, 1)}`;
  const document = (await server.request('GET', `/DocumentReference/${locatedId(json, 0)}`)).json;
  expect(document.content[0].attachment.url).toBe(reference);
  const request = (await server.request('GET', `/ServiceRequest/${locatedId(json, 2)}`)).json;
  expect(request.instantiatesUri).toEqual(['urn:x', reference]);
});

test('in links and images of narratives, of the resource and of contained ones', async () => {
  const fullUrl = `urn:uuid:${randomUUID()}`;
  const div = `<div xmlns="http://www.w3.org/1999/xhtml"><a href="${fullUrl}">x</a><img src='${fullUrl}' alt="${fullUrl}"/></div>`;
  const text = { status: 'generated', div };
  const { resource, id } = await stored(fullUrl, { ...observation(), text });
  expect(resource.text.div).toBe(
    `<div xmlns="http://www.w3.org/1999/xhtml"><a href="Patient/${id}">x</a><img src='Patient/${id}' alt="${fullUrl}"/></div>`,
  );
});

test('what only looks like a reference stays: identifiers, codes, text, canonicals, names of vocabularies', async () => {
  const fullUrl = `urn:uuid:${randomUUID()}`;
  const kept = {
    identifier: [{ system: 'urn:ietf:rfc:3986', value: fullUrl }],
    meta: { profile: [fullUrl] },
    code: { coding: [{ system: fullUrl, code: 'x', display: fullUrl }], text: fullUrl },
    extension: [{ url: fullUrl, valueString: fullUrl }],
    note: [{ text: fullUrl }],
  };
  const { resource } = await stored(fullUrl, observation({ ...kept, subject: { reference: fullUrl } }));
  expect(resource).toMatchObject({ ...kept, meta: expect.objectContaining(kept.meta) });
  expect((await server.request('GET', `/Observation?identifier=${fullUrl}`)).json.total).toBe(1);
});

test('decimals beside a rewritten reference keep their digits', async () => {
  const fullUrl = `urn:uuid:${randomUUID()}`;
  const body = `{"resourceType":"Bundle","type":"transaction","entry":[
    {"resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},"component":[{"code":{"text":"y"},"valueQuantity":{"value":1.00}}],
      "subject":{"reference":"${fullUrl}"},"valueQuantity":{"value":0.10}},"request":{"method":"POST","url":"Observation"}},
    {"fullUrl":"${fullUrl}","resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}}]}`;
  const { json } = await server.request('POST', '', { body });
  const { text } = await server.request('GET', `/Observation/${locatedId(json, 0)}`);
  expect(text).toContain('"value":1.00');
  expect(text).toContain('"value":0.10');
});

test('in circles', async () => {
  const [a, b] = [`urn:uuid:${randomUUID()}`, `urn:uuid:${randomUUID()}`];
  const { json } = await transact(
    { fullUrl: a, resource: patient({ link: [{ other: { reference: b }, type: 'seealso' }] }), request: post('Patient') },
    { fullUrl: b, resource: patient({ link: [{ other: { reference: a }, type: 'seealso' }] }), request: post('Patient') },
  );
  const [idA, idB] = [locatedId(json, 0), locatedId(json, 1)];
  expect((await server.request('GET', `/Patient/${idA}`)).json.link[0].other.reference).toBe(`Patient/${idB}`);
  expect((await server.request('GET', `/Patient/${idB}`)).json.link[0].other.reference).toBe(`Patient/${idA}`);
});

test('to an entry whose conditional create found something: that', async () => {
  const { identifier, criteria } = identified();
  const { json: first } = await server.request('POST', '/Patient', { body: patient({ identifier }) });
  const fullUrl = `urn:uuid:${randomUUID()}`;
  const { json } = await transact(
    { fullUrl, resource: patient({ identifier }), request: { ...post('Patient'), ifNoneExist: criteria } },
    { resource: observation({ subject: { reference: fullUrl } }), request: post('Observation') },
  );
  expect(statuses(json)).toEqual([200, 201]);
  expect((await server.request('GET', `/Observation/${locatedId(json, 1)}`)).json.subject.reference).toBe(`Patient/${first.id}`);
});

test('to an entry of a conditional update: what it updated', async () => {
  const { identifier, criteria } = identified();
  const { json: first } = await server.request('POST', '/Patient', { body: patient({ identifier }) });
  const fullUrl = `urn:uuid:${randomUUID()}`;
  const { json } = await transact(
    { resource: observation({ subject: { reference: fullUrl } }), request: post('Observation') },
    { fullUrl, resource: patient({ identifier, active: true }), request: { method: 'PUT', url: `Patient?${criteria}` } },
  );
  expect(statuses(json)).toEqual([201, 200]);
  expect((await server.request('GET', `/Observation/${locatedId(json, 0)}`)).json.subject.reference).toBe(`Patient/${first.id}`);
});

describe('conditional references', () => {
  const refer = (reference: string) => transact({ resource: observation({ subject: { reference } }), request: post('Observation') });

  test('become the one resource that matches, also inside extensions', async () => {
    const { identifier, criteria } = identified();
    const { json: target } = await server.request('POST', '/Patient', { body: patient({ identifier }) });
    const { json } = await transact({
      resource: observation({
        subject: { reference: `Patient?${criteria}` },
        extension: [{ url: 'https://example.org/ext', valueReference: { reference: `Patient?${criteria}` } }],
      }),
      request: post('Observation'),
    });
    const { json: made } = await server.request('GET', `/Observation/${locatedId(json, 0)}`);
    expect(made.subject.reference).toBe(`Patient/${target.id}`);
    expect(made.extension[0].valueReference.reference).toBe(`Patient/${target.id}`);
    expect((await server.request('GET', `/Observation?subject=Patient/${target.id}`)).json.total).toBe(1);
  });

  test('to nothing, or to more than one, refuse the transaction and name the entry', async () => {
    const { identifier, criteria } = identified();
    const none = await refer(`Patient?${criteria}`);
    expect(none.status).toBe(412);
    expect(issueId(none.json)).toBe('conditional-reference-unresolved');
    expect(none.json.issue[0].expression[0]).toMatch(/^Bundle\.entry\[0\]/);
    await server.request('POST', '/Patient', { body: patient({ identifier }) });
    await server.request('POST', '/Patient', { body: patient({ identifier }) });
    const many = await refer(`Patient?${criteria}`);
    expect(many.status).toBe(412);
    expect(many.json.issue[0].code).toBe('multiple-matches');
  });

  test.each(['Patient?nonsense=1', 'Patient?identifier=', 'Patients?identifier=x', 'Patient?_count=1'])(
    '%s is refused',
    async (reference) => {
      const answer = await refer(reference);
      expect([400, 412, 422]).toContain(answer.status);
    },
  );

  test('see what the same transaction creates', async () => {
    const { identifier, criteria } = identified();
    const { status, json } = await transact(
      { resource: observation({ subject: { reference: `Patient?${criteria}` } }), request: post('Observation') },
      { resource: patient({ identifier }), request: post('Patient') },
    );
    expect(json.issue ?? status).toBe(200);
    const { json: made } = await server.request('GET', `/Observation/${locatedId(json, 0)}`);
    expect(made.subject.reference).toBe(`Patient/${locatedId(json, 1)}`);
  });
});

test('a Bundle that is stored keeps its own references', async () => {
  const fullUrl = `urn:uuid:${randomUUID()}`;
  const inner = {
    resourceType: 'Bundle',
    type: 'collection',
    entry: [{ fullUrl, resource: patient() }, { resource: observation({ subject: { reference: fullUrl } }) }],
  };
  const { json } = await transact({ resource: inner, request: post('Bundle') }, { fullUrl, resource: patient(), request: post('Patient') });
  const { json: made } = await server.request('GET', `/Bundle/${locatedId(json, 0)}`);
  expect(made.entry[0].fullUrl).toBe(fullUrl);
  expect(made.entry[1].resource.subject.reference).toBe(fullUrl);
});
