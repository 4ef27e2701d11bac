import { FhirError } from '../../fhir/error.ts';
import { dimensionsOf } from '../../terminology/units.ts';
import { askRead } from '../ask.ts';
import type { NativeCall } from '../handler.ts';
import { filled, idIn, numberOf, partOf, partsOf, textOf } from '../parts.ts';
import { parsed, type Resource } from '../view.ts';
import type { ResultFacts } from './explainer.ts';
import { collectedAt, inUnit, labResultView, loincOf, unitOf } from './lab-result-view.ts';
import { seriesOf } from './series.ts';
import { limitIn } from './trends.ts';

const dayMs = 86_400_000;
/** So many results before are looked at for one that can be compared. */
const previousMax = 20;

/** What is known of a result without telling whose it is. */
export async function factsOf(request: NativeCall, resource: Resource): Promise<ResultFacts> {
  const shown = labResultView.toView(resource);
  const unit = unitOf(partOf(resource.valueQuantity));
  const range = partsOf(resource.referenceRange)[0];
  const [previous, person] = await Promise.all([previousOf(request, resource, unit), personOf(request, resource)]);
  return filled({
    // A code of the house may say anything, and so may a unit that nobody else knows.
    code: loincOf(resource),
    value: shown.result_value,
    comparator: shown.result_comparator,
    unit: unit !== undefined && dimensionsOf(unit) !== undefined ? unit : undefined,
    low: limitIn(range, 'low', unit),
    high: limitIn(range, 'high', unit),
    interpretation: shown.interpretation,
    isFinal: shown.status !== 'preliminary' && shown.status !== 'registered',
    previous,
    ...person,
  }) as ResultFacts;
}

async function previousOf(request: NativeCall, resource: Resource, unit: string | undefined): Promise<ResultFacts['previous']> {
  const at = Date.parse(collectedAt(resource) ?? '');
  if (Number.isNaN(at)) return undefined;
  const { results } = await seriesOf(request, resource, [['date', `lt${new Date(at).toISOString()}`]], previousMax);
  for (const each of results) {
    const quantity = partOf(each.valueQuantity);
    const before = Date.parse(collectedAt(each) ?? '');
    const value = numberOf(quantity?.value);
    const converted = value === undefined || quantity?.comparator !== undefined ? undefined : inUnit(value, unitOf(quantity), unit);
    if (converted !== undefined && before < at) return { value: converted, daysBefore: (at - before) / dayMs };
  }
  return undefined;
}

/** Age band and sex, where the caller may read the patient. */
async function personOf(request: NativeCall, resource: Resource): Promise<Pick<ResultFacts, 'ageBand' | 'sex'>> {
  const patient = idIn(resource.subject, 'Patient');
  if (patient === undefined) return {};
  try {
    const person = parsed(await askRead(request, 'Patient', patient));
    const years = yearsBetween(textOf(person.birthDate), collectedAt(resource));
    return filled({ ageBand: years === undefined ? undefined : bandOf(years), sex: textOf(person.gender) }) as Pick<
      ResultFacts,
      'ageBand' | 'sex'
    >;
  } catch (error) {
    if (error instanceof FhirError && [403, 404, 410].includes(error.status)) return {};
    throw error;
  }
}

function yearsBetween(birth: string | undefined, at: string | undefined): number | undefined {
  const [from, to] = [Date.parse(birth ?? ''), Date.parse(at ?? '')];
  return Number.isNaN(to - from) || to < from ? undefined : Math.floor((to - from) / (365.25 * dayMs));
}

const childhood: readonly (readonly [below: number, band: string])[] = [
  [1, '0'],
  [5, '1-4'],
  [13, '5-12'],
  [18, '13-17'],
  [30, '18-29'],
];

/** `40-49`; children's in the steps in which their values change, and one for all from 80 on. */
export function bandOf(years: number): string {
  const young = childhood.find(([below]) => years < below);
  if (young !== undefined) return young[1];
  const decade = Math.floor(years / 10) * 10;
  return decade >= 80 ? '80+' : `${decade}-${decade + 9}`;
}
