import { type Issue, issue } from '../fhir/error.ts';
import type { Decimals, JsonObject } from '../fhir/json.ts';
import type { Schema } from '../fhir/schema.ts';
import type { CodeChecker } from '../terminology/verdict.ts';
import { conformsTo } from './claims.ts';
import type { Rules } from './rules.ts';
import { compileTypes } from './shape.ts';
import { type Asks, startWalk, type Walk } from './walk.ts';

export type ValidatorParts = Rules & { readonly schema: Schema; readonly codes: CodeChecker };

export type Validatable = { readonly value: JsonObject; readonly decimals: Decimals };

/** What a caller asks beyond what is always checked. */
export type Asked = {
  /** Profiles the resource itself has to conform to. */
  readonly profiles?: readonly string[];
};

/**
 * Validates a resource against its type, and against the profiles it claims, that are asked for, or that are required. All
 * findings are returned, faults (`isFault`) among warnings and remarks; at most 50 of each. It never throws for a resource.
 * Without delay if memory holds what it takes, else a promise.
 */
export type Validator = {
  readonly validate: (document: Validatable, asked?: Asked) => readonly Issue[] | Promise<readonly Issue[]>;
};

/** Definitions name each other, so that one round of loading may show the next; R4's and US Core's need three at most. */
const ROUNDS_MAX = 12;

/**
 * No resource draws on more definitions than this that nobody has asked for yet, nor has more codes that only tables tell of: each is
 * looked for in the database, and would be for whoever made up as many.
 */
const LOADS_MAX = 500;
const QUESTIONS_MAX = 10_000;

export function makeValidator({ schema, codes, ...rules }: ValidatorParts): Validator {
  const { profiles } = rules;
  const check = compileTypes(schema, rules);
  const walkOnce = ({ value, decimals }: Validatable, asked: Asked, answers: Asks['answers']): Walk => {
    const walk = startWalk('Resource', decimals, { codes, answers, conformsTo: (at, url, item) => conformsTo(at, profiles, url, item) });
    check(walk, value, asked.profiles ?? []);
    if ((walk.scope.budget?.left ?? 1) <= 0) walk.issues.push(unfinished());
    return walk;
  };
  return {
    validate(document, asked = {}) {
      const answers: Asks['answers'] = new Map();
      const walk = walkOnce(document, asked, answers);
      if (walk.needs.size === 0) return walk.issues;
      return settle(walk, () => walkOnce(document, asked, answers));
    },
  };
}

/** Loads what the walk lacked and walks again, until nothing is lacking. */
async function settle(first: Walk, again: () => Walk): Promise<readonly Issue[]> {
  let walk = first;
  const loaded = new Set<string>();
  for (let round = 0; walk.needs.size > 0 && round < ROUNDS_MAX; round++) {
    if (walk.unknown.size > QUESTIONS_MAX) return [tooMuch(`more than ${QUESTIONS_MAX} codes that have to be looked up`)];
    for (const name of walk.needs.keys()) loaded.add(name);
    if (loaded.size > LOADS_MAX) return [tooMuch(`more than ${LOADS_MAX} extensions, profiles or value sets that are not in use here`)];
    await Promise.all([...walk.needs.values()].map((load) => load()));
    walk = again();
  }
  if (walk.needs.size > 0) walk.issues.push(unsettled(walk.issues[0]?.expression));
  return walk.issues;
}

/** What isn't validated is not valid: else whoever overloads a resource could slip anything through. */
function tooMuch(what: string): Issue {
  return issue('too-costly', 'validation-too-costly', `The resource names ${what}. Split it into several.`);
}

function unfinished(): Issue {
  const text = 'The invariants of its profiles take too long on a resource of this size. Split it into several, or claim fewer profiles.';
  return issue('too-costly', 'validation-too-costly', text);
}

function unsettled(expression: readonly string[] | undefined): Issue {
  const text =
    'Not all profiles could be checked: the definitions they draw on name others over and over. Validate against fewer profiles at a time.';
  return { ...issue('incomplete', 'profile-unsettled', text, expression), severity: 'information' };
}
