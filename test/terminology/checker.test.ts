import { describe, expect, test } from 'vitest';
import { makeTerminology } from '../../src/terminology/terminology.ts';
import type { CodeVerdict } from '../../src/terminology/verdict.ts';
import { conformanceOf } from './conformance-of.ts';

const colours = {
  resourceType: 'CodeSystem',
  url: 'http://x.org/colours',
  content: 'complete',
  concept: [
    { code: 'red', display: 'Red', designation: [{ language: 'de', value: 'Rot' }], concept: [{ code: 'crimson', display: 'Crimson' }] },
    { code: 'blue', display: 'Blue', property: [{ code: 'status', valueCode: 'retired' }] },
    { code: 'warm', display: 'Warm colours', property: [{ code: 'notSelectable', valueBoolean: true }] },
  ],
};
const folded = {
  resourceType: 'CodeSystem',
  url: 'http://x.org/folded',
  content: 'complete',
  caseSensitive: false,
  concept: [{ code: 'Ab' }],
};
const fragment = { resourceType: 'CodeSystem', url: 'http://x.org/fragment', content: 'fragment', concept: [{ code: 'known' }] };
const stub = { resourceType: 'CodeSystem', url: 'http://x.org/stub', content: 'not-present' };
const versioned = {
  resourceType: 'CodeSystem',
  url: 'http://x.org/versioned',
  version: '2',
  content: 'complete',
  concept: [{ code: 'new' }],
};

const set = (name: string, include: readonly object[], more: object = {}): object => ({
  resourceType: 'ValueSet',
  url: `http://x.org/vs/${name}`,
  compose: { include, ...more },
});
const resources = [
  colours,
  folded,
  fragment,
  stub,
  versioned,
  set('colours', [{ system: colours.url }]),
  set('reds', [{ system: colours.url, filter: [{ property: 'concept', op: 'is-a', value: 'red' }] }]),
  set('active', [{ system: colours.url }], { inactive: false }),
  set('listed', [{ system: 'http://loinc.org', concept: [{ code: '8867-4', display: 'Heart rate' }] }]),
  set('renamed', [{ system: colours.url, concept: [{ code: 'red', display: 'The red one' }] }]),
  set('imports', [{ valueSet: ['http://x.org/vs/reds'] }]),
  set('both', [{ system: colours.url, valueSet: ['http://x.org/vs/reds', 'http://x.org/vs/active'] }]),
  set('without', [{ system: colours.url }], { exclude: [{ valueSet: ['http://x.org/vs/reds'] }] }),
  set('unsure-without', [{ system: colours.url }], { exclude: [{ valueSet: ['http://x.org/vs/nowhere'] }] }),
  set('self', [{ valueSet: ['http://x.org/vs/self'] }]),
  set('loinc', [{ system: 'http://loinc.org', filter: [{ property: 'CLASS', op: '=', value: 'CHEM' }] }]),
  set('mixed', [{ system: 'http://loinc.org' }, { system: colours.url }]),
  set('fragment', [{ system: fragment.url }]),
  set('stub', [{ system: stub.url }]),
  set('folded', [{ system: folded.url }]),
  set('other-version', [{ system: versioned.url, version: '1' }]),
  set('regex', [{ system: colours.url, filter: [{ property: 'code', op: 'regex', value: '[a-z]{3}' }] }]),
  set('slow-regex', [{ system: colours.url, filter: [{ property: 'code', op: 'regex', value: '(a+)+b' }] }]),
  set('units', [{ system: 'http://unitsofmeasure.org' }]),
  set('masses', [{ system: 'http://unitsofmeasure.org', filter: [{ property: 'canonical', op: '=', value: 'g' }] }]),
  set('languages', [{ system: 'urn:ietf:bcp:47' }]),
  set('media', [{ system: 'urn:ietf:bcp:13' }]),
  set('countries', [{ system: 'urn:iso:std:iso:3166' }, { system: 'urn:iso:std:iso:3166:-2' }]),
  set('money', [{ system: 'urn:iso:std:iso:4217' }]),
  set('zones', [{ system: 'https://www.iana.org/time-zones' }]),
  {
    resourceType: 'ValueSet',
    url: 'http://x.org/vs/expanded',
    expansion: { contains: [{ system: 's', code: '1', contains: [{ system: 's', code: '2' }] }] },
  },
  { resourceType: 'ValueSet', url: 'http://x.org/vs/cut', expansion: { total: 9, contains: [{ system: 's', code: '1' }] } },
];

const terminology = makeTerminology({ conformance: conformanceOf(resources) });

async function verdict(name: string | undefined, code: string, system?: string): Promise<CodeVerdict | undefined> {
  const valueSet = name === undefined ? undefined : name.includes(':') ? name : `http://x.org/vs/${name}`;
  return (await terminology.checker.later([{ valueSet, system, code }]))[0];
}

describe('a code', () => {
  test.each([
    ['colours', 'red', colours.url, 'in'],
    ['colours', 'red', undefined, 'in'],
    ['colours', 'Red', colours.url, 'out'],
    ['colours', 'red', 'http://elsewhere.org', 'out'],
    ['reds', 'crimson', colours.url, 'in'],
    ['reds', 'blue', colours.url, 'out'],
    ['active', 'blue', colours.url, 'out'],
    ['listed', '8867-4', 'http://loinc.org', 'in'],
    ['listed', '8867-5', 'http://loinc.org', 'out'],
    ['imports', 'crimson', colours.url, 'in'],
    ['imports', 'blue', colours.url, 'out'],
    ['both', 'red', colours.url, 'in'],
    ['both', 'warm', colours.url, 'out'],
    ['without', 'crimson', colours.url, 'out'],
    ['without', 'blue', colours.url, 'in'],
    ['unsure-without', 'blue', colours.url, 'unchecked'],
    ['unsure-without', 'green', colours.url, 'out'],
    ['self', 'x', colours.url, 'unchecked'],
    ['nowhere', 'x', colours.url, 'unchecked'],
    ['loinc', '1-8', 'http://loinc.org', 'unchecked'],
    ['loinc', '1-8', 'http://snomed.info/sct', 'out'],
    ['mixed', 'red', colours.url, 'in'],
    ['mixed', 'green', colours.url, 'out'],
    ['mixed', 'green', undefined, 'unchecked'],
    ['fragment', 'known', fragment.url, 'in'],
    ['fragment', 'other', fragment.url, 'unchecked'],
    ['stub', 'x', stub.url, 'unchecked'],
    ['folded', 'aB', folded.url, 'in'],
    ['other-version', 'new', versioned.url, 'in'],
    ['other-version', 'old', versioned.url, 'unchecked'],
    ['regex', 'red', colours.url, 'in'],
    ['regex', 'blue', colours.url, 'out'],
    ['slow-regex', 'red', colours.url, 'unchecked'],
    ['expanded', '2', 's', 'in'],
    ['expanded', '3', 's', 'out'],
    ['cut', '2', 's', 'unchecked'],
    ['http://snomed.info/sct?fhir_vs=isa/404684003', '404684003', 'http://snomed.info/sct', 'unchecked'],
    ['http://loinc.org/vs', '8867-4', 'http://loinc.org', 'unchecked'],
    [undefined, 'red', colours.url, 'in'],
    [undefined, 'green', colours.url, 'out'],
    [undefined, '8867-4', 'http://loinc.org', 'unchecked'],
    [undefined, 'red', undefined, 'unchecked'],
  ])('in %s: %s of %s is %s', async (name, code, system, kind) => {
    expect((await verdict(name, code, system))?.kind).toBe(kind);
  });

  test.each([
    [
      'units',
      ['mg/dL', 'Cel', '[degF]', '10*3/uL', '{score}', '%', '[pH]', 'mm[Hg]', 'mL/min/{1.73_m2}', 'B[SPL]', '{2 or 3 times}/d'],
      ['mgs', 'Celsius', 'MG/DL2', '', 'mg dL', '[foo]'],
    ],
    ['masses', ['kg', 'mg', '[lb_av]', 'ug'], ['m', 'mg/dL', 'L', 'Cel']],
    [
      'languages',
      ['de', 'de-CH', 'zh-Hant-TW', 'sl-rozaj-biske', 'en-US-u-islamcal', 'x-ours', 'i-klingon', 'qaa'],
      ['deutsch', 'de_CH', 'de-XQQ', 'zz', 'de-u', ''],
    ],
    [
      'media',
      ['text/plain', 'text/plain; charset=utf-8', 'application/vnd.ours+json', 'image/x-ours'],
      ['text', 'text/', '/plain', 'text/plain;', 'a b/c', 'text/html<script>'],
    ],
    ['countries', ['AT', 'AUT', '040', 'AT-9', 'US-CA'], ['XX', 'at', '41', 'XX-9', 'AT-', 'AT-ABCD']],
    ['money', ['EUR', 'USD', 'XAU', 'XXX', 'HRK'], ['EURO', 'eur', 'ZZZ']],
    [
      'zones',
      ['Europe/Vienna', 'UTC', 'America/Argentina/Buenos_Aires', 'Asia/Calcutta'],
      ['Europe/Wien', 'europe/vienna', '+01:00', 'CEST2'],
    ],
  ])('of %s is told by a grammar or a list', async (name, right, wrong) => {
    const kinds = async (codes: readonly string[]) => Promise.all(codes.map(async (code) => [code, (await verdict(name, code))?.kind]));
    expect(await kinds(right)).toEqual(right.map((code) => [code, 'in']));
    expect(await kinds(wrong)).toEqual(wrong.map((code) => [code, 'out']));
  });

  test('comes with what it is called, by the value set first', async () => {
    expect(await verdict('colours', 'red', colours.url)).toEqual({ kind: 'in', displays: ['Red', 'Rot'] });
    expect(await verdict('renamed', 'red', colours.url)).toEqual({ kind: 'in', displays: ['The red one', 'Red', 'Rot'] });
    expect(await verdict('colours', 'blue', colours.url)).toEqual({ kind: 'in', displays: ['Blue'], inactive: true });
    expect(await verdict('colours', 'warm', colours.url)).toEqual({ kind: 'in', displays: ['Warm colours'], abstract: true });
  });

  test('that can not be told names what is not loaded', async () => {
    expect(await verdict('loinc', '1-8', 'http://loinc.org')).toEqual({
      kind: 'unchecked',
      why: "The code system http://loinc.org isn't loaded here.",
    });
    expect(await verdict('nowhere', '1')).toEqual({ kind: 'unchecked', why: "The value set http://x.org/vs/nowhere isn't loaded here." });
  });

  test.each([
    ['colours', 'RED', 'red'],
    ['colours', 'Warm colours', 'warm'],
    ['colours', 'crimsn', 'crimson'],
    ['listed', 'heart rate', '8867-4'],
    ['colours', 'zzzzzz', undefined],
  ])('in %s: for %s the nearest is %s', async (name, code, nearest) => {
    const found = await verdict(name, code);
    expect(found?.kind === 'out' ? found.nearest?.code : 'in').toBe(nearest);
  });

  test('that its code system does not have at all is unknown; one that is only elsewhere is not', async () => {
    await verdict(undefined, 'red', colours.url);
    expect(await verdict('reds', 'green', colours.url)).toMatchObject({ kind: 'out', unknown: true });
    expect(await verdict('reds', 'blue', colours.url)).toMatchObject({ kind: 'out', unknown: false });
    // The right code, with the wrong system.
    const wrongSystem = await verdict('reds', 'red', 'http://elsewhere.org');
    expect(wrongSystem).toMatchObject({ kind: 'out', unknown: false, nearest: { system: colours.url, code: 'red' } });
  });
});

describe('memory', () => {
  test('answers at once what was asked before, and what follows from it', async () => {
    const conformance = conformanceOf(resources);
    const { checker } = makeTerminology({ conformance });
    const question = { valueSet: 'http://x.org/vs/colours', system: colours.url, code: 'red' };
    expect(checker.now(question)).toBeUndefined();
    await checker.later([question]);
    const { length } = conformance.asked;
    expect(checker.now(question)).toMatchObject({ kind: 'in' });
    expect(checker.now({ ...question, code: 'green' })).toMatchObject({ kind: 'out' });
    expect(conformance.asked).toHaveLength(length);
  });

  test('forgets all when something changes', async () => {
    const conformance = conformanceOf(resources);
    const { checker } = makeTerminology({ conformance });
    const question = { valueSet: 'http://x.org/vs/colours', system: colours.url, code: 'green' };
    expect((await checker.later([question]))[0]?.kind).toBe('out');
    conformance.replace([...resources, { ...colours, concept: [{ code: 'green' }] }]);
    expect(checker.now(question)).toBeUndefined();
    expect((await checker.later([question]))[0]?.kind).toBe('in');
  });

  test('does not keep what was read before a change', async () => {
    const conformance = conformanceOf(resources);
    const { checker } = makeTerminology({ conformance });
    const question = { valueSet: 'http://x.org/vs/colours', system: colours.url, code: 'green' };
    const asking = checker.later([question]);
    conformance.replace([...resources, { ...colours, concept: [{ code: 'green' }] }]);
    await asking;
    expect((await checker.later([question]))[0]?.kind).toBe('in');
  });

  test('keeps nothing of what is too long to be a code', async () => {
    const { checker } = makeTerminology({ conformance: conformanceOf(resources) });
    const question = { valueSet: 'http://x.org/vs/units', system: undefined, code: 'm'.repeat(501) };
    const [first] = await checker.later([question]);
    expect(first?.kind).toBe('out');
    expect(checker.now(question)).toEqual(first);
    expect(checker.now(question)).not.toBe(checker.now(question));
    const short = { ...question, code: 'm' };
    expect(checker.now(short)).toBe(checker.now(short));
  });

  test('is bounded: a small one answers the same, with what it can hold', async () => {
    const { checker } = makeTerminology({ conformance: conformanceOf(resources), memoryBytes: 4_000 });
    const questions = ['red', 'green', 'crimson'].map((code) => ({ valueSet: 'http://x.org/vs/imports', system: colours.url, code }));
    expect((await checker.later(questions)).map(({ kind }) => kind)).toEqual(['in', 'out', 'in']);
  });
});
