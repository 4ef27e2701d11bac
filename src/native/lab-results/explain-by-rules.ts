import type { components } from '../api-types.ts';
import type { Explained, ResultFacts } from './explainer.ts';
import { rounded } from './lab-result-view.ts';

export type Finding = components['schemas']['LabFinding'];

/** What value, range, interpretation and the result before say by themselves. */
export function findingsOf(facts: ResultFacts): Finding[] {
  const { interpretation, isFinal } = facts;
  const place = placeOf(facts);
  const change = changeOf(facts);
  const findings: (readonly [boolean, Finding])[] = [
    [interpretation?.startsWith('critical') === true, 'critical'],
    [place === 'below_range', 'below_range'],
    [place === 'above_range', 'above_range'],
    [place === 'within_range', 'within_range'],
    [interpretation === 'abnormal' || interpretation === 'critical', 'abnormal'],
    [change !== undefined && change > 0, 'rising'],
    [change !== undefined && change < 0, 'falling'],
    [change === 0, 'unchanged'],
    [!isFinal, 'not_final'],
  ];
  return findings.flatMap(([is, finding]) => (is ? [finding] : []));
}

export function explainByRules(facts: ResultFacts): Explained {
  const found = new Set(findingsOf(facts));
  const isUnplaced = placeOf(facts) === undefined;
  const sentences = [
    ...(found.has('critical')
      ? ['The laboratory marked this result as critical: contact your care team now if they have not contacted you.']
      : []),
    ...rangeSentence(facts),
    ...(found.has('abnormal') ? ['The laboratory marked this result as unusual.'] : []),
    ...(facts.interpretation === 'normal' && isUnplaced ? ['The laboratory marked this result as normal.'] : []),
    ...changeSentence(facts),
    ...(found.has('not_final') ? ['This result is not final yet and may change.'] : []),
  ];
  const text = sentences.length === 0 ? 'The result has no reference range that it could be compared with.' : sentences.join(' ');
  return { text, source: 'rules' };
}

type Place = 'below_range' | 'above_range' | 'within_range';

/** Where the value lies; of a value that is only a bound, where that is certain. Without a range, as the laboratory says. */
function placeOf({ value, comparator, low, high, interpretation }: ResultFacts): Place | undefined {
  if (value !== undefined && (low !== undefined || high !== undefined)) {
    const isMore = comparator?.startsWith('>') === true;
    const isLess = comparator?.startsWith('<') === true;
    if (low !== undefined && !isMore && (value < low || (comparator === '<' && value === low))) return 'below_range';
    if (high !== undefined && !isLess && (value > high || (comparator === '>' && value === high))) return 'above_range';
    if (comparator === undefined) return 'within_range';
  }
  if (interpretation === 'low' || interpretation === 'critical_low') return 'below_range';
  if (interpretation === 'high' || interpretation === 'critical_high') return 'above_range';
  return undefined;
}

const places: Readonly<Record<Place, string>> = { below_range: 'is below', above_range: 'is above', within_range: 'is within' };

function rangeSentence(facts: ResultFacts): string[] {
  const place = placeOf(facts);
  if (place === undefined) return [];
  const { value, comparator = '', low, high, unit } = facts;
  const told = value === undefined ? 'The result' : `The result, ${comparator}${withUnit(value, unit)},`;
  return [`${told} ${places[place]} the reference range${rangeText(low, high, unit)}.`];
}

function rangeText(low: number | undefined, high: number | undefined, unit: string | undefined): string {
  if (low !== undefined && high !== undefined) return ` of ${low} to ${withUnit(high, unit)}`;
  if (low !== undefined) return ` from ${withUnit(low, unit)}`;
  return high === undefined ? '' : ` up to ${withUnit(high, unit)}`;
}

const withUnit = (value: number, unit: string | undefined): string =>
  unit === undefined || unit === '1' ? `${value}` : `${value} ${unit}`;

/** By how much it differs from the one before; of bounds nothing is known. */
function changeOf({ value, comparator, previous }: ResultFacts): number | undefined {
  return value === undefined || comparator !== undefined || previous === undefined ? undefined : rounded(value - previous.value);
}

function changeSentence(facts: ResultFacts): string[] {
  const { previous, unit } = facts;
  const change = changeOf(facts);
  if (change === undefined || previous === undefined) return [];
  const days = Math.round(previous.daysBefore);
  const when = days === 0 ? 'on the same day' : days === 1 ? 'a day before' : `${days} days before`;
  if (change === 0) return [`It is the same as the one ${when}.`];
  const share = previous.value === 0 ? '' : ` (${Math.round(Math.abs(change / previous.value) * 100)} %)`;
  return [`It ${change > 0 ? 'rose' : 'fell'} by ${withUnit(Math.abs(change), unit)}${share} since the one ${when}.`];
}
