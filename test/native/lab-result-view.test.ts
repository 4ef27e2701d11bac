import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { explainByRules, findingsOf } from '../../src/native/lab-results/explain-by-rules.ts';
import { bandOf } from '../../src/native/lab-results/facts.ts';
import { inUnit, type LabResultInput, labResultView } from '../../src/native/lab-results/lab-result-view.ts';
import { assertLabResult } from '../../src/native/lab-results/lab-result-rules.ts';
import { slopeOf, trendsOf } from '../../src/native/lab-results/trends.ts';

const words = fc.stringMatching(/^[A-Za-z][A-Za-z ]{0,30}[a-z]$/);
const time = fc.date({ min: new Date('1990-01-01'), max: new Date('2030-01-01'), noInvalidDate: true }).map((date) => date.toISOString());
const common = {
  patient_id: fc.constant('p1'),
  test_name: words,
  test_code: fc.constantFrom('2345-7', 'GLU', 'house code'),
  provider_id: fc.constantFrom('d1', 'd2'),
  status: fc.constantFrom('registered', 'preliminary', 'final', 'amended', 'corrected', 'cancelled', 'unknown', 'entered_in_error'),
  interpretation: fc.constantFrom('normal', 'abnormal', 'critical', 'low', 'critical_low', 'high', 'critical_high'),
  collected_at: time,
  resulted_at: time,
  notes: words,
};
const requiredKeys = ['patient_id', 'test_name', 'collected_at', 'status'] as const;
const number = fc.record(
  {
    ...common,
    result_value: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
    result_comparator: fc.constantFrom('<', '<=', '>=', '>'),
    result_unit: fc.constantFrom('mg/dL', '1', '%', 'drops per spoon'),
  },
  { requiredKeys: [...requiredKeys, 'result_value', 'result_unit'] },
);
const text = fc.record({ ...common, result_text: words }, { requiredKeys: [...requiredKeys, 'result_text'] });
const input = fc.oneof(number, text) as fc.Arbitrary<LabResultInput>;

test('a lab result comes back from FHIR as sent', () => {
  fc.assert(
    fc.property(input, (result) => {
      const shown = labResultView.toView(labResultView.toResource(result));
      const server = { lab_result_id: '', version: 1, updated_at: '1970-01-01T00:00:00.000Z' };
      // JSON has no negative zero.
      expect(shown).toEqual({ ...JSON.parse(JSON.stringify(result)), ...server });
    }),
  );
});

test.each([
  ['a final result without a value', {}, 'result_value required'],
  ['a number without a unit', { result_value: 1 }, 'result_unit required'],
  ['a number and a text', { result_value: 1, result_unit: '1', result_text: 'x' }, 'result_text unexpected'],
  ['a comparator of a text', { result_text: 'x', result_comparator: '<' }, 'result_comparator unexpected'],
  ['an empty range', { result_text: 'x', reference_range: {} }, 'reference_range required'],
  ['a range upside down', { result_value: 1, result_unit: '1', reference_range: { low: 2, high: 1 } }, 'reference_range.high too_small'],
  ['a result before it was collected', { result_text: 'x', resulted_at: '2026-01-01T00:00:00Z' }, 'resulted_at too_early'],
])('%s is refused', (_, fault, found) => {
  const [field, code] = found.split(' ');
  const result = { patient_id: 'p', test_name: 'x', collected_at: '2026-03-04T08:15:00Z', ...fault } as LabResultInput;
  expect(() => assertLabResult(result)).toThrow(expect.objectContaining({ details: [expect.objectContaining({ field, code })] }));
});

describe('trends', () => {
  test.each([
    [1, 'g/L', 'mg/dL', 100],
    [37, 'Cel', '[degF]', 98.6],
    [5.5, 'mmol/L', 'umol/L', 5500],
    [1, 'mg/dL', 'mmol/L', undefined],
    [1, 'drops', 'drops', 1],
    [1, 'drops', 'mg/dL', undefined],
    [1, undefined, 'mg/dL', undefined],
  ])('%s %s in %s is %s', (value, from, to, found) => {
    expect(inUnit(value, from, to)).toEqual(found);
  });

  test('the slope is that of the line that points lie on, whatever their times', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 3_000 }), { minLength: 2, maxLength: 50 }),
        fc.integer({ min: -50, max: 50 }),
        fc.integer({ min: -500, max: 500 }),
        (days, slope, start) => {
          const points = days.map((day) => ({ collected_at: new Date(day * 86_400_000).toISOString(), value: start + slope * day }));
          expect(slopeOf(points)).toBeCloseTo(slope, 6);
        },
      ),
    );
  });

  test('what is no point of the curve is told with its reason, and nothing of it counts', () => {
    const observation = (id: string, effectiveDateTime: string | undefined, valueQuantity: object | undefined, more: object = {}) =>
      ({ resourceType: 'Observation', id, code: { text: 'Glucose' }, effectiveDateTime, valueQuantity, ...more }) as never;
    const mg = { system: 'http://unitsofmeasure.org', code: 'mg/dL' };
    const results = [
      observation('bound', '2026-01-06', { value: 5, comparator: '<', ...mg }),
      observation(
        'new',
        '2026-01-05',
        { value: 120, ...mg },
        { referenceRange: [{ low: { value: 0.7, unit: 'g/L' }, high: { value: 99 } }] },
      ),
      observation('moles', '2026-01-04', { value: 5, system: 'http://unitsofmeasure.org', code: 'mmol/L' }),
      observation('words', '2026-01-03', undefined),
      observation('when', undefined, { value: 5, ...mg }),
      observation('grams', '2026-01-01', { value: 1, unit: 'g/L' }),
    ];
    expect(trendsOf(results[1] as never, results, false)).toMatchObject({
      unit: 'mg/dL',
      count: 2,
      min: 100,
      max: 120,
      mean: 110,
      slope_per_day: 5,
      reference_range: { low: 70, high: 99 },
      points: [
        { lab_result_id: 'grams', value: 100 },
        { lab_result_id: 'new', value: 120 },
      ],
      left_out: [
        { lab_result_id: 'when', reason: 'no_time' },
        { lab_result_id: 'words', reason: 'no_number' },
        { lab_result_id: 'moles', reason: 'unit', unit: 'mmol/L' },
        { lab_result_id: 'bound', reason: 'comparator' },
      ],
    });
    expect(trendsOf(results[3] as never, [results[3] as never], false)).toMatchObject({
      count: 0,
      min: null,
      mean: null,
      slope_per_day: null,
    });
  });
});

describe('explanations by rules', () => {
  test.each([
    [
      { value: 98, low: 70, high: 99, unit: 'mg/dL' },
      ['within_range'],
      'The result, 98 mg/dL, is within the reference range of 70 to 99 mg/dL.',
    ],
    [{ value: 60, low: 70 }, ['below_range'], 'The result, 60, is below the reference range from 70.'],
    [{ value: 100, comparator: '>', high: 100 }, ['above_range'], 'The result, >100, is above the reference range up to 100.'],
    [{ value: 100, comparator: '<', high: 100 }, [], 'The result has no reference range that it could be compared with.'],
    [{ interpretation: 'abnormal' }, ['abnormal'], 'The laboratory marked this result as unusual.'],
    [{ value: 3, unit: '1', previous: { value: 2, daysBefore: 30 } }, ['rising'], 'It rose by 1 (50 %) since the one 30 days before.'],
    [{ value: 2, previous: { value: 2, daysBefore: 0.1 } }, ['unchanged'], 'It is the same as the one on the same day.'],
  ])('%j is %j', (facts, findings, sentence) => {
    expect(findingsOf({ isFinal: true, ...facts })).toEqual(findings);
    expect(explainByRules({ isFinal: true, ...facts })).toEqual({ text: sentence, source: 'rules' });
  });

  test('what is critical is said first, and what is not final last', () => {
    const { text } = explainByRules({ isFinal: false, value: 20, low: 70, interpretation: 'critical_low' });
    expect(text).toMatch(/^The laboratory marked this result as critical.* is below .* may change\.$/);
  });
});

test.each([
  [0, '0'],
  [4, '1-4'],
  [17, '13-17'],
  [30, '30-39'],
  [79, '70-79'],
  [104, '80+'],
])('at %s years the age band is %s', (years, band) => {
  expect(bandOf(years)).toBe(band);
});
