import { token } from '../../encryption/token.ts';
import { badRequest } from '../../fhir/error.ts';
import { anyOf, type Condition, nothing } from '../condition.ts';
import { decided, type ValueMatch } from '../match.ts';
import type { SearchElement } from '../registry.ts';
import { isRecord, type PlanContext, type Sink, textOf } from '../sink.ts';
import type { SearchValue } from '../values.ts';
import { splitUnescaped, unescape } from '../values.ts';
import { textMatch } from './token-text.ts';

/**
 * Token parameters. A coded value leaves up to three tokens: `code`, `system|code` and `system|`, or, without a system,
 * `code` and `|code`. Codes are compared without regard to case (the specification's advice where it is unknown whether
 * case matters: rather too much than too little); identifiers and ids exactly, because two that differ in case may be two persons'.
 *
 * @see https://hl7.org/fhir/R4/search.html#token
 */
export function extractToken(element: SearchElement, value: unknown, type: string, sink: Sink): void {
  const { path } = element;
  switch (type) {
    case 'CodeableConcept':
      if (isRecord(value) && Array.isArray(value.coding)) for (const coding of value.coding) addCoding(path, coding, sink);
      return;
    case 'Coding':
      addCoding(path, value, sink);
      return;
    case 'Identifier':
      if (isRecord(value)) addIdentifier(path, value, sink);
      return;
    case 'ContactPoint':
      if (isRecord(value)) addContact(path, value, sink);
      return;
    case 'code': {
      const code = textOf(value);
      if (code !== undefined) sink.tokens.add(['t', path, 'c', code.toLowerCase()]);
      return;
    }
    case 'boolean':
      if (typeof value === 'boolean') sink.tokens.add(['t', path, 'c', String(value)]);
      return;
    default: {
      const text = typeof value === 'number' ? String(value) : textOf(value);
      if (text !== undefined) addCoded(path, undefined, text, sink);
    }
  }
}

function addCoding(path: string, value: unknown, sink: Sink): void {
  if (isRecord(value)) addCoded(path, textOf(value.system), textOf(value.code)?.toLowerCase(), sink);
}

/** An identifier is found by its system and value, and by each code of its type with the value (`:of-type`). */
function addIdentifier(path: string, identifier: Readonly<Record<string, unknown>>, sink: Sink): void {
  const value = textOf(identifier.value);
  addCoded(path, textOf(identifier.system), value, sink);
  const codings: readonly unknown[] = isRecord(identifier.type) && Array.isArray(identifier.type.coding) ? identifier.type.coding : [];
  for (const coding of value === undefined ? [] : codings) {
    const [system, code] = isRecord(coding) ? [textOf(coding.system), textOf(coding.code)?.toLowerCase()] : [];
    if (value !== undefined && code !== undefined) sink.tokens.add(['t', path, 'ot', system ?? '', code, value]);
  }
}

/** Leaves the tokens that `codedCondition` looks for. */
export function addCoded(path: string, system: string | undefined, code: string | undefined, sink: Sink): void {
  if (system !== undefined) sink.tokens.add(['t', path, 's', system]);
  if (code === undefined) return;
  sink.tokens.add(['t', path, 'c', code]);
  sink.tokens.add(system === undefined ? ['t', path, 'n', code] : ['t', path, 'sc', system, code]);
}

/**
 * The codes of a value in full, as parts of a token: `system|code` and `|code`. Of a `code` element the code alone: its system
 * is that of its binding.
 */
export function fullCodes(value: unknown, type: string): string[][] {
  if (type === 'CodeableConcept') {
    const codings: readonly unknown[] = isRecord(value) && Array.isArray(value.coding) ? value.coding : [];
    return codings.flatMap((coding) => fullCodes(coding, 'Coding'));
  }
  if (isRecord(value)) {
    const code = type === 'Coding' ? textOf(value.code)?.toLowerCase() : type === 'Identifier' ? textOf(value.value) : undefined;
    const system = textOf(value.system);
    return code === undefined ? [] : [system === undefined ? ['n', code] : ['sc', system, code]];
  }
  if (type === 'code') return typeof value === 'string' ? [['c', value.toLowerCase()]] : [];
  return typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number' ? [['n', String(value)]] : [];
}

/** A contact is found by its value, alone or with its use or its kind as the system. */
function addContact(path: string, contact: Readonly<Record<string, unknown>>, sink: Sink): void {
  const value = textOf(contact.value)?.toLowerCase();
  if (value === undefined) return;
  sink.tokens.add(['t', path, 'c', value]);
  for (const system of [textOf(contact.system), textOf(contact.use)]) {
    if (system !== undefined) sink.tokens.add(['t', path, 'sc', system, value]);
  }
}

/** One value of a token parameter, by its modifier. `:not` and `:not-in` are negations of the clause, not of a value. */
export function tokenMatch(element: SearchElement, value: SearchValue, clause: TokenClause, context: PlanContext): ValueMatch {
  if (clause.modifier === 'text') return textMatch(element, value, clause.param, context);
  if (clause.modifier === 'of-type') return decided(ofTypeCondition(element, value, clause.param, context));
  return decided(tokenCondition(element, value, context));
}

export type TokenClause = { readonly param: string; readonly modifier: string | undefined };

/** `system|code|value`: an identifier's type and its value. @see https://hl7.org/fhir/R4/search.html#of-type */
function ofTypeCondition(element: SearchElement, { text }: SearchValue, param: string, context: PlanContext): Condition {
  if (!element.types.includes('Identifier'))
    throw badRequest('search-unknown-modifier', `"${param}:of-type" is for identifiers; "${param}" has none.`);
  const [system = '', code = '', value = '', ...more] = splitUnescaped(text, '|').map(unescape);
  if (code === '' || value === '' || more.length > 0)
    throw badRequest(
      'search-invalid-value',
      `A value of "${param}:of-type" is written as system|code|value: all of the identifier's type and its value.`,
    );
  return { kind: 'all-tokens', tokens: [token(context.key, 't', element.path, 'ot', system, code.toLowerCase(), value)] };
}

/** `code`, `system|code`, `|code`, `system|`. */
function tokenCondition(element: SearchElement, value: SearchValue, context: PlanContext): Condition {
  const { system, code } = splitCoded(value);
  return anyOf(spellings(element, code).map((spelling) => oneSpelling(element, system, spelling, context)));
}

function splitCoded({ text }: SearchValue): { readonly system: string | undefined; readonly code: string } {
  const parts = splitUnescaped(text, '|');
  return parts.length === 1
    ? { system: undefined, code: unescape(text) }
    : { system: unescape(parts[0] ?? ''), code: unescape(parts.slice(1).join('|')) };
}

/** A code in full, `system|code` or `|code`, of a Coding, as `fullCodes` tells it; else undefined. */
export function fullCode(value: SearchValue): string[] | undefined {
  const { system, code } = splitCoded(value);
  if (system === undefined || code === '') return undefined;
  return system === '' ? ['n', code.toLowerCase()] : ['sc', system, code.toLowerCase()];
}

/** The four forms, compared exactly, on what `addCoded` left under a path. */
export function codedCondition(path: string, value: SearchValue, context: PlanContext): Condition {
  const { system, code } = splitCoded(value);
  return codedTokens(path, system, code, context);
}

function codedTokens(path: string, system: string | undefined, code: string, context: PlanContext): Condition {
  const tokens = (...parts: string[]): Condition => ({ kind: 'all-tokens', tokens: [token(context.key, 't', path, ...parts)] });
  if (system === undefined) return tokens('c', code);
  if (system === '') return code === '' ? nothing : tokens('n', code);
  return code === '' ? tokens('s', system) : tokens('sc', system, code);
}

/** The element's types decide whether case counts; an element of several types may need both spellings. */
function spellings(element: SearchElement, code: string): string[] {
  const exact = element.types.filter((type) => !caseInsensitive.has(type)).length > 0;
  const folded = element.types.some((type) => caseInsensitive.has(type));
  return [...new Set([...(exact ? [code] : []), ...(folded ? [code.toLowerCase()] : [])])];
}

const caseInsensitive = new Set(['CodeableConcept', 'Coding', 'code', 'ContactPoint', 'boolean']);

function oneSpelling(element: SearchElement, system: string | undefined, code: string, context: PlanContext): Condition {
  if (system === undefined || element.system === undefined) return codedTokens(element.path, system, code, context);
  // A `code` element stores no system: its one possible system is that of its binding.
  if (system !== element.system) return nothing;
  return code === '' ? present(element, context) : codedTokens(element.path, undefined, code, context);
}

export function present(element: SearchElement, context: PlanContext): Condition {
  return { kind: 'all-tokens', tokens: [token(context.key, 'p', element.path)] };
}
