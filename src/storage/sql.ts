import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { atMost } from '../fhir/at-most.ts';

/** Collects the values of a statement while its text is written: `values.add(x)` gives `$1`. */
export type Values = { readonly list: unknown[]; add(value: unknown): string };

export function sqlValues(): Values {
  const list: unknown[] = [];
  return { list, add: (value) => `$${list.push(value)}` };
}

/**
 * A connection keeps what it has prepared under a name until it is closed, and clients decide on a search's shape: so there are only so
 * many names, given to texts that come again. All others are parsed each time.
 */
const namesMax = 1000;
const names = new Map<string, string>();
/** Texts that came once, by a short digest. */
const seen = new LRUCache<string, true>(atMost(10_000));

export type NamedStatement = { readonly text: string; readonly values: unknown[]; readonly name?: string };

/** The statement, under the name that a connection knows its text by, if it has one. */
export function statement(text: string, values: readonly unknown[]): NamedStatement {
  const name = names.get(text) ?? nameOf(text);
  return name === undefined ? { text, values: values as unknown[] } : { name, text, values: values as unknown[] };
}

function nameOf(text: string): string | undefined {
  if (names.size >= namesMax) return undefined;
  const name = `s${createHash('sha256').update(text).digest('base64url').slice(0, 20)}`;
  if (!seen.has(name)) {
    seen.set(name, true);
    return undefined;
  }
  names.set(text, name);
  return name;
}
