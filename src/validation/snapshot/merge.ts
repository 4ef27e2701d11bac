import type { Binding, Constraint, ElementDefinition, Slicing } from '../../fhir/structure-definition.ts';

/**
 * What becomes of an element by what a differential says of it: what it says replaces what was said before, but for what adds up:
 * constraints, conditions, mappings and the like.
 *
 * @param source  the definition that the differential is of: its constraints are marked with it
 */
export function merge(before: ElementDefinition, change: ElementDefinition, source: string): ElementDefinition {
  const merged: Record<string, unknown> = { ...before };
  for (const [name, value] of Object.entries(change)) {
    if (value === undefined || placed.has(name)) continue;
    merged[name] = value;
  }
  if (change.constraint !== undefined) merged.constraint = constraintsOf(before.constraint ?? [], change.constraint, source);
  // What modifies a meaning, or has to be supported, does so in every profile.
  for (const name of ['isModifier', 'mustSupport'] as const) if (before[name] === true) merged[name] = true;
  if (change.slicing !== undefined) merged.slicing = slicingOf(before.slicing, change.slicing);
  if (change.binding !== undefined) merged.binding = bindingOf(before.binding, change.binding);
  for (const name of added) {
    if (change[name] !== undefined) merged[name] = union(before[name], change[name]);
  }
  for (const name of ['definition', 'comment', 'requirements'] as const) merged[name] = textOf(before[name], change[name]);
  // One of fixed[x] and pattern[x] takes the place of the other.
  if (Object.keys(change).some(isValueRule)) {
    for (const name of Object.keys(before)) if (isValueRule(name) && change[name] === undefined) delete merged[name];
  }
  if (change.binding !== undefined && !isBindable(merged as ElementDefinition)) delete merged.binding;
  for (const [name, value] of Object.entries(merged)) if (value === undefined) delete merged[name];
  return merged as ElementDefinition;
}

/** @see https://hl7.org/fhir/R4/terminologies.html#4.1 */
const bindable = new Set([
  'code',
  'Coding',
  'CodeableConcept',
  'Quantity',
  'string',
  'uri',
  'Duration',
  'Age',
  'Count',
  'Distance',
  'Money',
]);

function isBindable({ type }: ElementDefinition): boolean {
  return type === undefined || type.length === 0 || type.some(({ code }) => bindable.has(code));
}

/** Where an element stands is told by the tree; `base` stays what it was. */
const placed = new Set(['id', 'path', 'sliceName', 'base', 'sliceIsConstraining']);

const added = ['condition', 'mapping', 'alias', 'code', 'example'] as const;

const isValueRule = (name: string): boolean => /^(?:fixed|pattern)[A-Z]/.test(name);

/** Those of one key are one: what the profile says of it stands. */
function constraintsOf(before: readonly Constraint[], change: readonly Constraint[], source: string): readonly Constraint[] {
  const own = change.map((constraint) => (constraint.source === undefined ? { ...constraint, source } : constraint));
  const keys = new Map(own.map((constraint) => [constraint.key, constraint]));
  const known = new Set(before.map(({ key }) => key));
  return [...before.map((constraint) => keys.get(constraint.key) ?? constraint), ...own.filter(({ key }) => !known.has(key))];
}

function slicingOf(before: Slicing | undefined, change: Slicing): Slicing {
  if (before === undefined) return change;
  const isKnown = (wanted: { readonly type: string; readonly path: string }): boolean =>
    (before.discriminator ?? []).some(({ type, path }) => type === wanted.type && path === wanted.path);
  const discriminator = [...(before.discriminator ?? []), ...(change.discriminator ?? []).filter((each) => !isKnown(each))];
  return { ...before, ...change, ...(discriminator.length === 0 ? {} : { discriminator }) };
}

/** A profile may tighten the strength alone. */
function bindingOf(before: Binding | undefined, change: Binding): Binding {
  const { valueSet } = { ...before, ...change };
  return valueSet === undefined ? change : { ...change, valueSet };
}

function union(before: unknown, change: unknown): unknown[] {
  const list = (value: unknown): unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);
  const known = new Set(list(before).map((item) => JSON.stringify(item)));
  return [...list(before), ...list(change).filter((item) => !known.has(JSON.stringify(item)))];
}

/** A text that begins with `...` is added to what it was. */
function textOf(before: unknown, change: unknown): unknown {
  if (typeof change !== 'string') return before;
  return change.startsWith('...') ? `${typeof before === 'string' ? `${before}\n` : ''}${change.slice(3)}` : change;
}
