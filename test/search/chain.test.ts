import { describe, expect, test } from 'vitest';
import { makeTokenKey } from '../../src/encryption/token.ts';
import { FhirError } from '../../src/fhir/error.ts';
import { parseSearch } from '../../src/search/parse.ts';
import { planSearch } from '../../src/search/plan.ts';
import type { Criterion } from '../../src/search/query.ts';
import { pageStatement } from '../../src/search/statements.ts';
import { noRows, type Restriction } from '../../src/storage/filter.ts';
import { limits, smallRegistry } from './small-registry.ts';

const registry = smallRegistry();
const context = { key: makeTokenKey(Buffer.alloc(16, 3), 'siphash'), base: 'http://x/fhir', now: Date.UTC(2024, 0, 1) };

function criteria(type: string, text: string): readonly Criterion[] {
  return parseSearch(type, [...new URLSearchParams(text)], registry, limits, false).query.criteria;
}

/** The way a criterion goes: `>Patient>Patient:family`, `<Observation:code`. */
function way(criterion: Criterion): string {
  switch (criterion.kind) {
    case 'clause': {
      const { param, modifier } = criterion.clause;
      return `:${param.code}${modifier === undefined ? '' : `:${modifier}`}`;
    }
    case 'chain':
      return criterion.to.map((step) => `>${step.type}${way(step.criterion)}`).join(' ');
    case 'has':
      return `<${criterion.by.type}${way(criterion.by.criterion)}`;
    case 'not':
      return `not(${way(criterion.of)})`;
    default:
      return criterion.of.map(way).join(` ${criterion.kind} `);
  }
}

function refusal(type: string, text: string): { id: string | undefined; text: string } {
  try {
    criteria(type, text);
  } catch (error) {
    if (error instanceof FhirError) return { id: error.issues[0]?.id, text: error.issues[0]?.text ?? '' };
    throw error;
  }
  throw new Error(`${text} was accepted`);
}

describe('a chain', () => {
  test.each([
    ['Observation', 'subject:Patient.family=x', '>Patient:family'],
    ['Observation', 'patient.family=x', '>Patient:family'],
    ['Observation', 'patient.family:exact=x', '>Patient:family:exact'],
    ['Observation', 'patient.birthdate:missing=true', '>Patient:birthdate:missing'],
    ['Observation', 'patient._id=1', '>Patient:_id'],
    ['Observation', 'patient._lastUpdated=ge2020', '>Patient:_lastUpdated'],
    ['Observation', 'patient._tag=x', '>Patient:_tag'],
    ['Observation', 'patient.link.link:Patient.family=x', '>Patient>Patient>Patient:family'],
    // Without a type: all types that have what follows. Group and Practitioner are no types of this registry.
    ['Observation', 'subject._tag=x', '>Patient:_tag >Device:_tag >Location:_tag'],
    ['Observation', 'subject.identifier=x', '>Patient:identifier'],
    ['Account', 'subject._id=1', '>Patient:_id >Device:_id'],
  ])('%s?%s goes %s', (type, text, expected) => {
    expect(criteria(type, text).map(way)).toEqual([expected]);
  });

  test.each([
    ['Patient', '_has:Observation:patient:code=x', '<Observation:code'],
    ['Patient', '_has:Observation:subject:code:not=x', '<Observation:code:not'],
    ['Patient', '_has:Patient:link:_has:Observation:patient:code=x', '<Patient<Observation:code'],
    ['Patient', '_has:Observation:patient:performer:Patient.family=x', '<Observation>Patient:family'],
    ['Observation', 'subject:Patient._has:Account:patient:name=x', '>Patient<Account:name'],
    ['Observation', 'patient._has:Account:patient:patient.family:exact=x', '>Patient<Account>Patient:family:exact'],
  ])('%s?%s goes %s', (type, text, expected) => {
    expect(criteria(type, text).map(way)).toEqual([expected]);
  });

  test('each is a criterion of its own', () => {
    expect(criteria('Observation', 'patient.family=x&patient.gender=male&code=y')).toHaveLength(2);
  });

  test.each(['patient.family=', 'subject.identifier=,', '_filter=', '_has:Account:subject:name='])(
    'without a value is none: %s',
    (text) => {
      expect(criteria(text.startsWith('_has') ? 'Patient' : 'Observation', text)).toEqual([]);
    },
  );

  test('knows where the patient column says the same', () => {
    const links = ['patient.family=x', 'subject:Patient.family=x', 'performer:Patient.family=x'].map((text) => {
      const [criterion] = criteria('Observation', text);
      return criterion?.kind === 'chain' && criterion.to[0]?.link.column;
    });
    expect(links).toEqual([true, true, false]);
    const [has] = criteria('Patient', '_has:Account:patient:name=x');
    expect(has).toMatchObject({ kind: 'has', by: { link: { column: false } } });
  });
});

describe('what is refused', () => {
  test.each([
    ['Observation', 'patient.famly=x', 'search-unknown-parameter'],
    ['Observation', 'subject.code=x', 'search-unknown-parameter'],
    ['Observation', 'ptient.family=x', 'search-unknown-parameter'],
    ['Observation', 'code.family=x', 'search-invalid-chain'],
    ['Observation', 'subject:Patient:exact.family=x', 'search-invalid-chain'],
    ['Observation', 'subject:Pateint.family=x', 'search-unknown-type'],
    ['Observation', 'subject:Account.name=x', 'search-unknown-modifier'],
    ['Observation', 'patient.family:above=x', 'search-unknown-modifier'],
    ['Observation', 'patient.birthdate=x', undefined],
    ['Observation', 'patient.link.link.link.family=x', 'search-chain-too-deep'],
    ['Patient', '_has:Observation:patient=x', 'search-invalid-has'],
    ['Patient', '_has:Observation=x', 'search-invalid-has'],
    ['Patient', '_has:Observtion:patient:code=x', 'search-unknown-type'],
    ['Patient', '_has:Observation:code:code=x', 'search-invalid-chain'],
    ['Patient', '_has:Observation:patent:code=x', 'search-unknown-parameter'],
    ['Device', '_has:Observation:patient:code=x', 'search-unknown-reference'],
    ['Patient', '_has:Patient:link:_has:Patient:link:_has:Patient:link:_has:Patient:link:family=x', 'search-chain-too-deep'],
  ])('%s?%s', (type, text, id) => {
    if (id === undefined) expect(criteria(type, text)).toHaveLength(1);
    else expect(refusal(type, text).id).toBe(id);
  });

  test('names the types that were tried, and the parameter that was meant', () => {
    expect(refusal('Observation', 'subject.famly=x').text).toMatch(/Patient, Device, Location.*Did you mean "family"/);
    expect(refusal('Observation', 'subject:Pateint.family=x').text).toContain('Did you mean "Patient"?');
    expect(refusal('Device', '_has:Observation:patient:code=x').text).toContain('"patient" of Observation never points to Device');
  });

  test('never quotes a value', () => {
    expect(refusal('Observation', 'subject.famly=Mustermann').text).not.toContain('Mustermann');
  });
});

describe('the caller’s filter', () => {
  const byType: Restriction = (type) => ({ anyOf: [[[BigInt(type.length)]]] });

  test.each([
    ['Observation', 'patient.family=x', 2],
    ['Observation', 'subject.identifier=x', 2],
    ['Observation', 'subject._tag=x', 4],
    ['Observation', 'performer:Patient.link.family=x', 3],
    ['Patient', '_has:Observation:patient:code=x', 2],
    ['Patient', '_has:Observation:performer:patient.family=x', 3],
    ['Observation', '_filter=not (patient.family sw "x" or code eq y)', 2],
  ])('%s?%s bears it on each of its %d rows', (type, text, rows) => {
    const { query } = parseSearch(type, [...new URLSearchParams(text)], registry, limits, false);
    const plan = planSearch(query, byType, registry, context);
    const { text: sql, values } = pageStatement(plan, undefined, 10);
    expect(sql.match(/not \w+\.deleted/g)).toHaveLength(rows);
    expect(sql.match(/\(\w+\.tokens && \$\d+::int8\[\]\)/g)).toHaveLength(rows);
    expect(JSON.stringify(sql)).not.toMatch(/Mustermann|"x"/);
    expect(values.length).toBeGreaterThan(0);
  });

  test('refuses a hop to types that the caller may not search, and leaves out those of several', () => {
    const only =
      (...types: string[]): Restriction =>
      (type) =>
        types.includes(type) ? 'all' : noRows;
    const plan = (text: string, restriction: Restriction) =>
      planSearch(parseSearch('Observation', [...new URLSearchParams(text)], registry, limits, false).query, restriction, registry, context);
    expect(() => plan('patient.family=x', only('Observation'))).toThrow(FhirError);
    expect(() => plan('subject._tag=x', only('Observation'))).toThrow(FhirError);
    const { condition } = plan('subject._tag=x', only('Observation', 'Device'));
    expect(condition).toMatchObject({ kind: 'refers', to: [{ rows: { type: 'Device', filter: 'all' } }] });
  });
});
