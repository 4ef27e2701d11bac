/**
 * Lower case, without marks, white space folded: what the default string search compares.
 * @see https://hl7.org/fhir/R4/search.html#string
 */
export function normalise(text: string): string {
  // Plain lower-case ASCII, the common case of a second pass, needs no Unicode tables.
  const decomposed = /^[\x21-\x7e ]*$/.test(text) ? text : text.normalize('NFKD').replace(/\p{M}+/gu, '');
  return decomposed.toLowerCase().replace(/\s+/g, ' ').trim();
}

/** The words of a text, normalised: runs of letters and digits. */
export function wordsOf(text: string): string[] {
  // ASCII needs no Unicode tables.
  return (/^[\x20-\x7e\s]*$/.test(text) ? text.toLowerCase().match(/[a-z0-9]+/g) : normalise(text).match(/[\p{L}\p{N}]+/gu)) ?? [];
}
