import { describe, expect, test } from 'vitest';
import { consentOf, type PatientConsent } from '../../../src/authorization/rights/consent.ts';
import { type Asker, deniedBy, permittedBy, type RowTokens } from '../../../src/authorization/rights/consent-filter.ts';
import { passesWith } from '../../../src/storage/filter.ts';

const base = 'http://127.0.0.1/fhir/R4';
const scope = { coding: [{ code: 'patient-privacy' }] };
const doe = { role: {}, reference: { reference: 'Practitioner/doe' } };
const roe = { role: {}, reference: { reference: 'Practitioner/roe' } };
const code = (of: string) => ({ coding: [{ system: 'urn:c', code: of }] });

/** Tokens are numbers: 1 for patient p, 100 and on for codes, 200 and on for labels, 300 and on for other compartments. */
const rows = (letter: RowTokens['letter'] = 'r', type = 'Observation'): RowTokens => ({
  type,
  letter,
  compartment: (of, id) => (of === 'Patient' ? (id === 'p' ? 1n : 2n) : 300n + BigInt(id.length)),
  isCompartment: (of) => of === 'Patient' || of === 'Encounter',
  isType: (each) => ['Observation', 'Condition', 'Encounter'].includes(each),
  coded: (codes, by) => (type === 'Encounter' ? [] : codes.map((each) => 100n + BigInt(each.code.length) + (by === 'main' ? 0n : 0n))),
  labelled: ({ code: label }) => [200n + BigInt(label.length)],
});
const asker = (more: Partial<Asker> = {}): Asker => ({
  identities: new Set(['Practitioner/doe', 'Organization/ward']),
  purposes: [],
  now: Date.parse('2026-03-01T00:00:00Z'),
  ...more,
});
const consentWith = (provision: object | undefined, more: object = {}): PatientConsent[] => {
  const found = consentOf(
    { resourceType: 'Consent', id: 'c', status: 'active', scope, patient: { reference: 'Patient/p' }, provision, ...more },
    base,
  );
  return found === undefined ? [] : [found];
};
const isDenied = (provision: object, tokens: readonly bigint[] = [1n], who = asker(), of = rows()): boolean =>
  !passesWith({ anyOf: [[]], noneOf: deniedBy(consentWith(provision), who, of) }, (each) => tokens.includes(each));
const isPermitted = (provision: object, tokens: readonly bigint[] = [1n], who = asker(), of = rows()): boolean =>
  passesWith({ anyOf: permittedBy(consentWith(provision), who, of) }, (each) => tokens.includes(each));

describe('a consent has an effect', () => {
  test.each<[string, object]>([
    ['unless it is a draft', { status: 'draft' }],
    ['unless it was entered in error', { status: 'entered-in-error' }],
    ['unless it is about research', { scope: { coding: [{ code: 'research' }] } }],
    ['unless it is of nobody', { patient: undefined }],
    ['unless its patient is elsewhere', { patient: { reference: 'http://other.example.org/Patient/p' } }],
  ])('%s', (_, more) => {
    expect(consentWith({ type: 'deny' }, more)).toEqual([]);
  });
  test('on its own patient alone', () => {
    expect(isDenied({ type: 'deny' }, [1n])).toBe(true);
    expect(isDenied({ type: 'deny' }, [2n])).toBe(false);
  });
  test('by its policy, where the root rule has no type', () => {
    const out = consentWith({}, { policyRule: { coding: [{ code: 'OPTOUT' }] } });
    expect(deniedBy(out, asker(), rows())).toEqual([[[1n]]]);
    expect(deniedBy(consentWith({}, { policyRule: { coding: [{ code: 'OPTIN' }] } }), asker(), rows())).toEqual([]);
    expect(deniedBy(consentWith(undefined, { policyRule: { coding: [{ code: 'OPTOUT' }] } }), asker(), rows())).toEqual([[[1n]]]);
  });
});

describe('a rule that denies', () => {
  test.each<[string, object, Partial<Asker>, boolean]>([
    ['to him', { actor: [doe] }, {}, true],
    ['to one of several', { actor: [roe, doe] }, {}, true],
    ['to another', { actor: [roe] }, {}, false],
    ['to another, of whom nothing is known', { actor: [roe] }, { identities: undefined }, true],
    ['to a group', { actor: [{ role: {}, reference: { reference: 'Group/g' } }] }, {}, true],
    ['to somebody elsewhere', { actor: [{ role: {}, reference: { reference: 'http://x.example.org/Practitioner/doe' } }] }, {}, true],
    ['for his purpose', { purpose: [{ code: 'HRESCH' }] }, { purposes: ['HRESCH'] }, true],
    ['for another purpose', { purpose: [{ code: 'HRESCH' }] }, { purposes: ['TREAT'] }, false],
    ['for a purpose he doesn’t tell', { purpose: [{ code: 'HRESCH' }] }, {}, true],
    ['for a purpose without code', { purpose: [{ display: 'x' }] }, { purposes: ['TREAT'] }, true],
    ['treatment, in an emergency', { purpose: [{ code: 'TREAT' }] }, { purposes: ['ETREAT'] }, true],
    ['until yesterday', { period: { end: '2026-02-28' } }, {}, false],
    ['until today', { period: { end: '2026-03-01' } }, {}, true],
    ['from tomorrow on', { period: { start: '2026-03-02' } }, {}, false],
    ['in a period that can’t be read', { period: { start: 'soon' } }, {}, true],
    ['an action of another kind', { action: [code('collect')] }, {}, false],
    ['an action that isn’t known', { action: [code('whatever')] }, {}, true],
    ['an action in words', { action: [{ text: 'look' }] }, {}, true],
    ['another class', { class: [{ code: 'Condition' }] }, {}, false],
    ['a class that is no type', { class: [{ code: 'urn:profile' }] }, {}, true],
  ])('%s', (_, rule, who, denies) => {
    expect(isDenied({ type: 'deny', ...rule }, [1n], asker(who))).toBe(denies);
  });
  test('by code takes what has it; what can’t have it stays', () => {
    expect(isDenied({ type: 'deny', code: [code('abc')] }, [1n, 103n])).toBe(true);
    expect(isDenied({ type: 'deny', code: [code('abc')] }, [1n, 104n])).toBe(false);
    expect(isDenied({ type: 'deny', code: [code('abc')] }, [1n, 103n], asker(), rows('r', 'Encounter'))).toBe(false);
    expect(isDenied({ type: 'deny', code: [code('abc'), { text: 'x' }] }, [1n])).toBe(true);
  });
  test('by label takes what has one of them', () => {
    expect(isDenied({ type: 'deny', securityLabel: [{ code: 'PSY' }, { code: 'R' }] }, [1n, 201n])).toBe(true);
    expect(isDenied({ type: 'deny', securityLabel: [{ code: 'PSY' }] }, [1n])).toBe(false);
    expect(isDenied({ type: 'deny', securityLabel: [{ display: 'PSY' }] }, [1n])).toBe(true);
  });
  test('by data takes the encounter, and of what tokens don’t name all', () => {
    const data = (meaning: string, reference: string) => ({ type: 'deny', data: [{ meaning, reference: { reference } }] });
    expect(isDenied(data('related', 'Encounter/e'), [1n, 301n])).toBe(true);
    expect(isDenied(data('related', 'Encounter/e'), [1n])).toBe(false);
    expect(isDenied(data('instance', 'Encounter/e'), [1n, 301n])).toBe(false);
    expect(isDenied(data('instance', 'Observation/x'), [1n])).toBe(true);
    expect(isDenied(data('instance', 'Condition/x'), [1n])).toBe(false);
    expect(isDenied(data('related', 'Condition/x'), [1n])).toBe(true);
  });
  test('leaves its exceptions, and theirs it takes again', () => {
    const inner = { type: 'deny', code: [code('abcd')] };
    const rule = { type: 'deny', provision: [{ type: 'permit', actor: [doe], code: [code('abc'), code('abcd')], provision: [inner] }] };
    expect(isDenied(rule, [1n, 103n])).toBe(false);
    expect(isDenied(rule, [1n, 104n])).toBe(true);
    expect(isDenied(rule, [1n, 105n])).toBe(true);
    expect(isDenied(rule, [1n, 103n], asker({ identities: new Set(['Practitioner/roe']) }))).toBe(true);
  });
  test('with more exceptions than can be told apart has none', () => {
    const exception = { type: 'permit', actor: [doe], code: [code('abc')], securityLabel: [{ code: 'R' }] };
    const rule = { type: 'deny', provision: Array.from({ length: 20 }, () => exception) };
    expect(isDenied(rule, [1n, 103n, 201n])).toBe(true);
  });
  test('deeper than rules are read denies', () => {
    let rule: object = { type: 'permit' };
    for (let depth = 0; depth < 8; depth++) rule = { type: depth % 2 === 0 ? 'permit' : 'permit', provision: [rule] };
    expect(isDenied(rule)).toBe(true);
  });
  test.each<[RowTokens['letter'], string, boolean]>([
    ['c', 'access', false],
    ['u', 'access', true],
    ['d', 'access', true],
    ['s', 'disclose', true],
    ['c', 'collect', true],
    ['r', 'correct', false],
  ])('of letter %s the action %s: %s', (letter, action, denies) => {
    expect(isDenied({ type: 'deny', action: [code(action)] }, [1n], asker(), rows(letter))).toBe(denies);
  });
});

describe('a rule that permits', () => {
  test.each<[string, object, Partial<Asker>, boolean]>([
    ['to him', { actor: [doe] }, {}, true],
    ['to his organization', { actor: [{ role: {}, reference: { reference: 'Organization/ward' } }] }, {}, true],
    ['to another', { actor: [roe] }, {}, false],
    ['to nobody by name', {}, {}, false],
    ['to somebody of whom nothing is known', { actor: [doe] }, { identities: undefined }, false],
    ['for a purpose he doesn’t tell', { actor: [doe], purpose: [{ code: 'TREAT' }] }, {}, false],
    ['for his purpose', { actor: [doe], purpose: [{ code: 'TREAT' }] }, { purposes: ['TREAT'] }, true],
    ['in a period that can’t be read', { actor: [doe], period: { start: 'soon' } }, {}, false],
    ['data of a time', { actor: [doe], dataPeriod: { start: '2020' } }, {}, false],
    ['data by reference', { actor: [doe], data: [{ meaning: 'instance', reference: { reference: 'Observation/x' } }] }, {}, false],
    ['a code in words', { actor: [doe], code: [{ text: 'x' }] }, {}, false],
    ['a class that is no type', { actor: [doe], class: [{ code: 'urn:profile' }] }, {}, false],
    ['an action in words', { actor: [doe], action: [{ text: 'look' }] }, {}, false],
    ['an action of another kind', { actor: [doe], action: [code('disclose')] }, {}, false],
  ])('%s', (_, rule, who, permits) => {
    expect(isPermitted({ type: 'permit', ...rule }, [1n], asker(who))).toBe(permits);
  });
  test('names its actor at any depth, and keeps what is excepted', () => {
    const rule = { type: 'deny', provision: [{ type: 'permit', actor: [doe], provision: [{ type: 'deny', code: [code('abc')] }] }] };
    expect(isPermitted(rule, [1n])).toBe(true);
    expect(isPermitted(rule, [1n, 103n])).toBe(false);
  });
  test('needs all labels it names', () => {
    const rule = { type: 'permit', actor: [doe], securityLabel: [{ code: 'R' }, { code: 'PSY' }] };
    expect(isPermitted(rule, [1n, 201n])).toBe(false);
    expect(isPermitted(rule, [1n, 201n, 203n])).toBe(true);
  });
  test('gives writing only where it says so', () => {
    expect(isPermitted({ type: 'permit', actor: [doe] }, [1n], asker(), rows('u'))).toBe(false);
    expect(isPermitted({ type: 'permit', actor: [doe], action: [code('correct')] }, [1n], asker(), rows('u'))).toBe(true);
    expect(isPermitted({ type: 'permit', actor: [doe], action: [code('correct')] }, [1n], asker(), rows('d'))).toBe(false);
  });
});

test('rules that say the same of many patients become one', () => {
  const consents = ['p', 'q'].flatMap((id) => consentWith({ type: 'deny' }, { patient: { reference: `Patient/${id}` } }));
  expect(deniedBy(consents, asker(), rows())).toEqual([[[1n, 2n]]]);
});
