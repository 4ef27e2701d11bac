import type { Issue } from '../../fhir/error.ts';
import type { Json } from '../../fhir/json.ts';
import type { ElementType } from '../../fhir/structure-definition.ts';
import { isObject } from '../resolve.ts';
import { note, type Walk } from '../walk.ts';
import { type Base, type Compiler, fault, type ItemCheck } from './compiler.ts';
import { atTarget, attempt, insideTarget, reasonsIn, type Target, targetItem, targetOf, typeNamed } from './conforming.ts';
import { isA, type Item } from './items.ts';
import type { Node } from './tree.ts';

/** The profiles that an element's items have to conform to beyond their type. */
export function profileChecks(compiler: Compiler, node: Node, sliced: Node | undefined): ItemCheck[] {
  const types = (node.element.type ?? []).filter(({ profile = [] }) => profile.length > 0);
  if (types.length === 0 || JSON.stringify(node.element.type) === JSON.stringify(sliced?.element.type)) return [];
  const byType = new Map<string, readonly string[]>();
  return [
    (walk, item) => {
      let canonicals = byType.get(item.type);
      if (canonicals === undefined) byType.set(item.type, (canonicals = profilesFor(compiler, node, item.type)));
      if (canonicals.length > 0) checkAnyOf(compiler, node, walk, item, canonicals);
    },
  ];
}

function profilesFor({ schema }: Compiler, { element }: Node, type: string): readonly string[] {
  const named = (element.type ?? []).filter(({ code }) => isA(schema, type, code));
  // A type that stands without a profile, too, allows everything of it.
  return named.some(({ profile = [] }) => profile.length === 0) ? [] : named.flatMap(({ profile = [] }) => profile);
}

function checkAnyOf(compiler: Compiler, node: Node, walk: Walk, item: Item, canonicals: readonly string[]): void {
  const [only, ...others] = canonicals;
  if (only === undefined) return;
  // Every extension is checked against the definition its url names anyway.
  if (item.type === 'Extension' && isObject(item.value) && isNamedBy(canonicals, item.value.url)) return;
  const named = typeNamed(compiler.schema, only);
  if (others.length === 0 && named === undefined) {
    const profile = compiler.find(walk, only);
    if (profile === 'absent') return noteUnknown(walk, only);
    if (profile === undefined) return;
    if (isA(compiler.schema, item.type, profile.type)) return profile.check(walk, item.value ?? null, item.holder, item.key);
  }
  if (canonicals.some((canonical) => compiler.conforms(walk, canonical, item) !== false)) return;
  const sentence = `conforms to none of the profiles that ${compiler.definition.url} allows here: ${canonicals.join(', ')}.`;
  fault(compiler, walk, { code: 'structure', id: 'profile-type', key: node.id }, sentence);
}

function isNamedBy(canonicals: readonly string[], url: Json | undefined): boolean {
  return typeof url === 'string' && canonicals.some((canonical) => canonical === url || canonical.startsWith(`${url}|`));
}

/** Which resources a Reference may point to, and how, where the profile is stricter than the type. */
export function referenceChecks(compiler: Compiler, node: Node, base: Base, sliced: Node | undefined): ItemCheck[] {
  if (sliced !== undefined && JSON.stringify(node.element.type) === JSON.stringify(sliced.element.type)) return [];
  const type = (node.element.type ?? []).find(({ code }) => code === 'Reference');
  if (type === undefined) return [];
  const isStricter = !isTargetsOfBase(compiler, base, type.targetProfile ?? []);
  if (!isStricter && type.aggregation === undefined) return [];
  return [
    (walk, item) => {
      if (item.type !== 'Reference' || !isObject(item.value)) return;
      const target = targetOf(walk, item.value);
      checkAggregation(compiler, node, walk, target, type.aggregation);
      if (isStricter) checkTarget(compiler, node, walk, target, type.targetProfile ?? []);
    },
  ];
}

function isTargetsOfBase({ schema }: Compiler, { properties }: Base, targets: readonly string[]): boolean {
  if (targets.length === 0) return true;
  const own = new Set(targets.map((target) => typeNamed(schema, target)));
  if (own.has('Resource')) return true;
  const allowed = properties.find(({ definition }) => definition.type === 'Reference')?.definition.targets ?? [];
  return own.size === allowed.length && allowed.every((name) => own.has(name));
}

/** @see https://hl7.org/fhir/R4/valueset-resource-aggregation-mode.html */
function checkAggregation(compiler: Compiler, node: Node, walk: Walk, { text, manner }: Target, allowed: ElementType['aggregation']): void {
  if (allowed === undefined || text === undefined || allowed.includes(manner)) return;
  // What is bundled is referred to as well.
  if (manner === 'bundled' && allowed.includes('referenced')) return;
  const sentence = `refers to a resource that is ${manner}, and ${compiler.definition.url} allows only one that is ${allowed.join(' or ')}.`;
  fault(compiler, walk, { code: 'structure', id: 'reference-aggregation', key: node.id }, sentence);
}

function checkTarget(compiler: Compiler, node: Node, walk: Walk, target: Target, profiles: readonly string[]): void {
  const { type, resource } = target;
  if (type === undefined || compiler.schema(type)?.kind !== 'resource') return;
  const fitting: string[] = [];
  for (const canonical of profiles) {
    const allowed = typeOfTarget(compiler, walk, canonical);
    // Of a profile that isn't known nothing can be told.
    if (allowed === undefined) return;
    if (isA(compiler.schema, type, allowed)) fitting.push(canonical);
  }
  if (fitting.length === 0) {
    const sentence = `refers to a ${type}, and ${compiler.definition.url} allows only ${profiles.join(', ')}.`;
    return fault(compiler, walk, { code: 'structure', id: 'reference-target', key: node.id }, sentence);
  }
  if (resource !== undefined) checkConformance(compiler, node, walk, target, fitting);
}

/** A target that is at hand has to conform itself; others are judged where they are stored. */
function checkConformance(compiler: Compiler, node: Node, walk: Walk, target: Target, profiles: readonly string[]): void {
  const { resource } = target;
  if (resource === undefined) return;
  let conforms: boolean | undefined = false;
  insideTarget(walk, target, () => {
    conforms = profiles.some((canonical) => compiler.conforms(walk, canonical, targetItem(resource)) !== false);
  });
  if (conforms) return;
  const { text, places } = reasonsIn(walk.trying ? [] : faultsOf(compiler, walk, target, profiles[0] ?? ''));
  const reason = text === '' ? '' : ` ${text}`;
  const sentence = `refers to a ${target.type} that does not conform to ${profiles.join(' or ')}, as ${compiler.definition.url} asks.${reason}`;
  fault(compiler, walk, { code: 'structure', id: 'reference-target', key: node.id }, sentence, places);
}

function faultsOf(compiler: Compiler, walk: Walk, target: Target, canonical: string): readonly Issue[] {
  const profile = compiler.find(walk, canonical);
  const { resource } = target;
  if (profile === undefined || profile === 'absent' || resource === undefined) return [];
  return attempt(walk, () => atTarget(walk, target, () => profile.check(walk, resource, { resource }, 'resource')));
}

function typeOfTarget(compiler: Compiler, walk: Walk, canonical: string): string | undefined {
  const type = typeNamed(compiler.schema, canonical);
  if (type !== undefined) return type;
  const profile = compiler.find(walk, canonical);
  if (profile === 'absent') noteUnknown(walk, canonical);
  return profile === undefined || profile === 'absent' ? undefined : profile.type;
}

/** Once for each profile that isn't here, not for each place that names it. */
function noteUnknown(walk: Walk, canonical: string): void {
  walk.doubts++;
  if (walk.issues.some(({ id, rule }) => id === 'profile-unknown' && rule?.profile === canonical)) return;
  const sentence = `was not checked against ${canonical}, which is not known here: add the package it is from.`;
  note(walk, 'information', 'not-found', 'profile-unknown', sentence, { profile: canonical, key: '' });
}
