import { badRequest } from '../fhir/error.ts';
import { nearestName } from '../fhir/nearest-name.ts';
import type { Include } from './query.ts';
import type { Registry, SearchParam } from './registry.ts';

/**
 * Reads one `_include` or `_revinclude`.
 *
 * @param name   with its modifier: `_include:iterate`
 * @param value  `Type:param`, `Type:param:Target`, `Type:*`, and for `_include` also `*`
 * @throws       FhirError 400 naming the parameter
 * @see          https://hl7.org/fhir/R4/search.html#include
 */
export function parseInclude(name: string, value: string, registry: Registry): Include {
  const [directive = '', modifier, ...others] = name.split(':');
  if (modifier === 'recurse') throw wrongModifier(name, 'It was renamed: write :iterate.');
  if ((modifier !== undefined && modifier !== 'iterate') || others.length > 0) throw wrongModifier(name, 'Known: iterate.');
  const iterate = modifier === 'iterate';
  if (value === '*' && directive === '_include') return { iterate };
  const parts = value.split(':');
  const [type = '', code = '', target] = parts;
  const refuse = (text: string) => badRequest('search-unknown-include', `"${name}=${value}": ${text}`);
  if (value === '*') throw refuse('name the type that points here, such as Observation:* or Provenance:target.');
  if (!registry.isType(type)) throw refuse(`${type || 'the first part'} is no resource type.${meant(type, registry.types)}`);
  if (directive === '_revinclude' && type === 'AuditEvent')
    throw refuse('what AuditEvents refer to is kept in no table. Search AuditEvent?entity=Type/id with the ids that were found.');
  const references = referencesOf(type, registry);
  if (code === '' || target === '' || parts.length > 3) {
    throw refuse(`write ${type}:parameter, ${type}:parameter:TargetType or ${type}:*. Parameters: ${namesOf(references)}.`);
  }
  if (target !== undefined && !registry.isType(target)) throw refuse(`${target} is no resource type.${meant(target, registry.types)}`);
  const to = target === undefined ? {} : { target };
  if (code === '*') return { type, ...to, iterate };
  const param = references.find((each) => each.code === code);
  if (param === undefined) {
    const known = registry.of(type).params.has(code);
    const fault = known ? `"${code}" is no reference parameter.` : `${type} has no search parameter "${code}".`;
    throw refuse(
      `${fault}${meant(
        code,
        references.map((each) => each.code),
      )} Reference parameters: ${namesOf(references)}.`,
    );
  }
  if (target !== undefined && param.targets.length > 0 && !param.targets.includes(target)) {
    throw refuse(`"${code}" never points to ${target}; it points to ${param.targets.join(', ')}.`);
  }
  return { type, param, ...to, iterate };
}

/** The parameters of a type that point to resources. */
export function referencesOf(type: string, registry: Registry): SearchParam[] {
  return [...registry.of(type).params.values()].filter((param) => param.type === 'reference' && param.elements.length > 0);
}

const namesOf = (params: readonly SearchParam[]): string =>
  params
    .map(({ code }) => code)
    .sort()
    .join(', ') || 'none';

function meant(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  return nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
}

const wrongModifier = (name: string, advice: string) =>
  badRequest('search-unknown-modifier', `"${name}" has a modifier that includes don't take. ${advice}`);
