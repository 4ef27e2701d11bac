import type { components } from '../api-types.ts';
import { filled, numberOf, partOf, partsOf, textOf } from '../parts.ts';
import type { Resource } from '../view.ts';
import { collectedAt, inUnit, labResultView, rounded, unitOf } from './lab-result-view.ts';

export type LabTrends = components['schemas']['LabTrends'];
type Point = LabTrends['points'][number];
type LeftOut = LabTrends['left_out'][number];

const dayMs = 86_400_000;

/**
 * How the results of one test went, in the unit of the newest.
 *
 * @param results  newest first
 */
export function trendsOf(asked: Resource, results: readonly Resource[], isCut: boolean): LabTrends {
  const { lab_result_id, patient_id, test_name, test_code } = labResultView.toView(asked);
  const newest = results.find((each) => reasonAgainst(each) === undefined);
  const unit = newest === undefined ? undefined : unitOf(partOf(newest.valueQuantity));
  const read = results.map((each) => pointOf(each, unit)).reverse();
  const points = read.flatMap((each) => ('value' in each ? [each] : []));
  const values = points.map(({ value }) => value);
  return filled({
    lab_result_id,
    patient_id,
    test_name,
    test_code,
    unit,
    count: points.length,
    min: values.length === 0 ? null : values.reduce((a, b) => Math.min(a, b)),
    max: values.length === 0 ? null : values.reduce((a, b) => Math.max(a, b)),
    mean: values.length === 0 ? null : rounded(meanOf(values)),
    slope_per_day: slopeOf(points),
    reference_range: newest === undefined ? undefined : rangeIn(newest, unit),
    points,
    left_out: read.flatMap((each) => ('value' in each ? [] : [each])),
    is_truncated: isCut,
  }) as LabTrends;
}

/** Why a result is no point of a curve, whatever the unit. */
function reasonAgainst(resource: Resource): LeftOut['reason'] | undefined {
  const quantity = partOf(resource.valueQuantity);
  if (numberOf(quantity?.value) === undefined) return 'no_number';
  if (quantity?.comparator !== undefined) return 'comparator';
  return Number.isNaN(Date.parse(collectedAt(resource) ?? '')) ? 'no_time' : undefined;
}

function pointOf(resource: Resource, unit: string | undefined): Point | LeftOut {
  const quantity = partOf(resource.valueQuantity);
  const id = textOf(resource.id) ?? '';
  const at = collectedAt(resource);
  const value = inUnit(numberOf(quantity?.value) ?? Number.NaN, unitOf(quantity), unit);
  const reason = reasonAgainst(resource) ?? (value === undefined ? 'unit' : undefined);
  if (reason !== undefined || value === undefined)
    return filled({ lab_result_id: id, collected_at: at, unit: unitOf(quantity), reason: reason ?? 'unit' }) as LeftOut;
  return { lab_result_id: id, collected_at: at ?? '', value };
}

/** The range of the newest result; limits in units that can't be converted are left out. */
function rangeIn(resource: Resource, unit: string | undefined): LabTrends['reference_range'] {
  const range = partsOf(resource.referenceRange)[0];
  const found = filled({ low: limitIn(range, 'low', unit), high: limitIn(range, 'high', unit), text: textOf(range?.text) });
  return Object.keys(found).length === 0 ? undefined : (found as LabTrends['reference_range']);
}

/** A limit of a range in a unit; one without a unit is in that of the value. */
export function limitIn(range: Resource | undefined, name: 'low' | 'high', unit: string | undefined): number | undefined {
  const quantity = partOf(range?.[name]);
  const value = numberOf(quantity?.value);
  return value === undefined ? undefined : inUnit(value, unitOf(quantity) ?? unit, unit);
}

const meanOf = (numbers: readonly number[]): number => numbers.reduce((sum, each) => sum + each, 0) / numbers.length;

/** By least squares; null where there are not two times. */
export function slopeOf(points: readonly { readonly collected_at: string; readonly value: number }[]): number | null {
  const days = points.map(({ collected_at: at }) => Date.parse(at) / dayMs);
  const middle = { day: meanOf(days), value: meanOf(points.map(({ value }) => value)) };
  let [above, below] = [0, 0];
  for (const [at, { value }] of points.entries()) {
    const distance = (days[at] ?? 0) - middle.day;
    above += distance * (value - middle.value);
    below += distance * distance;
  }
  return points.length < 2 || below === 0 ? null : rounded(above / below);
}
