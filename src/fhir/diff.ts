import { type Decimals, type Json, type JsonObject, literalOf, sameValue, writeJson } from './json.ts';
import { matchItems } from './match-items.ts';
import type { ElementDef, Schema } from './schema.ts';

/** One element's JSON: the value of its property, and the object with id and extensions that stands beside a primitive. */
export type Element = {
  readonly value?: Json;
  /** Of a number: its text, where that has more than the number. */
  readonly literal?: string;
  readonly extras?: JsonObject;
};

/**
 * One element that was added (no `before`), removed (no `after`) or replaced. Differences are in an order in which they can be applied:
 * `path` holds once those before it were. So what was removed from a list is named as the older version counts, all else as the newer.
 */
export type Difference = {
  /** FHIRPath: `Patient.name[0].given[1]`; of a choice without its type. */
  readonly path: string;
  readonly owner: string;
  /** Of what is there after it, or was before; of a choice, that of its type. */
  readonly element: ElementDef;
  readonly index?: number;
  /** Added behind all that its list has at that moment. */
  readonly last?: true;
  readonly before?: Element;
  readonly after?: Element;
};

/** A resource and the literals of its numbers. */
export type Version = { readonly value: JsonObject; readonly decimals: Decimals };

/**
 * What must be done to the older version to have the newer one. The items of lists are told apart by their ids, extensions by their urls,
 * all others by what stays in the same order; precision of decimals counts, the order of members doesn't. What would be written anew in
 * every part of it is one difference.
 *
 * @param older  both of one type; without versionId and lastUpdated, which always differ
 */
export function differencesOf(older: Version, newer: Version, schema: Schema): readonly Difference[] {
  const differences: Difference[] = [];
  const walk: Walk = { schema, older: older.decimals, newer: newer.decimals, found: differences };
  const type = typeOf(newer, unknownElement('', false));
  compareObjects(withoutEmptyMeta(older), withoutEmptyMeta(newer), type, type, walk);
  return differences;
}

type Walk = { readonly schema: Schema; readonly older: Decimals; readonly newer: Decimals; readonly found: Difference[] };

/** A property of an object: its items, or the one that it is. */
type Member = { readonly element: ElementDef; readonly items: readonly Element[] };

/** What goes comes last, so that nothing is ever empty in between. */
function compareObjects(before: JsonObject, after: JsonObject, type: string, owner: string, walk: Walk): void {
  const [old, now] = [membersOf(before, type, walk.schema, walk.older), membersOf(after, type, walk.schema, walk.newer)];
  for (const [name, member] of now) compareMembers(old.get(name), member, owner, walk);
  for (const [name, { element, items }] of old) {
    if (now.has(name)) continue;
    for (let at = items.length - 1; at >= 0; at--) note(walk, owner, element, element.array ? at : undefined, { before: items[at] });
  }
}

function compareMembers(old: Member | undefined, { element, items }: Member, owner: string, walk: Walk): void {
  if (element.array) return compareLists(old?.items ?? [], items, element, owner, walk);
  const [before, after] = [old?.items[0], items[0]];
  if (old?.element.name !== element.name) note(walk, owner, element, undefined, { before, after });
  else if (before !== undefined && after !== undefined) compareElements(before, after, element, undefined, owner, walk, true);
}

function compareLists(before: readonly Element[], after: readonly Element[], element: ElementDef, owner: string, walk: Walk): void {
  const pairs = matchItems(identitiesOf(before, element, walk.older), identitiesOf(after, element, walk.newer));
  const [kept, old] = [new Map(pairs.map(({ from, to, same }) => [to, { from, same }])), new Set(pairs.map(({ from }) => from))];
  for (let at = before.length - 1; at >= 0; at--) if (!old.has(at)) note(walk, owner, element, at, { before: before[at] });
  let length = pairs.length;
  for (const [at, item] of after.entries()) {
    if (kept.has(at)) continue;
    note(walk, owner, element, at, { after: item }, at === length);
    length++;
  }
  for (const [at, { from, same }] of kept) {
    const [older, newer] = [before[from], after[at]];
    if (older !== undefined && newer !== undefined) compareElements(older, newer, element, at, owner, walk, same);
  }
}

/** @param same  they are known to be the same thing, however much of it has changed */
function compareElements(
  before: Element,
  after: Element,
  element: ElementDef,
  index: number | undefined,
  owner: string,
  walk: Walk,
  same: boolean,
): void {
  if (isEqual(before, after, walk)) return;
  const [type, older, newer] = [typeOf(after, element), objectOf(before.value), objectOf(after.value)];
  const part = older !== undefined && newer !== undefined && type === typeOf(before, element) && (same || isAlike(older, newer, walk));
  if (part) compareObjects(older, newer, type, pathOf(owner, element, index), walk);
  else note(walk, owner, element, index, { before, after });
}

/** Whether anything in them is the same: if not, one is there instead of the other. */
function isAlike(before: JsonObject, after: JsonObject, walk: Walk): boolean {
  return Object.keys(after).some((name) => {
    if (name === 'resourceType' || before[name] === undefined) return false;
    const [was, is] = [single(before, name, before[name], undefined, walk.older), single(after, name, after[name], undefined, walk.newer)];
    return isEqual(was, is, walk);
  });
}

type Change = { readonly before?: Element | undefined; readonly after?: Element | undefined };

function note(walk: Walk, owner: string, element: ElementDef, index: number | undefined, { before, after }: Change, last = false): void {
  walk.found.push({
    path: pathOf(owner, element, index),
    owner,
    element,
    ...(index === undefined ? {} : { index }),
    ...(last ? { last } : {}),
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  });
}

/** By the element's name in the definition, so that all types of a choice are one member. */
function membersOf(fields: JsonObject, type: string, schema: Schema, decimals: Decimals): ReadonlyMap<string, Member> {
  const elements = schema(type)?.elements;
  const members = new Map<string, Member>();
  for (const property of Object.keys(fields)) {
    const name = property.replace(/^_/, '');
    if (name === 'resourceType') continue;
    const [value, extras] = [fields[name], fields[`_${name}`]];
    const list = Array.isArray(value) || Array.isArray(extras);
    const element = elements?.get(name) ?? unknownElement(name, list);
    if (members.get(element.element)?.element === element) continue;
    members.set(element.element, {
      element,
      items: list ? listOf(value, extras, decimals) : [single(fields, name, value, extras, decimals)],
    });
  }
  return members;
}

function listOf(value: Json | undefined, extras: Json | undefined, decimals: Decimals): Element[] {
  const [values, beside] = [Array.isArray(value) ? value : [], Array.isArray(extras) ? extras : []];
  return Array.from({ length: Math.max(values.length, beside.length) }, (_, at) => single(values, at, values[at], beside[at], decimals));
}

function single(holder: object, key: string | number, value: Json | undefined, extras: Json | undefined, decimals: Decimals): Element {
  const beside = objectOf(extras);
  return {
    ...(value === undefined || value === null ? {} : { value }),
    ...(typeof value === 'number' ? { literal: literalOf(decimals, holder, key, value) } : {}),
    ...(beside === undefined ? {} : { extras: beside }),
  };
}

/** What tells the items of a list apart: id, then url of an extension, then all of it. Equal ones are told apart by their order. */
function identitiesOf(items: readonly Element[], { type }: ElementDef, decimals: Decimals): readonly string[] {
  return items.map(({ value, literal, extras }) => {
    const object = objectOf(value);
    if (object !== undefined && typeof object.id === 'string') return `id ${object.id}`;
    if (object !== undefined && type === 'Extension' && typeof object.url === 'string') return `url ${object.url}`;
    const beside = extras === undefined ? '' : ordered(extras, decimals);
    return `all ${literal ?? (value === undefined ? '' : ordered(value, decimals))} ${beside}`;
  });
}

/** The text of a value with its members in one order. */
function ordered(value: Json, decimals: Decimals): string {
  if (Array.isArray(value)) return `[${value.map((item, at) => literalOrText(value, at, item, decimals)).join()}]`;
  const object = objectOf(value);
  if (object === undefined) return writeJson(value, decimals);
  const names = Object.keys(object).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${literalOrText(object, name, object[name] ?? null, decimals)}`).join()}}`;
}

function literalOrText(holder: object, key: string | number, value: Json, decimals: Decimals): string {
  return typeof value === 'number' ? literalOf(decimals, holder, key, value) : ordered(value, decimals);
}

function isEqual(before: Element, after: Element, { older, newer }: Walk): boolean {
  if (
    before.literal !== undefined || after.literal !== undefined
      ? before.literal !== after.literal
      : !isSame(before.value, after.value, older, newer)
  )
    return false;
  return isSame(before.extras, after.extras, older, newer);
}

function isSame(before: Json | undefined, after: Json | undefined, older: Decimals, newer: Decimals): boolean {
  return before === undefined || after === undefined ? before === after : sameValue(before, older, after, newer);
}

function typeOf({ value }: Element, { type }: ElementDef): string {
  const own = objectOf(value)?.resourceType;
  return typeof own === 'string' ? own : type;
}

/** Operators of FHIRPath that are names of elements as well. */
const operators = new Set(['div', 'mod', 'and', 'or', 'xor', 'implies']);

function pathOf(owner: string, { element }: ElementDef, index: number | undefined): string {
  const name = element.replace(/\[x\]$/, '');
  return `${owner}.${operators.has(name) ? `\`${name}\`` : name}${index === undefined ? '' : `[${index}]`}`;
}

function unknownElement(name: string, array: boolean): ElementDef {
  const max = array ? Number.POSITIVE_INFINITY : 1;
  return { name, element: name, type: '', array, min: 0, max, summary: false, modifier: false, targets: [] };
}

function withoutEmptyMeta({ value }: Version): JsonObject {
  const { meta, ...rest } = value;
  return Object.keys(objectOf(meta) ?? { meta }).length === 0 ? rest : value;
}

function objectOf(value: Json | undefined): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
}
