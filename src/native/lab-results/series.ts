import { askSearch } from '../ask.ts';
import type { NativeCall } from '../handler.ts';
import { idIn, partOf, partsOf, textOf, wordsOf } from '../parts.ts';
import { escaped } from '../patients/patient-view.ts';
import { entriesOf, nextOf, parsed, type Resource } from '../view.ts';
import { codingOf, labResultView } from './lab-result-view.ts';

type Pairs = readonly (readonly [string, string])[];

const statuses = ['preliminary', 'final', 'amended', 'corrected'];
const pageSize = 200;

/**
 * The patient's results of the same test as this one, newest first, as the caller may see them.
 *
 * @param within  further criteria
 * @param max     so many are looked at; `isCut`: there are more
 */
export async function seriesOf(
  request: NativeCall,
  resource: Resource,
  within: Pairs,
  max: number,
): Promise<{ readonly results: readonly Resource[]; readonly isCut: boolean }> {
  const patient = idIn(resource.subject, 'Patient');
  if (patient === undefined) return { results: [resource], isCut: false };
  const criteria: Pairs = [
    ...labResultView.shows,
    ['patient', `Patient/${patient}`],
    ...codePairs(resource),
    ['status', statuses.join(',')],
    ...within,
    ['_sort', '-date'],
    ['_count', String(Math.min(pageSize, max))],
  ];
  const results: Resource[] = [];
  let looked = 0;
  let cursor: string | null = null;
  do {
    const pairs: Pairs = cursor === null ? criteria : [...criteria, ['_page', cursor]];
    const bundle = parsed(
      await askSearch(
        request,
        { type: 'Observation' },
        pairs.map(([name, value]) => [name, value] as [string, string]),
      ),
    );
    const entries = entriesOf(bundle).filter(({ resourceType }) => resourceType === 'Observation');
    looked += entries.length;
    results.push(...entries.filter((each) => isSameTest(each, resource)));
    cursor = nextOf(bundle);
  } while (cursor !== null && looked < max);
  return { results: results.slice(0, max), isCut: results.length > max || cursor !== null };
}

/** By its code where it has one. Otherwise all of the patient's results are looked through for the same words. */
function codePairs(resource: Resource): Pairs {
  const coding = codingOf(resource);
  const code = textOf(coding?.code);
  const system = textOf(coding?.system);
  return code === undefined ? [] : [['code', `${system === undefined ? '' : `${escaped(system)}|`}${escaped(code)}`]];
}

function isSameTest(one: Resource, other: Resource): boolean {
  const coding = codingOf(other);
  if (coding === undefined) return codingOf(one) === undefined && wordsOf(one.code) === wordsOf(other.code);
  return partsOf(partOf(one.code)?.coding).some(({ system, code }) => code === coding.code && system === coding.system);
}
