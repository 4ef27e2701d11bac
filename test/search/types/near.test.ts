import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeFinds } from '../finds.ts';

const finds = makeFinds();
const at = (latitude: number, longitude: number) => ({ resourceType: 'Location', position: { latitude, longitude } });

const vienna = at(48.2082, 16.3738);
const bratislava = at(48.1486, 17.1077);

/** @see https://hl7.org/fhir/R4/location.html#positional */
describe('near', () => {
  test.each<[string, ReturnType<typeof at>, boolean]>([
    // Vienna and Bratislava are 54.8 km apart.
    ['48.2082|16.3738|54|km', bratislava, false],
    ['48.2082|16.3738|56|km', bratislava, true],
    ['48.2082|16.3738|56', bratislava, true],
    ['48.2082|16.3738|56000|m', bratislava, true],
    ['48.2082|16.3738|54000|m', bratislava, false],
    ['48.2082|16.3738|35|mi', bratislava, true],
    ['48.2082|16.3738|35|[mi_us]', bratislava, true],
    ['48.2082|16.3738|33|[mi_i]', bratislava, false],
    ['48.2082|16.3738', vienna, true],
    ['48.2082|16.3738', bratislava, false],
    ['48.2082|16.3738|0', vienna, true],
    ['48.2082|16.3738|0|km', at(48.2083, 16.3738), false],
    // In the corner of the box around the circle.
    ['0|0|100|km', at(0.8, 0.8), false],
    ['0|0|100|km', at(0.6, 0.6), true],
    // Across the date line.
    ['-17|179.9|50|km', at(-17, -179.9), true],
    ['-17|-179.9|50|km', at(-17, 179.9), true],
    ['-17|179.9|5|km', at(-17, -179.9), false],
    ['0|180|1|km', at(0, -180), true],
    ['0|-180|1|km', at(0, 180), true],
    // Near a pole all longitudes are near.
    ['89.9|0|50|km', at(89.9, 180), true],
    ['89.9|0|20|km', at(89.9, 180), false],
    ['-90|0|10|km', at(-89.95, 77), true],
    ['90|12|0|km', at(90, -120), true],
    ['0|0|20100|km', at(0, 180), true],
    ['0|0|20000|km', at(0, 180), false],
    ['10|10|1,48.2|16.37|10', vienna, true],
  ])('%s and %j: %s', (value, location, expected) => {
    expect(finds(`near=${value}`, location)).toBe(expected);
  });

  test.each([
    '',
    '48',
    '48|',
    'x|y',
    '91|0',
    '-91|0',
    '0|181',
    '0|0|-1',
    '0|0|1|kg',
    '0|0|1|parsec',
    '0|0|1|km|',
    '0|0|1e3|km',
    'NaN|0',
    '0|0||toString',
  ])('%j is refused', (value) => {
    const ask = (): unknown => finds(`near=${value}`, vienna);
    if (value === '') expect(ask()).toBe(true);
    else expect(ask).toThrow(/near/);
  });

  test('leaves out what has no position, or half of one', () => {
    expect(finds('near=0|0|20100', { resourceType: 'Location' })).toBe(false);
    expect(finds('near=0|0|20100', { resourceType: 'Location', position: { latitude: 0 } })).toBe(false);
    expect(finds('near:missing=true', { resourceType: 'Location' })).toBe(true);
    expect(finds('near:missing=false', vienna)).toBe(true);
  });

  test('the box of facts leaves out nothing that the distance lets in', () => {
    const latitude = fc.double({ min: -90, max: 90, noNaN: true }).map((value) => Number(value.toFixed(4)));
    const longitude = fc.double({ min: -180, max: 180, noNaN: true }).map((value) => Number(value.toFixed(4)));
    fc.assert(
      fc.property(latitude, longitude, latitude, longitude, fc.double({ min: 0.9, max: 1.1, noNaN: true }), (a, b, c, d, share) => {
        // The distance by vectors, another formula than the one under test.
        const unit = (la: number, lo: number): number[] => {
          const [phi, lambda] = [(la * Math.PI) / 180, (lo * Math.PI) / 180];
          return [Math.cos(phi) * Math.cos(lambda), Math.cos(phi) * Math.sin(lambda), Math.sin(phi)];
        };
        const [u, v] = [unit(a, b), unit(c, d)];
        const chord = Math.hypot(...u.map((value, i) => value - (v[i] ?? 0)));
        const distance = 2 * 6371.0088 * Math.asin(Math.min(1, chord / 2));
        fc.pre(Math.abs(share - 1) > 1e-6 && distance > 0.001);
        const asked = (distance * share).toFixed(9);
        expect(finds(`near=${a}|${b}|${asked}|km`, at(c, d))).toBe(share > 1);
      }),
      { numRuns: 500 },
    );
  });
});
