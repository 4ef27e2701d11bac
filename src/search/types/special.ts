import { badRequest } from '../../fhir/error.ts';
import { canonicalUnit, inCanonical } from '../../terminology/units.ts';
import { allOf, anyOf, type Bound, type Condition, type Recheck } from '../condition.ts';
import type { SearchElement, SearchParam } from '../registry.ts';
import { isRecord, type Sink } from '../sink.ts';
import { splitUnescaped, unescape } from '../values.ts';
import { addQuantity } from './quantity.ts';

/** `near`: latitude and longitude in degrees, as numbers of two elements. @see https://hl7.org/fhir/R4/location.html#positional */
export function extractSpecial(element: SearchElement, value: unknown, type: string, sink: Sink): void {
  addQuantity({ param: element.number, pair: 0n }, value, type, sink);
}

/**
 * `near=latitude|longitude|distance|unit`: positions within the distance along the surface. The facts answer a box around the
 * circle, over the date line as two; the opened position decides. Kilometres where no unit is given, 50 of them where no distance is.
 *
 * @throws FhirError 400 if a value is no position or the unit no length
 */
export function nearClause({ code, elements }: SearchParam, values: readonly string[]): { condition: Condition; recheck: Recheck } {
  const [latitude, longitude] = ['latitude', 'longitude'].map((name) => elements.find(({ element }) => element.path.endsWith(`.${name}`)));
  if (latitude === undefined || longitude === undefined) throw new Error('a position has a latitude and a longitude');
  const circles = values.map((text) => parseCircle(text, code));
  const boxes = circles.map((circle) => {
    const { south, north, spans } = boxAround(circle);
    const ranges = spans.map(([west, east]) => within(longitude.element, west, east));
    return allOf([within(latitude.element, south, north), anyOf(ranges)]);
  });
  return { condition: anyOf(boxes), recheck: (resource) => circles.some((circle) => isInside(circle, resource)) };
}

/** A place in degrees, and a distance in kilometres. */
type Circle = { readonly latitude: number; readonly longitude: number; readonly distance: number };

const distanceDefault = 50;
/** The mean radius of the earth, in kilometres. */
const earthRadius = 6371.0088;
const kilometresOf: Readonly<Record<string, number>> = { km: 1, m: 0.001, mi: 1.609344, '[mi_i]': 1.609344 };

function parseCircle(text: string, param: string): Circle {
  const [latitude = '', longitude = '', distance = '', unit = '', ...more] = splitUnescaped(text, '|').map(unescape);
  const circle = {
    latitude: degrees(latitude, 90),
    longitude: degrees(longitude, 180),
    distance: distance === '' && unit === '' ? distanceDefault : decimal(distance) * kilometres(unit === '' ? 'km' : unit, param),
  };
  if (more.length > 0 || !Object.values(circle).every(Number.isFinite) || circle.distance < 0)
    throw badRequest(
      'search-invalid-value',
      `A value of "${param}" is written as latitude|longitude|distance|unit: -90 to 90 and -180 to 180 degrees, a distance of 0 or more and km, m, mi or another length of UCUM, such as 48.2|16.37|10|km.`,
    );
  return circle;
}

const decimal = (text: string): number => (/^[+-]?\d{1,15}(?:\.\d{1,15})?$/.test(text) ? Number(text) : Number.NaN);

function degrees(text: string, most: number): number {
  const value = decimal(text);
  return Math.abs(value) <= most ? value : Number.NaN;
}

function kilometres(unit: string, param: string): number {
  const known = Object.hasOwn(kilometresOf, unit) ? kilometresOf[unit] : undefined;
  if (known !== undefined) return known;
  const length = canonicalUnit(unit);
  if (length?.unit !== 'cm')
    throw badRequest('search-invalid-value', `The unit of "${param}" is no length: use km, m, mi or another length of UCUM.`);
  return inCanonical(1, length) / 100_000;
}

const radians = (value: number): number => (value * Math.PI) / 180;
const inDegrees = (value: number): number => (value * 180) / Math.PI;
/** Rounding errors of the box, in degrees: a tenth of a millimetre. */
const slack = 1e-9;

type Box = { readonly south: number; readonly north: number; readonly spans: readonly (readonly [west: number, east: number])[] };

const allAround: Box['spans'] = [[-180, 180]];

/** The smallest box of degrees that holds the circle; all longitudes where a pole is in it. */
function boxAround({ latitude, longitude, distance }: Circle): Box {
  const angle = distance / earthRadius;
  const [south, north] = [latitude - inDegrees(angle) - slack, latitude + inDegrees(angle) + slack];
  if (south <= -90 || north >= 90) return { south: Math.max(south, -90), north: Math.min(north, 90), spans: allAround };
  // The meridians that touch the circle do so nearer to the pole than its middle is.
  const sine = Math.sin(angle) / Math.cos(radians(latitude));
  const half = sine >= 1 ? 180 : inDegrees(Math.asin(sine)) + slack;
  const [west, east] = [longitude - half, longitude + half];
  if (half >= 180) return { south, north, spans: allAround };
  if (west < -180)
    return {
      south,
      north,
      spans: [
        [west + 360, 180],
        [-180, east],
      ],
    };
  if (east > 180)
    return {
      south,
      north,
      spans: [
        [west, 180],
        [-180, east - 360],
      ],
    };
  // 180 west is 180 east.
  if (west <= -180 + slack)
    return {
      south,
      north,
      spans: [
        [west, east],
        [180, 180],
      ],
    };
  if (east >= 180 - slack)
    return {
      south,
      north,
      spans: [
        [west, east],
        [-180, -180],
      ],
    };
  return { south, north, spans: [[west, east]] };
}

function within({ number }: SearchElement, least: number, most: number): Condition {
  const bound = (operator: Bound['operator'], value: number): Bound => ({ column: 'lo', operator, value });
  return { kind: 'fact', table: 'fact_quantity', params: [number], bounds: [bound('>=', least), bound('<=', most)], unit: 0n };
}

function isInside(circle: Circle, resource: object): boolean {
  const { position } = resource as { readonly position?: unknown };
  if (!isRecord(position) || typeof position.latitude !== 'number' || typeof position.longitude !== 'number') return false;
  return distanceBetween(circle, { latitude: position.latitude, longitude: position.longitude }) <= circle.distance * (1 + 1e-12) + 1e-9;
}

/** Kilometres along the great circle, by the haversine: exact for small distances too. */
function distanceBetween(a: Omit<Circle, 'distance'>, b: Omit<Circle, 'distance'>): number {
  const half = (from: number, to: number): number => Math.sin(radians(to - from) / 2) ** 2;
  const h = half(a.latitude, b.latitude) + Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) * half(a.longitude, b.longitude);
  return 2 * earthRadius * Math.asin(Math.min(1, Math.sqrt(h)));
}
