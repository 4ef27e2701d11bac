import { describe, expect, test } from 'vitest';
import { FhirError } from '../../src/fhir/error.ts';
import type { JsonObject } from '../../src/fhir/json.ts';
import { makeTerminology } from '../../src/terminology/terminology.ts';
import { conformanceOf } from './conformance-of.ts';

const url = 'http://x.org/body';
const body = {
  resourceType: 'CodeSystem',
  url,
  version: '2.0',
  title: 'Parts of the body',
  content: 'complete',
  hierarchyMeaning: 'is-a',
  concept: [
    {
      code: 'limb',
      display: 'Limb',
      definition: 'An arm or a leg',
      property: [{ code: 'notSelectable', valueBoolean: true }],
      concept: [
        {
          code: 'arm',
          display: 'Arm',
          designation: [
            { language: 'de', value: 'Arm (Oberkörper)' },
            { language: 'nl', use: { code: 'synonym' }, value: 'Ledemaat' },
          ],
        },
        {
          code: 'leg',
          display: 'Leg',
          property: [
            { code: 'bones', valueInteger: 30 },
            { code: 'near', valueCoding: { system: url, code: 'arm' } },
          ],
        },
      ],
    },
    { code: 'tail', display: 'Tail', property: [{ code: 'status', valueCode: 'retired' }] },
  ],
};
const parts = {
  resourceType: 'CodeSystem',
  url: 'http://x.org/where',
  content: 'complete',
  hierarchyMeaning: 'part-of',
  concept: [{ code: 'a', concept: [{ code: 'b' }] }],
};
const old = { ...body, version: '1.0', concept: [{ code: 'arm', display: 'Arme' }] };
const all = {
  resourceType: 'ValueSet',
  id: 'all',
  url: 'http://x.org/vs/all',
  name: 'All',
  status: 'active',
  text: { div: '<div/>' },
  compose: { include: [{ system: url }] },
};
const many = {
  resourceType: 'CodeSystem',
  url: 'http://x.org/many',
  content: 'complete',
  concept: Array.from({ length: 12_000 }, (_, at) => ({ code: `c${at}`, display: `Number ${at}` })),
};
const map = {
  resourceType: 'ConceptMap',
  url: 'http://x.org/map',
  sourceUri: 'http://x.org/vs/all',
  group: [
    {
      source: url,
      target: 'http://x.org/limbs',
      element: [
        {
          code: 'arm',
          target: [
            { code: 'A', display: 'An arm', equivalence: 'equal' },
            { code: 'U', equivalence: 'wider', product: [{ property: 'http://x.org/side', system: 'http://x.org/sides', value: 'upper' }] },
          ],
        },
        {
          code: 'leg',
          target: [
            {
              code: 'L',
              equivalence: 'equivalent',
              dependsOn: [{ property: 'http://x.org/side', system: 'http://x.org/sides', value: 'left' }],
            },
          ],
        },
        { code: 'tail', target: [{ equivalence: 'unmatched' }] },
      ],
      unmapped: { mode: 'fixed', code: 'X', display: 'Other' },
    },
    { source: url, target: 'http://x.org/others', element: [], unmapped: { mode: 'other-map', url: 'http://x.org/map2' } },
  ],
};
const map2 = {
  resourceType: 'ConceptMap',
  url: 'http://x.org/map2',
  group: [
    {
      source: url,
      target: 'http://x.org/others',
      element: [{ code: 'arm', target: [{ code: 'two', equivalence: 'narrower' }] }],
      unmapped: { mode: 'provided' },
    },
  ],
};

const terminology = makeTerminology({
  conformance: conformanceOf([
    old,
    body,
    parts,
    all,
    many,
    map,
    map2,
    { resourceType: 'ValueSet', url: 'http://x.org/vs/many', compose: { include: [{ system: many.url }] } },
    { resourceType: 'ValueSet', url: 'http://x.org/vs/old', compose: { include: [{ system: url, version: '1.0' }] } },
    {
      resourceType: 'ValueSet',
      url: 'http://x.org/vs/limbs',
      compose: { include: [{ system: 'http://x.org/limbs', concept: [{ code: 'A' }] }] },
    },
    {
      resourceType: 'ValueSet',
      url: 'http://x.org/vs/sct',
      compose: { include: [{ system: 'http://snomed.info/sct', filter: [{ property: 'concept', op: 'is-a', value: '1' }] }] },
    },
  ]),
  now: () => new Date('2026-01-02T03:04:05Z'),
});

type Contains = { readonly code: string; readonly display?: string; readonly contains?: readonly Contains[] };
const tree = (list: readonly Contains[] = []): string =>
  list.map(({ code, contains }) => (contains === undefined ? code : `${code}(${tree(contains)})`)).join(' ');

async function expanded(request: Parameters<typeof terminology.expand>[0]) {
  const { expansion } = (await terminology.expand(request)) as unknown as {
    expansion: { total?: number; offset?: number; parameter: object[]; contains?: Contains[] };
  };
  return expansion;
}

/** The values of Parameters by their names. */
function values(parameters: JsonObject): Record<string, unknown> {
  const list = parameters['parameter'] as readonly Record<string, unknown>[];
  return Object.fromEntries(list.map(({ name, ...rest }) => [name, Object.values(rest)[0]]));
}

async function refusal(asking: Promise<unknown>): Promise<[number, string, string] | undefined> {
  try {
    await asking;
    return undefined;
  } catch (error) {
    if (!(error instanceof FhirError)) throw error;
    return [error.status, error.issues[0]?.code ?? '', error.message];
  }
}

describe('$expand', () => {
  test('answers with the value set and its codes', async () => {
    const found = await terminology.expand({ url: all.url });
    expect(found).toMatchObject({
      resourceType: 'ValueSet',
      url: all.url,
      status: 'active',
      expansion: { timestamp: '2026-01-02T03:04:05.000Z', total: 3 },
    });
    expect(found).not.toHaveProperty('text');
    expect(found).not.toHaveProperty('compose');
    expect(found['expansion']).toMatchObject({
      identifier: expect.stringMatching(/^urn:uuid:/),
      parameter: [{ name: 'version', valueUri: `${url}|2.0` }],
      contains: [
        { system: url, code: 'arm', display: 'Arm' },
        { system: url, code: 'leg', display: 'Leg' },
        { system: url, code: 'tail', display: 'Tail', inactive: true },
      ],
    });
  });

  test.each([
    [{}, 'arm leg tail', 3],
    [{ excludeNested: false }, 'limb(arm leg) tail', 4],
    [{ excludeNested: false, excludeNotForUI: true }, 'arm leg tail', 3],
    [{ excludeNotForUI: false }, 'limb arm leg tail', 4],
    [{ activeOnly: true }, 'arm leg', 2],
    [{ filter: 'AR' }, 'arm', 1],
    [{ filter: 'ober arm' }, 'arm', 1],
    [{ filter: 'rm' }, '', 0],
    [{ count: 1 }, 'arm', 3],
    [{ count: 1, offset: 1 }, 'leg', 3],
    [{ count: 0 }, '', 3],
    [{ offset: 9 }, '', 3],
    [{ 'exclude-system': [url] }, '', 0],
    [{ 'system-version': [`${url}|1.0`] }, 'arm', 1],
    [{ 'force-system-version': [`${url}|1.0`] }, 'arm', 1],
  ])('%j gives %s', async (request, codes, total) => {
    const found = await expanded({ url: all.url, ...request });
    expect(tree(found.contains)).toBe(codes);
    expect(found.total).toBe(total);
    const told = JSON.stringify(found.parameter);
    for (const [name, value] of Object.entries(request)) {
      expect(told).toContain(`"name":"${name}","value`);
      expect(told).toContain(String(value));
    }
  });

  test('shows designations as they are asked for, and displays in a language', async () => {
    const arm = async (request: object): Promise<unknown> => (await expanded({ url: all.url, filter: 'arm', ...request })).contains?.[0];
    expect(await arm({})).not.toHaveProperty('designation');
    expect(await arm({ includeDesignations: true })).toMatchObject({ designation: [{ language: 'de' }, { language: 'nl' }] });
    expect(await arm({ designation: ['urn:ietf:bcp:47|de'] })).toMatchObject({ designation: [{ language: 'de' }] });
    expect(await arm({ designation: ['synonym'] })).toMatchObject({ designation: [{ value: 'Ledemaat' }] });
    expect(await arm({ displayLanguage: 'de-AT' })).toMatchObject({ display: 'Arm (Oberkörper)' });
  });

  test('takes a value set that is sent, and shows its definition', async () => {
    const valueSet = {
      resourceType: 'ValueSet',
      status: 'active',
      compose: { include: [{ system: url, filter: [{ property: 'concept', op: 'is-a', value: 'limb' }] }] },
    };
    const found = await terminology.expand({ valueSet, includeDefinition: true });
    expect(found).toMatchObject({ compose: valueSet.compose, expansion: { total: 2 } });
  });

  test('gives large ones by pages only', async () => {
    expect(await refusal(terminology.expand({ url: 'http://x.org/vs/many' }))).toEqual([
      422,
      'too-costly',
      expect.stringContaining('pages'),
    ]);
    const page = await expanded({ url: 'http://x.org/vs/many', count: 2, offset: 11_998 });
    expect([tree(page.contains), page.total, page.offset]).toEqual(['c11998 c11999', 12_000, 11_998]);
    expect(await refusal(terminology.expand({ url: 'http://x.org/vs/many', count: 11_000 }))).toEqual([
      422,
      'too-costly',
      expect.stringContaining('smaller pages'),
    ]);
  });

  test.each([
    [{}, 400, /"url"/],
    [{ url: 'http://x.org/vs/none' }, 404, /vs\/none/],
    [{ url: all.url, valueSetVersion: '7' }, 404, /\|7/],
    [{ url: 'http://x.org/vs/sct' }, 422, /snomed/],
    [{ url: all.url, count: -1 }, 400, /"count"/],
    [{ url: 'http://x.org/vs/old', 'check-system-version': [`${url}|2.0`] }, 422, /check-system-version/],
  ])('%j is refused with %i', async (request, status, reason) => {
    expect(await refusal(terminology.expand(request))).toEqual([status, expect.any(String), expect.stringMatching(reason)]);
  });
});

test.each([
  [{ url: all.url, date: '2020-01-01' }, 422, /"date"/],
  [{ url: all.url, context: 'http://x.org/profile#Patient.x' }, 422, /context/],
])('%j can not be told', async (request, status, reason) => {
  expect(await refusal(terminology.expand(request))).toEqual([status, 'not-supported', expect.stringMatching(reason)]);
  expect(await refusal(terminology.validateCode({ ...request, code: 'arm' }))).toEqual([
    status,
    'not-supported',
    expect.stringMatching(reason),
  ]);
});

test('the date of today is now', async () => {
  const today: object = { url: all.url, date: '2026-01-02T23:00:00Z' };
  expect(await refusal(terminology.expand(today))).toBeUndefined();
});

describe('ValueSet/$validate-code', () => {
  test.each([
    [{ code: 'arm', system: url }, true, undefined, 'Arm'],
    [{ code: 'arm' }, true, undefined, 'Arm'],
    [{ code: 'ARM', system: url }, false, /not in the value set.*Did you mean http:\/\/x.org\/body\|arm \(Arm\)/, undefined],
    [{ code: 'arm', system: 'http://elsewhere.org' }, false, /Did you mean http:\/\/x.org\/body\|arm/, undefined],
    [{ code: 'arm', system: url, display: 'aRM' }, true, undefined, 'Arm'],
    [{ code: 'arm', system: url, display: 'Ledemaat' }, true, undefined, 'Arm'],
    [{ code: 'arm', system: url, display: 'Leg' }, false, /isn't called.*Arm; /, 'Arm'],
    [{ code: 'arm', system: url, displayLanguage: 'nl' }, true, undefined, 'Ledemaat'],
    [{ code: 'limb', system: url }, true, undefined, 'Limb'],
    [{ code: 'limb', system: url, abstract: false }, false, /only groups/, 'Limb'],
    [{ code: 'tail', system: url }, true, /inactive/, 'Tail'],
    [{ coding: { system: url, code: 'leg', display: 'Leg' } }, true, undefined, 'Leg'],
    [
      {
        codeableConcept: {
          coding: [
            { system: 'x', code: 'y' },
            { system: url, code: 'leg' },
          ],
        },
      },
      true,
      undefined,
      'Leg',
    ],
    [{ codeableConcept: { coding: [{ system: 'x', code: 'y' }] } }, false, /not in the value set/, undefined],
    [{ codeableConcept: { text: 'leg' } }, false, /no coding/, undefined],
  ])('%j is %s', async (request, result, message, display) => {
    const found = values(await terminology.validateCode({ url: all.url, ...request }));
    expect(found['result']).toBe(result);
    expect(found['display']).toBe(display);
    if (message === undefined) expect(found).not.toHaveProperty('message');
    else expect(found['message']).toMatch(message);
  });

  test('takes a value set that is sent', async () => {
    const valueSet = { resourceType: 'ValueSet', compose: { include: [{ system: url, concept: [{ code: 'leg' }] }] } };
    expect(values(await terminology.validateCode({ valueSet, code: 'leg', system: url }))['result']).toBe(true);
    expect(values(await terminology.validateCode({ valueSet, code: 'arm', system: url }))['result']).toBe(false);
  });

  test.each([
    [{ url: all.url }, 400],
    [{ url: all.url, code: 'arm', coding: { code: 'arm' } }, 400],
    [{ code: 'arm' }, 400],
    [{ url: 'http://x.org/vs/none', code: 'arm' }, 404],
    [{ url: 'http://x.org/vs/sct', code: '1', system: 'http://snomed.info/sct' }, 422],
  ])('%j is refused with %i', async (request, status) => {
    expect((await refusal(terminology.validateCode(request)))?.[0]).toBe(status);
  });
});

describe('CodeSystem/$validate-code', () => {
  test.each([
    [{ url, code: 'arm' }, true],
    [{ url, code: 'arms' }, false],
    [{ url, version: '1.0', code: 'leg' }, false],
    [{ url, version: '1.0', code: 'arm', display: 'Arme' }, true],
    [{ url, coding: { system: 'http://elsewhere.org', code: 'arm' } }, false],
    [{ coding: { system: url, code: 'arm' } }, true],
    [{ codeSystem: parts, code: 'b' }, true],
    [{ codeSystem: parts, code: 'c' }, false],
    [{ url: 'http://unitsofmeasure.org', code: 'mg/dL' }, true],
    [{ url: 'http://unitsofmeasure.org', code: 'mgs' }, false],
  ])('%j is %s', async (request, result) => {
    expect(values(await terminology.validateSystemCode(request))['result']).toBe(result);
  });

  test('of a code system that is not here is refused', async () => {
    expect(await refusal(terminology.validateSystemCode({ url: 'http://loinc.org', code: '1-8' }))).toEqual([
      404,
      'not-found',
      expect.stringContaining('loinc.org'),
    ]);
  });
});

describe('$lookup', () => {
  test('tells all of a code', async () => {
    const { parameter } = await terminology.lookup({ system: url, code: 'leg' });
    const property = (code: string, value: object, description?: string): object => ({
      name: 'property',
      part: [
        { name: 'code', valueCode: code },
        { name: 'value', ...value },
        ...(description === undefined ? [] : [{ name: 'description', valueString: description }]),
      ],
    });
    expect(parameter).toEqual([
      { name: 'name', valueString: 'Parts of the body' },
      { name: 'version', valueString: '2.0' },
      { name: 'display', valueString: 'Leg' },
      property('parent', { valueCode: 'limb' }, 'Limb'),
      property('inactive', { valueBoolean: false }),
      property('bones', { valueInteger: 30 }),
      property('near', { valueCoding: { system: url, code: 'arm' } }),
    ]);
  });

  test.each([
    [['definition'], /An arm or a leg/, /parent|child/],
    [['child'], /"valueCode":"leg"/, /An arm/],
    [['designation'], /"display"/, /child/],
  ])('tells of the properties %j only', async (property, wanted, unwanted) => {
    const text = JSON.stringify(await terminology.lookup({ system: url, code: 'limb', property }));
    expect(text).toMatch(wanted);
    expect(text).not.toMatch(unwanted);
  });

  test('tells designations by language, and the display in one', async () => {
    const { parameter } = await terminology.lookup({ coding: { system: url, code: 'arm' }, property: ['lang.nl'], displayLanguage: 'nl' });
    expect(parameter).toEqual([
      { name: 'name', valueString: 'Parts of the body' },
      { name: 'version', valueString: '2.0' },
      { name: 'display', valueString: 'Ledemaat' },
      {
        name: 'designation',
        part: [
          { name: 'language', valueCode: 'nl' },
          { name: 'use', valueCoding: { code: 'synonym' } },
          { name: 'value', valueString: 'Ledemaat' },
        ],
      },
    ]);
  });

  test.each([
    [{ code: 'arm' }, 400],
    [{ system: url, code: 'arm', coding: {} }, 400],
    [{ system: url, code: 'wing' }, 404],
    [{ system: 'http://loinc.org', code: '1-8' }, 404],
  ])('%j is refused with %i', async (request, status) => {
    expect((await refusal(terminology.lookup(request)))?.[0]).toBe(status);
  });
});

describe('$subsumes', () => {
  test.each([
    ['arm', 'arm', 'equivalent'],
    ['limb', 'arm', 'subsumes'],
    ['arm', 'limb', 'subsumed-by'],
    ['arm', 'leg', 'not-subsumed'],
  ])('%s, %s: %s', async (codeA, codeB, outcome) => {
    expect(values(await terminology.subsumes({ system: url, codeA, codeB }))).toEqual({ outcome });
    const [codingA, codingB] = [codeA, codeB].map((code) => ({ system: url, code }));
    expect(values(await terminology.subsumes({ ...(codingA && { codingA }), ...(codingB && { codingB }) }))).toEqual({ outcome });
  });

  test.each([
    [{ codeA: 'arm', codeB: 'leg' }, 400],
    [{ system: url, codeA: 'arm' }, 400],
    [{ codingA: { system: url, code: 'arm' }, codingB: { system: parts.url, code: 'a' } }, 400],
    [{ system: url, codeA: 'arm', codeB: 'wing' }, 404],
    [{ system: parts.url, codeA: 'a', codeB: 'b' }, 422],
  ])('%j is refused with %i', async (request, status) => {
    expect((await refusal(terminology.subsumes(request)))?.[0]).toBe(status);
  });
});

describe('$translate', () => {
  type Part = { readonly name: string; readonly valueCode?: string; readonly valueCoding?: { readonly code?: string } };
  async function translated(request: object): Promise<{ result: unknown; matches: string }> {
    const { parameter } = (await terminology.translate({ url: map.url, ...request })) as unknown as {
      parameter: readonly { name: string; valueBoolean?: boolean; part: readonly Part[] }[];
    };
    const matches = parameter
      .filter(({ name }) => name === 'match')
      .map(({ part }) => `${part[0]?.valueCode}:${part.find(({ name }) => name === 'concept')?.valueCoding?.code ?? ''}`);
    return { result: parameter[0]?.valueBoolean, matches: matches.join(' ') };
  }

  test.each([
    [{ code: 'arm', system: url, targetsystem: 'http://x.org/limbs' }, true, 'equal:A wider:U'],
    [{ code: 'arm', system: url }, true, 'equal:A wider:U narrower:two'],
    [{ code: 'tail', system: url, targetsystem: 'http://x.org/limbs' }, false, 'unmatched:'],
    [{ code: 'limb', system: url }, true, 'relatedto:X equal:limb'],
    [{ code: 'leg', system: url, targetsystem: 'http://x.org/limbs' }, false, ''],
    [
      {
        code: 'leg',
        system: url,
        targetsystem: 'http://x.org/limbs',
        dependency: [{ element: 'http://x.org/side', concept: { coding: [{ system: 'http://x.org/sides', code: 'left' }] } }],
      },
      true,
      'equivalent:L',
    ],
    [{ coding: { system: url, code: 'arm' }, target: 'http://x.org/vs/limbs' }, true, 'equal:A'],
    [
      {
        codeableConcept: {
          coding: [
            { system: 'x', code: 'y' },
            { system: url, code: 'tail' },
          ],
        },
        targetsystem: 'http://x.org/limbs',
      },
      false,
      'unmatched:',
    ],
    [{ code: 'U', system: 'http://x.org/limbs', reverse: true }, true, 'narrower:arm'],
    [{ code: 'arm', system: 'http://elsewhere.org' }, false, ''],
  ])('%j', async (request, result, matches) => {
    expect(await translated(request)).toEqual({ result, matches });
  });

  test('passes on what else comes of it, and where it is from', async () => {
    const text = JSON.stringify(await terminology.translate({ conceptMap: map, code: 'arm', system: url }));
    expect(text).toContain(
      '{"name":"product","part":[{"name":"element","valueUri":"http://x.org/side"},{"name":"concept","valueCoding":{"system":"http://x.org/sides","code":"upper"}}]}',
    );
    expect(text).toContain('{"name":"source","valueUri":"http://x.org/map"}');
  });

  test.each([
    [{ url: map.url }, 400],
    [{ url: map.url, code: 'arm' }, 400],
    [{ url: 'http://x.org/nomap', code: 'arm', system: url }, 404],
    [{ code: 'arm', system: url }, 422],
  ])('%j is refused with %i', async (request, status) => {
    expect((await refusal(terminology.translate(request)))?.[0]).toBe(status);
  });
});
