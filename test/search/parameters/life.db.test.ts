import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
}, 60_000);
afterAll(() => server?.stop());

type Resource = { readonly resourceType: string; readonly id: string } & Readonly<Record<string, unknown>>;

function parameter(id: string, rest: object): Resource {
  return {
    resourceType: 'SearchParameter',
    id,
    url: `http://example.org/fhir/SearchParameter/${id}`,
    name: 'Added',
    status: 'active',
    description: 'A parameter of ours',
    ...rest,
  };
}

const eyes = (id: string, colour: string): Resource => ({
  resourceType: 'Patient',
  id,
  extension: [{ url: 'http://example.org/eyes', valueCodeableConcept: { coding: [{ system: 'urn:eyes', code: colour }] } }],
});

async function put(resource: Resource, status = 201): Promise<void> {
  const answer = await server.request('PUT', `/${resource.resourceType}/${resource.id}`, { body: resource });
  expect(answer.status, answer.text).toBe(status);
}

async function putAll(resources: readonly Resource[]): Promise<void> {
  const entry = resources.map((resource) => ({ resource, request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` } }));
  const { status, text } = await server.request('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } });
  expect(status, text).toBe(200);
}

/** The parts of `$status`, by name. */
async function statusOf(id: string): Promise<Record<string, unknown>> {
  const { status, json, text } = await server.request('GET', `/SearchParameter/${id}/$status`);
  expect(status, text).toBe(200);
  return Object.fromEntries(json.parameter.map(({ name, ...value }: { name: string }) => [name, Object.values(value)[0]]));
}

const becomes = (id: string, status: string) =>
  expect.poll(async () => (await statusOf(id))['status'], { timeout: 15_000, interval: 20 }).toBe(status);

/** What a search answers: the ids found, or the id of its first issue. */
async function search(path: string): Promise<string> {
  const { status, json } = await server.request('GET', `/${path}`);
  if (status !== 200) return `${status} ${json.issue[0].details.coding[0].code}`;
  return (json.entry ?? [])
    .filter((entry: { search: { mode: string } }) => entry.search.mode === 'match')
    .map((entry: { resource: { id: string } }) => entry.resource.id)
    .sort()
    .join(' ');
}

async function parameterNames(type: string): Promise<string[]> {
  const { json } = await server.request('GET', '/metadata');
  const resource = json.rest[0].resource.find((each: { type: string }) => each.type === type);
  return resource.searchParam.map(({ name }: { name: string }) => name);
}

const eyeColour = (rest: object = {}): Resource =>
  parameter('eye-colour', {
    code: 'eye-colour',
    base: ['Patient'],
    type: 'token',
    expression: "Patient.extension.where(url = 'http://example.org/eyes').value.ofType(CodeableConcept)",
    ...rest,
  });

describe('an added search parameter', () => {
  test('is unknown before, is built over what is there, and then finds it; a change builds it anew; once deleted it is gone', async () => {
    const many = Array.from({ length: 400 }, (_, n) => eyes(`p${n}`, n % 100 === 0 ? 'green' : 'brown'));
    await putAll(many);
    const before = (await server.request('GET', '/Patient/p100')).json.meta;
    expect(await search('Patient?eye-colour=green')).toBe('400 search-unknown-parameter');

    await put(eyeColour());
    const seen = new Set<string>();
    let late = 0;
    for (;;) {
      const answer = await search('Patient?eye-colour=green');
      seen.add(answer);
      if (!answer.startsWith('400')) break;
      // Written while it is being built.
      if (answer === '400 search-parameter-building' && late === 0) await put(eyes(`late${late++}`, 'green'));
      await delay(2);
    }
    const found = 'late0 p0 p100 p200 p300';
    expect([...seen].filter((answer) => answer !== '400 search-unknown-parameter')).toEqual(['400 search-parameter-building', found]);
    expect(late).toBe(1);
    await becomes('eye-colour', 'ready');
    expect(await search('Patient?eye-colour=urn:eyes|green')).toBe(found);
    expect(await search('Patient?eye-colour:missing=true')).toBe('');
    expect(await parameterNames('Patient')).toContain('eye-colour');
    expect((await server.request('GET', '/Patient/p100')).json.meta).toEqual(before);
    expect((await server.request('GET', '/Patient/p100/_history')).json.total).toBe(1);

    await put(eyes('after', 'green'));
    expect(await search('Patient?eye-colour=green&_id=after,p1')).toBe('after');

    // Another text of the same meaning builds nothing.
    await put(eyeColour({ description: 'Said otherwise' }), 200);
    await becomes('eye-colour', 'ready');
    expect(await search('Patient?eye-colour=green&_id=p0')).toBe('p0');

    await put(
      eyeColour({ code: 'eyes', type: 'string', expression: "Patient.extension('http://example.org/eyes').value.coding.code" }),
      200,
    );
    await becomes('eye-colour', 'ready');
    expect(await search('Patient?eye-colour=green')).toBe('400 search-unknown-parameter');
    expect(await search('Patient?eyes=gre')).toBe('after late0 p0 p100 p200 p300');

    expect((await server.request('DELETE', '/SearchParameter/eye-colour')).status).toBe(200);
    await expect.poll(() => search('Patient?eyes=gre'), { timeout: 5_000 }).toBe('400 search-unknown-parameter');
    expect(await parameterNames('Patient')).not.toContain('eyes');
    expect((await server.request('GET', '/SearchParameter/eye-colour/$status')).status).toBe(410);
  }, 60_000);

  test('of several at once are built together, of every type there is', async () => {
    await putAll([
      {
        resourceType: 'Observation',
        id: 'o1',
        status: 'final',
        code: { text: 'x' },
        specimen: { reference: 'Specimen/s1' },
        valueInteger: 7,
        effectiveInstant: '2024-05-01T10:00:00Z',
      },
      { resourceType: 'Observation', id: 'o2', status: 'final', code: { text: 'x' }, valueInteger: 9, note: [{ text: 'Sehr gut' }] },
      {
        resourceType: 'Questionnaire',
        id: 'q1',
        status: 'draft',
        item: [
          {
            linkId: '1',
            type: 'quantity',
            initial: [{ valueQuantity: { value: 3, unit: 'mg', system: 'http://unitsofmeasure.org', code: 'mg' } }],
          },
        ],
      },
      parameter('value-integer', {
        code: 'value-integer',
        base: ['Observation'],
        type: 'number',
        expression: 'Observation.value.ofType(integer)',
      }),
      parameter('instant', {
        code: 'effective-instant',
        base: ['Observation'],
        type: 'date',
        expression: 'Observation.effective.ofType(instant)',
      }),
      parameter('note', { code: 'note', base: ['Observation'], type: 'string', expression: 'Observation.note.text' }),
      parameter('own-specimen', {
        code: 'own-specimen',
        base: ['Observation'],
        type: 'reference',
        target: ['Specimen'],
        expression: 'Observation.specimen',
      }),
      parameter('initial', {
        code: 'initial',
        base: ['Questionnaire'],
        type: 'quantity',
        expression: 'Questionnaire.item.initial.value.ofType(Quantity)',
      }),
      parameter('item-type', {
        code: 'item-type',
        base: ['Questionnaire'],
        type: 'token',
        expression: 'Questionnaire.descendants().ofType(code)',
      }),
      parameter('source-uri', { code: 'from-uri', base: ['Resource'], type: 'uri', expression: 'Resource.meta.source' }),
    ]);
    for (const id of ['value-integer', 'instant', 'note', 'own-specimen', 'initial', 'source-uri']) await becomes(id, 'ready');
    expect(await search('Observation?value-integer=gt8')).toBe('o2');
    expect(await search('Observation?_sort=-value-integer&value-integer:missing=false')).toBe('o1 o2');
    expect(await search('Observation?effective-instant=2024-05-01')).toBe('o1');
    expect(await search('Observation?note=sehr')).toBe('o2');
    expect(await search('Observation?note:contains=gut')).toBe('o2');
    expect(await search('Observation?own-specimen=s1')).toBe('o1');
    expect(await search('Questionnaire?initial=gt2|http://unitsofmeasure.org|mg')).toBe('q1');
    await put({ resourceType: 'Basic', id: 'b', meta: { source: 'urn:there' }, code: { text: 'x' } });
    expect(await search('Basic?from-uri=urn:there')).toBe('b');
  }, 60_000);

  test('that is a composite compares values of one item', async () => {
    const answer = (code: string, value: number) => ({ linkId: code, answer: [{ valueInteger: value }] });
    await putAll([
      { resourceType: 'QuestionnaireResponse', id: 'r1', status: 'completed', item: [answer('a', 1), answer('b', 2)] },
      { resourceType: 'QuestionnaireResponse', id: 'r2', status: 'completed', item: [answer('a', 2), answer('b', 1)] },
      parameter('item-link', {
        code: 'item-link',
        base: ['QuestionnaireResponse'],
        type: 'token',
        expression: 'QuestionnaireResponse.item.linkId',
      }),
      parameter('item-number', {
        code: 'item-number',
        base: ['QuestionnaireResponse'],
        type: 'number',
        expression: 'QuestionnaireResponse.item.answer.value.ofType(integer)',
      }),
    ]);
    await becomes('item-link', 'ready');
    await put(
      parameter('item-link-number', {
        code: 'item-link-number',
        base: ['QuestionnaireResponse'],
        type: 'composite',
        expression: 'QuestionnaireResponse.item',
        component: [
          { definition: 'http://example.org/fhir/SearchParameter/item-link', expression: 'linkId' },
          { definition: 'http://example.org/fhir/SearchParameter/item-number', expression: 'answer.value.ofType(integer)' },
        ],
      }),
    );
    await becomes('item-link-number', 'ready');
    expect(await search('QuestionnaireResponse?item-link=a&item-number=1')).toBe('r1 r2');
    expect(await search(`QuestionnaireResponse?item-link-number=${encodeURIComponent('a$1')}`)).toBe('r1');
    expect(await search(`QuestionnaireResponse?item-link-number=${encodeURIComponent('b$gt1')}`)).toBe('r1');
  }, 60_000);

  test('with the url of one of the standard’s replaces it, and gives it back when it is retired', async () => {
    await put({ resourceType: 'Patient', id: 'named', name: [{ family: 'Outer' }], contact: [{ name: { family: 'Inner' } }] });
    const url = 'http://hl7.org/fhir/SearchParameter/individual-family';
    const replacing = parameter('family', {
      url,
      code: 'family',
      base: ['Patient'],
      type: 'string',
      expression: 'Patient.contact.name.family',
    });
    await put(replacing);
    await becomes('family', 'ready');
    expect([await search('Patient?family=inner'), await search('Patient?family=outer')]).toEqual(['named', '']);
    await put({ ...replacing, status: 'retired' }, 200);
    await becomes('family', 'inactive');
    await expect.poll(() => search('Patient?family=outer'), { timeout: 5_000 }).toBe('named');
    expect(await search('Patient?family=inner')).toBe('');
  }, 60_000);

  test('that is a draft is stored and nothing more, whatever it says', async () => {
    await put(parameter('draft', { status: 'draft', code: 'name', base: ['Patient'], type: 'token', expression: 'Patient.(' }));
    expect(await statusOf('draft')).toEqual({ status: 'inactive' });
  });
});

describe('a search parameter that nothing could be found by is refused', () => {
  const base = { base: ['Patient'], type: 'token', code: 'x', expression: 'Patient.gender' };
  test.each<[string, object, RegExp]>([
    ['an expression that is none', { expression: 'Patient.(' }, /not FHIRPath/],
    ['an expression with an unknown function', { expression: 'Patient.name.nothing()' }, /not FHIRPath/],
    ['an element that there is none of', { expression: 'Patient.nmae' }, /leads to nothing in Patient/],
    ['the datatype of another kind of parameter', { type: 'quantity' }, /leads to nothing in Patient that a quantity parameter/],
    ['a second base that the expression leaves out', { base: ['Patient', 'Person'] }, /leads to nothing in Person/],
    ['another resource’s elements', { expression: 'Patient.managingOrganization.resolve().name', type: 'string' }, /resolve/],
    ['a code that is taken', { code: 'gender' }, /Patient has a search parameter "gender" already/],
    ['a code that all types have', { code: '_id' }, /begins with a letter/],
    ['a code with a sign that means something', { code: 'a.b' }, /begins with a letter/],
    ['no expression', { expression: undefined }, /needs an expression/],
    ['AuditEvents', { base: ['AuditEvent'], expression: 'AuditEvent.action' }, /never changed/],
    ['a special kind', { type: 'special' }, /one of number/],
    ['a composite of one component', { type: 'composite', expression: 'Patient' }, /two components/],
    [
      'a component that is unknown',
      {
        type: 'composite',
        expression: 'Patient',
        component: [
          { definition: 'http://hl7.org/fhir/SearchParameter/individual-gender', expression: 'gender' },
          { definition: 'http://example.org/unknown', expression: 'active' },
        ],
      },
      /not known here/,
    ],
  ])('%s', async (_, rest, words) => {
    const { status, json } = await server.request('PUT', '/SearchParameter/x', { body: parameter('x', { ...base, ...rest }) });
    expect([status, json.issue[0].details.coding[0].code]).toEqual([422, 'search-parameter-unusable']);
    expect(json.issue[0].details.text).toMatch(words);
  });

  test('or a second one with the same url or code', async () => {
    await put(parameter('first', { ...base, code: 'twin' }));
    await becomes('first', 'ready');
    const same = await server.request('PUT', '/SearchParameter/second', { body: parameter('second', { ...base, code: 'twin' }) });
    expect([same.status, same.json.issue[0].details.text]).toEqual([
      422,
      expect.stringContaining('Patient has a search parameter "twin" already'),
    ]);
    const url = { ...parameter('second', { ...base, code: 'other' }), url: 'http://example.org/fhir/SearchParameter/first' };
    expect((await server.request('PUT', '/SearchParameter/second', { body: url })).status).toBe(422);
  });

  test('in a transaction and by a patch too', async () => {
    const entry = [
      { resource: parameter('y', { ...base, expression: 'Patient.(' }), request: { method: 'PUT', url: 'SearchParameter/y' } },
    ];
    expect((await server.request('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } })).status).toBe(422);
    await put(parameter('patched', { ...base, code: 'patched' }));
    const patch = await server.request('PATCH', '/SearchParameter/patched', {
      headers: { 'content-type': 'application/json-patch+json' },
      body: [{ op: 'replace', path: '/expression', value: 'Patient.(' }],
    });
    expect(patch.status).toBe(422);
  });
});

describe('who may', () => {
  test('add one: with a system scope, and no other', async () => {
    const body = parameter('z', { base: ['Patient'], type: 'token', code: 'z', expression: 'Patient.gender' });
    for (const scope of ['patient/*.cruds', 'user/*.cruds', 'system/Patient.cruds', 'system/SearchParameter.rs']) {
      const token = await server.token({ scope, patient: 'p0' });
      expect((await server.request('PUT', '/SearchParameter/z', { token, body })).status, scope).toBe(403);
      expect((await server.request('POST', '/SearchParameter', { token, body })).status, scope).toBe(403);
    }
    const token = await server.token({ scope: 'system/SearchParameter.cruds' });
    expect((await server.request('PUT', '/SearchParameter/z', { token, body })).status).toBe(201);
  });

  test('read its status: who may read it', async () => {
    const token = await server.token({ scope: 'system/Patient.rs' });
    expect((await server.request('GET', '/SearchParameter/first/$status', { token })).status).toBe(403);
    expect((await server.request('GET', '/SearchParameter/first/$status', { token: null })).status).toBe(401);
    expect((await server.request('GET', '/SearchParameter/nobody/$status')).status).toBe(404);
  });
});
