import type { ElementDef, Schema, TypeDef } from '../fhir/schema.ts';
import type { PackedElement, PackedType } from './schema-compiler.ts';

/**
 * Makes the schema over the compiled types: each is read when it is first asked for, and then kept.
 *
 * @param types  the JSON texts of all types
 * @param spans  [offset, length] of each type's text, by its name
 */
export function openSchema(types: Buffer, spans: ReadonlyMap<string, readonly [number, number]>): Schema {
  const known = new Map<string, TypeDef>();
  return (name) => {
    const read = known.get(name);
    if (read !== undefined) return read;
    const span = spans.get(name);
    if (span === undefined) return undefined;
    const type = unpackType(JSON.parse(types.toString('utf8', span[0], span[0] + span[1])) as PackedType);
    known.set(name, type);
    return type;
  };
}

function unpackType(packed: PackedType): TypeDef {
  const { name, kind, base, abstract = false, elements = [], ...rest } = packed;
  const unpacked = elements.map((element): [string, ElementDef] => [element.name, unpackElement(element)]);
  return Object.freeze({ name, kind, base, abstract, elements: frozenMap(unpacked), ...deepFreeze(rest) });
}

function unpackElement(packed: PackedElement): ElementDef {
  const { name, element = name, type, min = 0, max = 1, summary = false, modifier = false, targets = [], ...rest } = packed;
  return Object.freeze({
    name,
    element,
    type,
    array: max !== 1,
    min,
    max: max ?? Infinity,
    summary,
    modifier,
    targets: Object.freeze(targets),
    ...deepFreeze(rest),
  });
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) deepFreeze(inner);
  return Object.freeze(value);
}

/** Object.freeze alone leaves a Map's entries open to change. */
function frozenMap<Key, Value>(entries: Iterable<readonly [Key, Value]>): ReadonlyMap<Key, Value> {
  return Object.freeze(Object.defineProperties(new Map(entries), REFUSING));
}

const REFUSING = {
  set: { value: refuse },
  delete: { value: refuse },
  clear: { value: refuse },
} as const;

function refuse(): never {
  throw new TypeError('the definitions are shared and cannot be changed');
}
