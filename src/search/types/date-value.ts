import { parseFhirDate } from '../../fhir/dates.ts';
import { badRequest } from '../../fhir/error.ts';

export const datePrefixes = ['eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap'] as const;
export type DatePrefix = (typeof datePrefixes)[number];

export type DateValue = { readonly prefix: DatePrefix; readonly from: number; readonly until: number; readonly dayPrecise: boolean };

/**
 * Reads one date search value as the interval it stands for.
 *
 * @param text  percent-decoded, with optional prefix: `ge2024-03`
 * @returns     prefix and half-open interval, epoch ms UTC: `{ prefix: 'ge', from: 1709251200000, until: 1711929600000 }`
 * @throws      FhirError 400 `invalid` if it is no FHIR date
 */
export function parseDateValue(text: string, param: string): DateValue {
  const asked = /^[a-z]{2}/.exec(text)?.[0];
  const prefix = datePrefixes.find((known) => known === asked);
  const date = asked !== undefined && prefix === undefined ? undefined : parseFhirDate(prefix === undefined ? text : text.slice(2));
  if (date === undefined) {
    throw badRequest(
      'search-invalid-date',
      `The value of "${param}" is no date. Write it as YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm[:ss[.sss]][Z|±hh:mm], with a prefix of ${datePrefixes.join(', ')} or none.`,
    );
  }
  return {
    prefix: prefix ?? 'eq',
    from: date.from,
    until: date.until,
    dayPrecise: date.precision === 'year' || date.precision === 'month' || date.precision === 'day',
  };
}
