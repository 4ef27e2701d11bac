import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Definitions, loadDefinitions } from '../../../src/definitions/load.ts';
import { FhirError, type Issue } from '../../../src/fhir/error.ts';
import type { JsonObject } from '../../../src/fhir/json.ts';
import type { ElementDefinition, StructureDefinition } from '../../../src/fhir/structure-definition.ts';
import { completeSnapshot } from '../../../src/validation/snapshot/complete.ts';
import { snapshotProblems } from '../../../src/validation/snapshot/problems.ts';

let definitions: Definitions;
beforeAll(async () => {
  definitions = await loadDefinitions({ cacheDir: join(import.meta.dirname, '../../../.cache') });
});

const structures = 'http://hl7.org/fhir/StructureDefinition/';

type Parts = Partial<Omit<StructureDefinition, 'differential'>> & { readonly type: string };

function profile({ type, ...rest }: Parts, ...element: readonly ElementDefinition[]): StructureDefinition {
  return {
    resourceType: 'StructureDefinition',
    url: 'http://example.org/p',
    name: 'P',
    kind: 'resource',
    abstract: false,
    type,
    baseDefinition: structures + type,
    derivation: 'constraint',
    ...rest,
    differential: { element },
  };
}

/** Others are found before R4. */
const finder =
  (...others: readonly StructureDefinition[]) =>
  async (canonical: string): Promise<object | undefined> =>
    others.find(({ url }) => url === canonical.split('|')[0]) ?? ((await definitions.resource('StructureDefinition', canonical)) as object);

async function made(definition: StructureDefinition, ...others: readonly StructureDefinition[]): Promise<Map<string, ElementDefinition>> {
  const { snapshot } = await completeSnapshot(definition, finder(...others));
  return new Map((snapshot?.element ?? []).map((element) => [element.id ?? '', element]));
}

async function issuesOf(definition: StructureDefinition, ...others: readonly StructureDefinition[]): Promise<readonly Issue[]> {
  try {
    await completeSnapshot(definition, finder(...others));
    return [];
  } catch (error) {
    if (error instanceof FhirError) return error.issues;
    throw error;
  }
}

const ids = (elements: Map<string, ElementDefinition>, start: string): string[] =>
  [...elements.keys()].filter((id) => id.startsWith(start));

describe('a differential', () => {
  test('that says nothing leaves the base as it is, with paths of its own', async () => {
    const elements = await made(profile({ type: 'Patient' }));
    const base = (await definitions.resource('StructureDefinition', `${structures}Patient`)) as StructureDefinition;
    expect([...elements.values()]).toEqual(base.snapshot?.element);
  });

  test('changes what it names, adds constraints and mappings, and keeps the rest', async () => {
    const constraint = { key: 'p-1', severity: 'error' as const, human: 'Named.', expression: 'exists()' };
    const elements = await made(
      profile(
        { type: 'Patient' },
        { path: 'Patient.name', min: 1, max: '3', mustSupport: true, constraint: [constraint], definition: '...more' },
      ),
    );
    expect(elements.get('Patient.name')).toMatchObject({
      min: 1,
      max: '3',
      mustSupport: true,
      base: { path: 'Patient.name', min: 0, max: '*' },
      constraint: [{ key: 'ele-1' }, { ...constraint, source: 'http://example.org/p' }],
      definition: 'A name associated with the individual.\nmore',
    });
  });

  test('looks into datatypes and into the profiles of types', async () => {
    const money = profile({ type: 'Quantity', url: 'http://example.org/q', kind: 'complex-type' }, { path: 'Quantity.code', min: 1 });
    const elements = await made(
      profile(
        { type: 'Observation' },
        { path: 'Observation.code.coding.system', min: 1 },
        { path: 'Observation.value[x]', type: [{ code: 'Quantity', profile: [money.url] }] },
        { path: 'Observation.value[x].system', min: 1 },
      ),
      money,
    );
    expect(elements.get('Observation.code.coding.system')).toMatchObject({ min: 1, base: { path: 'Coding.system', min: 0, max: '1' } });
    expect(ids(elements, 'Observation.code.coding.')).toHaveLength(7);
    expect(elements.get('Observation.value[x].code')).toMatchObject({ min: 1 });
    expect(elements.get('Observation.value[x].system')).toMatchObject({ min: 1 });
  });

  test('makes slices behind each other, with the elements of what they are slices of', async () => {
    const slicing = { discriminator: [{ type: 'value', path: 'code' }], rules: 'open' } as const;
    const elements = await made(
      profile(
        { type: 'Observation' },
        { path: 'Observation.component', slicing },
        { path: 'Observation.component.code', mustSupport: true },
        { path: 'Observation.component', sliceName: 'a', min: 1, max: '1' },
        { path: 'Observation.component.code', patternCodeableConcept: { text: 'a' } },
        { path: 'Observation.component', sliceName: 'b' },
        { path: 'Observation.component', sliceName: 'a/x' },
      ),
    );
    const slices = [...elements.keys()].filter((id) => /^Observation\.component(:[^.]+)?$/.test(id));
    expect(slices).toEqual(['Observation.component', 'Observation.component:a', 'Observation.component:a/x', 'Observation.component:b']);
    expect(elements.get('Observation.component:a')).toMatchObject({ min: 1, max: '1', sliceName: 'a', path: 'Observation.component' });
    expect(elements.get('Observation.component:a')).not.toHaveProperty('slicing');
    expect(elements.get('Observation.component:b')).toMatchObject({ min: 0, max: '*' });
    expect(elements.get('Observation.component:a.code')).toMatchObject({ patternCodeableConcept: { text: 'a' }, mustSupport: true });
    expect(elements.get('Observation.component:a/x.code')).toMatchObject({ patternCodeableConcept: { text: 'a' } });
    expect(elements.get('Observation.component:b.code')).not.toHaveProperty('patternCodeableConcept');
  });

  test('slices extensions by url without being told, and takes how often one comes from its definition', async () => {
    const extension = profile(
      { type: 'Extension', url: 'http://example.org/e', kind: 'complex-type' },
      { path: 'Extension', max: '1' },
      { path: 'Extension.url', fixedUri: 'http://example.org/e' },
      { path: 'Extension.valueString', min: 1 },
    );
    const elements = await made(
      profile({ type: 'Patient' }, { path: 'Patient.extension', sliceName: 'e', type: [{ code: 'Extension', profile: [extension.url] }] }),
      extension,
    );
    expect(elements.get('Patient.extension')?.slicing).toEqual({
      discriminator: [{ type: 'value', path: 'url' }],
      ordered: false,
      rules: 'open',
    });
    expect(elements.get('Patient.extension:e')).toMatchObject({ min: 0, max: '1' });
    const own = await made(extension);
    expect(own.get('Extension.value[x]')).toMatchObject({ type: [{ code: 'string' }], slicing: { rules: 'closed' } });
  });

  test.each([
    ['optional', 0, 11, 'open'],
    ['required', 1, 1, 'closed'],
  ])('takes valueQuantity for a slice, which being %s leaves so many types', async (_what, min, types, rules) => {
    const elements = await made(
      profile({ type: 'Observation' }, { path: 'Observation.valueQuantity', min }, { path: 'Observation.valueQuantity.code', min: 1 }),
    );
    expect(elements.get('Observation.value[x]')?.type).toHaveLength(types);
    expect(elements.get('Observation.value[x]')?.slicing?.rules).toBe(rules);
    expect(elements.get('Observation.value[x]:valueQuantity')).toMatchObject({
      path: 'Observation.value[x]',
      min,
      type: [{ code: 'Quantity' }],
    });
    expect(elements.get('Observation.value[x]:valueQuantity.code')).toMatchObject({ path: 'Observation.value[x].code', min: 1 });
  });

  test('unfolds what refers to another element', async () => {
    const elements = await made(profile({ type: 'Questionnaire' }, { path: 'Questionnaire.item.item.linkId', maxLength: 5 }));
    expect(elements.get('Questionnaire.item.item')).toMatchObject({ type: [{ code: 'BackboneElement' }] });
    expect(elements.get('Questionnaire.item.item')).not.toHaveProperty('contentReference');
    expect(elements.get('Questionnaire.item.item.linkId')).toMatchObject({ maxLength: 5 });
    expect(elements.get('Questionnaire.item.item.item')).toMatchObject({ contentReference: '#Questionnaire.item' });
    expect(elements.get('Questionnaire.item.linkId')).not.toHaveProperty('maxLength');
  });

  test('builds on a profile that has none but a differential either', async () => {
    const slicing = { discriminator: [{ type: 'value', path: 'system' }], rules: 'open' } as const;
    const parent = profile(
      { type: 'Patient', url: 'http://example.org/parent' },
      { path: 'Patient.identifier', slicing },
      { path: 'Patient.identifier', sliceName: 'mrn', min: 1 },
    );
    const elements = await made(
      profile(
        { type: 'Patient', baseDefinition: parent.url },
        { path: 'Patient.identifier', sliceName: 'mrn', mustSupport: true },
        { path: 'Patient.identifier', sliceName: 'other' },
        { path: 'Patient.identifier.value', min: 1 },
      ),
      parent,
    );
    expect(ids(elements, 'Patient.identifier').filter((id) => !id.includes('.', 9))).toEqual([
      'Patient.identifier',
      'Patient.identifier:mrn',
      'Patient.identifier:other',
    ]);
    expect(elements.get('Patient.identifier:mrn')).toMatchObject({ min: 1, mustSupport: true });
    expect(elements.get('Patient.identifier:other.value')).toMatchObject({ min: 1 });
  });
});

describe('a broken differential', () => {
  const patient = (...element: readonly ElementDefinition[]) => profile({ type: 'Patient' }, ...element);

  test.each([
    ['an unknown element', patient({ path: 'Patient.nmae' }), 'snapshot-unknown-element', 'there is no nmae among id, meta'],
    ['an unknown element inside', patient({ path: 'Patient.name.familie' }), 'snapshot-unknown-element', 'there is no familie among'],
    ['an element of another type', patient({ path: 'Observation.code' }), 'snapshot-other-type', 'is no element of Patient'],
    [
      'a type that is no choice',
      patient({ path: 'Patient.deceasedString' }),
      'snapshot-unknown-type',
      'deceased[x] is one of boolean, dateTime',
    ],
    ['a look into a choice', patient({ path: 'Patient.deceased[x].id' }), 'snapshot-many-types', 'boolean, dateTime: narrow that'],
    ['a max above that of the base', patient({ path: 'Patient.gender', max: '2' }), 'snapshot-wider', 'only 1 in its base'],
    ['a min above the max', patient({ path: 'Patient.gender', min: 2 }), 'snapshot-wider', 'mend its min or max'],
    [
      'a type that the base has not',
      patient({ path: 'Patient.gender', type: [{ code: 'Coding' }] }),
      'snapshot-wider',
      'its base only code',
    ],
    [
      'slices of what is not sliced',
      patient({ path: 'Patient.name', sliceName: 'a' }, { path: 'Patient.name', sliceName: 'b' }),
      'snapshot-no-slicing',
      'nothing says how name is sliced',
    ],
  ])('with %s is told where and why', async (_what, definition, id, text) => {
    const at = (definition.differential?.element.length ?? 1) - 1;
    expect(await issuesOf(definition)).toEqual([
      expect.objectContaining({ id, text: expect.stringContaining(text), expression: [`StructureDefinition.differential.element[${at}]`] }),
    ]);
  });

  test('has all its faults told', async () => {
    const found = await issuesOf(patient({ path: 'Patient.a' }, { path: 'Patient.name', min: 1 }, { path: 'Patient.b' }));
    expect(found.map(({ expression }) => expression)).toEqual([
      ['StructureDefinition.differential.element[0]'],
      ['StructureDefinition.differential.element[2]'],
    ]);
  });

  test('on a base that is not known is told so', async () => {
    const definition = profile({ type: 'Patient', baseDefinition: 'http://example.org/nowhere|1.0' });
    expect(await issuesOf(definition)).toMatchObject([{ id: 'snapshot-base-unknown', expression: ['StructureDefinition.baseDefinition'] }]);
    expect(await snapshotProblems(definition as unknown as JsonObject, finder())).toMatchObject([{ severity: 'information' }]);
  });

  test('on a broken base is told which', async () => {
    const parent = profile({ type: 'Patient', url: 'http://example.org/parent' }, { path: 'Patient.a' });
    expect(await issuesOf(profile({ type: 'Patient', baseDefinition: parent.url }), parent)).toMatchObject([
      { id: 'snapshot-base-broken', text: expect.stringMatching(/^http:\/\/example.org\/parent, .*there is no a among/) },
    ]);
  });

  const on = (url: string, baseDefinition: string) => profile({ type: 'Patient', url, baseDefinition });

  test.each([
    ['on itself', [on('http://example.org/p', 'http://example.org/p')]],
    ['on one that is based on it', [on('http://example.org/p', 'urn:b'), on('urn:b', 'http://example.org/p')]],
    ['on a circle of others', [on('http://example.org/p', 'urn:b'), on('urn:b', 'urn:c'), on('urn:c', 'urn:b')]],
    ['on itself by a version', [on('http://example.org/p', 'http://example.org/p|2.0')]],
  ])('based %s ends, and is told', { timeout: 2_000 }, async (_what, [first, ...others]) => {
    if (first === undefined) throw new Error('no circle');
    expect(await issuesOf(first, first, ...others)).toMatchObject([{ id: 'snapshot-circular' }]);
  });

  test('of an extension that is inside of itself is none', { timeout: 2_000 }, async () => {
    const url = 'http://example.org/p';
    const extension = profile(
      { type: 'Extension', kind: 'complex-type', url },
      { path: 'Extension.extension', sliceName: 'inner', type: [{ code: 'Extension', profile: [url] }] },
      { path: 'Extension.extension.url', mustSupport: true },
    );
    expect((await made(extension, extension)).get('Extension.extension:inner.url')).toMatchObject({ mustSupport: true });
  });

  test('that would make too many elements is stopped', async () => {
    const item = (depth: number) => `Questionnaire${'.item'.repeat(depth)}`;
    const slicing = { discriminator: [{ type: 'value', path: 'linkId' }], rules: 'open' } as const;
    const many = Array.from({ length: 600 }, (_, n) => ({ path: item(3), sliceName: `s${n}` }));
    const deep = [{ path: item(3), slicing }, { path: `${item(3)}.code.code` }, { path: `${item(3)}.enableWhen.answer[x]` }];
    const rest = Array.from({ length: 600 }, (_, n) => ({ path: item(2), sliceName: `t${n}` }));
    const found = await issuesOf(profile({ type: 'Questionnaire' }, ...deep, ...many, { path: item(2), slicing }, ...rest));
    expect(found).toMatchObject([{ id: 'snapshot-too-large' }]);
  });
});

describe('any differential', () => {
  test('makes a snapshot or is refused, and soon', { timeout: 30_000 }, async () => {
    const names = [
      'Observation',
      'id',
      'extension',
      'code',
      'coding',
      'value[x]',
      'valueQuantity',
      'valueString',
      'component',
      'referenceRange',
      'low',
      'url',
      'x',
    ];
    const path = fc.array(fc.constantFrom(...names), { minLength: 0, maxLength: 5 }).map((steps) => ['Observation', ...steps].join('.'));
    const slice = fc.constantFrom('a', 'b', 'a/c', 'valueQuantity', 'a b', '');
    const type = fc.record({
      code: fc.constantFrom('Quantity', 'string', 'Extension', 'CodeableConcept', 'Reference', 'Nothing'),
      profile: fc.constantFrom(['http://example.org/p'], ['urn:unknown'], [`${structures}SimpleQuantity`], []),
    });
    const element = fc.record(
      {
        path: fc.oneof(path, fc.constantFrom('', 'Patient', '...')),
        id: fc.string({ maxLength: 8 }),
        sliceName: slice,
        min: fc.integer({ min: -1, max: 3 }),
        max: fc.constantFrom('0', '1', '2', '*', 'many'),
        type: fc.array(type, { maxLength: 3 }),
        slicing: fc.constant({ discriminator: [{ type: 'value' as const, path: 'code' }], rules: 'open' as const }),
        contentReference: fc.constantFrom('#Observation.referenceRange', '#Nothing', ''),
      },
      { requiredKeys: ['path'] },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(element, { maxLength: 12 }), async (elements) => {
        const definition = profile({ type: 'Observation' }, ...(elements as ElementDefinition[]));
        const issues = await issuesOf(definition, definition);
        if (issues.length > 0) return issues.every(({ expression }) => expression?.[0]?.startsWith('StructureDefinition.') === true);
        const { snapshot } = await completeSnapshot(definition, finder(definition));
        const all = (snapshot?.element ?? []).map(({ id }) => id);
        return (
          new Set(all).size === all.length &&
          (await snapshotProblems({ ...definition, snapshot } as unknown as JsonObject, finder())).length === 0
        );
      }),
      { numRuns: 400 },
    );
  });

  test.each([
    ['no path', {}],
    ['a path that is a number', { path: 7 }],
    ['types that are none', { path: 'Patient.name', type: 'HumanName' }],
    ['constraints without keys', { path: 'Patient.name', constraint: [{}] }],
  ])('of a package, with %s, is told', async (_what, element) => {
    expect(await issuesOf(profile({ type: 'Patient' }, { path: 'Patient' }, element as ElementDefinition))).toMatchObject([
      { id: 'snapshot-malformed', expression: ['StructureDefinition.differential.element[1]'] },
    ]);
  });
});

describe('a profile with a snapshot', () => {
  test('is taken as it is, if it is one', async () => {
    const base = await finder()(`${structures}Patient`);
    const { snapshot } = base as StructureDefinition;
    const good = { ...profile({ type: 'Patient' }), snapshot };
    expect(await snapshotProblems(good as unknown as JsonObject, finder())).toEqual([]);
    const bad = { ...good, snapshot: { element: (snapshot?.element ?? []).slice(1) } };
    expect(await snapshotProblems(bad as unknown as JsonObject, finder())).toMatchObject([{ id: 'snapshot-malformed', severity: 'error' }]);
  });

  test('of a type, or a logical model, is none', async () => {
    const model = profile({ type: 'http://example.org/Model', derivation: 'specialization', kind: 'logical' }, { path: 'Model.a' });
    expect(await snapshotProblems(model as unknown as JsonObject, finder())).toEqual([]);
  });
});
