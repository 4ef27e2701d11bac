import { assertTextLength, CannotTell } from './expression.ts';
import { type Assertion, parsePattern, type Part } from './pattern-syntax.ts';

/**
 * Regular expressions in time linear in the text, whatever the expression: those of profiles come from clients, and one like
 * `(a+)+$` would keep JavaScript's own, which tries one way after the other, busy for ever. All ways are followed at once instead.
 *
 * As FHIRPath has it, a text matches if a part of it does, and `.` is any character.
 *
 * @see https://hl7.org/fhirpath/N1/#matchesregex-string-boolean, https://swtch.com/~rsc/regexp/regexp1.html
 */
export type Pattern = { readonly steps: readonly Step[] };

type Step =
  | { readonly kind: 'one'; readonly test: (letter: string) => boolean }
  /** Two ways to go on, the preferred one first. */
  | { readonly kind: 'fork'; first: number; second: number }
  | { readonly kind: 'go'; to: number }
  | { readonly kind: 'assert'; readonly assertion: Assertion }
  | { readonly kind: 'end' };

/** Counted repetitions are written out; this is enough for a name of 255 characters in ten places. */
const STEPS_MAX = 10_000;
/** Steps times characters that one match may cost: about 100 ms. */
const WORK_MAX = 20_000_000;
const CACHED_MAX = 500;

const cached = new Map<string, Pattern>();

/** @throws  CannotTell if it has look-around or back references, which can't be done in linear time, or is no regular expression */
export function patternOf(source: string): Pattern {
  const known = cached.get(source);
  if (known !== undefined) return known;
  const steps: Step[] = [];
  write(parsePattern(source), steps);
  steps.push({ kind: 'end' });
  const pattern: Pattern = { steps };
  if (cached.size >= CACHED_MAX) cached.clear();
  cached.set(source, pattern);
  return pattern;
}

function push(steps: Step[], step: Step): Step {
  if (steps.length >= STEPS_MAX) throw new CannotTell('the regular expression is too big');
  steps.push(step);
  return step;
}

function write(part: Part, steps: Step[]): void {
  switch (part.kind) {
    case 'one':
    case 'assert':
      push(steps, part);
      return;
    case 'sequence':
      for (const each of part.parts) write(each, steps);
      return;
    case 'choice':
      return writeChoice(part.parts, steps);
    case 'repeat':
      return writeRepeat(part, steps);
  }
}

function writeChoice([first, ...rest]: readonly Part[], steps: Step[]): void {
  if (first === undefined) return;
  if (rest.length === 0) return write(first, steps);
  const fork = push(steps, { kind: 'fork', first: steps.length + 1, second: 0 }) as Extract<Step, { kind: 'fork' }>;
  write(first, steps);
  const leave = push(steps, { kind: 'go', to: 0 }) as Extract<Step, { kind: 'go' }>;
  fork.second = steps.length;
  writeChoice(rest, steps);
  leave.to = steps.length;
}

function writeRepeat({ part, min, max }: Extract<Part, { kind: 'repeat' }>, steps: Step[]): void {
  for (let count = 0; count < min; count++) write(part, steps);
  if (max === Number.POSITIVE_INFINITY) {
    const start = steps.length;
    const fork = push(steps, { kind: 'fork', first: start + 1, second: 0 }) as Extract<Step, { kind: 'fork' }>;
    write(part, steps);
    push(steps, { kind: 'go', to: start });
    fork.second = steps.length;
    return;
  }
  const forks: Extract<Step, { kind: 'fork' }>[] = [];
  for (let count = min; count < max; count++) {
    forks.push(push(steps, { kind: 'fork', first: steps.length + 1, second: 0 }) as Extract<Step, { kind: 'fork' }>);
    write(part, steps);
  }
  for (const fork of forks) fork.second = steps.length;
}

/** Whether a part of the text matches. */
export function matches(pattern: Pattern, text: string): boolean {
  return search(pattern, [...text], 0, false) !== undefined;
}

/** Replaces each part that matches, the longest from each place on. `$1` and its like are not known. */
export function replaceMatches(pattern: Pattern, text: string, by: string): string {
  if (/\$[\d{<&]/.test(by)) throw new CannotTell('a replacement by groups');
  const letters = [...text];
  // From each place on the rest of the text may be read.
  if (pattern.steps.length * letters.length * letters.length > 10 * WORK_MAX) throw tooLong();
  let result = '';
  for (let at = 0; at <= letters.length; ) {
    assertTextLength(result.length + by.length);
    const until = search(pattern, letters, at, true);
    if (until === undefined || until === at) {
      result += (until === at ? by : '') + (letters[at] ?? '');
      at++;
    } else {
      result += by;
      at = until;
      if (at === letters.length) break;
    }
  }
  return result;
}

function tooLong(): CannotTell {
  return new CannotTell('the text is too long for the regular expression');
}

/**
 * @param anchored  only what begins at `from` counts, and the longest match is looked for; else any, and the first will do
 * @returns         where the match ends
 */
function search({ steps }: Pattern, letters: readonly string[], from: number, anchored: boolean): number | undefined {
  if (steps.length * (letters.length - from + 1) > WORK_MAX) throw tooLong();
  const marks = new Int32Array(steps.length).fill(-1);
  let current: number[] = [];
  let found: number | undefined;
  for (let at = from; at <= letters.length; at++) {
    if (!anchored || at === from) follow(0, at, { steps, letters, marks, into: current });
    const next: number[] = [];
    const letter = letters[at];
    for (const index of current) {
      const step = steps[index];
      if (step?.kind === 'end') {
        found = at;
        if (!anchored) return found;
      } else if (step?.kind === 'one' && letter !== undefined && step.test(letter)) {
        follow(index + 1, at + 1, { steps, letters, marks, into: next });
      }
    }
    current = next;
    if (anchored && current.length === 0) break;
  }
  return found;
}

type Front = { readonly steps: readonly Step[]; readonly letters: readonly string[]; readonly marks: Int32Array; readonly into: number[] };

/** Adds the steps reached from one without taking a letter, each once per place (`marks` holds the place it was last reached at). */
function follow(start: number, at: number, { steps, letters, marks, into }: Front): void {
  const open = [start];
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    if (marks[index] === at) continue;
    marks[index] = at;
    const step = steps[index];
    if (step === undefined) continue;
    if (step.kind === 'go') open.push(step.to);
    else if (step.kind === 'fork') open.push(step.second, step.first);
    else if (step.kind === 'assert') {
      if (step.assertion(letters[at - 1], letters[at])) open.push(index + 1);
    } else into.push(index);
  }
}
