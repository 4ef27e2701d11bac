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
    await addElements(db, all());
    await db.query(`insert into store_state values ('search_elements', $1) on conflict (name) do update set value = excluded.value`, [
      edition,
    ]);
  }
  return readElementNumbers(db);
}

/** Numbers what has none yet. A conflict would use numbers up, of which there are 32,767. */
export async function addElements(db: Queryable, elements: readonly ElementName[]): Promise<void> {
  await db.query(
    `insert into search_element (type, path)
     select distinct type, path from unnest($1::text[], $2::text[]) as e(type, path)
     where not exists (select from search_element known where known.type = e.type and known.path = e.path)
     order by 1, 2 on conflict do nothing`,
    [elements.map(({ type }) => type), elements.map(({ path }) => path)],
  );
}

const numberMax = 32_767;

/** Whether there are numbers for all that have none yet. */
export async function canNumber(db: Queryable, elements: readonly ElementName[]): Promise<boolean> {
  const { rows } = await db.query<{ last: number; missing: string }>(
    `select coalesce((select max(param) from search_element), 0) as last,
       (select count(*) from (select distinct type, path from unnest($1::text[], $2::text[]) as e(type, path)) e
        where not exists (select from search_element known where known.type = e.type and known.path = e.path)) as missing`,
    [elements.map(({ type }) => type), elements.map(({ path }) => path)],
  );
  return (rows[0]?.last ?? 0) + Number(rows[0]?.missing ?? 0) <= numberMax;
}

export async function readElementNumbers(db: Queryable): Promise<ElementNumbers> {
  const { rows } = await db.query<{ param: number; type: string; path: string }>('select param, type, path from search_element');
  const numbers = new Map(rows.map(({ param, type, path }) => [`${type} ${path}`, param]));
  return ({ type, path }) => {
    const number = numbers.get(`${type} ${path}`);
    if (number === undefined) throw new Error(`no number for the search element ${type} ${path}`);
    return number;
  };
}
