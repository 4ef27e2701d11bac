import type { JsonObject } from '../fhir/json.ts';
import type { Designation } from './code-system.ts';
import { designationsFor, displayOf, isLanguage } from './display.ts';
import { type Entry, keyOf } from './members.ts';
import type { ExpandRequest } from './requests.ts';
import type { Stock } from './stock.ts';

/** A code with those that stand under it. */
export type Contained = { readonly entry: Entry; readonly contains: readonly Contained[] };

/** Each code under the nearest of its parents that is in the value set too; of several, the first. */
export function nested(entries: readonly Entry[], stock: Stock): readonly Contained[] {
  const inside = new Map(entries.map((entry) => [keyOf(entry), { entry, contains: [] as Contained[] }]));
  const top: Contained[] = [];
  for (const each of inside.values()) {
    const above = parentOf(each.entry, stock, (key) => inside.has(key));
    (above === undefined ? top : (inside.get(above)?.contains ?? top)).push(each);
  }
  return top;
}

/** Up through what isn't in the value set; hierarchies of clients may be circles. */
function parentOf({ system, version, code, concept }: Entry, stock: Stock, isInside: (key: string) => boolean): string | undefined {
  const known = stock.system(system, version, new Map()) ?? stock.system(system, undefined, new Map());
  const seen = new Set([code]);
  const open = [...(concept?.parents ?? [])];
  for (const parent of open) {
    if (seen.has(parent)) continue;
    seen.add(parent);
    const key = keyOf({ system, code: parent });
    if (isInside(key) && !isBelow(parent, code, known)) return key;
    if (known?.kind === 'memory') open.push(...(known.system.concepts.get(parent)?.parents ?? []));
  }
  return undefined;
}

/** Whether a parent stands under its own child: then neither is put under the other. */
function isBelow(parent: string, code: string, known: ReturnType<Stock['system']>): boolean {
  if (known?.kind !== 'memory') return false;
  const above = new Set([parent]);
  for (const each of above) for (const next of known.system.concepts.get(each)?.parents ?? []) above.add(next);
  return above.has(code);
}

export function contained({ entry, contains }: Contained, request: ExpandRequest): JsonObject {
  const { system, code, concept, listed } = entry;
  const display = displayOf(entry, request.displayLanguage);
  const designations = designationsShown(designationsFor(entry), request);
  return {
    system,
    ...(concept?.abstract === true || listed?.abstract === true ? { abstract: true } : {}),
    ...(concept?.inactive === true || listed?.inactive === true ? { inactive: true } : {}),
    code,
    ...(display === undefined ? {} : { display }),
    ...(designations.length === 0 ? {} : { designation: designations as unknown as JsonObject[] }),
    ...(contains.length === 0 ? {} : { contains: contains.map((each) => contained(each, request)) }),
  };
}

/** @see https://hl7.org/fhir/R4/valueset-operation-expand.html: a token is a use, or a language of `urn:ietf:bcp:47` */
function designationsShown(all: readonly Designation[], { includeDesignations, designation = [] }: ExpandRequest): readonly Designation[] {
  if (includeDesignations === false || (includeDesignations === undefined && designation.length === 0)) return [];
  if (designation.length === 0) return all;
  return all.filter(({ language, use }) =>
    designation.some((token) => {
      const bar = token.lastIndexOf('|');
      const [system, code] = [token.slice(0, Math.max(bar, 0)), token.slice(bar + 1)];
      if (system === 'urn:ietf:bcp:47') return isLanguage(language, code);
      return (use?.code === code && (system === '' || use.system === system)) || (system === '' && isLanguage(language, code));
    }),
  );
}
