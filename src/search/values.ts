/** One of a parameter's alternative values (between commas), still escaped: `\,` `\|` `\$` `\\`. */
export type SearchValue = { readonly text: string };

/** Splits at a separator that no backslash escapes; the parts keep their escapes. */
export function splitUnescaped(text: string, separator: string): string[] {
  if (!text.includes('\\')) return text.split(separator);
  const parts: string[] = [];
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === separator) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  parts.push(text.slice(from));
  return parts;
}

/** Takes the escapes out. A backslash before any other character stands for itself. @see https://hl7.org/fhir/R4/search.html#escaping */
export function unescape(text: string): string {
  return text.includes('\\') ? text.replace(/\\([,|$\\])/g, '$1') : text;
}

/** Writes a text so that it stands for itself in a value. */
export function escape(text: string): string {
  return text.replace(/[,|$\\]/g, '\\$&');
}
