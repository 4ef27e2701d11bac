import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeTokenKey } from '../../../src/encryption/token.ts';
import { FhirError } from '../../../src/fhir/error.ts';
import type { SearchElement } from '../../../src/search/registry.ts';
import { dateMatch, intervalOf, updatedCondition } from '../../../src/search/types/date.ts';
import cases from '../../cases/search/date-prefix.json' with { type: 'json' };
import { smallRegistry } from '../small-registry.ts';

const zoneOfProcess = process.env['TZ'];
const now = Date.UTC(2024, 0, 1);
const context = { key: makeTokenKey(Buffer.alloc(16), 'siphash'), base: 'http://x/fhir', now };

function elementOf(type: string, code: string): SearchElement {
  const element = smallRegistry().of(type).params.get(code)?.elements[0]?.element;
  if (element === undefined) throw new Error(`no element for ${code}`);
  return element;
}
const date = elementOf('Observation', 'date');

/** The value of a case and the datatype its only member names. */
function valueOf(value: Readonly<Record<string, unknown>>): [unknown, string] {
  const [[name, content] = ['', undefined]] = Object.entries(value);
  return [content, name === 'period' ? 'Period' : name === 'timing' ? 'Timing' : name];
}

describe.each(['UTC', 'America/New_York', 'Pacific/Auckland'])('in a process of zone %s', (zone) => {
  beforeAll(() => {
    process.env['TZ'] = zone;
  });
  afterAll(() => {
    if (zoneOfProcess === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zoneOfProcess;
  });

  test.each(cases)('$query and $value: $matches ($spec)', ({ query, value, matches }) => {
    const { test: holds, decided } = dateMatch(date, { text: query }, 'date', context);
    expect(decided).toBe(true);
    expect(holds?.(...valueOf(value))).toBe(matches);
  });
});

describe('ap', () => {
  // Ten years before now: a tenth of the distance is one year.
  const approximately = (value: string): boolean | undefined =>
    dateMatch(date, { text: 'ap2014-01-01' }, 'date', context).test?.(value, 'dateTime');

  test('matches what lies within a tenth of the distance from now', () => {
    expect(approximately('2014-01-01')).toBe(true);
    expect(approximately('2014-12-25')).toBe(true);
    expect(approximately('2013-01-10')).toBe(true);
  });

  test('does not match what lies beyond', () => {
    expect(approximately('2015-01-10')).toBe(false);
    expect(approximately('2012-12-25')).toBe(false);
  });
});

describe('intervalOf', () => {
  test.each<[unknown, string]>([
    ['', 'dateTime'],
    ['last Tuesday', 'string'],
    [{}, 'Period'],
    [{ start: 'soon' }, 'Period'],
    [{ start: { value: 1 } }, 'Period'],
    [{ event: [] }, 'Timing'],
    [{ event: 'x', repeat: 'y' }, 'Timing'],
    [{ repeat: { frequency: 1 } }, 'Timing'],
    [{ value: 43, unit: 'a' }, 'Age'],
    [{ low: { value: 40 }, high: { value: 50 } }, 'Range'],
    [12, 'dateTime'],
    [null, 'dateTime'],
    [['2024'], 'dateTime'],
  ])('finds no time in %j of type %s', (value, type) => {
    expect(intervalOf(value, type)).toBeUndefined();
  });

  test('takes the bounds of a repeating Timing', () => {
    const timing = { repeat: { boundsPeriod: { start: '2024-01-01', end: '2024-01-31' }, frequency: 1 } };
    expect(intervalOf(timing, 'Timing')).toEqual({ lo: Date.UTC(2024, 0, 1), hi: Date.UTC(2024, 1, 1) });
  });
});

describe('a value that is no date is refused without being repeated', () => {
  test.each(['', 'xx2024', '2024-13', '2024-02-30', 'ge', 'eq eq2024', '2024-01-01T25:00', '24', "2024' or 1=1"])('%j', (query) => {
    let refusal: unknown;
    try {
      dateMatch(date, { text: query }, 'date', context);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(FhirError);
    const { id, text } = (refusal as FhirError).issues[0] ?? {};
    expect(id).toBe('search-invalid-date');
    if (query.length > 4) expect(text).not.toContain(query);
  });
});

describe('_lastUpdated compares an instant with the interval of the search value', () => {
  const day = [Date.UTC(2024, 2, 1), Date.UTC(2024, 2, 2)] as const;
  test.each([
    ['2024-03-01', { kind: 'and', of: [at('>=', day[0]), at('<', day[1])] }],
    ['ne2024-03-01', { kind: 'not', of: { kind: 'and', of: [at('>=', day[0]), at('<', day[1])] } }],
    ['gt2024-03-01', at('>=', day[1])],
    ['sa2024-03-01', at('>=', day[1])],
    ['ge2024-03-01', at('>=', day[0])],
    ['lt2024-03-01', at('<', day[0])],
    ['eb2024-03-01', at('<', day[0])],
    ['le2024-03-01', at('<', day[1])],
  ])('%s', (text, condition) => {
    expect(updatedCondition({ text }, context)).toEqual(condition);
  });

  function at(operator: string, ms: number) {
    return { kind: 'updated', column: 'last_updated', operator, ms };
  }
});
