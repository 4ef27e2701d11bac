import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DatePrecision, formatInstant, parseFhirDate } from '../../src/fhir/dates.ts';

const zoneOfProcess = process.env['TZ'];
const firstMs = Date.UTC(1970, 0, 1) - 62_135_596_800_000;
const lastMs = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
const instants = fc.integer({ min: firstMs, max: lastMs });

describe.each([
  ['UTC', 0],
  ['America/New_York', 300],
  ['Pacific/Auckland', -780],
])('in a process of zone %s', (zone, offset) => {
  beforeAll(() => {
    process.env['TZ'] = zone;
  });
  afterAll(() => {
    if (zoneOfProcess === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zoneOfProcess;
  });

  test('the zone is really set', () => {
    expect(new Date(Date.UTC(2024, 0, 1)).getTimezoneOffset()).toBe(offset);
  });

  test.each<[string, string, string, DatePrecision]>([
    ['2024', '2024-01-01T00:00:00.000Z', '2025-01-01T00:00:00.000Z', 'year'],
    ['0001', '0001-01-01T00:00:00.000Z', '0002-01-01T00:00:00.000Z', 'year'],
    ['9999', '9999-01-01T00:00:00.000Z', '+010000-01-01T00:00:00.000Z', 'year'],
    ['2024-02', '2024-02-01T00:00:00.000Z', '2024-03-01T00:00:00.000Z', 'month'],
    ['2023-12', '2023-12-01T00:00:00.000Z', '2024-01-01T00:00:00.000Z', 'month'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z', '2024-03-01T00:00:00.000Z', 'day'],
    ['2000-02-29', '2000-02-29T00:00:00.000Z', '2000-03-01T00:00:00.000Z', 'day'],
    ['1969-12-31', '1969-12-31T00:00:00.000Z', '1970-01-01T00:00:00.000Z', 'day'],
    ['2024-03-01T10:30', '2024-03-01T10:30:00.000Z', '2024-03-01T10:31:00.000Z', 'minute'],
    ['2024-03-01T10:30Z', '2024-03-01T10:30:00.000Z', '2024-03-01T10:31:00.000Z', 'minute'],
    ['2024-03-01T10:30-05:00', '2024-03-01T15:30:00.000Z', '2024-03-01T15:31:00.000Z', 'minute'],
    ['2024-03-01T10:30:15', '2024-03-01T10:30:15.000Z', '2024-03-01T10:30:16.000Z', 'second'],
    ['2024-03-01T00:30:15+01:00', '2024-02-29T23:30:15.000Z', '2024-02-29T23:30:16.000Z', 'second'],
    ['2024-12-31T23:59:59-00:30', '2025-01-01T00:29:59.000Z', '2025-01-01T00:30:00.000Z', 'second'],
    ['2024-03-01T10:30:15+14:00', '2024-02-29T20:30:15.000Z', '2024-02-29T20:30:16.000Z', 'second'],
    ['2024-03-01T10:00:00+05:30', '2024-03-01T04:30:00.000Z', '2024-03-01T04:30:01.000Z', 'second'],
    ['2024-03-01T10:00:00-03:30', '2024-03-01T13:30:00.000Z', '2024-03-01T13:30:01.000Z', 'second'],
    ['2024-03-31T02:30:00+02:00', '2024-03-31T00:30:00.000Z', '2024-03-31T00:30:01.000Z', 'second'],
    ['2024-03-01T10:30:15.1Z', '2024-03-01T10:30:15.100Z', '2024-03-01T10:30:15.200Z', 'fraction'],
    ['2024-03-01T10:30:15.12Z', '2024-03-01T10:30:15.120Z', '2024-03-01T10:30:15.130Z', 'fraction'],
    ['2024-03-01T10:30:15.123Z', '2024-03-01T10:30:15.123Z', '2024-03-01T10:30:15.124Z', 'fraction'],
    ['2024-03-01T10:30:15.9999999999Z', '2024-03-01T10:30:15.999Z', '2024-03-01T10:30:16.000Z', 'fraction'],
    ['2016-12-31T23:59:60Z', '2016-12-31T23:59:59.999Z', '2017-01-01T00:00:00.000Z', 'second'],
    ['2016-12-31T23:59:60.5Z', '2016-12-31T23:59:59.999Z', '2017-01-01T00:00:00.000Z', 'fraction'],
    ['2017-01-01T00:59:60+01:00', '2016-12-31T23:59:59.999Z', '2017-01-01T00:00:00.000Z', 'second'],
  ])('%s is from %s until before %s, by its %s', (value, from, until, precision) => {
    expect(parseFhirDate(value)).toEqual({ from: Date.parse(from), until: Date.parse(until), precision });
  });

  test('any instant is written as ECMAScript writes it, and read back as its millisecond', () => {
    fc.assert(
      fc.property(instants, (ms) => {
        const text = formatInstant(ms);
        expect(text).toBe(new Date(ms).toISOString());
        expect(parseFhirDate(text)).toEqual({ from: ms, until: ms + 1, precision: 'fraction' });
      }),
      { numRuns: 2_000 },
    );
  });
});

test.each([
  '',
  '202',
  '20245',
  '0000',
  '0000-01-01',
  '-2024',
  '+2024',
  '2024-',
  '2024-1',
  '2024-00',
  '2024-13',
  '2024-01-',
  '2024-01-1',
  '2024-01-00',
  '2024-01-32',
  '2023-02-29',
  '1900-02-29',
  '2024-02-30',
  '2024-04-31',
  '2024/01/01',
  '2024-01/01',
  '20240101',
  '2024-01-01 10:00',
  '2024-01-01T',
  '2024-01-01T10',
  '2024-01-01T10Z',
  '2024-01-01T10:0',
  '2024-01-01T10:00:',
  '2024-01-01T10:00:0',
  '2024-01-01T24:00',
  '2024-01-01T24:00:00Z',
  '2024-01-01T10:60',
  '2024-01-01T10:00:61',
  '2024-01-01T10-00',
  '2024-01-01T10:00:00.',
  '2024-01-01T10:00:00.Z',
  '2024-01-01T10:00:00,5Z',
  '2024-01-01T10:00:00z',
  '2024-01-01t10:00:00Z',
  '2024-01-01T10:00:00ZZ',
  '2024-01-01T10:00:00Z ',
  '2024-01-01T10:00:00+0a:00',
  '2024-01-01T10:00:00+01:a0',
  '2024-01-01T10:00:00+01-00',
  '2024-01-01T10:00:00+1:00',
  '2024-01-01T10:00:00+0100',
  '2024-01-01T10:00:00+01',
  '2024-01-01T10:00:00+14:01',
  '2024-01-01T10:00:00-15:00',
  '2024-01-01T10:00:00+01:60',
  '2024-01-01T10:00:00+01:000',
  '2024-01-01T10:00:00 01:00',
  '2024-01-01Z',
  '2024-01Z',
  '2024Z',
  '2024-01-01+01:00',
  '2O24',
  '２０２４',
  '2024-01-01T1٠:00',
])('«%s» is no date', (value) => {
  expect(parseFhirDate(value)).toBeUndefined();
});

test('every day of a year by the calendar, and no other, is a date', () => {
  for (const year of [1900, 2000, 2023, 2024]) {
    for (let month = 0; month <= 13; month++) {
      for (let day = 0; day <= 32; day++) {
        const text = `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
        const real = new Date(Date.UTC(year, month - 1, day)).toISOString().startsWith(text);
        expect(parseFhirDate(text)?.from, text).toBe(real ? Date.parse(text) : undefined);
      }
    }
  }
});
