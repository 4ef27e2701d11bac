import { designationsFor, type Named } from './display.ts';

/** The words of a text that is looked for, in small letters. */
export function wordsOf(text: string): readonly string[] {
  return text
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '')
    .slice(0, wordsMax);
}

const wordsMax = 10;

/** Each word must begin one of the words of a display or designation, or the code: `acut ast` finds "Acute asthma". */
export function matcher(words: readonly string[]): (named: Named & { readonly code: string }) => boolean {
  if (words.length === 0) return () => true;
  return (named) => {
    const code = named.code.toLowerCase();
    const texts = [named.listed?.display, named.concept?.display, ...designationsFor(named).map(({ value }) => value)];
    const found = new Set(texts.flatMap((text) => (text === undefined ? [] : text.toLowerCase().split(/[^\p{L}\p{N}]+/u))));
    return words.every((word) => code.startsWith(word) || [...found].some((each) => each.startsWith(word)));
  };
}
