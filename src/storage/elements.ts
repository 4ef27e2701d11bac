import type { Queryable } from './database.ts';

/** An element that facts are kept of: `date Observation.effective`. */
export type ElementName = { readonly type: string; readonly path: string };

/** The number that stands for each element in the fact tables. */
export type ElementNumbers = (element: ElementName) => number;

/**
 * Loads the numbers of search_element. When the store was last filled under another edition of the definitions, the elements
 * of this edition are added first; `all` is only called then.
 */
export async function loadElementNumbers(db: Queryable, edition: string, all: () => readonly ElementName[]): Promise<ElementNumbers> {
  const state = await db.query<{ value: string }>(`select value from store_state where name = 'search_elements'`);
  if (state.rows[0]?.value !== edition) {
    const elements = all();
    await db.query(
      'insert into search_element (type, path) select * from unnest($1::text[], $2::text[]) order by 1, 2 on conflict do nothing',
      [elements.map(({ type }) => type), elements.map(({ path }) => path)],
    );
    await db.query(`insert into store_state values ('search_elements', $1) on conflict (name) do update set value = excluded.value`, [
      edition,
    ]);
  }
  const { rows } = await db.query<{ param: number; type: string; path: string }>('select param, type, path from search_element');
  const numbers = new Map(rows.map(({ param, type, path }) => [`${type} ${path}`, param]));
  return ({ type, path }) => {
    const number = numbers.get(`${type} ${path}`);
    if (number === undefined) throw new Error(`no number for the search element ${type} ${path}`);
    return number;
  };
}
