import type { Alternatives, Group } from '../../storage/filter.ts';
import type { Letter } from '../scopes.ts';
import type { Coded, ConsentRule, PatientConsent } from './consent.ts';

/** Who asks, for what and when. */
export type Asker = {
  /** `Type/id` of all that the caller is; undefined: it isn't known who he is, and every denial binds him. */
  readonly identities: ReadonlySet<string> | undefined;
  readonly purposes: readonly string[];
  /** Epoch ms. */
  readonly now: number;
};

/** Which rows are meant, of the type that is asked for. */
export type RowTokens = {
  readonly type: string;
  readonly letter: Letter;
  /** Of all that is in the compartment. */
  readonly compartment: (type: string, id: string) => bigint;
  readonly isCompartment: (type: string) => boolean;
  readonly isType: (code: string) => boolean;
  /** A row has one of these if one of its coded elements has the code; `main`: by its `code` alone. */
  readonly coded: (codes: readonly Coded[], by: 'any' | 'main') => readonly bigint[];
  /** `takesAway`: rather too many rows; else those alone that surely have the label. */
  readonly labelled: (label: Coded, takesAway: boolean) => readonly bigint[];
};

/** The rows that consents take away. What can't be decided by tokens takes away more rather than less. */
export function deniedBy(consents: readonly PatientConsent[], asker: Asker, rows: RowTokens): Alternatives {
  return merged(consents.flatMap(({ patient, rule }) => denied(rule, [[rows.compartment('Patient', patient)]], asker, rows)));
}

/** The rows that consents give to somebody they name. What can't be decided by tokens gives nothing. */
export function permittedBy(consents: readonly PatientConsent[], asker: Asker, rows: RowTokens): Alternatives {
  return merged(consents.flatMap(({ patient, rule }) => permitted(rule, [[rows.compartment('Patient', patient)]], false, asker, rows)));
}

/** Whether a consent names the caller as one who may see what has the label, whatever it is. */
export function isLabelGranted(consent: PatientConsent, label: Coded, asker: Asker, rows: RowTokens): boolean {
  const granted = (rule: ConsentRule, isNamed: boolean): boolean => {
    const groups = conditionOf({ ...rule, labels: [] }, 'permit', asker, rows);
    if (groups === undefined || groups.length > 0) return false;
    const named = isNamed || rule.actors.length > 0;
    const isGiven = rule.type === 'permit' && named && rule.labels.some((each) => each !== undefined && sameCode(each, label));
    return isGiven || rule.rules.some((inner) => granted(inner, named));
  };
  return granted(consent.rule, false);
}

function denied(rule: ConsentRule, within: readonly Group[], asker: Asker, rows: RowTokens): Alternatives {
  const own = conditionOf(rule, 'deny', asker, rows);
  if (own === undefined) return [];
  const groups = [...within, ...own];
  const nested = rule.rules.flatMap((inner) => denied(inner, groups, asker, rows));
  if (rule.type !== 'deny') return nested;
  const exceptions = rule.rules
    .filter(({ type }) => type === 'permit')
    .flatMap((inner) => optional(conditionOf(inner, 'permit', asker, rows)));
  return [...except(groups, exceptions), ...nested];
}

function permitted(rule: ConsentRule, within: readonly Group[], isNamed: boolean, asker: Asker, rows: RowTokens): Alternatives {
  const own = conditionOf(rule, 'permit', asker, rows);
  if (own === undefined) return [];
  const named = isNamed || rule.actors.length > 0;
  const groups = [...within, ...own];
  const nested = rule.rules.flatMap((inner) => permitted(inner, groups, named, asker, rows));
  // To everybody means to those who have access anyway.
  if (rule.type !== 'permit' || !named) return nested;
  const exceptions = rule.rules.filter(({ type }) => type === 'deny').flatMap((inner) => optional(conditionOf(inner, 'deny', asker, rows)));
  return [...except(groups, exceptions, []), ...nested];
}

const optional = <T>(value: T | undefined): T[] => (value === undefined ? [] : [value]);

const alternativesMax = 64;

/**
 * The rows of the groups that fit none of the exceptions.
 *
 * @param tooMany  the answer where it would take too many alternatives; by default without exceptions
 */
function except(groups: readonly Group[], exceptions: readonly (readonly Group[])[], tooMany: Alternatives = [groups]): Alternatives {
  let found: (readonly Group[])[] = [groups];
  for (const exception of exceptions) {
    found = found.flatMap((each) => exception.map((group) => [...each, opposite(group)]));
    if (found.length > alternativesMax) return tooMany;
  }
  return found;
}

const opposite = (group: Group): Group => ('without' in group ? group.without : { without: group });

/**
 * What a row has to be for the rule to be about it; undefined if the rule is about no row of the type, nobody like the caller or not this
 * time. A part that can't be decided counts as fulfilled by a rule that denies, and as not fulfilled by one that permits.
 */
function conditionOf(rule: ConsentRule, kind: 'permit' | 'deny', asker: Asker, rows: RowTokens): Group[] | undefined {
  const denies = kind === 'deny';
  const { period, actors, purposes, classes, codes, labels, data } = rule;
  if (period === 'unreadable' ? !denies : period !== undefined && (asker.now < period.from || asker.now >= period.until)) return undefined;
  if (actors.length > 0 && !isActor(actors, denies, asker)) return undefined;
  if (!isAction(rule.actions, denies, rows.letter)) return undefined;
  if (purposes.length > 0 && !isPurpose(purposes, denies, asker)) return undefined;
  if (classes.length > 0 && !isClass(classes, denies, rows)) return undefined;
  if (!denies && codes.includes(undefined)) return undefined;
  if (!denies && (data.length > 0 || rule.hasDataPeriod)) return undefined;
  const groups: Group[] = [];
  if (codes.length > 0 && !(denies && codes.includes(undefined))) {
    const coded = rows.coded(
      codes.filter((code) => code !== undefined),
      denies ? 'any' : 'main',
    );
    if (coded.length === 0) return undefined;
    groups.push(coded);
  }
  if (labels.includes(undefined)) {
    if (!denies) return undefined;
  } else if (labels.length > 0) {
    const each = labels.filter((label) => label !== undefined).map((label) => rows.labelled(label, denies));
    groups.push(...(denies ? [each.flat()] : each));
  }
  if (data.length > 0) {
    const named = dataGroup(data, rows);
    if (named === undefined) return undefined;
    groups.push(...named);
  }
  return groups;
}

function isActor(actors: ConsentRule['actors'], denies: boolean, { identities }: Asker): boolean {
  if (identities === undefined) return denies;
  return actors.some((actor) => (actor === undefined || actor.startsWith('Group/') ? denies : identities.has(actor)));
}

/** @see http://terminology.hl7.org/CodeSystem/consentaction */
const actionsOf: Readonly<Record<'permit' | 'deny', Readonly<Record<Letter, readonly string[]>>>> = {
  permit: { r: ['access', 'use'], s: ['access', 'use'], c: ['collect'], u: ['correct'], d: [] },
  deny: {
    r: ['access', 'use', 'disclose'],
    s: ['access', 'use', 'disclose'],
    c: ['collect'],
    u: ['access', 'use', 'disclose', 'collect', 'correct'],
    d: ['access', 'use', 'disclose', 'collect', 'correct'],
  },
};
const knownActions = new Set(['access', 'use', 'disclose', 'collect', 'correct']);

/** A permission that names no action is one to read. */
function isAction(actions: readonly string[], denies: boolean, letter: Letter): boolean {
  if (actions.length === 0) return denies || letter === 'r' || letter === 's';
  const fitting = actionsOf[denies ? 'deny' : 'permit'][letter];
  return actions.some((action) => fitting.includes(action) || (denies && !knownActions.has(action)));
}

/** A purpose that isn't told may be any. Treatment in an emergency is treatment too. */
function isPurpose(purposes: readonly string[], denies: boolean, asker: Asker): boolean {
  if (asker.purposes.length === 0 || purposes.includes('')) return denies;
  return asker.purposes.some((each) => purposes.includes(each) || (denies && each === 'ETREAT' && purposes.includes('TREAT')));
}

function isClass(classes: readonly string[], denies: boolean, { type, isType }: RowTokens): boolean {
  return classes.some((code) => (isType(code) ? code === type : denies));
}

/** What is named by reference: tokens tell of compartments alone, so of anything else all of its type is meant. */
function dataGroup(data: ConsentRule['data'], rows: RowTokens): Group[] | undefined {
  const tokens: bigint[] = [];
  for (const { meaning, target } of data) {
    if (target === undefined) return [];
    if (rows.isCompartment(target.type)) {
      if (meaning !== 'instance' || target.type === rows.type) tokens.push(rows.compartment(target.type, target.id));
    } else if (meaning !== 'instance' || target.type === rows.type) return [];
  }
  return tokens.length === 0 ? undefined : [tokens];
}

const sameCode = (a: Coded, b: Coded): boolean => a.code === b.code && (a.system === undefined || a.system === b.system);

/** Alternatives that differ in the patient alone become one. */
function merged(alternatives: Alternatives): Alternatives {
  const byRest = new Map<string, { readonly patients: bigint[]; readonly rest: readonly Group[] }>();
  for (const [patient, ...rest] of alternatives) {
    if (patient === undefined || 'without' in patient) throw new Error('each alternative begins with its patient');
    const name = [rest.length, ...rest.map((group) => ('without' in group ? `!${group.without.join()}` : group.join()))].join(' ');
    const known = byRest.get(name);
    if (known === undefined) byRest.set(name, { patients: [...patient], rest });
    else known.patients.push(...patient);
  }
  return [...byRest.values()].map(({ patients, rest }) => [[...new Set(patients)], ...rest]);
}
