import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';

/** Collects the values of a statement while its text is written: `values.add(x)` gives `$1`. */
export type Values = { readonly list: unknown[]; add(value: unknown): string };

export function sqlValues(): Values {
  const list: unknown[] = [];
  return { list, add: (value) => `$${list.push(value)}` };
}

/** A statement text is parsed once per connection under this name. The set of texts is bounded by what the planner can shape. */
const names = new LRUCache<string, string>({ max: 5000 });

export function statement(text: string, values: readonly unknown[]): { name: string; text: string; values: unknown[] } {
  let name = names.get(text);
  if (name === undefined) {
    name = `s${createHash('sha256').update(text).digest('base64url').slice(0, 20)}`;
    names.set(text, name);
  }
  return { name, text, values: values as unknown[] };
}
