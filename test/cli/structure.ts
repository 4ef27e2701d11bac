import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/**
 * A plain second opinion on the shape of resources, straight from HL7's StructureDefinitions and with nothing of `src/`: names,
 * cardinalities, primitive formats, codes of required value sets, and codes with their display in HL7's own code systems.
 */
export function faultsOf(resource: any): string[] {
  const faults: string[] = [];
  walk(resource, definitionOf(resource.resourceType), resource.resourceType, resource.resourceType, faults);
  return faults;
}

const folder = dirname(createRequire(import.meta.url).resolve('hl7.fhir.r4.examples/package.json'));

/** A file of the package, undefined if there is none. */
const load = cached((name: string): any => {
  try {
    return JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));
  } catch {
    return undefined;
  }
});

type Element = { path: string; min: number; max: string; types: string[]; regex?: RegExp; binding?: string; content?: string };

const definitionOf = cached((type: string): ReadonlyMap<string, Element> => {
  const definition = load(`StructureDefinition-${type}`);
  if (definition === undefined) throw new Error(`no definition of ${type}`);
  return new Map(definition.snapshot.element.map((element: any) => [element.path, elementOf(element)]));
});

function elementOf(element: any): Element {
  const extensionOf = (type: any, name: string) => type.extension?.find((one: any) => one.url.endsWith(name));
  const types = (element.type ?? []).map((type: any) => extensionOf(type, 'structuredefinition-fhir-type')?.valueUrl ?? type.code);
  const pattern = (element.type ?? []).map((type: any) => extensionOf(type, 'regex')?.valueString).find(Boolean);
  const { binding } = element;
  return {
    path: element.path,
    min: element.min,
    max: element.max,
    types,
    ...(pattern === undefined ? {} : { regex: new RegExp(`^(?:${pattern})$`, 'u') }),
    ...(binding?.strength === 'required' ? { binding: binding.valueSet.split('|')[0].split('/').at(-1) } : {}),
    ...(element.contentReference === undefined ? {} : { content: element.contentReference.slice(1) }),
  };
}

function walk(value: any, definition: ReadonlyMap<string, Element>, root: string, at: string, faults: string[]): void {
  const children = [...definition.values()].filter(
    (element) => element.path.startsWith(`${root}.`) && !element.path.slice(root.length + 1).includes('.'),
  );
  const known = new Set<string>(root === at ? ['resourceType'] : []);
  for (const child of children) {
    const name = child.path.slice(root.length + 1);
    const forms = name.endsWith('[x]')
      ? child.types.map((type) => ({ name: name.slice(0, -3) + type[0]!.toUpperCase() + type.slice(1), type }))
      : [{ name, type: child.types[0] ?? '' }];
    const present = forms.filter((form) => value[form.name] !== undefined);
    for (const form of forms) {
      known.add(form.name);
      if (/^[a-z]/.test(form.type)) known.add(`_${form.name}`);
    }
    if (child.max === '0') present.forEach((form) => faults.push(`${at}.${form.name}: forbidden`));
    if (present.length > 1) faults.push(`${at}.${name}: more than one form`);
    if (present.length < child.min) faults.push(`${at}.${name}: required`);
    for (const form of present) member(value[form.name], child, form.type, definition, `${at}.${form.name}`, faults);
  }
  for (const name of Object.keys(value)) if (!known.has(name)) faults.push(`${at}.${name}: unknown`);
  if (Object.keys(value).length === 0) faults.push(`${at}: empty`);
}

function member(value: any, element: Element, type: string, definition: ReadonlyMap<string, Element>, at: string, faults: string[]): void {
  const isList = element.max !== '1';
  if (Array.isArray(value) !== isList) return void faults.push(`${at}: ${isList ? 'a list is wanted' : 'a list'}`);
  if (isList && value.length === 0) faults.push(`${at}: an empty list`);
  for (const item of isList ? value : [value]) {
    if (element.binding !== undefined) checkCode(item, type, element.binding, at, faults);
    if (element.content !== undefined) walk(item, definition, element.content, at, faults);
    else if (type === 'BackboneElement' || type === 'Element') walk(item, definition, element.path, at, faults);
    else if (/^[A-Z]/.test(type)) {
      walk(item, definitionOf(type), type, `${at}:${type}`, faults);
      if (type === 'Coding') checkCoding(item, at, faults);
    } else primitive(item, type, at, faults);
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
  const regex = definitionOf(type).get(`${type}.value`)?.regex;
  if (regex !== undefined && !regex.test(String(value))) faults.push(`${at}: ${String(value)} is no ${type}`);
  if (type === 'dateTime' || type === 'date' || type === 'instant') {
    const day = String(value).slice(0, 10);
    if (day.length === 10 && !new Date(`${day}T00:00:00Z`).toISOString().startsWith(day)) faults.push(`${at}: ${day} is no day`);
  }
}

function checkCode(value: any, type: string, valueSet: string, at: string, faults: string[]): void {
  const codes = codesOf(valueSet);
  // Value sets of outside systems (MIME types, languages, currencies) can't be listed.
  if (codes === undefined) return;
  const given: unknown[] =
    type === 'CodeableConcept' ? value.coding.map((coding: any) => coding.code) : [type === 'Coding' ? value.code : value];
  if (!given.some((code) => codes.has(String(code)))) faults.push(`${at}: ${given.join()} is not in ${valueSet}`);
}

const codesOf = cached((valueSet: string): ReadonlySet<string> | undefined => {
  const found = new Set<string>();
  for (const include of load(`ValueSet-${valueSet}`)?.compose.include ?? []) {
    const concepts = include.concept ?? conceptsOf(include.system);
    if (concepts === undefined || include.filter !== undefined) return undefined;
    for (const code of Array.isArray(concepts) ? concepts.map((concept: any) => concept.code) : concepts.keys()) found.add(code);
  }
  return found.size === 0 ? undefined : found;
});

/** Codes with their displays of a code system that HL7 defines in full, undefined for others. */
const conceptsOf = cached((system: string): ReadonlyMap<string, string> | undefined => {
  const [, name] = /^http:\/\/(?:terminology\.)?hl7\.org\/(?:fhir\/|CodeSystem\/)(?!sid\/)(.+)$/.exec(system) ?? [];
  const definition = name === undefined ? undefined : (load(`CodeSystem-${name}`) ?? load(`CodeSystem-encounter-${name}`));
  if (definition?.url !== system || definition.content !== 'complete') return undefined;
  const found = new Map<string, string>();
  const add = (concepts: any[] | undefined): void => {
    for (const concept of concepts ?? []) {
      found.set(concept.code, concept.display);
      add(concept.concept);
    }
  };
  add(definition.concept);
  return found;
});

/** Systems met whose codes were looked up, for a test that the look-up works. */
export const systemsChecked = new Set<string>();

function checkCoding({ system, code, display }: any, at: string, faults: string[]): void {
  const concepts = system === undefined ? undefined : conceptsOf(system);
  if (concepts === undefined) return;
  systemsChecked.add(system);
  if (!concepts.has(code)) faults.push(`${at}: ${code} is not in ${system}`);
  else if (display !== undefined && concepts.get(code) !== display)
    faults.push(`${at}: ${code} of ${system} is ${concepts.get(code)}, not ${display}`);
}

function cached<V>(make: (key: string) => V): (key: string) => V {
  const known = new Map<string, V>();
  return (key) => {
    if (!known.has(key)) known.set(key, make(key));
    return known.get(key) as V;
  };
}
