import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeTokenKey } from '../../../src/encryption/token.ts';
import { makeExtractor } from '../../../src/search/extract.ts';
import { coverOf } from '../../../src/search/types/blind-date.ts';
import { dateMatch } from '../../../src/search/types/date.ts';
import { holdsTokens, tokensIn } from '../hold.ts';
import { smallRegistry } from '../small-registry.ts';

const registry = smallRegistry();
const key = makeTokenKey(Buffer.alloc(16, 3), 'siphash');
const context = { key, base: 'http://x/fhir', now: Date.UTC(2024, 0, 1) };
const extract = makeExtractor({ registry, key, base: context.base });

function matches(code: 'birthdate' | 'death-date', resource: Readonly<Record<string, unknown>>, query: string): boolean {
  const element = registry.of('Patient').params.get(code)?.elements[0]?.element;
  if (element === undefined) throw new Error('no element');
  const { condition, decided, test: holds } = dateMatch(element, { text: query }, code, context);
  const extracted = extract({ resourceType: 'Patient', ...resource }, 'Patient', 'x');
  expect(extracted.facts.dates, 'no date of a person stands in clear').toEqual([]);
  if (!holdsTokens(condition, tokensIn(extracted.tokens))) return false;
  if (decided) return true;
  let found = false;
  element.each(resource, (value, type) => {
    found ||= holds?.(value, type) ?? false;
  });
  return found;
}

/** First and last millisecond that a text stands for; written for this test, from the specification alone. */
function ends(text: string): [number, number] {
  const [year = 0, month, day, hour, minute] = text
    .split(/[-T:Z]/)
    .filter((part) => part !== '')
    .map(Number);
  const at = (...parts: [number, number, number, number, number]): number => {
    const date = new Date(0);
    date.setUTCFullYear(parts[0], parts[1], parts[2]);
    date.setUTCHours(parts[3], parts[4]);
    return date.getTime();
  };
  if (month === undefined) return [at(year, 0, 1, 0, 0), at(year + 1, 0, 1, 0, 0) - 1];
  if (day === undefined) return [at(year, month - 1, 1, 0, 0), at(year, month, 1, 0, 0) - 1];
  if (hour === undefined) return [at(year, month - 1, day, 0, 0), at(year, month - 1, day + 1, 0, 0) - 1];
  return [at(year, month - 1, day, hour, minute ?? 0), at(year, month - 1, day, hour, (minute ?? 0) + 1) - 1];
}

const oracle: Readonly<Record<string, (s: readonly [number, number], t: readonly [number, number]) => boolean>> = {
  '': ([s1, s2], [t1, t2]) => s1 <= t1 && t2 <= s2,
  eq: ([s1, s2], [t1, t2]) => s1 <= t1 && t2 <= s2,
  ne: ([s1, s2], [t1, t2]) => !(s1 <= t1 && t2 <= s2),
  gt: ([, s2], [, t2]) => t2 > s2,
  lt: ([s1], [t1]) => t1 < s1,
  ge: ([s1], [, t2]) => t2 >= s1,
  le: ([, s2], [t1]) => t1 <= s2,
  sa: ([, s2], [t1]) => t1 > s2,
  eb: ([s1], [, t2]) => t2 < s1,
};

const two = (value: number): string => String(value).padStart(2, '0');
/** Years near each other and near decade, century and millennium ends, so that boundaries meet often. */
const years = fc.oneof(fc.integer({ min: 1968, max: 1972 }), fc.integer({ min: 1998, max: 2001 }), fc.integer({ min: 1, max: 9999 }));
const days = fc
  .tuple(years, fc.integer({ min: 1, max: 12 }), fc.oneof(fc.constantFrom(1, 28), fc.integer({ min: 1, max: 28 })))
  .map(([year, month, day]) => `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`);
const partial = fc.tuple(days, fc.constantFrom(4, 7, 10)).map(([day, length]) => day.slice(0, length));
const moments = fc
  .tuple(days, fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
  .map(([day, hour, minute]) => `${day}T${two(hour)}:${two(minute)}Z`);
const prefixes = fc.constantFrom(...Object.keys(oracle));

test('dates of birth are found as intervals are compared', () => {
  fc.assert(
    fc.property(partial, prefixes, partial, (stored, prefix, asked) => {
      expect(matches('birthdate', { birthDate: stored }, prefix + asked)).toBe(oracle[prefix]?.(ends(asked), ends(stored)));
    }),
    { numRuns: 3000 },
  );
});

test('dates of death with a time, and searches with a time, are found as intervals are compared', () => {
  const near = fc.tuple(days, fc.constantFrom('', 'T00:00Z', 'T10:30Z', 'T23:59Z'), fc.constantFrom('', 'T00:00Z', 'T10:30Z', 'T23:59Z'));
  const apart = fc.tuple(fc.oneof(partial, moments), fc.oneof(partial, moments));
  fc.assert(
    fc.property(
      fc.oneof(
        near.map(([day, one, other]) => [day + one, day + other] as const),
        apart,
      ),
      prefixes,
      ([stored, asked], prefix) => {
        expect(matches('death-date', { deceasedDateTime: stored }, prefix + asked)).toBe(oracle[prefix]?.(ends(asked), ends(stored)));
      },
    ),
    { numRuns: 3000 },
  );
});

describe('a date known only to its year or month', () => {
  test.each([
    ['1970', 'ge1970-06-15', true],
    ['1970', 'le1970-06-15', true],
    ['1970', 'gt1970-06-15', true],
    ['1970', 'eq1970-06-15', false],
    ['1970', 'ne1970-06-15', true],
    ['1970', 'sa1970-06-15', false],
    ['1970', 'ge1971', false],
    ['1970', 'lt1970', false],
    ['1970', '1970', true],
    ['1970-06', 'ge1970-06-15', true],
    ['1970-06', '1970', true],
    ['1970-06', '1970-06-01', false],
  ])('%s and %s: %s', (stored, query, expected) => {
    expect(matches('birthdate', { birthDate: stored }, query)).toBe(expected);
  });
});

test('a patient without the date matches nothing, not even ne', () => {
  for (const prefix of Object.keys(oracle)) expect(matches('birthdate', {}, `${prefix}1970`)).toBe(false);
});

test('what is no date leaves no token but its presence', () => {
  const { tokens } = extract({ resourceType: 'Patient', birthDate: 'unknown' }, 'Patient', 'x');
  const without = extract({ resourceType: 'Patient' }, 'Patient', 'x').tokens;
  expect(tokens.length - without.length).toBe(8);
});

describe('coverOf', () => {
  const dayMs = 86_400_000;
  const dayNumbers = fc.integer({ min: -700_000, max: 2_900_000 });

  test('tiles the interval without gap or overlap, in order, with at most 128 units', () => {
    fc.assert(
      fc.property(dayNumbers, dayNumbers, (a, b) => {
        const [from, until] = [Math.min(a, b) * dayMs, Math.max(a, b) * dayMs];
        const nodes = coverOf(from, until);
        expect(nodes.length).toBeLessThanOrEqual(128);
        let at = Math.max(from, Date.parse('0001-01-01'));
        for (const { unit, label } of nodes) {
          const first = label.padEnd(4, '0');
          const text = first === '0000' ? '0001-01-01' : `${first}${'-01-01'.slice(first.length - 4)}`;
          expect(Date.parse(`${text}T00:00:00Z`), `${unit} ${label}`).toBe(at);
          at = nextAfter(unit, text);
        }
        expect(at).toBe(Math.max(Math.min(until, Date.UTC(10_000, 0, 1)), Date.parse('0001-01-01')));
      }),
      { numRuns: 2000 },
    );
  });

  function nextAfter(unit: string, text: string): number {
    const [year = 0, month = 1, day = 1] = text.split('-').map(Number);
    const spans: Readonly<Record<string, number>> = { millennium: 1000, century: 100, decade: 10, year: 1 };
    const span = spans[unit];
    const next = new Date(0);
    if (span !== undefined) next.setUTCFullYear(Math.floor(year / span) * span + span, 0, 1);
    else if (unit === 'month') next.setUTCFullYear(year, month, 1);
    else next.setUTCFullYear(year, month - 1, day + 1);
    return next.getTime();
  }
});
