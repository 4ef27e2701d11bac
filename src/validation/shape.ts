import type { Issue } from '../fhir/error.ts';
import type { Decimals, JsonObject } from '../fhir/json.ts';
import type { ElementDef, Schema, TypeDef } from '../fhir/schema.ts';
import {
  checkContent,
  type Content,
  objectElement,
  objectsElement,
  primitiveElement,
  primitivesElement,
  shadowElement,
  shadowsElement,
} from './elements.ts';
import { makeExtensionCheck } from './extension.ts';
import { ELEMENT_ID, type Format, formatOf, RESOURCE_ID } from './formats.ts';
import { checkProfiles } from './claims.ts';
import { checkContained } from './contained.ts';
import { type ElementRules, rulesOfElement, ruleOfValue } from './element-rules.ts';
import { rulesOfType } from './type-rules.ts';
import { checkMembers, type Member, type Part, type Shape } from './objects.ts';
import type { Rules } from './rules.ts';
import { insideResource, kindOf, report, startWalk, type Walk } from './walk.ts';

/** Required elements and choices are told apart by the bits of one integer; R4's types have at most 9. */
const PARTS_MAX = 31;

/**
 * Compiles R4's types to a check of a resource's shape: known elements, cardinalities, JSON kinds, formats of primitives,
 * choices, primitive extensions, and resources within resources. Bindings, invariants and profiles are not its business.
 * A type is compiled when it is first met.
 *
 * @returns  a function from a resource, with the literals of its numbers, to at most 51 issues; it never throws. Issues
 *           have FHIRPaths as `expression` (`Patient.name[0].given[1]`) and text that names the rule, never a value.
 * @see      https://hl7.org/fhir/R4/json.html
 */
export function compileShapes(schema: Schema): (resource: JsonObject, decimals: Decimals) => Issue[] {
  const check = compileTypes(schema);
  return (resource, decimals) => {
    const walk = startWalk('Resource', decimals);
    check(walk, resource, []);
    return walk.issues;
  };
}

/**
 * The same with all that a type's definition asks: bindings, invariants, what the standard says of single types, and the
 * profiles that apply to a resource.
 *
 * @returns  a function from a fresh walk, a resource, and profiles to check it against
 */
export function compileTypes(schema: Schema, rules?: Rules): (walk: Walk, resource: JsonObject, asked: readonly string[]) => void {
  const more = rules === undefined ? {} : { rules: { ...rules, checkExtension: makeExtensionCheck({ schema, ...rules }) } };
  const compiler: Compiler = { schema, shapes: new Map(), ...more };
  return (walk, resource, asked) => {
    const shape = shapeOfResource(compiler, walk, resource);
    if (shape === undefined) return;
    walk.path[0] = shape.type;
    walk.resources.push(resource);
    checkMembers(walk, shape, resource);
    if (rules !== undefined) checkProfiles(walk, resource, asked, rules.profiles, rules.options);
    walk.resources.pop();
  };
}

type Compiler = { readonly schema: Schema; readonly rules?: ElementRules; readonly shapes: Map<string, Shape> };

function shapeOf(compiler: Compiler, type: string): Shape {
  const known = compiler.shapes.get(type);
  if (known !== undefined) return known;
  const shape = compileType(compiler, definitionOf(compiler, type));
  compiler.shapes.set(type, shape);
  return shape;
}

function definitionOf(compiler: Compiler, type: string): TypeDef {
  const definition = compiler.schema(type);
  if (definition === undefined) throw new Error(`the definitions have no type ${type}`);
  return definition;
}

/** Which resource it is only its own resourceType tells. */
function shapeOfResource(compiler: Compiler, walk: Walk, resource: JsonObject): Shape | undefined {
  const type = resource.resourceType;
  if (type === undefined) {
    report(walk, 'structure', 'shape-resource-type', 'has no resourceType: add one, as in "resourceType": "Patient".');
    return undefined;
  }
  const definition = typeof type === 'string' ? compiler.schema(type) : undefined;
  if (definition?.kind === 'resource' && !definition.abstract) return shapeOf(compiler, definition.name);
  const sentence = `has as resourceType ${kindOf(type)} that names no resource of FHIR R4: write one such as "Patient".`;
  report(walk, 'structure', 'shape-resource-type', sentence);
  return undefined;
}

function compileType(compiler: Compiler, definition: TypeDef): Shape {
  const parts = new Map<string, Part>();
  const members = new Map<string, Member>();
  const elements = [...definition.elements.values()];
  for (const element of elements) {
    if (isTracked(definition, element) && !parts.has(stepOf(element))) parts.set(stepOf(element), partOf(element, elements, parts.size));
    for (const [name, member] of membersOf(compiler, definition, element, parts.get(stepOf(element))?.bit ?? 0)) members.set(name, member);
  }
  if (definition.kind === 'resource') members.set('resourceType', { step: 'resourceType', bit: 0, choice: false, check: () => {} });
  const tracked = [...parts.values()];
  const bitsOf = (belongs: (part: Part) => boolean) => tracked.reduce((bits, part) => (belongs(part) ? bits | part.bit : bits), 0);
  const either = definition.name === 'Extension' ? bitsOf((part) => !part.required) : 0;
  const rules = compiler.rules === undefined ? [] : rulesOfType(compiler.schema, compiler.rules, definition);
  return { type: definition.name, members, parts: tracked, required: bitsOf((part) => part.required), either, rules };
}

function isTracked(definition: TypeDef, element: ElementDef): boolean {
  return element.min > 0 || isChoice(element) || (definition.name === 'Extension' && element.name === 'extension');
}

function partOf(element: ElementDef, elements: readonly ElementDef[], taken: number): Part {
  if (taken >= PARTS_MAX) throw new Error(`more than ${PARTS_MAX} required elements and choices, at ${element.element}`);
  const names = elements.filter((other) => other.element === element.element).map((other) => other.name);
  return { step: stepOf(element), bit: 1 << taken, required: element.min > 0, names };
}

function isChoice(element: ElementDef): boolean {
  return element.element.endsWith('[x]');
}

/** FHIRPath knows a choice by its name alone, `Observation.value`, and div as an operator unless it stands in backticks. */
function stepOf(element: ElementDef): string {
  if (element.name === 'div') return '`div`';
  return isChoice(element) ? element.element.slice(0, -'[x]'.length) : element.element;
}

function membersOf(compiler: Compiler, definition: TypeDef, element: ElementDef, bit: number): [string, Member][] {
  const { name, array } = element;
  const member = { step: stepOf(element), bit, choice: isChoice(element) };
  if (definitionOf(compiler, element.type).kind !== 'primitive') {
    const content = contentOf(compiler, definition, element);
    return [[name, { ...member, check: array ? objectsElement(element, content) : objectElement(element, content) }]];
  }
  const format = formatFor(compiler, definition, element);
  const rule = compiler.rules === undefined ? undefined : ruleOfValue(compiler.schema, compiler.rules, definition, element);
  const value: [string, Member] = [
    name,
    { ...member, check: array ? primitivesElement(element, format, rule) : primitiveElement(element, format, rule) },
  ];
  if (isAttribute(definition, element)) return [value];
  const shapeOfElement = () => shapeOf(compiler, 'Element');
  const check = array ? shadowsElement(element, shapeOfElement) : shadowElement(element, shapeOfElement);
  return [value, [`_${name}`, { ...member, twin: name, check }]];
}

function contentOf(compiler: Compiler, definition: TypeDef, element: ElementDef): Content {
  if (definitionOf(compiler, element.type).kind === 'resource') {
    return element.name === 'contained' ? contained(compiler) : (walk, resource) => checkResource(compiler, walk, resource, false);
  }
  const rules = compiler.rules === undefined ? [] : rulesOfElement(compiler.schema, compiler.rules, definition.name, element);
  let shape: Shape | undefined;
  return (walk, object, holder, key) => {
    shape ??= shapeOf(compiler, element.type);
    checkContent(walk, shape, object);
    for (let at = 0; at < rules.length && !walk.full; at++) rules[at]?.(walk, object, holder, key);
  };
}

function checkResource(compiler: Compiler, walk: Walk, resource: JsonObject, isContained: boolean): void {
  const shape = shapeOfResource(compiler, walk, resource);
  if (shape === undefined) return;
  insideResource(walk, resource, isContained, () => {
    checkMembers(walk, shape, resource);
    if (compiler.rules !== undefined) checkProfiles(walk, resource, [], compiler.rules.profiles, compiler.rules.options);
  });
}

function contained(compiler: Compiler): Content {
  return (walk, resource) => {
    checkResource(compiler, walk, resource, true);
    checkContained(walk, resource);
  };
}

/** What XML writes as an attribute, or as XHTML, can have no extension. */
function isAttribute(definition: TypeDef, element: ElementDef): boolean {
  return element.name === 'id' || element.type === 'xhtml' || (definition.name === 'Extension' && element.name === 'url');
}

/** A primitive type without a format of its own has that of the type it derives from. */
function formatFor(compiler: Compiler, definition: TypeDef, element: ElementDef): Format {
  if (element.name === 'id') return definition.kind === 'resource' ? RESOURCE_ID : ELEMENT_ID;
  let type = element.type;
  for (;;) {
    const format = formatOf(type);
    if (format !== undefined) return format;
    type = definitionOf(compiler, type).base;
  }
}
