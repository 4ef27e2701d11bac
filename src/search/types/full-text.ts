import { token } from '../../encryption/token.ts';
import { badRequest } from '../../fhir/error.ts';
import { allOf, anyOf, type Condition, type Recheck } from '../condition.ts';
import { isRecord, type PlanContext, type Sink } from '../sink.ts';
import { unescape } from '../values.ts';
import { wordsOf } from './normalise.ts';

/** Where words are looked for: in the narrative, or in all strings of the resource, the narrative's included. */
export type TextScope = '_text' | '_content';

/** More letters of a word are not kept: longer words that begin alike are the same. */
const wordMax = 64;

/**
 * A token for each word. Only with SEARCH_FULL_TEXT on: who steals the rows may count how often which words occur.
 *
 * @see https://hl7.org/fhir/R4/search.html#content
 */
export function extractFullText(resource: object, sink: Sink): void {
  for (const scope of ['_text', '_content'] as const) {
    for (const text of textsOf(resource, scope)) {
      for (const word of wordsOf(text)) sink.tokens.add(['f', scope, word.slice(0, wordMax)]);
    }
  }
}

function textsOf(resource: object, scope: TextScope): string[] {
  const { text } = resource as { readonly text?: unknown };
  const found = isRecord(text) && typeof text.div === 'string' ? [plainText(text.div)] : [];
  if (scope === '_content') for (const [name, value] of Object.entries(resource)) if (name !== 'text') collectStrings(name, value, found);
  return found;
}

/** All strings but names of types and base64 data. */
function collectStrings(name: string, value: unknown, found: string[]): void {
  if (typeof value === 'string') {
    if (name !== 'resourceType' && name !== 'data') found.push(value);
  } else if (Array.isArray(value)) {
    for (const item of value) collectStrings(name, item, found);
  } else if (isRecord(value)) {
    for (const [inner, member] of Object.entries(value)) collectStrings(inner, member, found);
  }
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };

/** The text of XHTML: without tags and comments, each of which ends a word only where it is a block, and with entities resolved. */
function plainText(xhtml: string): string {
  return xhtml
    .replace(/<\/?(?:a|abbr|acronym|b|big|cite|code|dfn|em|i|q|samp|small|span|strong|sub|sup|tt|var)\b[^<>]*>/gi, '')
    .replace(/<[^<>]*>/g, ' ')
    .replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,8}));/gi, (whole, tens?: string, hex?: string, name?: string) => {
      if (name !== undefined) return entities[name] ?? whole;
      const point = tens === undefined ? Number.parseInt(hex ?? '', 16) : Number(tens);
      return point <= 0x10ffff ? String.fromCodePoint(point) : ' ';
    });
}

/**
 * All words of a value, in any order; words in double quotes one after the other in one text, which the opened resource tells.
 *
 * @throws FhirError 400 if a value has no word
 */
export function fullTextClause(
  scope: TextScope,
  values: readonly string[],
  context: PlanContext,
): { condition: Condition; recheck?: Recheck } {
  const asked = values.map((text) => parseWords(unescape(text), scope));
  const condition = anyOf(
    asked.map(({ words }) =>
      allOf(words.map((word) => ({ kind: 'all-tokens', tokens: [token(context.key, 'f', scope, word.slice(0, wordMax))] }))),
    ),
  );
  if (asked.every(({ phrases }) => phrases.length === 0)) return { condition };
  return {
    condition,
    recheck(resource) {
      const texts = textsOf(resource, scope).map((text) => wordsOf(text));
      const joined = texts.map((words) => ` ${words.join(' ')} `);
      return asked.some(
        ({ words, phrases }) =>
          words.every((word) => texts.some((text) => text.includes(word))) &&
          phrases.every((phrase) => joined.some((text) => text.includes(phrase))),
      );
    },
  };
}

type AskedWords = {
  readonly words: readonly string[] /** Each with a space around: ` chest pain `. */;
  readonly phrases: readonly string[];
};

function parseWords(text: string, scope: TextScope): AskedWords {
  const phrases = [...text.matchAll(/"([^"]*)"/g)].map(([, quoted = '']) => wordsOf(quoted)).filter((words) => words.length > 1);
  const words = [...new Set(wordsOf(text))];
  if (words.length === 0) throw badRequest('search-invalid-value', `A value of "${scope}" has no word to search for.`);
  return { words, phrases: phrases.map((each) => ` ${each.join(' ')} `) };
}
