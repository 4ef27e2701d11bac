import type { JsonObject } from '../fhir/json.ts';
import type { Schema } from '../fhir/schema.ts';
import type { CompileInvariant, Invariant } from '../fhirpath/invariant.ts';
import { profileOf } from './claims.ts';
import { namesOf, type Place, placeAt, resourceTypeOf } from './place.ts';
import type { Profile, Profiles } from './profile.ts';
import { isObject } from './resolve.ts';
import { note, report, type Walk } from './walk.ts';

/**
 * Checks one extension against its definition; the walk's path ends with `extension` or `modifierExtension` and the index of it in
 * `holder`. An extension that no place defines may stand, as its meaning is for others to know.
 *
 * @see https://hl7.org/fhir/R4/extensibility.html
 */
export type CheckExtension = (walk: Walk, extension: JsonObject, holder: readonly unknown[], index: number) => void;

export type ExtensionParts = {
  readonly profiles: Profiles;
  readonly schema: Schema;
  readonly compileInvariant: CompileInvariant;
  /** Loads what `compileInvariant` may lack. */
  readonly prepareLibrary: () => Promise<void>;
};

export function makeExtensionCheck(parts: ExtensionParts): CheckExtension {
  const invariants = new Map<string, Invariant | 'unreadable'>();
  return (walk, extension, holder, index) => {
    const { url } = extension;
    if (typeof url !== 'string') return;
    const place = (): Place | undefined => placeAt(walk, walk.depth - 2, parts.schema);
    if (!ABSOLUTE.test(url)) return checkRelative(walk, url, place(), parts.profiles);
    const profile = profileOf(walk, parts.profiles, url);
    if (profile === undefined) return;
    if (profile === 'absent') return reportUnknown(walk, url, parts.profiles.whyNot(url));
    if (profile.type !== 'Extension') {
      const sentence = `is of ${url}, which defines no extension but a profile of ${profile.type}: use the url of an extension.`;
      report(walk, 'extension', 'extension-unknown', sentence, ruleOf(profile, 'Extension'));
      return;
    }
    checkKind(walk, profile);
    checkContext(walk, profile, place(), { ...parts, invariants });
    profile.check(walk, extension, holder, index);
  };
}

const ABSOLUTE = /^[A-Za-z][A-Za-z0-9+.-]*:/;

/** A url without scheme names a part of the extension it stands in, whose definition tells what it is. */
function checkRelative(walk: Walk, url: string, place: Place | undefined, profiles: Profiles): void {
  if (place === undefined) return;
  const outer = place.type === 'Extension' && isObject(place.value) ? place.value.url : undefined;
  if (place.type !== 'Extension') {
    report(walk, 'extension', 'extension-url', 'must have an absolute url, such as "http://example.org/fhir/StructureDefinition/name".');
  } else if (typeof outer === 'string' && ABSOLUTE.test(outer)) {
    const profile = profileOf(walk, profiles, outer);
    if (profile === undefined || profile === 'absent' || profile.type !== 'Extension' || profile.parts.includes(url)) return;
    const known = profile.parts.length === 0 ? 'it has none' : `use one of ${profile.parts.join(', ')}`;
    report(
      walk,
      'extension',
      'extension-part',
      `has a url that names no part of ${outer}: ${known}.`,
      ruleOf(profile, 'Extension.extension'),
    );
  }
}

function reportUnknown(walk: Walk, url: string, why: string | undefined): void {
  const modifies = isModifier(walk);
  if (!modifies && walk.issues.some(({ id, rule }) => id === 'extension-unknown' && rule?.profile === url)) return;
  if (!isUrl(url)) return note(walk, 'warning', 'extension', 'extension-unknown', 'has a url that no definition can have: mend it.');
  const reason = why ?? 'is not known here';
  const sentence = modifies
    ? `is a modifier extension of ${url}, which ${reason}: who doesn't know it cannot safely use what it modifies. Add the package that defines it.`
    : `is an extension of ${url}, which ${reason}, so it was not checked.`;
  note(walk, modifies ? 'warning' : 'information', 'extension', 'extension-unknown', sentence, { profile: url, key: 'Extension' });
}

/** What is quoted has to look like a url: it may be text that got into the wrong place. */
function isUrl(url: string): boolean {
  return url.length <= 500 && /^[\x21-\x7e]+$/.test(url);
}

/** @see https://hl7.org/fhir/R4/extensibility.html#modifierExtension */
function checkKind(walk: Walk, profile: Profile): void {
  if (profile.modifier === isModifier(walk)) return;
  const sentence = profile.modifier
    ? `is of ${profile.url}, which changes the meaning of what it stands in: write it as modifierExtension.`
    : `is of ${profile.url}, which modifies nothing: write it as extension.`;
  report(walk, 'extension', 'extension-modifier', sentence, ruleOf(profile, 'Extension'));
}

function isModifier(walk: Walk): boolean {
  return walk.path[walk.depth - 2] === 'modifierExtension';
}

type ContextParts = ExtensionParts & { readonly invariants: Map<string, Invariant | 'unreadable'> };

/**
 * Where R4's own extensions may stand, too, though their definitions leave it out: R4's own resources have them there, as later
 * editions of these definitions allow.
 */
const MISSTATED: ReadonlyMap<string, readonly Context[]> = new Map(
  [
    ['structuredefinition-fhir-type', 'ElementDefinition.type'],
    ['regex', 'ElementDefinition.type'],
    ['structuredefinition-normative-version', 'Element'],
    ['capabilitystatement-expectation', 'Element'],
    ['valueset-concept-comments', 'CodeSystem.concept'],
  ].map(([name, expression = '']) => [`http://hl7.org/fhir/StructureDefinition/${name}`, [{ type: 'element', expression }]]),
);

/** @see https://hl7.org/fhir/R4/defining-extensions.html#context */
function checkContext(walk: Walk, profile: Profile, place: Place | undefined, parts: ContextParts): void {
  const { context: stated = [], contextInvariant = [] } = profile.definition;
  const context = stated.length === 0 ? stated : [...stated, ...(MISSTATED.get(profile.url) ?? [])];
  if (place === undefined) return;
  if (context.length > 0) {
    const names = namesOf(place, parts.schema);
    if (!context.some((allowed) => standsIn(walk, allowed, place, names, parts))) {
      const allowed = context
        .slice(0, NAMES_MAX)
        .map(({ type, expression }) => (type === 'extension' ? `extension ${expression}` : expression));
      const more = context.length > NAMES_MAX ? ', …' : '';
      const sentence = `is of ${profile.url}, which does not belong here: it may stand in ${allowed.join(', ')}${more}.`;
      report(walk, 'extension', 'extension-context', sentence, ruleOf(profile, 'Extension'));
    }
  }
  for (const expression of contextInvariant) {
    if (holds(walk, expression, place.type, place.value, parts) !== false) continue;
    const sentence = `is of ${profile.url}, which may stand only where this is true: ${expression}`;
    report(walk, 'extension', 'extension-context', sentence, ruleOf(profile, 'Extension'));
  }
}

const NAMES_MAX = 12;

type Context = NonNullable<Profile['definition']['context']>[number];

function standsIn(walk: Walk, { type, expression }: Context, place: Place, names: ReadonlySet<string>, parts: ContextParts): boolean {
  // Element stands for all that can have extensions, resources included.
  if (expression === 'Element' || expression === '*' || names.has(expression)) return true;
  if (type === 'extension') return isObject(place.value) && place.value.url === expression.replace(/#.*$/, '');
  // A mere path selects what it names, and that was compared.
  if (type !== 'fhirpath' || PATH.test(expression)) return false;
  // What selects nothing doesn't select this place; what selects something may.
  const resource = walk.scope.resource;
  return holds(walk, `(${expression}).exists()`, resourceTypeOf(resource), resource, parts) !== false;
}

const PATH = /^[A-Z][A-Za-z]*(?:\.[a-z][A-Za-z0-9]*)+$/;

/** What can't be read or told speaks against nobody. */
function holds(walk: Walk, expression: string, type: string, value: Place['value'], parts: ContextParts): boolean | undefined {
  const key = `${type} ${expression}`;
  let invariant = parts.invariants.get(key);
  if (invariant === undefined) {
    invariant = compiled(expression, type, parts);
    if (invariant === undefined) {
      walk.needs.set('fhirpath', parts.prepareLibrary);
      return undefined;
    }
    parts.invariants.set(key, invariant);
  }
  return invariant === 'unreadable' ? undefined : invariant(value, walk.scope);
}

function compiled(expression: string, type: string, { compileInvariant, schema }: ContextParts): Invariant | 'unreadable' | undefined {
  try {
    return compileInvariant(expression, type, schema);
  } catch {
    return 'unreadable';
  }
}

function ruleOf({ url, version }: Profile, key: string): { profile: string; version?: string; key: string } {
  return { profile: url, ...(version === undefined ? {} : { version }), key };
}
