import { badRequest } from '../fhir/error.ts';
import { assertIndexed, assertModifier, paramOf } from './parameters.ts';
import type { Clause, SearchLimits } from './query.ts';
import type { Registry, TypeSearch } from './registry.ts';
import { splitUnescaped } from './values.ts';

/**
 * Reads `family:exact` and its value. No clause where there is no value: an empty parameter is as good as none, and so is an empty
 * alternative.
 *
 * @param asked  the whole parameter as the client sent it, where this is its end
 * @throws       FhirError 400 naming the parameter
 */
export function parseClause(
  name: string,
  value: string,
  search: TypeSearch,
  { registry, limits, asked = name }: { readonly registry: Registry; readonly limits: SearchLimits; readonly asked?: string },
): Clause | undefined {
  const colon = name.indexOf(':');
  const code = colon === -1 ? name : name.slice(0, colon);
  const modifier = colon === -1 ? undefined : name.slice(colon + 1);
  const param = paramOf(code, search);
  assertIndexed(param, limits);
  const values = splitUnescaped(value, ',').filter((text) => text !== '');
  if (values.length > limits.searchOrValuesMax) {
    throw badRequest(
      'search-too-many-values',
      `"${asked}" has ${values.length} values; at most ${limits.searchOrValuesMax} are taken.`,
      undefined,
      'too-costly',
    );
  }
  if (modifier !== undefined) assertModifier(asked, modifier, param, registry);
  if (modifier === 'missing' && value !== 'true' && value !== 'false' && value !== '') {
    throw badRequest('search-invalid-missing', `"${asked}" takes true or false.`);
  }
  if (values.length === 0) return undefined;
  return modifier === undefined ? { param, values } : { param, modifier, values };
}
