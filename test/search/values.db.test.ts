import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';

/** What value sets, hierarchies, units, texts and positions mean, over HTTP on a real database. */

let server: TestServer;
let restricted: string;

type Resource = { readonly resourceType: string; readonly id: string } & Readonly<Record<string, unknown>>;

const ucum = 'http://unitsofmeasure.org';
const act = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';
const quantity = (id: string, value: number, code: string, system = ucum): Resource => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  code: { coding: [{ system: 'urn:c', code: 'mass' }] },
  valueQuantity: { value, unit: code, system, code },
});
const measured = (id: string, ...values: (readonly [value: number, code: string])[]): Resource => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  code: { coding: [{ system: 'urn:c', code: 'several' }] },
  component: values.map(([value, code]) => ({
    code: { coding: [{ system: 'urn:c', code: 'part' }] },
    valueQuantity: { value, system: ucum, code },
  })),
});
const location = (id: string, content: object): Resource => ({ resourceType: 'Location', id, ...content });
const partOf = (id: string) => ({ partOf: { reference: `Location/${id}` } });
const encounter = (id: string, code: string, extra: object = {}): Resource => ({
  resourceType: 'Encounter',
  id,
  status: 'finished',
  class: { system: act, code, display: `The ${code} display` },
  ...extra,
});

beforeAll(async () => {
  server = await startTestServer({ SEARCH_FULL_TEXT: 'on' });
  await put(
    quantity('q1', 5400, 'ug'),
    quantity('q2', 5.4, 'mg'),
    quantity('q3', 0.0054, 'g'),
    quantity('q4', 5.4, 'g'),
    quantity('q5', 5.4, 'mg', 'urn:units'),
    quantity('q6', 5.4, '{score}'),
    quantity('q7', 5.5, 'mg'),
    { resourceType: 'Invoice', id: 'i1', status: 'issued', totalGross: { value: 55.5, currency: 'EUR' } },
    {
      resourceType: 'Condition',
      id: 'c1',
      subject: { reference: 'Patient/p2' },
      onsetRange: { low: { value: 30, system: ucum, code: 'a' }, high: { value: 40, system: ucum, code: 'a' } },
    },
    {
      resourceType: 'Condition',
      id: 'c2',
      subject: { reference: 'Patient/p2' },
      onsetRange: { low: { value: 30, system: ucum, code: 'a' }, high: { value: 600, system: ucum, code: 'mo' } },
    },
    {
      resourceType: 'Condition',
      id: 'c3',
      subject: { reference: 'Patient/p2' },
      onsetRange: { low: { value: 45, system: ucum, code: 'a' } },
    },
    measured('m1', [5.4, 'kg'], [3, 'mg']),
    measured('m2', [3, 'kg'], [5.4, 'mg']),
    measured('m3', [37, 'Cel']),
    measured('m4', [98.6, '[degF]']),
    {
      resourceType: 'RiskAssessment',
      id: 'r1',
      status: 'final',
      subject: { reference: 'Patient/p1' },
      prediction: [
        { probabilityRange: { low: { value: 0.2, system: ucum, code: '%' }, high: { value: 0.4, system: ucum, code: '%' } } },
        { probabilityDecimal: 0.9 },
      ],
    },
    location('campus', { name: 'Campus' }),
    location('house', { ...partOf('campus'), position: { latitude: 48.2082, longitude: 16.3738 } }),
    location('ward', { ...partOf('house'), position: { latitude: -17, longitude: 179.9 } }),
    location('room', partOf('ward')),
    location('other', { position: { latitude: -17, longitude: -179.9 } }),
    location('loop-a', partOf('loop-b')),
    location('loop-b', partOf('loop-a')),
    encounter('e1', 'AMB', { location: [{ location: { reference: 'Location/room' } }], subject: { reference: 'Patient/p1' } }),
    encounter('e2', 'IMP', { location: [{ location: { reference: 'Location/house' } }] }),
    encounter('e3', 'ACUTE', { partOf: { reference: 'Encounter/e2' } }),
    encounter('e4', 'NONAC', { subject: { reference: 'Patient/p1' } }),
    encounter('e5', 'local', { class: { system: 'urn:local', code: 'AMB' } }),
    encounter('e6', 'IMP', { subject: { reference: 'Patient/p2' }, partOf: { reference: 'Encounter/e4' } }),
    encounter('e7', 'IMP', { subject: { reference: 'Patient/p1' }, partOf: { reference: 'Encounter/e6' } }),
    {
      resourceType: 'Patient',
      id: 'p1',
      gender: 'male',
      identifier: [
        {
          type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'MR' }], text: 'Record number' },
          system: 'urn:mrn',
          value: '7',
        },
      ],
      text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">A man with <b>chest</b> pain</div>' },
      contact: [{ name: { text: 'Aunt Polly' } }],
    },
    {
      resourceType: 'Patient',
      id: 'p2',
      gender: 'female',
      text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">Pain, no chest film</div>' },
    },
    { resourceType: 'Patient', id: 'p3' },
    {
      resourceType: 'ValueSet',
      id: 'mine',
      url: 'http://x.org/vs/mine',
      version: '1',
      status: 'active',
      compose: {
        include: [
          { system: 'urn:local', concept: [{ code: 'amb' }] },
          { system: act, filter: [{ property: 'concept', op: 'is-a', value: 'IMP' }] },
        ],
      },
    },
    {
      resourceType: 'ValueSet',
      id: 'unknown-system',
      url: 'http://x.org/vs/unknown-system',
      status: 'active',
      compose: { include: [{ system: 'http://snomed.info/sct' }] },
    },
    {
      resourceType: 'CodeSystem',
      id: 'cs',
      url: 'urn:c',
      status: 'active',
      content: 'complete',
      concept: [{ code: 'any', concept: [{ code: 'mass' }, { code: 'several' }] }],
    },
    { resourceType: 'PlanDefinition', id: 'd1', status: 'active', library: ['http://x.org/lib|1.2.3'] },
    { resourceType: 'PlanDefinition', id: 'd2', status: 'active', library: ['http://x.org/lib|1.3'] },
    { resourceType: 'PlanDefinition', id: 'd3', status: 'active', library: ['http://x.org/lib'], url: 'http://x.org/plans/three' },
    { resourceType: 'PlanDefinition', id: 'd4', status: 'active', library: ['http://x.org/library|1.2'], url: 'http://x.org/plansfour' },
  );
  restricted = await server.token({ scope: 'patient/*.rs', patient: 'p1' });
}, 60_000);
afterAll(() => server?.stop());

async function put(...resources: Resource[]): Promise<void> {
  const entry = resources.map((resource) => ({ resource, request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` } }));
  const { status, text } = await server.request('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } });
  expect(status, text).toBe(200);
}

async function idsOf(path: string, token?: string): Promise<string> {
  const { status, json, text } = await server.request('GET', `/${path}`, token === undefined ? {} : { token });
  expect(status, text).toBe(200);
  type Entry = { readonly search: { readonly mode: string }; readonly resource: { readonly id: string } };
  const ids = (json.entry ?? []).filter((entry: Entry) => entry.search.mode === 'match').map((entry: Entry) => entry.resource.id);
  return ids.sort().join(' ');
}

describe('finds', () => {
  test.each([
    // quantity
    [`Observation?value-quantity=5.4|${ucum}|mg`, 'q1 q2 q3'],
    [`Observation?value-quantity=5400|${ucum}|ug`, 'q1 q2 q3'],
    [`Observation?value-quantity=0.0054|${ucum}|g`, 'q1 q2 q3'],
    [`Observation?value-quantity=0.005400|${ucum}|g`, 'q1 q2 q3'],
    [`Observation?value-quantity=gt5.4|${ucum}|mg`, 'q4 q7'],
    [`Observation?value-quantity=ge5.4|${ucum}|mg`, 'q1 q2 q3 q4 q7'],
    [`Observation?value-quantity=lt5400|${ucum}|ug`, ''],
    [`Observation?value-quantity=le5400|${ucum}|ug`, 'q1 q2 q3'],
    [`Observation?value-quantity=ne5.4|${ucum}|mg`, 'q4 q7'],
    [`Observation?value-quantity=ap5.9|${ucum}|mg`, 'q1 q2 q3 q7'],
    [`Observation?value-quantity=sa5.4|${ucum}|mg`, 'q4 q7'],
    [`Observation?value-quantity=eb5500|${ucum}|ug`, 'q1 q2 q3'],
    ['Observation?value-quantity=5.4', 'q2 q4 q5 q6'],
    ['Observation?value-quantity=5.4||mg', 'q2 q5'],
    ['Observation?value-quantity=5.4|urn:units|mg', 'q5'],
    [`Observation?value-quantity=5.4|${ucum}|{score}`, 'q6'],
    [`Observation?value-quantity=5.4|${ucum}|mg,5.5||mg`, 'q1 q2 q3 q7'],
    ['Observation?combo-value-quantity=5.4||mg', 'm2 q2 q5'],
    [`Observation?combo-value-quantity=5.4|${ucum}|g`, 'q4'],
    [`Observation?component-value-quantity=98.6|${ucum}|[degF]`, 'm3 m4'],
    [`Observation?component-value-quantity=37.0|${ucum}|Cel`, 'm3 m4'],
    [`Observation?component-value-quantity=310.15|${ucum}|K`, 'm3 m4'],
    [`Observation?code=urn:c|mass&value-quantity=5400|${ucum}|ug`, 'q1 q2 q3'],
    [`Observation?code-value-quantity=urn:c|mass$5400|${ucum}|ug`, 'q1 q2 q3'],
    [`Observation?component-code-value-quantity=urn:c|part$5400000|${ucum}|mg`, 'm1'],
    ['Observation?value-quantity:missing=true', 'm1 m2 m3 m4'],
    // money and ranges
    ['Invoice?totalgross=55.5|urn:iso:std:iso:4217|EUR', 'i1'],
    ['Invoice?totalgross=gt55||EUR', 'i1'],
    ['Invoice?totalgross=55.5|urn:iso:std:iso:4217|USD', ''],
    [`Condition?onset-age=35|${ucum}|a`, ''],
    [`Condition?onset-age=gt35|${ucum}|a`, 'c1 c2 c3'],
    [`Condition?onset-age=lt35|${ucum}|a`, 'c1 c2'],
    [`Condition?onset-age=gt492|${ucum}|mo`, 'c2 c3'],
    [`Condition?onset-age=sa360|${ucum}|mo`, 'c3'],
    [`Condition?onset-age=eb41|${ucum}|a`, 'c1'],
    [`Condition?onset-age=ap29|${ucum}|a`, 'c1 c2'],
    [`Condition?onset-age=ne35|${ucum}|a`, 'c1 c2 c3'],
    ['Condition?onset-age=gt35', 'c1 c3'],
    // number
    ['RiskAssessment?probability=0.9', 'r1'],
    ['RiskAssessment?probability=0.3', ''],
    ['RiskAssessment?probability=gt0.9', ''],
    ['RiskAssessment?probability=ge0.9', 'r1'],
    ['RiskAssessment?probability=ap0.85', 'r1'],
    // value sets and code systems
    [`Encounter?class:in=http://terminology.hl7.org/ValueSet/v3-ActEncounterCode`, 'e1 e2 e3 e4 e6 e7'],
    [`Encounter?class:not-in=http://terminology.hl7.org/ValueSet/v3-ActEncounterCode`, 'e5'],
    // Of hundreds of codes those that are in use are asked for.
    ['Encounter?class:in=http://terminology.hl7.org/ValueSet/v3-ActCode', 'e1 e2 e3 e4 e6 e7'],
    ['Encounter?class:not-in=http://terminology.hl7.org/ValueSet/v3-ActCode', 'e5'],
    ['Patient?_has:Encounter:patient:class:in=http://terminology.hl7.org/ValueSet/v3-ActCode', 'p1 p2'],
    ['Patient?_has:Encounter:patient:class:not-in=http://terminology.hl7.org/ValueSet/v3-ActCode', ''],
    ['Observation?code:in=http://terminology.hl7.org/ValueSet/v3-ActCode', ''],
    [`Encounter?class=${Array.from({ length: 200 }, (_, at) => `x${at}`).join(',')},AMB`, 'e1 e5'],
    [`Encounter?class:not=${Array.from({ length: 200 }, (_, at) => `x${at}`).join(',')},AMB,IMP`, 'e3 e4'],
    ['Encounter?class:in=http://x.org/vs/mine', 'e2 e3 e4 e5 e6 e7'],
    ['Encounter?class:in=http://x.org/vs/mine|1', 'e2 e3 e4 e5 e6 e7'],
    ['Encounter?class:in=ValueSet/mine', 'e2 e3 e4 e5 e6 e7'],
    ['Encounter?class:not-in=ValueSet/mine', 'e1'],
    [`Encounter?class:below=${act}|IMP`, 'e2 e3 e4 e6 e7'],
    [`Encounter?class:below=${act}|IMP&class:not=ACUTE`, 'e2 e4 e6 e7'],
    [`Encounter?class:above=${act}|ACUTE`, 'e2 e3 e6 e7'],
    [`Encounter?class:above=${act}|ACUTE,${act}|AMB`, 'e1 e2 e3 e6 e7'],
    ['Observation?code:below=urn:c|any&_id=q1,m1,e1', 'm1 q1'],
    ['?_type=Observation,Condition&code:below=urn:c|any&_id=q1,m1,c1', 'm1 q1'],
    ['Patient/p1/Encounter?class:in=ValueSet/mine', 'e4 e7'],
    [`Encounter?_filter=class in "ValueSet/mine" and status eq finished`, 'e2 e3 e4 e5 e6 e7'],
    ['Encounter?_filter=not (class in "ValueSet/mine")', 'e1'],
    ['Observation?code:above=urn:c|any', ''],
    ['Patient?gender:in=http://hl7.org/fhir/ValueSet/administrative-gender', 'p1 p2'],
    ['Patient?gender:not-in=http://hl7.org/fhir/ValueSet/administrative-gender', 'p3'],
    ['Patient?gender:below=male', 'p1'],
    ['Patient?_has:Encounter:patient:class:below=http://terminology.hl7.org/CodeSystem/v3-ActCode|IMP', 'p1 p2'],
    ['Encounter?subject:Patient.gender:in=http://hl7.org/fhir/ValueSet/administrative-gender', 'e1 e4 e6 e7'],
    // texts
    ['Encounter?class:text=acute', 'e3'],
    ['Encounter?class:text=display', 'e1 e2 e3 e4 e6 e7'],
    ['Encounter?class:text=the imp', 'e2 e6 e7'],
    ['Patient?identifier:text=record', 'p1'],
    ['Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|7', 'p1'],
    ['Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|SS|7', ''],
    ['Patient?_text=chest', 'p1 p2'],
    ['Patient?_text=chest man', 'p1'],
    ['Patient?_text="chest pain"', 'p1'],
    ['Patient?_text="chest pain","no chest"', 'p1 p2'],
    ['Patient?_content=polly', 'p1'],
    ['Patient?_text=polly', ''],
    // hierarchies
    ['Location?partof:below=campus', 'house room ward'],
    ['Location?partof:below=Location/house', 'room ward'],
    ['Location?partof:below=room', ''],
    ['Location?partof:above=Location/ward', 'house room ward'],
    ['Location?partof:below=loop-a', 'loop-a loop-b'],
    ['Location?partof:below=nowhere', ''],
    ['Encounter?location:below=Location/campus', 'e1 e2'],
    ['Encounter?location:below=ward', 'e1'],
    ['Encounter?location:above=room', 'e1 e2'],
    ['Encounter?part-of:below=Encounter/e4', 'e6 e7'],
    ['Encounter?location.partof:below=house', 'e1'],
    ['PlanDefinition?depends-on=http://x.org/lib', 'd1 d2 d3'],
    ['PlanDefinition?depends-on=http://x.org/lib|1.2.3', 'd1'],
    ['PlanDefinition?depends-on:below=http://x.org/lib|1.2', 'd1'],
    ['PlanDefinition?depends-on:below=http://x.org/lib|1', 'd1 d2'],
    ['PlanDefinition?depends-on:below=http://x.org/lib', 'd1 d2 d3'],
    ['PlanDefinition?depends-on:above=http://x.org/lib|1.2.3.4', 'd1'],
    ['PlanDefinition?url:below=http://x.org/plans', 'd3'],
    ['PlanDefinition?url:above=http://x.org/plansfour/x', 'd4'],
    // positions
    ['Location?near=48.2|16.37|5|km', 'house'],
    ['Location?near=48.2|16.37|500|m', ''],
    ['Location?near=-17|180|12|km', 'other ward'],
    ['Location?near=-17|180|12|km&partof:below=campus', 'ward'],
    ['Encounter?location.near=-17|180|12', ''],
    ['Location?near=0|0|20100', 'house other ward'],
  ])('%s: %j', async (query, expected) => {
    expect(await idsOf(encodeURI(query))).toBe(expected);
    const { json } = await server.request('GET', `/${encodeURI(query)}&_summary=count`);
    expect(json.total).toBe(expected === '' ? 0 : expected.split(' ').length);
  });
});

describe('refuses', () => {
  test.each([
    ['Encounter?class:in=http://x.org/vs/nowhere', 'search-terminology-unknown', /http:\/\/x.org\/vs\/nowhere is not known here/],
    ['Encounter?class:in=http://x.org/vs/unknown-system', 'search-terminology-unknown', /http:\/\/snomed.info\/sct/],
    ['Encounter?class:in=http://x.org/vs/mine|2', 'search-terminology-unknown', /is not known here/],
    ['Encounter?class:in=Patient/mine', 'search-terminology-unknown', /is not known here/],
    [`Encounter?class:below=${act}|nocode`, 'search-terminology-unknown', /has no code nocode/],
    ['Encounter?class:below=urn:nowhere|x', 'search-terminology-unknown', /urn:nowhere is not known here/],
    ['Encounter?class:below=IMP', 'search-invalid-value', /system\|code/],
    ['Encounter?class:near=IMP', 'search-unknown-modifier', /in, not-in, above, below/],
    ['Patient?general-practitioner:below=Practitioner/x', 'search-invalid-value', /Organization/],
    ['Encounter?location:below=http://elsewhere.org/x', 'search-invalid-value', /Type\/id/],
    ['Observation?value-quantity:below=1', 'search-unknown-modifier', /missing/],
    ['Location?near=here', 'search-invalid-value', /latitude\|longitude/],
    ['Patient?gender:text=male', 'search-unknown-modifier', /without a text/],
    ['Patient?_text:exact=x', 'search-unknown-modifier', /_text/],
    ['Encounter?class:text=a', 'search-contains-too-short', /class:text/],
  ])('%s as %s', async (query, id, text) => {
    const { status, json } = await server.request('GET', `/${encodeURI(query)}`);
    expect(status).toBe(400);
    expect(json.issue[0].details.coding[0].code).toBe(id);
    expect(json.issue[0].details.text ?? json.issue[0].diagnostics).toMatch(text);
  });
});

describe('a caller who sees one patient', () => {
  test('finds below only what is reached through what he sees', async () => {
    // e7 is reached through e6, which is another patient's.
    expect(await idsOf('Encounter?part-of:below=Encounter/e4', restricted)).toBe('');
    expect(await idsOf('Encounter?part-of:below=Encounter/e6', restricted)).toBe('e7');
    expect(await idsOf('Encounter?part-of:above=Encounter/e7', restricted)).toBe('');
  });

  test('asks with value sets as far as he may search them', async () => {
    expect(await idsOf(`Encounter?class:below=${encodeURIComponent(`${act}|IMP`)}`, restricted)).toBe('e4 e7');
    expect(await idsOf('Encounter?class:in=ValueSet/mine', restricted)).toBe('e4 e7');
    const blind = await server.token({ scope: 'patient/Encounter.rs', patient: 'p1' });
    for (const valueSet of ['ValueSet/mine', 'http://x.org/vs/mine', 'ValueSet/nowhere']) {
      const { status, text } = await server.request('GET', `/Encounter?class:in=${valueSet}`, { token: blind });
      expect(status).toBe(400);
      expect(text).toContain(`The value set ${valueSet} is not known here.`);
    }
    // R4's own are nobody's secret.
    expect(await idsOf('Encounter?class:in=http://terminology.hl7.org/ValueSet/v3-ActEncounterCode', blind)).toBe('e1 e4 e7');
  });
});

test('conditional writes take what stands for many values', async () => {
  const update = await server.request('PUT', `/Encounter?class:below=${encodeURIComponent(`${act}|ACUTE`)}`, {
    body: { ...encounter('e3', 'ACUTE'), language: 'en' },
  });
  expect(update.status).toBe(200);
  const unresolved = await server.request('PUT', '/Encounter?class:in=http://x.org/vs/nowhere', { body: encounter('e3', 'ACUTE') });
  expect(unresolved.status).toBe(400);
});
