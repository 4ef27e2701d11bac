import { badRequest } from '../fhir/error.ts';
import { nearestName } from '../fhir/nearest-name.ts';
import type { Registry, SearchParam, TypeSearch } from './registry.ts';

/** Answered from columns or settings rather than from elements. */
export const columnParams = new Set(['_id', '_lastUpdated']);

export function paramOf(code: string, search: TypeSearch): SearchParam {
  const param = search.params.get(code);
  if (param !== undefined && (param.elements.length > 0 || columnParams.has(code))) return param;
  const known = [...search.params.values()].filter(({ elements }) => elements.length > 0).map((each) => each.code);
  if (param !== undefined) {
    throw badRequest(
      'search-unsupported-parameter',
      `"${code}" is a search parameter of ${search.type} that this server doesn't answer yet.`,
      undefined,
      'not-supported',
    );
  }
  const nearest = nearestName(code, known);
  const advice = nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
  throw badRequest(
    'search-unknown-parameter',
    `${search.type} has no search parameter "${code}".${advice} Known: ${known.sort().join(', ')}.`,
    undefined,
    'not-supported',
  );
}

const modifiersByType: Readonly<Record<string, readonly string[]>> = {
  string: ['exact', 'contains', 'missing'],
  token: ['not', 'missing'],
  reference: ['identifier', 'missing'],
  date: ['missing'],
  number: ['missing'],
  quantity: ['missing'],
  uri: ['missing'],
};

export function assertModifier(name: string, modifier: string, param: SearchParam, registry: Registry): void {
  const known = columnParams.has(param.code) ? [] : (modifiersByType[param.type] ?? []);
  if (known.includes(modifier)) return;
  if (param.type === 'reference' && registry.isType(modifier)) {
    if (param.targets.length === 0 || param.targets.includes(modifier)) return;
    throw badRequest('search-unknown-modifier', `"${param.code}" never points to ${modifier}; it points to ${param.targets.join(', ')}.`);
  }
  const list = param.type === 'reference' ? [...known, 'a resource type'] : known;
  throw badRequest(
    'search-unknown-modifier',
    `"${name}" has a modifier that ${param.type} parameters don't take here. Known: ${list.join(', ') || 'none'}.`,
  );
}
