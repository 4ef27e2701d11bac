import { describe, expect, test } from 'vitest';
import { type Decimals, type JsonObject, parseJson, writeJson } from '../../src/fhir/json.ts';
import { selectElements, summarise } from '../../src/fhir/summary.ts';
import { smallSchema } from '../validation/small-schema.ts';

const SUBSETTED = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED', display: 'subsetted' };
const note = { url: 'http://example.org/note', valueString: 'x' };
const none: Decimals = new Map();
const limits = { depthMax: 64, containerMax: 1_000, stringBytesMax: 1_000_000 };

const patient = (): JsonObject => ({
  resourceType: 'Patient',
  id: 'p',
  meta: { versionId: '3' },
  implicitRules: 'http://example.org/rules',
  text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">x</div>' },
  extension: [note],
  modifierExtension: [note],
  active: true,
  name: [
    {
      id: 'n',
      extension: [note],
      family: 'Lovelace',
      given: ['Ada', null],
      _given: [null, { extension: [note] }],
      _family: { extension: [note] },
    },
  ],
  birthDate: '1815-12-10',
  _birthDate: { extension: [note] },
  deceasedDateTime: '1852-11-27',
  multipleBirthBoolean: false,
  contact: [{ name: { family: 'Byron' } }],
});

const observation = (): JsonObject => ({
  resourceType: 'Observation',
  id: 'o',
  text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">x</div>' },
  status: 'final',
  code: { code: 'a', extension: [note] },
  issued: '2024-01-01',
  valueQuantity: { value: 1, unit: 'mmol/l', note: 'x' },
  component: [{ code: { code: 'b' }, valueString: 'y', note: { code: 'c' } }],
});

describe('_summary=true', () => {
  test('keeps the summary of every depth, modifiers, and the extensions of kept primitives', () => {
    expect(summarise(patient(), none, 'true', smallSchema).resource).toEqual({
      resourceType: 'Patient',
      id: 'p',
      meta: { versionId: '3', tag: [SUBSETTED] },
      implicitRules: 'http://example.org/rules',
      modifierExtension: [note],
      active: true,
      name: [{ family: 'Lovelace', given: ['Ada', null], _given: [null, { extension: [note] }], _family: { extension: [note] } }],
      birthDate: '1815-12-10',
      _birthDate: { extension: [note] },
      deceasedDateTime: '1852-11-27',
    });
  });

  test('goes into choices and backbones, and makes a meta where there is none', () => {
    expect(summarise(observation(), none, 'true', smallSchema).resource).toEqual({
      resourceType: 'Observation',
      id: 'o',
      meta: { tag: [SUBSETTED] },
      status: 'final',
      code: { code: 'a' },
      valueQuantity: { value: 1, unit: 'mmol/l' },
      component: [{ code: { code: 'b' }, valueString: 'y' }],
    });
  });

  test('leaves out what would be empty', () => {
    const { resource } = summarise({ resourceType: 'Patient', name: [{ extension: [note] }, { family: 'x' }] }, none, 'true', smallSchema);
    expect(resource.name).toEqual([{ family: 'x' }]);
    expect(summarise({ resourceType: 'Patient', name: [{ id: 'n' }] }, none, 'true', smallSchema).resource).not.toHaveProperty('name');
  });

  test('summarises and tags the resources of a bundle by their own types', () => {
    const bundle = { resourceType: 'Bundle', type: 'collection', entry: [{ fullUrl: 'urn:x', resource: observation() }] };
    expect(summarise(bundle, none, 'true', smallSchema).resource).toEqual({
      resourceType: 'Bundle',
      meta: { tag: [SUBSETTED] },
      type: 'collection',
      entry: [{ fullUrl: 'urn:x', resource: summarise(observation(), none, 'true', smallSchema).resource }],
    });
  });

  test('an unknown type stays as it is, but for the tag', () => {
    const odd = { resourceType: 'Nothing', a: 1 };
    expect(summarise(odd, none, 'true', smallSchema).resource).toEqual({ ...odd, meta: { tag: [SUBSETTED] } });
  });
});

describe('_summary=text and data', () => {
  test('text keeps text, id, meta and what is mandatory at the top', () => {
    expect(Object.keys(summarise(observation(), none, 'text', smallSchema).resource)).toEqual([
      'resourceType',
      'id',
      'meta',
      'text',
      'status',
      'code',
    ]);
    expect(Object.keys(summarise(patient(), none, 'text', smallSchema).resource)).toEqual(['resourceType', 'id', 'meta', 'text']);
  });

  test('data keeps all but text', () => {
    const { text: _, ...others } = patient();
    expect(summarise(patient(), none, 'data', smallSchema).resource).toEqual({ ...others, meta: { versionId: '3', tag: [SUBSETTED] } });
  });
});

describe('_elements', () => {
  const selected = (resource: JsonObject, ...elements: string[]) =>
    Object.keys(selectElements(resource, none, elements, smallSchema).resource).filter(
      (name) => !['resourceType', 'id', 'meta'].includes(name),
    );
  const modifiers = ['implicitRules', 'modifierExtension', 'active'];

  test.each<[string, string[], string[]]>([
    ['a name', ['birthDate'], ['implicitRules', 'modifierExtension', 'active', 'birthDate', '_birthDate']],
    ['a name after its type', ['Patient.name'], ['implicitRules', 'modifierExtension', 'active', 'name']],
    ['a name after another type', ['Observation.name'], modifiers],
    ['a deeper path stands for its first step', ['name.family'], ['implicitRules', 'modifierExtension', 'active', 'name']],
    ['a choice', ['deceased'], ['implicitRules', 'modifierExtension', 'active', 'deceasedDateTime']],
    ['a choice as the definition writes it', ['Patient.deceased[x]'], ['implicitRules', 'modifierExtension', 'active', 'deceasedDateTime']],
    ['a choice by its JSON name', ['deceasedDateTime'], ['implicitRules', 'modifierExtension', 'active', 'deceasedDateTime']],
    ['an element the type has not', ['status', '', 'Patient.'], modifiers],
    ['nothing', [], modifiers],
  ])('%s', (_, elements, names) => {
    expect(selected(patient(), ...elements)).toEqual(names);
  });

  test('what is mandatory comes along', () => {
    expect(selected(observation(), 'issued')).toEqual(['status', 'code', 'issued']);
  });

  test('a selected element is whole', () => {
    expect(selectElements(patient(), none, ['name'], smallSchema).resource.name).toEqual(patient().name);
  });
});

describe('every subset', () => {
  const subsets: [string, (resource: JsonObject, decimals: Decimals) => { resource: JsonObject; decimals: Decimals }][] = [
    ['true', (resource, decimals) => summarise(resource, decimals, 'true', smallSchema)],
    ['text', (resource, decimals) => summarise(resource, decimals, 'text', smallSchema)],
    ['data', (resource, decimals) => summarise(resource, decimals, 'data', smallSchema)],
    ['elements', (resource, decimals) => selectElements(resource, decimals, ['value', 'component', 'name'], smallSchema)],
  ];

  test.each(subsets)('%s leaves its input as it was', (_, subset) => {
    for (const make of [patient, observation]) {
      const resource = make();
      subset(resource, none);
      expect(resource).toEqual(make());
    }
  });

  test.each(subsets)('%s tags once and keeps the tags there are', (_, subset) => {
    const other = { system: 'http://example.org', code: 'a' };
    const once = subset({ ...patient(), meta: { tag: [other] } }, none).resource;
    expect(once.meta).toEqual({ tag: [other, SUBSETTED] });
    expect(subset(once, none).resource.meta).toEqual({ tag: [other, SUBSETTED] });
  });

  test.each(subsets.filter(([mode]) => mode !== 'text'))('%s keeps the literals of decimals', (_, subset) => {
    const text =
      '{"resourceType":"Observation","status":"final","code":{"code":"a"},"valueQuantity":{"value":1.00,"note":"x"},"component":[{"code":{"code":"b"},"valueQuantity":{"value":5.40}}]}';
    const { value, decimals } = parseJson(text, limits);
    const before = new Map(decimals);
    const result = subset(value as JsonObject, decimals);
    expect(writeJson(result.resource, result.decimals)).toContain('"value":1.00');
    expect(writeJson(result.resource, result.decimals)).toContain('"value":5.40');
    expect(decimals).toEqual(before);
  });

  test('what stays whole is shared with the input', () => {
    const resource = patient();
    const { resource: summary } = summarise({ ...resource, name: [{ family: 'x' }] }, none, 'true', smallSchema);
    expect(summary.modifierExtension).toBe(resource.modifierExtension);
  });
});
