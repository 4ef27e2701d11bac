import { expect, test } from 'vitest';
import { labelOf, looselyOf } from '../../../src/authorization/rights/labels.ts';

test.each([
  ['R', { system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }, [{ code: 'R' }]],
  ['HIV', { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'HIV' }, [{ code: 'HIV' }]],
  [
    'urn:house|VIP',
    { system: 'urn:house', code: 'VIP' },
    [
      { system: 'urn:house', code: 'VIP' },
      { system: '', code: 'VIP' },
    ],
  ],
])('%s is a label in full, and takes away what may be meant by it', (text, label, taken) => {
  expect(labelOf(text)).toEqual(label);
  expect(looselyOf(label)).toEqual(taken);
});

test('a label without a system is of any', () => {
  expect(looselyOf({ code: 'x' })).toEqual([{ code: 'x' }]);
});
