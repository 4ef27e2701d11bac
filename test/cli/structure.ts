import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/**
 * A plain second opinion on the shape of resources, straight from HL7's StructureDefinitions and with nothing of `src/`: names,
 * cardinalities, primitive formats, codes of required value sets, and codes with their display in HL7's own code systems.
 */
export function faultsOf(resource: { readonly resourceType: string }): string[] {
  const faults: string[] = [];
  walk(resource, definitionOf(resource.resourceType), resource.resourceType, resource.resourceType, faults);
  return faults;
}

/** Systems met whose codes were looked up, for a test that the look-up works. */
export const systemsChecked = new Set<string>();

const folder = dirname(createRequire(import.meta.url).resolve('hl7.fhir.r4.examples/package.json'));

/** A file of the package, undefined if there is none. The type is what such files hold. */
const load = cached((name: string): unknown => {
  const file = join(folder, `${name}.json`);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
});

type Extension = { readonly url: string; readonly valueUrl?: string; readonly valueString?: string };
type ElementDefinition = {
  readonly path: string;
  readonly min: number;
  readonly max: string;
  readonly type?: readonly { readonly code: string; readonly extension?: readonly Extension[] }[];
  readonly binding?: { readonly strength: string; readonly valueSet: string };
  readonly contentReference?: string;
};
type StructureDefinition = { readonly snapshot: { readonly element: readonly ElementDefinition[] } };
type Concept = { readonly code: string; readonly display: string; readonly concept?: readonly Concept[] };
type CodeSystem = { readonly url: string; readonly content: string; readonly concept: readonly Concept[] };
type Include = { readonly system: string; readonly concept?: readonly Concept[]; readonly filter?: unknown };
type ValueSet = { readonly compose: { readonly include: readonly Include[] } };

/** An element of a type's snapshot. `content`: the path that it repeats. */
type Element = {
  readonly path: string;
  readonly min: number;
  readonly max: string;
  readonly types: readonly string[];
  readonly regex: RegExp | undefined;
  readonly binding: string | undefined;
  readonly content: string | undefined;
};
type Elements = ReadonlyMap<string, Element>;

const definitionOf = cached((type: string): Elements => {
  const definition = load(`StructureDefinition-${type}`) as StructureDefinition | undefined;
  if (definition === undefined) throw new Error(`no definition of ${type}`);
  return new Map(definition.snapshot.element.map((element) => [element.path, elementOf(element)]));
});

function elementOf({ path, min, max, type = [], binding, contentReference }: ElementDefinition): Element {
  const extensionOf = (one: { readonly extension?: readonly Extension[] }, name: string) =>
    one.extension?.find(({ url }) => url.endsWith(name));
  const pattern = type.map((one) => extensionOf(one, 'regex')?.valueString).find((found) => found !== undefined);
  return {
    path,
    min,
    max,
    types: type.map((one) => extensionOf(one, 'structuredefinition-fhir-type')?.valueUrl ?? one.code),
    regex: pattern === undefined ? undefined : new RegExp(`^(?:${pattern})$`, 'u'),
    binding: binding?.strength === 'required' ? binding.valueSet.split('|')[0]?.split('/').at(-1) : undefined,
    content: contentReference?.slice(1),
  };
}

function walk(value: unknown, definition: Elements, root: string, at: string, faults: string[]): void {
  if (!isObject(value)) return void faults.push(`${at}: no object`);
  const isChild = ({ path }: Element): boolean => path.startsWith(`${root}.`) && !path.slice(root.length + 1).includes('.');
  const known = new Set<string>(root === at ? ['resourceType'] : []);
  for (const child of [...definition.values()].filter(isChild)) {
    const name = child.path.slice(root.length + 1);
    const forms = name.endsWith('[x]')
      ? child.types.map((type) => ({ name: `${name.slice(0, -3)}${type.slice(0, 1).toUpperCase()}${type.slice(1)}`, type }))
      : [{ name, type: child.types[0] ?? '' }];
    for (const form of forms) {
      known.add(form.name);
      if (/^[a-z]/.test(form.type)) known.add(`_${form.name}`);
    }
    const present = forms.filter((form) => value[form.name] !== undefined);
    if (child.max === '0') for (const form of present) faults.push(`${at}.${form.name}: forbidden`);
    if (present.length > 1) faults.push(`${at}.${name}: more than one form`);
    if (present.length < child.min) faults.push(`${at}.${name}: required`);
    for (const form of present) member(value[form.name], child, form.type, definition, `${at}.${form.name}`, faults);
  }
  for (const name of Object.keys(value)) if (!known.has(name)) faults.push(`${at}.${name}: unknown`);
  if (Object.keys(value).length === 0) faults.push(`${at}: empty`);
}

function member(value: unknown, element: Element, type: string, definition: Elements, at: string, faults: string[]): void {
  const isList = element.max !== '1';
  if (Array.isArray(value) !== isList) return void faults.push(`${at}: ${isList ? 'no list' : 'a list'}`);
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (items.length === 0) faults.push(`${at}: an empty list`);
  for (const item of items) {
    if (element.binding !== undefined) checkCode(item, element.binding, at, faults);
    if (element.content !== undefined) walk(item, definition, element.content, at, faults);
    else if (type === 'BackboneElement' || type === 'Element') walk(item, definition, element.path, at, faults);
    else if (/^[A-Z]/.test(type)) walk(item, definitionOf(type), type, `${at}:${type}`, faults);
    else primitive(item, type, at, faults);
    if (type === 'Coding') checkCoding(item, at, faults);
  }
}

const KINDS: Readonly<Record<string, string>> = {
  boolean: 'boolean',
  integer: 'number',
  decimal: 'number',
  positiveInt: 'number',
  unsignedInt: 'number',
};

function primitive(value: unknown, type: string, at: string, faults: string[]): void {
  if (typeof value !== (KINDS[type] ?? 'string')) return void faults.push(`${at}: a ${typeof value}, not a ${type}`);
  const text = String(value);
  if (definitionOf(type).get(`${type}.value`)?.regex?.test(text) === false) faults.push(`${at}: ${text} is no ${type}`);
  const [day] = /^\d{4}-\d{2}-\d{2}(?=T|$)/.exec(text) ?? [];
  if (/^(?:date|dateTime|instant)$/.test(type) && day !== undefined && !new Date(`${day}T00:00:00Z`).toISOString().startsWith(day)) {
    faults.push(`${at}: ${day} is no day`);
  }
}

/** A code, a Coding, or a CodeableConcept of which one coding must be in the value set. */
function checkCode(value: unknown, valueSet: string, at: string, faults: string[]): void {
  const codes = codesOf(valueSet);
  // Value sets of outside systems (MIME types, languages, currencies) can't be listed.
  if (codes === undefined) return;
  const codings = isObject(value) ? (Array.isArray(value['coding']) ? value['coding'] : [value]) : [{ code: value }];
  const given = codings.map((one: unknown) => (isObject(one) ? String(one['code']) : ''));
  if (!given.some((code) => codes.has(code))) faults.push(`${at}: ${given.join()} is not in ${valueSet}`);
}

const codesOf = cached((valueSet: string): ReadonlySet<string> | undefined => {
  const found = new Set<string>();
  for (const { system, concept, filter } of (load(`ValueSet-${valueSet}`) as ValueSet | undefined)?.compose.include ?? []) {
    const codes = concept?.map(({ code }) => code) ?? conceptsOf(system)?.keys();
    if (codes === undefined || filter !== undefined) return undefined;
    for (const code of codes) found.add(code);
  }
  return found.size === 0 ? undefined : found;
});

/** Codes with their displays of a code system that HL7 defines in full, undefined for others. */
const conceptsOf = cached((system: string): ReadonlyMap<string, string> | undefined => {
  const [, name] = /^http:\/\/(?:terminology\.)?hl7\.org\/(?:fhir\/|CodeSystem\/)(?!sid\/)(.+)$/.exec(system) ?? [];
  const definition = (load(`CodeSystem-${name}`) ?? load(`CodeSystem-encounter-${name}`)) as CodeSystem | undefined;
  if (definition?.url !== system || definition.content !== 'complete') return undefined;
  const found = new Map<string, string>();
  const add = (concepts: readonly Concept[]): void => {
    for (const { code, display, concept = [] } of concepts) {
      found.set(code, display);
      add(concept);
    }
  };
  add(definition.concept);
  return found;
});

function checkCoding(coding: unknown, at: string, faults: string[]): void {
  if (!isObject(coding) || typeof coding['system'] !== 'string') return;
  const { system, code, display } = coding;
  const concepts = conceptsOf(system);
  if (concepts === undefined) return;
  systemsChecked.add(system);
  const name = concepts.get(String(code));
  if (name === undefined) faults.push(`${at}: ${String(code)} is not in ${system}`);
  else if (display !== undefined && name !== display)
    faults.push(`${at}: ${String(code)} of ${system} is ${name}, not ${JSON.stringify(display)}`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function cached<V>(make: (key: string) => V): (key: string) => V {
  const known = new Map<string, V>();
  return (key) => {
    if (!known.has(key)) known.set(key, make(key));
    return known.get(key) as V;
  };
}
