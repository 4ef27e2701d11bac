import type { TokenSet } from '../encryption/token-set.ts';
import type { TokenKey } from '../encryption/token.ts';
import { isId } from '../fhir/references.ts';
import type { Registry } from './registry.ts';
import { isRecord, textOf } from './sink.ts';

/** A resource inside another, with its place among those. */
export type Contained = {
  readonly type: string;
  readonly id: string;
  readonly at: number;
  readonly resource: Readonly<Record<string, unknown>>;
};

/** What a resource contains that can be searched for: what has an id, and a type that is one. @see https://hl7.org/fhir/R4/references.html#contained */
export function containedIn({ contained }: { readonly contained?: unknown }, registry: Registry): Contained[] {
  if (!Array.isArray(contained)) return [];
  return contained.flatMap((resource: unknown, at) => {
    if (!isRecord(resource)) return [];
    const type = textOf(resource.resourceType);
    const id = textOf(resource.id);
    return type !== undefined && id !== undefined && isId(id) && registry.isType(type) ? { type, id, at, resource } : [];
  });
}

/** What stands before all that a row is found by for what it contains: nothing that looks for the row itself meets it. */
const mark = 'in';

/** A token of every row that contains a resource of the type. */
export const containsParts = (type: string): string[] => [mark, type];

/** Adds to `tokens` what is found in a contained resource. */
export function insideTokens(tokens: TokenSet): TokenSet {
  return {
    ...tokens,
    add: (parts) => tokens.add([mark, ...parts]),
    addPrefixes: (before, text, max) => tokens.addPrefixes([mark, ...before], text, max),
  };
}

/** Makes the tokens of what is searched for in a contained resource. */
export function insideKey(key: TokenKey): TokenKey {
  return {
    ...key,
    compute: (parts) => key.compute([mark, ...parts]),
    computePrefixes: (before, text, max, each) => key.computePrefixes([mark, ...before], text, max, each),
  };
}
