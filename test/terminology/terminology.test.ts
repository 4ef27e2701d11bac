import { describe, expect, test } from 'vitest';
import { readCodeSystem } from '../../src/terminology/code-system.ts';
import { makeTerminology } from '../../src/terminology/terminology.ts';
import { conformanceOf } from './conformance-of.ts';

const animals = {
  resourceType: 'CodeSystem',
  url: 'http://x.org/animals',
  content: 'complete',
  hierarchyMeaning: 'is-a',
  property: [{ code: 'up', uri: 'http://hl7.org/fhir/concept-properties#parent' }],
  concept: [
    {
      code: 'animal',
      concept: [
        { code: 'dog', concept: [{ code: 'poodle', property: [{ code: 'legs', valueInteger: 4 }] }] },
        { code: 'bird', property: [{ code: 'legs', valueInteger: 2 }] },
      ],
    },
    { code: 'pet' },
    {
      code: 'parrot',
      property: [
        { code: 'up', valueCode: 'bird' },
        { code: 'up', valueCode: 'pet' },
        { code: 'up', valueCode: 'nothing' },
      ],
    },
    { code: 'kitten', property: [{ code: 'subsumedBy', valueCode: 'pet' }] },
    { display: 'no code' },
  ],
};
const places = {
  url: 'http://x.org/places',
  content: 'complete',
  hierarchyMeaning: 'part-of',
  concept: [{ code: 'at', concept: [{ code: 'vie' }] }],
};
const circle = {
  url: 'http://x.org/circle',
  content: 'complete',
  concept: [
    { code: 'a', property: [{ code: 'parent', valueCode: 'b' }] },
    { code: 'b', property: [{ code: 'parent', valueCode: 'a' }] },
  ],
};
const fragment = { url: 'http://x.org/fragment', content: 'fragment', concept: [{ code: 'one' }] };

const valueSets: Readonly<Record<string, object>> = {
  'http://x.org/vs/all': { compose: { include: [{ system: animals.url }] } },
  'http://x.org/vs/listed': { compose: { include: [{ system: 'http://snomed.info/sct', concept: [{ code: '1' }, { code: '2' }] }] } },
  'http://x.org/vs/no-birds': {
    compose: {
      include: [{ valueSet: ['http://x.org/vs/all'] }],
      exclude: [{ system: animals.url, filter: [{ property: 'concept', op: 'is-a', value: 'bird' }] }],
    },
  },
  'http://x.org/vs/both': { compose: { include: [{ valueSet: ['http://x.org/vs/is-a-pet', 'http://x.org/vs/is-a-bird'] }] } },
  'http://x.org/vs/is-a-bird': { compose: { include: [{ system: animals.url, filter: [{ op: 'is-a', value: 'bird' }] }] } },
  'http://x.org/vs/is-a-pet': { compose: { include: [{ system: animals.url, filter: [{ op: 'is-a', value: 'pet' }] }] } },
  'http://x.org/vs/below-pet': { compose: { include: [{ system: animals.url, filter: [{ op: 'descendent-of', value: 'pet' }] }] } },
  'http://x.org/vs/not-animal': { compose: { include: [{ system: animals.url, filter: [{ op: 'is-not-a', value: 'animal' }] }] } },
  'http://x.org/vs/over-poodle': { compose: { include: [{ system: animals.url, filter: [{ op: 'generalizes', value: 'poodle' }] }] } },
  'http://x.org/vs/four-legs': { compose: { include: [{ system: animals.url, filter: [{ property: 'legs', op: '=', value: '4' }] }] } },
  'http://x.org/vs/has-legs': {
    compose: { include: [{ system: animals.url, filter: [{ property: 'legs', op: 'exists', value: 'true' }] }] },
  },
  'http://x.org/vs/two-filters': {
    compose: {
      include: [
        {
          system: animals.url,
          filter: [
            { op: 'is-a', value: 'animal' },
            { property: 'legs', op: 'in', value: '2,4' },
          ],
        },
      ],
    },
  },
  'http://x.org/vs/self': { compose: { include: [{ valueSet: ['http://x.org/vs/self'] }] } },
  'http://x.org/vs/fragment': { compose: { include: [{ system: fragment.url }] } },
  'http://x.org/vs/unknown-system': { compose: { include: [{ system: 'http://snomed.info/sct', filter: [{ op: 'is-a', value: '1' }] }] } },
  'http://x.org/vs/regex': { compose: { include: [{ system: animals.url, filter: [{ property: 'code', op: 'regex', value: '(a+)+' }] }] } },
  'http://x.org/vs/expanded': {
    expansion: {
      contains: [
        { system: 's', code: '1', contains: [{ system: 's', code: '2' }] },
        { system: 's', abstract: true, code: '3' },
      ],
    },
  },
  'http://x.org/vs/cut': { expansion: { total: 9, contains: [{ system: 's', code: '1' }] } },
  'http://x.org/vs/empty': {},
  'http://x.org/vs/huge': {
    compose: { include: [{ system: 'h', concept: Array.from({ length: 5001 }, (_, at) => ({ code: `c${at}` })) }] },
  },
  'http://x.org/vs/odd': { compose: { include: ['x', null, { system: 7 }, { system: 's', concept: [{ code: 1 }, { code: 'ok' }] }] } },
};

const all = [
  ...[animals, places, circle, fragment].map((each) => ({ resourceType: 'CodeSystem', ...each })),
  ...Object.entries(valueSets).map(([url, each]) => ({ resourceType: 'ValueSet', url, ...each })),
];
const terms = makeTerminology({ conformance: conformanceOf(all) });

async function codesIn(name: string): Promise<string> {
  const codes = await terms.expandCodes(`http://x.org/vs/${name}`);
  return 'untold' in codes
    ? codes.untold
    : codes
        .map(({ code }) => code)
        .sort()
        .join(' ');
}

describe('a value set', () => {
  test.each([
    ['all', 'animal bird dog kitten parrot pet poodle'],
    ['listed', '1 2'],
    ['no-birds', 'animal dog kitten pet poodle'],
    ['is-a-pet', 'kitten parrot pet'],
    ['below-pet', 'kitten parrot'],
    ['both', 'parrot'],
    ['not-animal', 'kitten pet'],
    ['over-poodle', 'animal dog poodle'],
    ['four-legs', 'poodle'],
    ['has-legs', 'bird poodle'],
    ['two-filters', 'bird poodle'],
    ['expanded', '1 2'],
    ['odd', 'ok'],
  ])('%s has the codes %s', async (name, expected) => {
    expect(await codesIn(name)).toBe(expected);
  });

  test.each([
    ['nowhere', /vs\/nowhere is not known here/],
    ['self', /composed of itself/],
    ['fragment', /draws on http:\/\/x.org\/fragment/],
    ['unknown-system', /draws on http:\/\/snomed.info\/sct/],
    ['regex', /regex/],
    ['cut', /neither a composition nor a whole expansion/],
    ['empty', /neither a composition nor a whole expansion/],
    ['huge', /more than 5000 codes/],
  ])('%s is not told, with the reason', async (name, reason) => {
    expect(await codesIn(name)).toMatch(reason);
  });
});

describe('a hierarchy', () => {
  test.each([
    [animals.url, 'animal', 'animal bird dog parrot poodle', 'animal'],
    [animals.url, 'parrot', 'parrot', 'animal bird parrot pet'],
    [animals.url, 'pet', 'kitten parrot pet', 'pet'],
    [circle.url, 'a', 'a b', 'a b'],
  ])('%s|%s: below %s, above %s', async (system, code, below, above) => {
    const text = (codes: Awaited<ReturnType<typeof terms.ancestors>>) => ('untold' in codes ? codes.untold : codes.toSorted().join(' '));
    expect(text(await terms.descendants(system, code))).toBe(below);
    expect(text(await terms.ancestors(system, code))).toBe(above);
  });

  test.each([
    ['http://nowhere.org', 'x', /is not known here/],
    [animals.url, 'Dog', /has no code Dog/],
    [places.url, 'at', /does not tell which codes are kinds of which/],
  ])('%s|%s is not told, with the reason', async (system, code, reason) => {
    const codes = await terms.descendants(system, code);
    expect('untold' in codes ? codes.untold : '').toMatch(reason);
  });

  test('may be deeper than a call stack', () => {
    let concept: object = { code: 'c0' };
    for (let depth = 1; depth < 50_000; depth++) concept = { code: `c${depth}`, concept: [concept] };
    expect(readCodeSystem({ url: 'deep', concept: [concept] }).concepts.size).toBe(50_000);
  });
});
