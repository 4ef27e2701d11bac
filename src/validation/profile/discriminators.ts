import type { Issue } from '../../fhir/error.ts';
import type { Json } from '../../fhir/json.ts';
import type { Slicing } from '../../fhir/structure-definition.ts';
import { isObject } from '../resolve.ts';
import { verdictOf, type Walk } from '../walk.ts';
import type { Base, Compiler } from './compiler.ts';
import { attempt, passes, STRUCTURES, typeNamed } from './conforming.ts';
import { anyAt, goAt, parseDiscriminatorPath, type PathStep, type Test, type Unresolved } from './discriminator-path.ts';
import { type Item, isA } from './items.ts';
import { childOf, type Node, urlOfExtension } from './tree.ts';
import { choiceValue, equalsFixed, matchesPattern, written } from './values.ts';

/** What an item has to be at a path to be of a slice, and that in words: `code.coding.code has to be "8480-6"`. */
export type Discriminator = {
  readonly test: Test;
  readonly words: string;
  /** What is wrong with an item that doesn't pass, the walk being at it; for what is told by being as a profile or slice says. */
  readonly explain?: (walk: Walk, item: Item) => readonly Issue[];
};

type SlicingDiscriminator = NonNullable<Slicing['discriminator']>[number];

/**
 * Finds what one of a slicing's discriminators is for one slice.
 *
 * @returns  undefined if the slice's definition says nothing of it
 * @see      https://hl7.org/fhir/R4/profiling.html#discriminator
 */
export function discriminatorOf(
  compiler: Compiler,
  slice: Node,
  base: Base,
  { type, path }: SlicingDiscriminator,
): Discriminator | undefined {
  if (path === 'url' && (slice.name === 'extension' || slice.name === 'modifierExtension')) return ofUrl(slice);
  const steps = parseDiscriminatorPath(path);
  if (steps === undefined) return undefined;
  const site: Site = { compiler, type, steps, base };
  const expected = expectationAt(site, slice, 0, false);
  if (expected === undefined) return undefined;
  const { propertiesOf } = compiler;
  if (expected.absent === true) return { words: `${path} has to be absent`, test: negated(propertiesOf, steps) };
  const { test, unresolved = undecided } = expected;
  const { check } = expected;
  return {
    words: `${path} ${expected.words}`,
    test: (walk, item) => anyAt(walk, item, steps, 0, { propertiesOf, test, unresolved }),
    ...(check && { explain: (walk, item) => attempt(walk, () => goAt(walk, item, steps, 0, propertiesOf, check)) }),
  };
}

/** A slice that doesn't say its url is named by it, as in R4's quantity-confidenceInterval. */
function ofUrl(slice: Node): Discriminator {
  const url = urlOfExtension(slice) ?? slice.element.sliceName ?? '';
  return { words: `url has to be "${url}"`, test: (_, { value }) => isObject(value) && value.url === url };
}

type Site = {
  readonly compiler: Compiler;
  readonly type: SlicingDiscriminator['type'];
  readonly steps: readonly PathStep[];
  readonly base: Base;
};

type Expectation = {
  readonly words: string;
  readonly test: Test;
  readonly unresolved?: Unresolved;
  readonly absent?: true;
  /** What the test tries. */
  readonly check?: (walk: Walk, item: Item) => void;
};

const undecided = (): undefined => undefined;

function negated(propertiesOf: Compiler['propertiesOf'], steps: readonly PathStep[]): Test {
  const follow = { propertiesOf, test: () => true, unresolved: undecided };
  return (walk, item) => {
    const found = anyAt(walk, item, steps, 0, follow);
    return found === undefined ? undefined : !found;
  };
}

/** Goes down the slice's definition as the path goes down its items. */
function expectationAt(site: Site, node: Node, at: number, resolved: boolean): Expectation | undefined {
  const step = site.steps[at];
  if (step === undefined) return expectationOf(site, node, resolved);
  const inherited = site.type === 'value' || site.type === 'pattern' ? inheritedAt(node, site.steps.slice(at)) : undefined;
  if (inherited !== undefined) return inherited;
  if (step.kind === 'resolve') return expectationAt(site, node, at + 1, true);
  if (step.kind === 'type') return expectationAt(site, sliceOfType(node, step.type) ?? node, at + 1, resolved);
  const found = resolved || node.children.length === 0 ? undefined : among(site, childrenAt(node, step), at + 1);
  return found ?? throughProfile(site, node, at, resolved);
}

/** What the element itself says counts; else what its slices say: all that have to be there, or else any. */
function among(site: Site, nodes: readonly Node[], at: number): Expectation | undefined {
  for (const node of nodes) {
    const own = expectationAt(site, node, at, false);
    if (own !== undefined) return own;
  }
  const slices = nodes.flatMap((node) => node.slices);
  const required = slices.filter(({ element }) => (element.min ?? 0) > 0);
  const expected = (required.length > 0 ? required : slices).flatMap((slice) => expectationAt(site, slice, at, false) ?? []);
  const [only] = expected;
  if (only === undefined || expected.length === 1) return only;
  return {
    words: expected.map(({ words }) => words).join(' or '),
    test: (walk, item) => anyOf(expected.map(({ test }) => test(walk, item))),
  };
}

function childrenAt(node: Node, step: PathStep): readonly Node[] {
  if (step.kind === 'child') {
    const child = childOf(node, step.name);
    return child === undefined ? [] : [child];
  }
  if (step.kind !== 'extension') return [];
  const slices = childOf(node, 'extension')?.slices ?? [];
  return slices.filter((slice) => urlOfExtension(slice) === step.url);
}

function sliceOfType(node: Node, type: string): Node | undefined {
  return node.slices.find(({ element }) => element.type?.some(({ code }) => code === type));
}

/** A value that an element above fixes says what is below it, too. */
function inheritedAt(node: Node, steps: readonly PathStep[]): Expectation | undefined {
  const above = choiceValue(node.element, 'fixed') ?? choiceValue(node.element, 'pattern');
  if (above === undefined) return undefined;
  let values: readonly Json[] = [above];
  for (const step of steps) {
    if (step.kind !== 'child') return undefined;
    values = values.flatMap((value) => (isObject(value) ? (value[step.name] ?? []) : []));
  }
  const [only] = values;
  if (only === undefined) return undefined;
  return {
    words: `has to be ${values.map(written).join(' or ')}`,
    test: (_, { value }) => values.some((expected) => matchesPattern(value, expected)),
  };
}

/** What the definition says of the element at the end of the path. */
function expectationOf(site: Site, node: Node, resolved: boolean): Expectation | undefined {
  if (site.type === 'exists') return existence(node);
  if (site.type === 'type') return ofType(site, node, resolved);
  if (site.type === 'profile') return ofProfile(site, node, resolved);
  const { element } = node;
  const fixed = choiceValue(element, 'fixed');
  if (fixed !== undefined) return { words: `has to be ${written(fixed)}`, test: (_, { value }) => equalsFixed(value, fixed) };
  const pattern = choiceValue(element, 'pattern');
  if (pattern !== undefined) return { words: `has to be ${written(pattern)}`, test: (_, { value }) => matchesPattern(value, pattern) };
  if (element.binding?.strength === 'required' && element.binding.valueSet !== undefined) return ofValueSet(element.binding.valueSet);
  return ofChildren(site, node) ?? throughProfile(site, node, site.steps.length, resolved) ?? presence(node);
}

function existence(node: Node): Expectation | undefined {
  if (node.element.max === '0') return { words: 'has to be absent', test: () => true, absent: true };
  return presence(node);
}

function presence({ element }: Node): Expectation | undefined {
  return (element.min ?? 0) > 0 ? { words: 'has to be there', test: () => true, unresolved: () => true } : undefined;
}

function ofType({ compiler }: Site, { element }: Node, resolved: boolean): Expectation | undefined {
  const types = element.type ?? [];
  const { schema } = compiler;
  if (!resolved) {
    const codes = types.map(({ code }) => code);
    if (codes.length === 0) return undefined;
    return { words: `has to be a ${codes.join(' or ')}`, test: (_, { type }) => codes.some((code) => isA(schema, type, code)) };
  }
  const targets = types.flatMap(({ targetProfile = [] }) => targetProfile);
  if (targets.length === 0) return undefined;
  const isTarget = (walk: Walk, type: string | undefined): boolean | undefined => {
    if (type === undefined || schema(type) === undefined) return undefined;
    return anyOf(
      targets.map((target) => {
        const profile = typeNamed(schema, target) === undefined ? compiler.find(walk, target) : undefined;
        const allowed = typeNamed(schema, target) ?? (profile === 'absent' ? undefined : profile?.type);
        return allowed === undefined ? undefined : isA(schema, type, allowed);
      }),
    );
  };
  return {
    words: `has to lead to ${targets.join(' or ')}`,
    test: (walk, { type }) => isTarget(walk, type),
    unresolved: (walk, { type }) => isTarget(walk, type),
  };
}

function ofProfile({ compiler }: Site, { element }: Node, resolved: boolean): Expectation | undefined {
  const profiles = (element.type ?? []).flatMap(({ profile = [], targetProfile = [] }) => (resolved ? targetProfile : profile));
  const codes = (element.type ?? []).map(({ code }) => STRUCTURES + code);
  const canonicals = profiles.length > 0 || resolved ? profiles : codes;
  if (canonicals.length === 0) return undefined;
  const test: Test = (walk, item) => anyOf(canonicals.map((canonical) => compiler.conforms(walk, canonical, item)));
  const unresolved: Unresolved = (walk, { type }) => {
    if (type === undefined || compiler.schema(type) === undefined) return undefined;
    // What is not at hand can't conform if it is of another type.
    const others = canonicals.map((canonical) => {
      const profile = compiler.find(walk, canonical);
      const allowed = typeNamed(compiler.schema, canonical) ?? (profile === 'absent' ? undefined : profile?.type);
      return allowed === undefined || isA(compiler.schema, type, allowed) ? undefined : false;
    });
    return anyOf(others);
  };
  const check = (walk: Walk, item: Item): void => {
    for (const canonical of canonicals) {
      const profile = compiler.find(walk, canonical);
      if (profile === undefined || profile === 'absent' || !isA(compiler.schema, item.type, profile.type)) continue;
      return profile.check(walk, item.value ?? null, item.holder, item.key);
    }
  };
  return { words: `has to conform to ${canonicals.join(' or ')}`, test, unresolved, check };
}

function ofValueSet(valueSet: string): Expectation {
  const isIn = (walk: Walk, system: Json | undefined, code: Json | undefined): boolean | undefined => {
    if (typeof code !== 'string') return false;
    const verdict = verdictOf(walk, { valueSet, system: typeof system === 'string' ? system : undefined, code });
    return verdict === undefined || verdict.kind === 'unchecked' ? undefined : verdict.kind === 'in';
  };
  const test: Test = (walk, { value }) => {
    if (!isObject(value)) return isIn(walk, undefined, value);
    if (!Array.isArray(value.coding)) return isIn(walk, value.system, value.code);
    return anyOf(value.coding.map((coding) => (isObject(coding) ? isIn(walk, coding.system, coding.code) : false)));
  };
  return { words: `has to be of ${valueSet}`, test };
}

/** An element that says nothing itself may say something below it: what its own check passes is of the slice. */
function ofChildren({ compiler, base, steps }: Site, node: Node): Expectation | undefined {
  if (node.children.length === 0) return undefined;
  const types = steps.length === 0 ? base.types : (node.element.type ?? []).map(({ code }) => code);
  const checks = new Map(types.map((type) => [type, compiler.itemCheckOf(compiler, node, { types: [type], properties: [] })?.check]));
  if ([...checks.values()].every((check) => check === undefined)) return undefined;
  return {
    words: `has to be as ${node.id} says`,
    test: (walk, item) => {
      const check = checks.get(item.type);
      return check === undefined || passes(walk, () => check(walk, item));
    },
    check: (walk, item) => checks.get(item.type)?.(walk, item),
  };
}

/** Where the slice says no more than of which profile an element is, that profile says what the path leads to. */
function throughProfile(site: Site, node: Node, at: number, resolved: boolean): Expectation | undefined {
  const { compiler } = site;
  const types = node.element.type ?? [];
  const canonical = types.flatMap(({ profile = [], targetProfile = [] }) => (resolved ? targetProfile : profile))[0];
  if (canonical === undefined || typeNamed(compiler.schema, canonical) !== undefined) return undefined;
  let expected: Expectation | 'none' | undefined;
  const test = (walk: Walk, item: Item): boolean | undefined => {
    if (expected === undefined) {
      const profile = compiler.find(walk, canonical);
      if (profile === undefined || profile === 'absent') return undefined;
      expected = expectationAt(site, profile.root, at, false) ?? 'none';
    }
    return expected === 'none' ? undefined : expected.test(walk, item);
  };
  return { words: `has to be as ${canonical} says`, test };
}

function anyOf(verdicts: readonly (boolean | undefined)[]): boolean | undefined {
  if (verdicts.includes(true)) return true;
  return verdicts.includes(undefined) ? undefined : false;
}
