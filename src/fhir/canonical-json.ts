import type { Json } from './json.ts';

/**
 * The one text of a JSON value: members in the order of their names' UTF-16 code units, numbers as ECMAScript writes them, no white space.
 * What differs in the precision of decimals alone (`1.0`, `1`) has the same text.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8785
 */
export function canonicalJson(value: Json): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join()}]`;
  // By code units, which is what the default order is.
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name] ?? null)}`).join()}}`;
}
