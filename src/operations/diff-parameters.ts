import type { Difference, Element } from '../fhir/diff.ts';
import { type Decimals, type Json, type JsonObject, literalOf } from '../fhir/json.ts';
import type { ElementDef, Schema } from '../fhir/schema.ts';
import { isObject } from './operation.ts';

/**
 * Differences as a FHIRPath Patch: applied to the older version it gives the newer.
 *
 * @param decimals  literals of the newer version; those of the result are added to a copy
 * @see             https://hl7.org/fhir/R4/fhirpatch.html
 */
export function patchOf(
  differences: readonly Difference[],
  schema: Schema,
  decimals: Decimals,
): { readonly value: JsonObject; readonly decimals: Decimals } {
  const writing: Writing = { schema, decimals: new Map(decimals) };
  const parameter = differences.map((difference) => ({ name: 'operation', part: operationOf(difference, writing) }));
  return { value: { resourceType: 'Parameters', ...(parameter.length === 0 ? {} : { parameter }) }, decimals: writing.decimals };
}

type Writing = { readonly schema: Schema; readonly decimals: Decimals };

function operationOf({ path, owner, element, index, last, before, after }: Difference, writing: Writing): JsonObject[] {
  const operation = (type: string, at: string, ...parts: JsonObject[]): JsonObject[] => [
    { name: 'type', valueCode: type },
    { name: 'path', valueString: at },
    ...parts,
  ];
  if (after === undefined) return operation('delete', path);
  const value = partOf('value', after, element, writing);
  if (before !== undefined) return operation('replace', path, value);
  if (index === undefined || last === true) return operation('add', owner, { name: 'name', valueString: element.name }, value);
  return operation('insert', path.replace(/\[\d+\]$/, ''), value, { name: 'index', valueInteger: index });
}

/** A part with the element: as a value where Parameters can hold its type, as its own parts where not. */
function partOf(name: string, { value, literal, extras }: Element, { type }: ElementDef, writing: Writing): JsonObject {
  const { schema, decimals } = writing;
  // The text of a narrative goes as a string.
  const property = `value${capitalised(type === 'xhtml' ? 'string' : type)}`;
  if (schema('Parameters.parameter')?.elements.has(property)) {
    const part = {
      name,
      ...(value === undefined ? {} : { [property]: value }),
      ...(extras === undefined ? {} : { [`_${property}`]: extras }),
    };
    if (literal !== undefined) decimals.set(part, { [property]: literal });
    return part;
  }
  if (!isObject(value)) throw new Error(`a ${type} that is neither a value nor parts`);
  if (typeof value.resourceType === 'string') return { name, resource: value };
  return { name, part: childrenOf(value, type, writing) };
}

function childrenOf(fields: JsonObject, type: string, writing: Writing): JsonObject[] {
  const names = new Set(Object.keys(fields).map((property) => property.replace(/^_/, '')));
  return [...names].flatMap((name) => {
    const element = writing.schema(type)?.elements.get(name);
    if (element === undefined) throw new Error(`${type} has no such element`);
    const [value, extras] = [fields[name], fields[`_${name}`]];
    if (!element.array) return [partOf(name, childOf(fields, name, value, extras, writing), element, writing)];
    const [values, beside] = [Array.isArray(value) ? value : [], Array.isArray(extras) ? extras : []];
    return Array.from({ length: Math.max(values.length, beside.length) }, (_, at) =>
      partOf(name, childOf(values, at, values[at], beside[at], writing), element, writing),
    );
  });
}

function childOf(holder: object, key: string | number, value: Json | undefined, extras: Json | undefined, { decimals }: Writing): Element {
  return {
    ...(value === undefined || value === null ? {} : { value }),
    ...(typeof value === 'number' ? { literal: literalOf(decimals, holder, key, value) } : {}),
    ...(isObject(extras) ? { extras } : {}),
  };
}

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
