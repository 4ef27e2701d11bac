import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { issueId } from './samples.ts';

/** https://hl7.org/fhir/R4/terminology-service.html: what the operations answer over HTTP, and to whom. */
const system = 'http://example.org/CodeSystem/colours';
const gender = 'http://hl7.org/fhir/administrative-gender';
const genderSet = 'http://hl7.org/fhir/ValueSet/administrative-gender';

const codeSystem = {
  resourceType: 'CodeSystem',
  id: 'colours',
  url: system,
  name: 'Colours',
  status: 'active',
  content: 'complete',
  hierarchyMeaning: 'is-a',
  concept: [
    { code: 'red', display: 'Red', concept: [{ code: 'crimson', display: 'Crimson' }] },
    { code: 'blue', display: 'Blue' },
  ],
};
const valueSet = {
  resourceType: 'ValueSet',
  id: 'colours',
  url: 'http://example.org/ValueSet/colours',
  name: 'Colours',
  status: 'active',
  compose: { include: [{ system }] },
};
const conceptMap = {
  resourceType: 'ConceptMap',
  id: 'colours',
  url: 'http://example.org/ConceptMap/colours',
  name: 'Colours',
  status: 'active',
  sourceUri: valueSet.url,
  targetUri: genderSet,
  group: [
    { source: system, target: gender, element: [{ code: 'blue', target: [{ code: 'other', equivalence: 'inexact', comment: 'x' }] }] },
  ],
};

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  for (const resource of [codeSystem, valueSet, conceptMap]) {
    const answer = await server.request('PUT', `/${resource.resourceType}/colours`, { body: resource });
    if (answer.status !== 201) throw new Error(answer.text);
  }
});
afterAll(() => server?.stop());

const get = (path: string, token?: string) => server.request('GET', path, token === undefined ? {} : { token });
const post = (path: string, ...parameter: readonly unknown[]) =>
  server.request('POST', path, { body: { resourceType: 'Parameters', parameter } });

// oxlint-disable-next-line typescript/no-explicit-any -- tests look into arbitrary resources
const valueOf = ({ json }: { readonly json: any }, name: string): unknown => {
  const found = json.parameter?.find((each: { name: string }) => each.name === name) ?? {};
  const [key = ''] = Object.keys(found).filter((each) => each.startsWith('value'));
  return found[key];
};
// oxlint-disable-next-line typescript/no-explicit-any -- tests look into arbitrary resources
const codesOf = ({ json }: { readonly json: any }): unknown[] => json.expansion.contains.map(({ code }: { code: string }) => code);

describe('$expand', () => {
  test('lists a value set by its url, by GET and POST, and in parts', async () => {
    const whole = await get(`/ValueSet/$expand?url=${genderSet}`);
    expect(whole.status).toBe(200);
    expect(new Set(codesOf(whole))).toEqual(new Set(['female', 'male', 'other', 'unknown']));
    expect(whole.json.expansion.total).toBe(4);
    const part = await post(
      '/ValueSet/$expand',
      { name: 'url', valueUri: genderSet },
      { name: 'count', valueInteger: 1 },
      { name: 'offset', valueInteger: 1 },
    );
    expect([part.json.expansion.total, codesOf(part).length]).toEqual([4, 1]);
  });

  test('lists a stored one by its id, and one that is sent', async () => {
    expect((await get('/ValueSet/colours/$expand')).json.expansion.total).toBe(3);
    const sent = await server.request('POST', '/ValueSet/$expand?filter=crim', { body: { ...valueSet, id: undefined, url: undefined } });
    expect(codesOf(sent)).toEqual(['crimson']);
  });

  test('of what is not known, of two at once or of none is refused', async () => {
    expect((await get('/ValueSet/$expand?url=http://example.org/ValueSet/none')).status).toBe(404);
    expect((await get('/ValueSet/nobody/$expand')).status).toBe(404);
    expect((await get(`/ValueSet/colours/$expand?url=${genderSet}`)).status).toBe(400);
    expect((await get('/ValueSet/$expand')).status).toBe(400);
    expect((await get(`/ValueSet/$expand?url=${genderSet}&count=all`)).status).toBe(400);
  });
});

describe('$validate-code', () => {
  test('of a value set', async () => {
    const yes = await get(`/ValueSet/$validate-code?url=${genderSet}&system=${gender}&code=male&display=Male`);
    expect([yes.status, valueOf(yes, 'result'), valueOf(yes, 'display')]).toEqual([200, true, 'Male']);
    const no = await get(`/ValueSet/$validate-code?url=${genderSet}&system=${gender}&code=mal`);
    expect([no.status, valueOf(no, 'result'), typeof valueOf(no, 'message')]).toEqual([200, false, 'string']);
    const stored = await post('/ValueSet/colours/$validate-code', { name: 'coding', valueCoding: { system, code: 'blue' } });
    expect(valueOf(stored, 'result')).toBe(true);
  });

  test('of a code system', async () => {
    expect(valueOf(await get(`/CodeSystem/$validate-code?url=${system}&code=red`), 'result')).toBe(true);
    expect(valueOf(await get(`/CodeSystem/$validate-code?url=${system}&code=rde`), 'result')).toBe(false);
    expect(valueOf(await get('/CodeSystem/colours/$validate-code?code=crimson'), 'result')).toBe(true);
  });
});

describe('$lookup', () => {
  test('tells of a code, by its parts or as a coding', async () => {
    expect(valueOf(await get(`/CodeSystem/$lookup?system=${gender}&code=female`), 'display')).toBe('Female');
    expect(valueOf(await post('/CodeSystem/$lookup', { name: 'coding', valueCoding: { system, code: 'crimson' } }), 'display')).toBe(
      'Crimson',
    );
  });

  test('of no code of the system is 404, and on an instance there is none', async () => {
    expect((await get(`/CodeSystem/$lookup?system=${gender}&code=none`)).status).toBe(404);
    expect((await get('/CodeSystem/colours/$lookup?code=red')).status).toBe(404);
  });
});

describe('$subsumes', () => {
  test.each([
    ['red', 'crimson', 'subsumes'],
    ['crimson', 'red', 'subsumed-by'],
    ['blue', 'red', 'not-subsumed'],
    ['red', 'red', 'equivalent'],
  ])('of %s and %s is %s, on the type and on the instance', async (codeA, codeB, outcome) => {
    expect(valueOf(await get(`/CodeSystem/$subsumes?system=${system}&codeA=${codeA}&codeB=${codeB}`), 'outcome')).toBe(outcome);
    expect(valueOf(await get(`/CodeSystem/colours/$subsumes?codeA=${codeA}&codeB=${codeB}`), 'outcome')).toBe(outcome);
  });
});

describe('$translate', () => {
  test('finds what stands for a code', async () => {
    const answers = [
      await get(`/ConceptMap/$translate?url=${conceptMap.url}&system=${system}&code=blue`),
      await get(`/ConceptMap/colours/$translate?system=${system}&code=blue`),
    ];
    for (const answer of answers) {
      expect([answer.status, valueOf(answer, 'result')]).toEqual([200, true]);
      expect(answer.text).toContain('"other"');
    }
    expect(valueOf(await get(`/ConceptMap/colours/$translate?system=${system}&code=red`), 'result')).toBe(false);
  });
});

describe('$snapshot', () => {
  const definition = {
    resourceType: 'StructureDefinition',
    url: 'http://example.org/StructureDefinition/named',
    name: 'Named',
    status: 'active',
    kind: 'resource',
    abstract: false,
    type: 'Patient',
    baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Patient',
    derivation: 'constraint',
    differential: { element: [{ id: 'Patient.name', path: 'Patient.name', min: 1 }] },
  };

  test('completes what is sent, and what is named by its url', async () => {
    const sent = await server.request('POST', '/StructureDefinition/$snapshot', { body: definition });
    expect(sent.status).toBe(200);
    expect(sent.json.snapshot.element.find(({ path }: { path: string }) => path === 'Patient.name').min).toBe(1);
    const named = await get('/StructureDefinition/$snapshot?url=http://hl7.org/fhir/StructureDefinition/bp');
    expect(named.json.snapshot.element.length).toBeGreaterThan(50);
  });

  test('of what can not be completed says why, and of what is not known that', async () => {
    const broken = { ...definition, differential: { element: [{ id: 'Patient.nam', path: 'Patient.nam', min: 1 }] } };
    const refused = await server.request('POST', '/StructureDefinition/$snapshot', { body: broken });
    expect(refused.status).toBe(422);
    expect(refused.json.issue[0].details.text).toContain('Patient.nam');
    expect((await get('/StructureDefinition/$snapshot?url=http://example.org/none')).status).toBe(404);
    expect((await get('/StructureDefinition/$snapshot')).status).toBe(400);
    expect((await server.request('POST', '/StructureDefinition/$snapshot', { body: { ...definition, kind: 7 } })).status).toBe(400);
  });
});

describe('who may ask', () => {
  test('has the right to read or search the type; others are refused', async () => {
    for (const scope of ['system/ValueSet.r', 'system/ValueSet.s', 'patient/ValueSet.rs']) {
      const token = await server.token({ scope, patient: 'p' });
      expect((await get(`/ValueSet/$expand?url=${genderSet}`, token)).status).toBe(200);
      expect((await get(`/CodeSystem/$lookup?system=${gender}&code=male`, token)).status).toBe(403);
    }
    const none = await server.token({ scope: 'system/Patient.rs' });
    expect((await get(`/ValueSet/$expand?url=${genderSet}`, none)).status).toBe(403);
    expect((await get('/ValueSet/colours/$expand', none)).status).toBe(403);
    expect((await server.request('GET', `/ValueSet/$expand?url=${genderSet}`, { token: null })).status).toBe(401);
  });

  test('meets nothing that is hidden from him: neither by url nor by id', async () => {
    const token = await server.token({ scope: 'system/ValueSet.rs?status=draft system/CodeSystem.rs' });
    const hidden = await get(`/ValueSet/$expand?url=${valueSet.url}`, token);
    const none = await get('/ValueSet/$expand?url=http://example.org/ValueSet/colour5', token);
    expect([hidden.status, hidden.text.replaceAll('colours', 'colour5')]).toEqual([404, none.text]);
    expect((await get('/ValueSet/colours/$expand', token)).status).toBe(404);
    // What the standard defines is nobody's secret.
    expect((await get(`/ValueSet/$expand?url=${genderSet}`, token)).status).toBe(200);
    const systemless = await server.token({ scope: 'system/ValueSet.rs system/CodeSystem.rs?status=draft' });
    expect((await get('/ValueSet/colours/$expand', systemless)).status).not.toBe(200);
    expect((await get(`/CodeSystem/$lookup?system=${system}&code=red`, systemless)).status).toBe(404);
  });

  test('finds them in the capability statement', async () => {
    const { json } = await server.request('GET', '/metadata', { token: null });
    const named = (type: string): string[] =>
      json.rest[0].resource
        .find((each: { type: string }) => each.type === type)
        .operation.map(({ name, definition }: { name: string; definition: string }) => `${name} ${definition.split('/').at(-1)}`);
    expect(named('ValueSet')).toEqual(expect.arrayContaining(['expand ValueSet-expand', 'validate-code ValueSet-validate-code']));
    expect(named('CodeSystem')).toEqual(
      expect.arrayContaining(['lookup CodeSystem-lookup', 'subsumes CodeSystem-subsumes', 'validate-code CodeSystem-validate-code']),
    );
    expect(named('ConceptMap')).toContain('translate ConceptMap-translate');
    expect(named('StructureDefinition')).toContain('snapshot StructureDefinition-snapshot');
  });

  test('names the operations of another type where he asks the wrong one', async () => {
    const answer = await get('/ValueSet/$lookup');
    expect([answer.status, issueId(answer.json)]).toEqual([404, 'operation-unknown']);
    expect(answer.json.issue[0].details.text).toContain('CodeSystem/$lookup');
  });
});
