import { describe, expect, test } from 'vitest';
import { makeFinds } from '../finds.ts';

const finds = makeFinds();
const coded = {
  resourceType: 'Observation',
  code: {
    coding: [
      { system: 'http://loinc.org', code: '85354-9', display: 'Blood pressure panel with all children optional' },
      { display: 'Blutdruck (systolisch/diastolisch)' },
    ],
    text: 'Presión ARTERIAL, crónica',
  },
};

/** @see https://hl7.org/fhir/R4/search.html#token */
describe('code:text', () => {
  test.each([
    ['blood', true],
    ['BLOOD', true],
    ['blo', true],
    ['bloo', true],
    ['bl pressure', true],
    ['bx pressure', false],
    ['pressure', true],
    ['pressu', true],
    ['pressures', false],
    ['panelx', false],
    ['lood', false],
    ['blood pressure', true],
    ['pressure blood', true],
    ['blood arterial', true],
    ['blood kidney', false],
    ['presion', true],
    ['Presión', true],
    ['crón', true],
    ['diastolisch', true],
    ['systolisch/dia', true],
    ['(systolisch', true],
    ['children o', true],
    ['85354-9', false],
    ['loinc', false],
    ['kidney,blood', true],
    ['kidney,liver', false],
    ['optionally', false],
  ])('%s: %s', (text, expected) => {
    expect(finds(`code:text=${text}`, coded)).toBe(expected);
  });

  test('takes all words from one value', () => {
    const resource = {
      resourceType: 'Observation',
      component: [{ code: { text: 'systolic' } }, { code: { text: 'diastolic' } }],
    };
    expect(finds('component-code:text=systolic', resource)).toBe(true);
    expect(finds('component-code:text=systolic diastolic', resource)).toBe(false);
  });

  test('looks at an identifier by the text of its type', () => {
    const resource = {
      resourceType: 'Patient',
      identifier: [{ type: { text: 'Medical record number', coding: [{ display: 'never' }] }, system: 'urn:x', value: '7' }],
    };
    expect(finds('identifier:text=record', resource)).toBe(true);
    expect(finds('identifier:text=never', resource)).toBe(false);
    expect(finds('identifier:text=7', resource)).toBe(false);
  });

  test('is refused of codes without a text, and without a word', () => {
    expect(() => finds('gender:text=male', { resourceType: 'Patient' })).toThrow(/without a text/);
    expect(() => finds('code:text=--', coded)).toThrow(/nothing to search for/);
  });

  test('finds nothing in what is no text', () => {
    const odd = { resourceType: 'Observation', code: { coding: [{ display: 7 }, null, 'x'], text: { a: 1 } } };
    expect(finds('code:text=x', odd)).toBe(false);
    expect(finds('code:text=xx', odd)).toBe(false);
  });
});

/** @see https://hl7.org/fhir/R4/search.html#of-type */
describe('identifier:of-type', () => {
  const v2 = 'http://terminology.hl7.org/CodeSystem/v2-0203';
  const patient = {
    resourceType: 'Patient',
    identifier: [
      { type: { coding: [{ system: v2, code: 'MR' }, { code: 'loc' }] }, system: 'urn:mrn', value: 'Ab|1' },
      { type: { coding: [{ system: v2, code: 'SS' }] }, value: '446053' },
      { value: 'bare' },
    ],
  };
  test.each([
    [`${v2}|SS|446053`, true],
    [`${v2}|ss|446053`, true],
    [`${v2}|MR|446053`, false],
    [`${v2}|MR|Ab\\|1`, true],
    [`${v2}|MR|ab\\|1`, false],
    [`|loc|Ab\\|1`, true],
    [`|MR|Ab\\|1`, false],
    [`urn:mrn|MR|Ab\\|1`, false],
    [`${v2}|MR|x,${v2}|SS|446053`, true],
    [`|bare|bare`, false],
  ])('%s: %s', (value, expected) => {
    expect(finds(`identifier:of-type=${value}`, patient)).toBe(expected);
  });

  test.each(['446053', `${v2}|446053`, `${v2}|MR|`, `${v2}||446053`, `${v2}|MR|Ab|1`])('%s is refused', (value) => {
    expect(() => finds(`identifier:of-type=${value}`, patient)).toThrow(/system\|code\|value/);
  });

  test('is refused where there are no identifiers', () => {
    expect(() => finds('code:of-type=a|b|c', coded)).toThrow(/is for identifiers/);
  });
});

test.each(['in', 'not-in', 'above', 'below'])('code:%s is not decided without asking what it stands for', (modifier) => {
  expect(() => finds(`code:${modifier}=http://x.org|y`, coded)).toThrow(/can't be decided here/);
});
