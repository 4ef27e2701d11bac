import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { beforeAll, describe, expect, test } from 'vitest';
import { constraintsOf } from '../../src/fhir/schema.ts';
import { type Definitions, loadDefinitions } from '../../src/definitions/load.ts';

// Facts read by hand on hl7.org/fhir/R4. The cache is kept from run to run: its name has the compiler's version.
let definitions: Definitions;
beforeAll(async () => {
  definitions = await loadDefinitions({ cacheDir: join(tmpdir(), 'anamnesis-test-definitions') });
}, 60_000);

const elementOf = (type: string, name: string) => definitions.schema(type)?.elements.get(name);

/** From the resource types down all elements, and up to the bases. */
function reachableTypes(): Set<string> {
  const reached = new Set<string>();
  const queue = [...definitions.resourceTypes];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (reached.has(name)) continue;
    reached.add(name);
    const { base = '', elements } = definitions.schema(name) ?? {};
    queue.push(...[...(elements?.values() ?? [])].map((element) => element.type), ...(base === '' ? [] : [base]));
  }
  return reached;
}

describe('types', () => {
  test('R4 4.0.1 has 146 concrete resource types, sorted', () => {
    expect(definitions.version).toBe('4.0.1');
    expect(definitions.resourceTypes).toHaveLength(146);
    expect(definitions.resourceTypes).toEqual([...definitions.resourceTypes].sort());
    expect(definitions.resourceTypes).toContain('VisionPrescription');
    expect(definitions.resourceTypes).not.toContain('DomainResource');
  });

  test('every element leads to a known type, and every type to its base', () => {
    const reached = reachableTypes();
    for (const name of reached) {
      const type = definitions.schema(name);
      expect(type, name).toBeDefined();
      expect(type?.elements.size === 0, name).toBe(type?.kind === 'primitive');
    }
    expect(reached).toContain('Element');
    expect(reached.size).toBeGreaterThan(650);
  });

  test('Patient has its own elements in the order of the standard, after the inherited ones', () => {
    const names = [...(definitions.schema('Patient')?.elements.keys() ?? [])];
    expect(names.slice(0, 8)).toEqual(['id', 'meta', 'implicitRules', 'language', 'text', 'contained', 'extension', 'modifierExtension']);
    expect(names.slice(8)).toEqual([
      'identifier',
      'active',
      'name',
      'telecom',
      'gender',
      'birthDate',
      'deceasedBoolean',
      'deceasedDateTime',
      'address',
      'maritalStatus',
      'multipleBirthBoolean',
      'multipleBirthInteger',
      'photo',
      'contact',
      'communication',
      'generalPractitioner',
      'managingOrganization',
      'link',
    ]);
  });

  test.each([
    ['Patient', 'name', { type: 'HumanName', min: 0, max: Infinity, array: true, summary: true, modifier: false }],
    ['Patient', 'active', { type: 'boolean', min: 0, max: 1, array: false, summary: true, modifier: true }],
    ['Patient', 'deceasedDateTime', { type: 'dateTime', element: 'deceased[x]', modifier: true }],
    ['Patient', 'contact', { type: 'Patient.contact', array: true }],
    ['Patient.communication', 'language', { type: 'CodeableConcept', min: 1, max: 1 }],
    ['Patient.link', 'other', { targets: ['Patient', 'RelatedPerson'], min: 1 }],
    ['Patient', 'id', { type: 'id', summary: true }],
    ['Patient', 'contained', { type: 'Resource', array: true }],
    ['Observation', 'status', { type: 'code', min: 1, modifier: true }],
    ['Observation', 'valueQuantity', { type: 'Quantity', element: 'value[x]', targets: [] }],
    ['Observation', 'referenceRange', { type: 'Observation.referenceRange', array: true }],
    ['Observation.component', 'referenceRange', { type: 'Observation.referenceRange', array: true }],
    ['Observation', 'focus', { type: 'Reference', targets: [] }],
    ['Bundle.entry', 'resource', { type: 'Resource', array: false }],
    ['Parameters.parameter', 'part', { type: 'Parameters.parameter', array: true }],
    ['Questionnaire.item', 'item', { type: 'Questionnaire.item' }],
    ['ValueSet.compose', 'exclude', { type: 'ValueSet.compose.include' }],
    ['Timing', 'repeat', { type: 'Timing.repeat' }],
    ['Narrative', 'div', { type: 'xhtml', min: 1 }],
    ['Extension', 'url', { type: 'uri', min: 1 }],
    ['Extension', 'valueAge', { type: 'Age', element: 'value[x]' }],
    ['HumanName', 'id', { type: 'string' }],
    ['PlanDefinition', 'library', { type: 'canonical', targets: ['Library'] }],
  ])('%s.%s is as the standard says', (type, name, expected) => {
    expect(elementOf(type, name)).toMatchObject({ name, ...expected });
  });

  test('a value that may have any type stands once for each of the 50', () => {
    const values = [...(definitions.schema('Extension')?.elements.values() ?? [])].filter((element) => element.element === 'value[x]');
    expect(values).toHaveLength(50);
  });

  test.each([
    ['Patient', 'resource', 'DomainResource', false],
    ['DomainResource', 'resource', 'Resource', true],
    ['Resource', 'resource', '', true],
    ['Age', 'complex', 'Quantity', false],
    ['Dosage', 'complex', 'BackboneElement', false],
    ['code', 'primitive', 'string', false],
    ['Observation.component', 'backbone', 'BackboneElement', false],
    ['Timing.repeat', 'backbone', 'Element', false],
  ])('%s is a %s, derived from %s', (name, kind, base, abstract) => {
    expect(definitions.schema(name)).toMatchObject({ name, kind, base, abstract });
  });

  test('a primitive has the regular expression of its definition', () => {
    expect(definitions.schema('id')?.regex).toBe('[A-Za-z0-9\\-\\.]{1,64}');
    expect(definitions.schema('boolean')?.regex).toBe('true|false');
    expect(definitions.schema('xhtml')?.regex).toBeUndefined();
  });

  test.each(['Definition', 'FiveWs', 'bp', 'SimpleQuantity', 'patient', 'Observation.componet', 'constructor', '__proto__', ''])(
    '%s is no type: logical models and profiles are none',
    (name) => expect(definitions.schema(name)).toBeUndefined(),
  );
});

describe('invariants', () => {
  const keysOf = (type: string) => constraintsOf(definitions.schema, type).map(({ key }) => key);

  test('a type has its own, and by its bases those of all it derives from', () => {
    expect(definitions.schema('Organization')?.constraints?.map(({ key }) => key)).toEqual(['org-1']);
    expect(keysOf('Organization')).toEqual(['org-1', 'dom-2', 'dom-3', 'dom-4', 'dom-5', 'dom-6']);
    expect(keysOf('Age')).toEqual(['age-1', 'qty-3', 'ele-1']);
    expect(keysOf('Observation.referenceRange')).toEqual(['obs-3', 'ele-1']);
  });

  test('an element has those beyond its type', () => {
    expect(elementOf('Organization', 'telecom')?.constraints?.map(({ key }) => key)).toEqual(['org-3']);
    expect(elementOf('Patient', 'contact')?.constraints).toBeUndefined();
  });

  test('best practice is marked', () => {
    const marked = constraintsOf(definitions.schema, 'Condition').filter(({ bestPractice }) => bestPractice);
    expect(marked.map(({ key, severity }) => `${key} ${severity}`)).toEqual(['con-3 warning', 'dom-6 warning']);
  });
});

test('an element names the profile of its type where it has one', () => {
  expect(elementOf('Observation.referenceRange', 'low')?.profiles).toEqual(['http://hl7.org/fhir/StructureDefinition/SimpleQuantity']);
  expect(elementOf('Observation', 'valueQuantity')?.profiles).toBeUndefined();
});

describe('bindings', () => {
  test('a weak binding names the value set that bounds it, and a kind of Quantity its units', () => {
    expect(elementOf('Patient.communication', 'language')?.binding).toEqual({
      strength: 'preferred',
      valueSet: 'http://hl7.org/fhir/ValueSet/languages',
      max: 'http://hl7.org/fhir/ValueSet/all-languages',
    });
    expect(definitions.schema('Duration')?.binding?.max).toBe('http://hl7.org/fhir/ValueSet/all-time-units');
  });

  test('a binding names its value set without version', () => {
    expect(elementOf('Patient', 'gender')?.binding).toEqual({
      strength: 'required',
      valueSet: 'http://hl7.org/fhir/ValueSet/administrative-gender',
    });
  });

  test('a binding on a choice is the binding of its coded types only', () => {
    expect(elementOf('MedicationRequest', 'medicationCodeableConcept')?.binding?.strength).toBe('example');
    expect(elementOf('MedicationRequest', 'medicationReference')?.binding).toBeUndefined();
  });

  test.each([
    ['http://hl7.org/fhir/ValueSet/observation-status', 'http://hl7.org/fhir/observation-status'],
    ['http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1', 'http://hl7.org/fhir/administrative-gender'],
    ['http://hl7.org/fhir/ValueSet/mimetypes', 'urn:ietf:bcp:13'],
    ['http://hl7.org/fhir/ValueSet/units-of-time', 'http://unitsofmeasure.org'],
    // Two systems, and a value set no one has heard of.
    ['http://hl7.org/fhir/ValueSet/all-types', undefined],
    ['http://example.org/ValueSet/none', undefined],
  ])('the codes of %s come from %s', (valueSet, system) => {
    expect(definitions.codeSystemOf(valueSet)).toBe(system);
  });

  test('each code with a required binding has an implied system, but for those whose value set has several', () => {
    const without = new Set<string>();
    for (const type of reachableTypes()) {
      for (const element of definitions.schema(type)?.elements.values() ?? []) {
        const { binding } = element;
        if (element.type !== 'code' || binding?.strength !== 'required') continue;
        if (definitions.codeSystemOf(binding.valueSet) === undefined)
          without.add(binding.valueSet.replace('http://hl7.org/fhir/ValueSet/', ''));
      }
    }
    expect([...without].sort()).toEqual(['all-types', 'defined-types', 'event-timing', 'task-intent']);
  });
});

describe('search parameters', () => {
  test('are the 1,385 of the standard that can be searched by', () => {
    expect(definitions.searchParameters).toHaveLength(1385);
    expect(new Set(definitions.searchParameters.map((parameter) => parameter.url)).size).toBe(1385);
    const codes = definitions.searchParameters.map(({ base, code }) => base.map((type) => `${type}.${code}`)).flat();
    expect(new Set(codes).size).toBe(codes.length);
  });

  test('leave out the examples and those without a base or an expression', () => {
    const urls = definitions.searchParameters.map((parameter) => parameter.url.replace('http://hl7.org/fhir/SearchParameter/', ''));
    for (const url of [
      'example',
      'example-extension',
      'example-reference',
      'patient-extensions-Patient-age',
      'valueset-extensions-ValueSet-end',
    ]) {
      expect(urls).not.toContain(url);
    }
    expect(urls).toContain('ExampleScenario-name');
    const bare = definitions.searchParameters.filter((parameter) => parameter.expression === undefined);
    expect(bare.map((parameter) => parameter.code).sort()).toEqual(['_content', '_filter', '_query', '_text']);
  });

  test('keep targets and components', () => {
    const named = (code: string, base: string) =>
      definitions.searchParameters.find((parameter) => parameter.code === code && parameter.base.includes(base));
    expect(named('subject', 'Observation')?.targets).toEqual(['Group', 'Device', 'Patient', 'Location']);
    expect(named('code-value-quantity', 'Observation')).toMatchObject({
      type: 'composite',
      expression: 'Observation',
      components: [
        { definition: 'http://hl7.org/fhir/SearchParameter/clinical-code', expression: 'code' },
        { definition: 'http://hl7.org/fhir/SearchParameter/Observation-value-quantity', expression: 'value.as(Quantity)' },
      ],
    });
    expect(named('mothersMaidenName', 'Patient')?.expression).toContain('/StructureDefinition/patient-mothersMaidenName');
  });
});

describe('compartments and operations', () => {
  test('the five compartments say by which parameters a type belongs to them', () => {
    expect(Object.keys(definitions.compartments).sort()).toEqual(['Device', 'Encounter', 'Patient', 'Practitioner', 'RelatedPerson']);
    expect(definitions.compartments.Patient['Observation']).toEqual(['subject', 'performer']);
    expect(definitions.compartments.Patient['Patient']).toEqual(['link']);
    expect(definitions.compartments.Device['AuditEvent']).toEqual(['agent']);
  });

  test('what is in no compartment is not listed', () => {
    for (const type of ['Binary', 'Bundle', 'Device', 'Task', 'Organization'])
      expect(definitions.compartments.Patient).not.toHaveProperty(type);
  });

  test('each parameter of a compartment is a search parameter of the type', () => {
    const known = new Set(definitions.searchParameters.flatMap(({ base, code }) => base.map((type) => `${type}.${code}`)));
    const unknown = Object.values(definitions.compartments).flatMap((members) =>
      Object.entries(members).flatMap(([type, codes]) => codes.map((code) => `${type}.${code}`).filter((name) => !known.has(name))),
    );
    expect(unknown).toEqual([]);
  });

  test('the 46 operations of the standard say where they are called and whether they write', () => {
    expect(definitions.operations).toHaveLength(46);
    const everything = definitions.operations.find((operation) => operation.url.endsWith('/Patient-everything'));
    expect(everything).toMatchObject({
      code: 'everything',
      system: false,
      type: true,
      instance: true,
      resource: ['Patient'],
      affectsState: false,
    });
    const writing = definitions.operations.filter((operation) => operation.affectsState).map((operation) => operation.code);
    expect(writing).toContain('meta-add');
    expect(writing).toHaveLength(7);
  });
});

describe('documents', () => {
  test('are found by id, by url and by url with the right version', async () => {
    const url = 'http://hl7.org/fhir/StructureDefinition/Patient';
    const byId = await definitions.resource('StructureDefinition', 'Patient');
    expect(byId).toMatchObject({ resourceType: 'StructureDefinition', id: 'Patient', url });
    expect(byId).not.toHaveProperty('text');
    expect(await definitions.resource('StructureDefinition', url)).toEqual(byId);
    expect(await definitions.resource('StructureDefinition', `${url}|4.0.1`)).toEqual(byId);
    expect(await definitions.resource('StructureDefinition', `${url}|5.0.0`)).toBeUndefined();
    expect(await definitions.resource('ValueSet', url)).toBeUndefined();
  });

  test.each([
    ['ValueSet', 'observation-status'],
    ['CodeSystem', 'http://terminology.hl7.org/CodeSystem/v3-ActCode'],
    ['ConceptMap', 'cm-administrative-gender-v2'],
    ['SearchParameter', 'Patient-deceased'],
    ['OperationDefinition', 'Patient-everything'],
    ['CompartmentDefinition', 'patient'],
    ['StructureDefinition', 'bp'],
  ])('hold the %s %s', async (type, urlOrId) => {
    expect(await definitions.resource(type, urlOrId)).toMatchObject({ resourceType: type });
  });

  test.each(['example-extensional', 'http://hl7.org/fhir/ValueSet/example-extensional'])('leave out the example %s', async (urlOrId) => {
    expect(await definitions.resource('ValueSet', urlOrId)).toBeUndefined();
  });
});

describe('frozen', () => {
  test('nothing of the record can be changed', () => {
    const patient = definitions.schema('Patient');
    expect(Object.isFrozen(definitions)).toBe(true);
    expect(Object.isFrozen(definitions.searchParameters[0]?.base)).toBe(true);
    expect(Object.isFrozen(definitions.compartments.Patient['Observation'])).toBe(true);
    expect(Object.isFrozen(patient)).toBe(true);
    expect(Object.isFrozen(elementOf('Patient', 'gender')?.binding)).toBe(true);
    const elements = patient?.elements as Map<string, unknown>;
    expect(() => elements.delete('name')).toThrow(TypeError);
    expect(() => elements.set('name', {})).toThrow(TypeError);
    expect(definitions.schema('Patient')).toBe(patient);
  });
});
