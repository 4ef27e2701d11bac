import { CannotTell, type Evaluation, type Expression, fromItems, spend } from './expression.ts';
import { ELSEWHERE, Item, type Items, type Member, membersOf, NOTHING, type Type, type Types, typeOfResource } from './item.ts';

/** `$this` */
export const THIS: Expression = fromItems(
  (self) => [self],
  () => true,
);

/** `from.name`: of each item the values of the element. */
export function compileMember(from: Expression, name: string, types: Types): Expression {
  const members = memberFinder(name, types);
  if (from === THIS) {
    return fromItems(
      (self, evaluation) => {
        const found: Item[] = [];
        collect(self, members(self.type), found, evaluation);
        return found.length === 0 ? NOTHING : found;
      },
      (self) => hasAny(self, members(self.type)),
    );
  }
  return fromItems(
    (self, evaluation) => {
      const items = from.items(self, evaluation);
      if (items.length === 0) return NOTHING;
      const found: Item[] = [];
      for (const item of items) collect(item, members(item.type), found, evaluation);
      return found.length === 0 ? NOTHING : found;
    },
    (self, evaluation) => from.items(self, evaluation).some((item) => hasAny(item, members(item.type))),
  );
}

/** Finds what a name stands for in a type; mostly it is asked for the same type as before. */
function memberFinder(name: string, types: Types): (type: Type) => readonly Member[] {
  let lastType: Type | undefined;
  let last: readonly Member[] = [];
  return (type) => {
    if (type !== lastType) {
      last = membersOf(type, name, types);
      lastType = type;
    }
    return last;
  };
}

function hasAny(item: Item, members: readonly Member[]): boolean {
  const parent = parentOf(item);
  if (parent === undefined) return false;
  for (const member of members) {
    const value = parent[member.property];
    if (member.array ? Array.isArray(value) && value.some((each) => isShaped(each, member.type)) : isShaped(value, member.type))
      return true;
    if (member.type.kind === 'object') continue;
    const extra = parent[member.extra];
    if (member.array ? Array.isArray(extra) && extra.some(isObject) : isObject(extra)) return true;
  }
  return false;
}

/** Where an item's children are: its own object, or for a primitive what stands beside its value. */
function parentOf(item: Item): Readonly<Record<string, unknown>> | undefined {
  const parent = item.type.kind === 'object' ? item.value : item.extra;
  if (parent === ELSEWHERE) throw new CannotTell('a resource that is not here');
  return isObject(parent) ? parent : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What isn't shaped as its type says isn't there: that is reported elsewhere. */
function isShaped(value: unknown, { kind }: Type): boolean {
  if (kind === 'object') return isObject(value);
  if (kind === 'number') return typeof value === 'number';
  return typeof value === (kind === 'boolean' ? 'boolean' : 'string');
}

function collect(item: Item, members: readonly Member[], found: Item[], evaluation: Evaluation): void {
  const parent = parentOf(item);
  if (parent === undefined) return;
  for (const member of members) {
    const value = parent[member.property];
    const isPrimitive = member.type.kind !== 'object';
    const extra = isPrimitive ? parent[member.extra] : undefined;
    if (value === undefined && extra === undefined) continue;
    if (!member.array) {
      add(member, value, extra, parent, member.property, found, evaluation);
      continue;
    }
    const values: readonly unknown[] = Array.isArray(value) ? value : [];
    const extras: readonly unknown[] = Array.isArray(extra) ? extra : [];
    const count = Math.max(values.length, extras.length);
    for (let index = 0; index < count; index++) add(member, values[index], extras[index], values, index, found, evaluation);
  }
}

function add(
  member: Member,
  value: unknown,
  extra: unknown,
  holder: object,
  key: string | number,
  found: Item[],
  evaluation: Evaluation,
): void {
  const { type } = member;
  const beside = isObject(extra) ? extra : undefined;
  if (isShaped(value, type)) {
    const actual = member.open && type.kind === 'object' ? typeOfResource(value as object, type, evaluation.types) : type;
    found.push(new Item(value, actual, beside, holder, key));
  } else if (beside !== undefined) {
    found.push(new Item(undefined, type, beside, holder, key));
  } else {
    return;
  }
  spend(evaluation, 1);
}

/** `children()` */
export function childrenOf(item: Item, evaluation: Evaluation): Items {
  const found: Item[] = [];
  addChildren(item, found, evaluation);
  return found;
}

/** The two properties of a primitive hold one child. */
function addChildren(item: Item, found: Item[], evaluation: Evaluation): void {
  const parent = parentOf(item);
  if (parent === undefined) return;
  for (const property in parent) {
    if (property === 'resourceType') continue;
    const isBeside = property.startsWith('_');
    if (isBeside && parent[property.slice(1)] !== undefined) continue;
    collect(item, membersOf(item.type, isBeside ? property.slice(1) : property, evaluation.types), found, evaluation);
  }
}

/** `children().count()`, without making them: it is asked of every element there is. What isn't known to the type counts too. */
export function countChildren(item: Item): number {
  const parent = parentOf(item);
  if (parent === undefined) return 0;
  let count = 0;
  for (const name in parent) {
    if (name === 'resourceType') continue;
    const value = parent[name];
    const size = Array.isArray(value) ? value.length : 1;
    if (!name.startsWith('_')) {
      count += size;
    } else {
      const beside = parent[name.slice(1)];
      count += Math.max(0, size - (beside === undefined ? 0 : Array.isArray(beside) ? beside.length : 1));
    }
  }
  return count;
}

/** `descendants()`: children, their children, and so on, each only once, for JSON is a tree. */
export function descendantsOf(items: Items, evaluation: Evaluation): Items {
  const found: Item[] = [];
  for (const item of items) addChildren(item, found, evaluation);
  for (let at = 0; at < found.length; at++) {
    const item = found[at];
    if (item === undefined || (item.type.kind !== 'object' && item.extra === undefined)) continue;
    addChildren(item, found, evaluation);
  }
  return found;
}
