import { type Issue, type IssueCode, issue, type Rule, type Severity } from '../fhir/error.ts';
import { type Decimals, type Json, type JsonObject, literalOf } from '../fhir/json.ts';
import type { InvariantScope } from '../fhirpath/invariant.ts';
import { canonicalUnit, conversionError, inCanonical } from '../terminology/units.ts';
import type { CodeChecker, CodeQuestion, CodeVerdict } from '../terminology/verdict.ts';
import { type EntryIndexes, resolveWithin } from './resolve.ts';

/** More than this many faults help nobody: the walk stops there. So many warnings and remarks are listed at most, too. */
const ISSUES_MAX = 50;

/**
 * One walk over a resource. The path is a stack that checks push to and pop from, so nothing is allocated while all is well;
 * it becomes a FHIRPath only when there is something to report. Only its first `depth` entries count.
 */
export type Walk = {
  readonly decimals: Decimals;
  /** Where findings go; another list while something is only tried, such as which slice an item is of. */
  issues: Issue[];
  readonly path: (string | number)[];
  depth: number;
  /** Set at the first finding beyond the limit: loops end as soon as they see it. */
  full: boolean;
  /** The resources that the present place is inside of, outermost first: a Bundle, its entry's resource, one contained in that. */
  readonly resources: JsonObject[];
  /** Whether the last of `resources` is contained in the one before it, and not an entry or a parameter. */
  contained: boolean;
  /** What an invariant sees from the present place. */
  readonly scope: InvariantScope;
  readonly asks: Asks;
  /** What has to be loaded before the verdict stands, by a name of its own: then all is walked again. */
  readonly needs: Map<string, () => Promise<unknown>>;
  /** Codes that memory doesn't tell of, by `questionKey`: one of the needs. */
  readonly unknown: Map<string, CodeQuestion>;
  /** Code systems and value sets that couldn't be asked and were told of: once each will do. */
  told: Set<string>;
  /** Whether it is only asked if there is a fault: the first ends the walk, and need not be explained. */
  trying: boolean;
  /** Counts what couldn't be told so far, or not yet: what was only tried meanwhile neither passed nor failed. */
  doubts: number;
  /** The `id`s of elements in the present resource, once there is one. */
  ids: Set<string> | undefined;
  /** The entries of Bundles, to be found by what references say; made when they are first asked for. */
  readonly entries: EntryIndexes;
};

/** What is asked beyond the resource. */
export type Asks = {
  readonly codes: CodeChecker;
  /** What was learnt of single codes since the first walk over this resource, by `questionKey`. */
  readonly answers: Map<string, CodeVerdict>;
  /** `conformsTo()`; undefined if the profile isn't known, or not yet. */
  readonly conformsTo: (walk: Walk, profile: string, item: JsonObject) => boolean | undefined;
};

/** What the invariants of one resource may cost: a few seconds, where those of a request's largest Bundle take some hundred milliseconds. */
const INVARIANT_STEPS_MAX = 20_000_000;

/** For a walk that looks at nothing but the resource. */
const ASKS_NOTHING: Asks = {
  codes: {
    now: () => ({ kind: 'unchecked', why: '' }),
    later: (questions) => Promise.resolve(questions.map(() => ({ kind: 'unchecked', why: '' }))),
  },
  answers: new Map(),
  conformsTo: () => undefined,
};

/** @param root  the path's first step: the resource's type, or `Resource` while that isn't known */
export function startWalk(root: string, decimals: Decimals, asks: Asks = ASKS_NOTHING): Walk {
  const walk: Walk = {
    decimals,
    issues: [],
    path: [root],
    depth: 1,
    full: false,
    resources: [],
    contained: false,
    scope: {
      get resource() {
        return walk.resources[walk.resources.length - 1] ?? NOTHING;
      },
      get rootResource() {
        return rootResource(walk);
      },
      resolve: (reference) => resolveWithin(walk, reference),
      memberOf: (valueSet, system, code) => {
        const verdict = verdictOf(walk, { valueSet, system, code });
        return verdict === undefined || verdict.kind === 'unchecked' ? undefined : verdict.kind === 'in';
      },
      conformsTo: (profile, item) => asks.conformsTo(walk, profile, item),
      literal: (holder, key, value) => literalOf(decimals, holder, key, value),
      inCanonical: (value, code) => {
        const unit = canonicalUnit(code);
        return unit && { value: inCanonical(value, unit), unit: unit.unit, error: conversionError(value, unit) };
      },
      budget: { left: INVARIANT_STEPS_MAX },
    },
    asks,
    needs: new Map(),
    unknown: new Map(),
    told: new Set(),
    trying: false,
    doubts: 0,
    ids: undefined,
    entries: new Map(),
  };
  return walk;
}

const NOTHING: JsonObject = Object.freeze({});

/** `%rootResource`: what contains the present resource, or itself. */
export function rootResource(walk: Walk): JsonObject {
  return walk.resources[walk.resources.length - (walk.contained ? 2 : 1)] ?? NOTHING;
}

/**
 * Does something inside a resource that stands in another; the caller has pushed its step to the path.
 *
 * @param contained  whether it stands in `contained`, so that `#` means the other
 */
export function insideResource(walk: Walk, resource: JsonObject, contained: boolean, inside: () => void): void {
  const { contained: before, ids } = walk;
  walk.resources.push(resource);
  walk.contained = contained;
  walk.ids = undefined;
  inside();
  walk.resources.pop();
  walk.contained = before;
  walk.ids = ids;
}

/**
 * The verdict on one code while the walk goes on: by memory, or by what was loaded since the first walk. If neither tells, that
 * becomes a need, and the walk comes again with the answer.
 */
export function verdictOf(walk: Walk, question: CodeQuestion): CodeVerdict | undefined {
  const now = walk.asks.codes.now(question);
  if (now !== undefined) return now;
  const key = questionKey(question);
  const { codes, answers } = walk.asks;
  const answer = answers.get(key);
  if (answer === undefined) {
    walk.doubts++;
    walk.unknown.set(key, question);
    if (!walk.needs.has(CODES)) walk.needs.set(CODES, () => learn(walk.unknown, codes, answers));
  }
  return answer;
}

const CODES = 'codes';

/** All codes that one walk couldn't tell are asked for together. */
async function learn(unknown: ReadonlyMap<string, CodeQuestion>, codes: CodeChecker, answers: Asks['answers']): Promise<void> {
  const verdicts = await codes.later([...unknown.values()]);
  for (const [at, key] of [...unknown.keys()].entries()) {
    const verdict = verdicts[at];
    if (verdict !== undefined) answers.set(key, verdict);
  }
}

function questionKey({ valueSet, system, version, code }: CodeQuestion): string {
  return `code ${valueSet ?? ''} ${system ?? ''}|${version ?? ''} ${code}`;
}

/**
 * Notes a fault at the walk's present place.
 *
 * @param sentence  what is wrong and how to mend it, as it follows the path: `must not be null: leave it out.`; never a value
 */
export function report(walk: Walk, code: IssueCode, id: string, sentence: string, rule?: Rule): void {
  note(walk, 'error', code, id, sentence, rule);
}

/**
 * Notes a finding of any severity at the walk's present place.
 *
 * @param sentence  as for `report`; a function where it is dear to make
 * @param around    other places that the finding is about
 */
export function note(
  walk: Walk,
  severity: Severity,
  code: IssueCode,
  id: string,
  sentence: string | (() => string),
  rule?: Rule,
  ...around: readonly string[]
): void {
  if (walk.issues.length >= ISSUES_MAX && !hasRoom(walk, severity)) return;
  const path = pathOf(walk);
  const text = `${path} ${typeof sentence === 'string' ? sentence : sentence()}`;
  walk.issues.push({ severity, code, id, text, expression: [path, ...around], ...(rule === undefined ? {} : { rule }) });
  if (walk.trying && isFault({ severity })) walk.full = true;
}

/** Warnings never keep a fault from being told, nor end the walk. */
function hasRoom(walk: Walk, severity: Severity): boolean {
  const faults = walk.issues.filter(isFault).length;
  if (!isFault({ severity })) return walk.issues.length - faults < ISSUES_MAX;
  if (faults < ISSUES_MAX) return true;
  if (!walk.full) {
    const text = `More than ${ISSUES_MAX} faults were found: mend these, then send the resource again to see the others.`;
    walk.issues.push(issue('incomplete', 'shape-more', text));
  }
  walk.full = true;
  return false;
}

/** Whether an issue speaks against the resource. */
export function isFault({ severity }: Pick<Issue, 'severity'>): boolean {
  return severity === 'error' || severity === 'fatal';
}

/** `report` for a child of the present place, such as one that is missing. */
export function reportChild(walk: Walk, child: string, code: IssueCode, id: string, sentence: string, rule?: Rule): void {
  noteChild(walk, child, 'error', code, id, sentence, rule);
}

/** `note` for a child of the present place. */
export function noteChild(
  walk: Walk,
  child: string,
  severity: Severity,
  code: IssueCode,
  id: string,
  sentence: string | (() => string),
  rule?: Rule,
  ...around: readonly string[]
): void {
  walk.path[walk.depth++] = child;
  note(walk, severity, code, id, sentence, rule, ...around);
  walk.depth--;
}

/** What a value is, in words that give none of it away. */
export function kindOf(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (value === '') return 'an empty string';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** The present place as a FHIRPath: `Patient.name[0].given[1]`. */
export function pathOf(walk: Walk): string {
  let path = '';
  for (let at = 0; at < walk.depth; at++) {
    const step = walk.path[at];
    if (typeof step === 'number') path += `[${step}]`;
    else path += path === '' ? step : `.${step}`;
  }
  return path;
}

/** What holds the present place: others tell there of what is missing, as it has no place itself. */
export function pathAbove(walk: Walk): string {
  walk.depth--;
  const path = pathOf(walk);
  walk.depth++;
  return path;
}
