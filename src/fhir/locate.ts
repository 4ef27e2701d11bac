import type { Issue } from './error.ts';

export type Position = { readonly line: number; readonly column: number };

/** A step of the paths that are looked for, with those behind it; `at` is where in the text it was found. */
type Place = { readonly members: Map<string, Place>; readonly items: Map<number, Place>; at?: number };

const newPlace = (): Place => ({ members: new Map(), items: new Map() });

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/**
 * Adds to issues where in a JSON text they stand: the line and column (UTF-16 units) of the member or item that the first
 * expression names, or of the nearest one around it that is there. What isn't of this text stays as it is.
 *
 * @param text    a JSON document that has been read before, as it was received
 * @param prefix  where the resource that the expressions begin with stands in it: `Parameters.parameter[0].resource`
 */
export function withPositions(issues: readonly Issue[], text: string, prefix = ''): readonly Issue[] {
  if (!issues.some(isPlaced)) return issues;
  const root = newPlace();
  const chains = issues.map((issue) => (isPlaced(issue) ? chainOf(root, issue.expression?.[0] ?? '', prefix) : []));
  find(text, root);
  const lines = lineStartsOf(text);
  return issues.map((issue, index) => {
    const at = chains[index]?.findLast((place) => place.at !== undefined)?.at;
    return at === undefined ? issue : { ...issue, position: positionOf(lines, at) };
  });
}

const isPlaced = ({ expression, position }: Issue): boolean => position === undefined && expression?.[0] !== undefined;

/** The places an expression leads through, made where they aren't yet. Its first step is the resource; functions lead nowhere new. */
function chainOf(root: Place, expression: string, prefix: string): readonly Place[] {
  const chain = [root];
  const outside = stepsOf(prefix);
  for (const [index, step] of [...outside, ...stepsOf(expression)].entries()) {
    const last = chain.at(-1) ?? root;
    // A resource's type names no member of it.
    if (index === 0 || (index === outside.length && /^[A-Z]/.test(String(step)))) continue;
    chain.push(typeof step === 'number' ? placeIn(last.items, step) : placeIn(last.members, step));
  }
  return chain;
}

function placeIn<Key>(places: Map<Key, Place>, key: Key): Place {
  const known = places.get(key) ?? newPlace();
  places.set(key, known);
  return known;
}

/** `Bundle.entry[2].resource.ofType(Patient).name` without its functions; what stands in brackets otherwise ends it. */
function stepsOf(path: string): (string | number)[] {
  const steps: (string | number)[] = [];
  const step = /(?:^|\.)(?:`([^`]+)`|([A-Za-z_][\w-]*)(\((?:[^()]|\([^()]*\))*\))?)|\[(\d+)\]/y;
  for (let found = step.exec(path); found !== null; found = step.exec(path)) {
    const [, quoted, name, call, index] = found;
    if (index !== undefined) steps.push(Number(index));
    else if (call === undefined) steps.push(quoted ?? name ?? '');
    else if (name !== 'ofType' && name !== 'resolve') break;
  }
  return steps;
}

/** One pass over the text; only what leads to a place that is looked for is entered. */
function find(text: string, root: Place): void {
  const start = behindSpace(text, 0);
  root.at = start;
  enter(text, start, root);
}

/** Behind the value at `at`, whose parts are looked for. */
function enter(text: string, at: number, place: Place): number {
  const first = text.charCodeAt(at);
  if (first === openBrace && place.members.size > 0) return enterObject(text, at, place);
  if (first === openBracket && (place.items.size > 0 || place.members.size > 0)) return enterArray(text, at, place);
  return behindValue(text, at);
}

function enterObject(text: string, start: number, place: Place): number {
  let at = behindSpace(text, start + 1);
  while (text.charCodeAt(at) === quote) {
    const end = behindString(text, at);
    const name = text.slice(at + 1, end - 1);
    const valueAt = behindSpace(text, behindSpace(text, end) + 1);
    const member = memberOf(place, name);
    if (member !== undefined) member.at ??= at;
    at = behindSpace(text, member === undefined ? behindValue(text, valueAt) : enter(text, valueAt, member));
    if (text.charCodeAt(at) === closeBrace) break;
    at = behindSpace(text, at + 1);
  }
  return at + 1;
}

function enterArray(text: string, start: number, place: Place): number {
  let at = behindSpace(text, start + 1);
  for (let index = 0; text.charCodeAt(at) !== closeBracket; index++) {
    // A path without an index means the first item that has the rest of it.
    const item = place.items.get(index) ?? (place.items.size === 0 ? place : undefined);
    if (item !== undefined) item.at ??= at;
    at = behindSpace(text, item === undefined ? behindValue(text, at) : enter(text, at, item));
    if (text.charCodeAt(at) === closeBracket) break;
    at = behindSpace(text, at + 1);
  }
  return at + 1;
}

/** JSON writes a choice with its type (`valueQuantity` for `value`), and what belongs to a primitive beside it (`_birthDate`). */
function memberOf(place: Place, name: string): Place | undefined {
  const exact = place.members.get(name);
  if (exact !== undefined) return exact;
  const bare = name.startsWith('_') ? name.slice(1) : name;
  const known = place.members.get(bare);
  if (known !== undefined) return known;
  for (const [step, found] of place.members) {
    if (found.at === undefined && bare.startsWith(step) && /^[A-Z]/.test(bare.slice(step.length))) return found;
  }
  return undefined;
}

function behindValue(text: string, start: number): number {
  const first = text.charCodeAt(start);
  if (first === quote) return behindString(text, start);
  if (first !== openBrace && first !== openBracket) return start + (/^[^,\]}\s]+/.exec(text.slice(start, start + 80))?.[0].length ?? 1);
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (c === quote) at = behindString(text, at) - 1;
    else if (c === openBrace || c === openBracket) depth++;
    else if ((c === closeBrace || c === closeBracket) && --depth === 0) return at + 1;
  }
  return text.length;
}

function behindString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (c === backslash) at++;
    else if (c === quote) return at + 1;
  }
  return text.length;
}

function behindSpace(text: string, start: number): number {
  let at = start;
  for (let c = text.charCodeAt(at); c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09; c = text.charCodeAt(++at));
  return at;
}

function lineStartsOf(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

function positionOf(lineStarts: readonly number[], at: number): Position {
  let low = 0;
  let high = lineStarts.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((lineStarts[middle] ?? 0) <= at) low = middle;
    else high = middle;
  }
  return { line: low + 1, column: at - (lineStarts[low] ?? 0) + 1 };
}
