import type { Context } from '../../interactions/context.ts';
import type { Resource } from '../view.ts';

/** What one line of an import makes. */
export type Made = {
  readonly type: string;
  readonly id: string;
  readonly resource: Resource;
};

/** No other living resource of the type may have this value: `email` of a patient. */
export type Unique = { readonly field: string; readonly type: string; readonly parameter: string; readonly value: string };

/** What a line refers to has to exist. */
export type Needed = { readonly field: string; readonly type: string; readonly id: string };

/** What a line asks for, once it is known to be as the contract says. */
export type Line = { readonly made: readonly Made[]; readonly unique: readonly Unique[]; readonly needed: readonly Needed[] };

/** A column of a CSV file: where its value belongs, and what kind it is. */
export type Column = { readonly path: readonly (string | number)[]; readonly kind: 'text' | 'boolean' | 'whole' };

/** What can be imported: read by the same rules as when it is sent one by one. */
export type ImportKind = {
  /** What the caller has to be allowed to create. */
  readonly type: string;
  /** The operation whose body a line is. */
  readonly operation: string;
  /** The column of this name, if there is one. */
  readonly columnOf: (name: string) => Column | undefined;
  /** What exports tell and the server sets: it is left out of what is read. */
  readonly ignored: ReadonlySet<string>;
  /**
   * @param value  it meets the contract's schema
   * @param idOf   the id of the n-th resource that the line makes
   * @throws       NativeError 422 with the fields
   */
  readonly read: (value: object, idOf: (type: string, n: number) => string, ctx: Context) => Line | Promise<Line>;
};

/** Columns by their names: `address.line1`, and `allergies[0]` for the items of a list. */
export function columnsOf(names: Readonly<Record<string, Column['kind']>>, lists: readonly string[]): (name: string) => Column | undefined {
  const columns = new Map(Object.entries(names).map(([name, kind]) => [name, { path: name.split('.'), kind }]));
  return (name) => {
    const [, list = '', index = ''] = /^([a-z_]+)\[(\d{1,2})\]$/.exec(name) ?? [];
    return lists.includes(list) ? { path: [list, Number(index)], kind: 'text' } : columns.get(name);
  };
}
