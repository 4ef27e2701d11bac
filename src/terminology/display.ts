import type { Concept, Designation } from './code-system.ts';
import type { Listed } from './value-set.ts';

/** What a code is called: what the value set says goes first, then its code system. */
export type Named = { readonly concept: Concept | undefined; readonly listed?: Listed | undefined };

export function designationsFor({ concept, listed }: Named): readonly Designation[] {
  const said = listed?.designations ?? [];
  const own = concept?.designations ?? [];
  return said.length === 0 ? own : [...said, ...own.filter((each) => !said.some((other) => isSame(each, other)))];
}

/** In the language asked for, or one of its regions, if it is there. */
export function displayOf(named: Named, language: string | undefined): string | undefined {
  const plain = named.listed?.display ?? named.concept?.display;
  if (language === undefined) return plain;
  const designations = designationsFor(named);
  const exact = designations.find((each) => each.language?.toLowerCase() === language.toLowerCase());
  return (exact ?? designations.find((each) => isLanguage(each.language, language)))?.value ?? plain;
}

/** `de` is met by `de` and `de-AT`, `de-AT` also by `de`. */
export function isLanguage(has: string | undefined, wanted: string): boolean {
  if (has === undefined) return false;
  const [left, right] = [has.toLowerCase(), wanted.toLowerCase()];
  return left === right || left.startsWith(`${right}-`) || right.startsWith(`${left}-`);
}

/** Displays are compared as people read them: without case and width of spaces. */
export function isDisplay(said: string, displays: readonly string[]): boolean {
  const wanted = plain(said);
  return displays.some((each) => plain(each) === wanted);
}

const plain = (text: string): string => text.trim().replace(/\s+/g, ' ').toLowerCase();

function isSame(a: Designation, b: Designation): boolean {
  return a.value === b.value && a.language === b.language && a.use?.code === b.use?.code;
}
