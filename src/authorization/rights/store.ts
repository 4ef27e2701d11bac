import { parseSearch } from '../../search/parse.ts';
import { planSearch, type Plan } from '../../search/plan.ts';
import { runSearch } from '../../search/run.ts';
import { patientsStatement } from '../../search/statements.ts';
import type { Queryable } from '../../storage/database.ts';
import { readCurrent } from '../../storage/read.ts';
import type { Opener } from '../../storage/sealing.ts';
import { statement } from '../../storage/sql.ts';
import type { Params, TokenContext } from './token-groups.ts';

/** What rights are read from: the store itself, past all restrictions. Nothing that is read by it goes out. */
export type RightsStore = TokenContext & {
  readonly db: Queryable;
  readonly open: Opener;
  readonly refKeyOf: (type: string, id: string) => bigint;
};

export type StoredResource = Readonly<Record<string, unknown>>;

/** A living resource. */
export async function readOne(store: RightsStore, type: string, id: string): Promise<StoredResource | undefined> {
  const row = await readCurrent(store.db, { type, id, refKey: store.refKeyOf(type, id) }, 'all');
  if (row === undefined || row.deleted || row.erased) return undefined;
  const [opened] = await store.open([row]);
  return opened === undefined || opened.erased ? undefined : parsed(opened.json, id);
}

/** The newest matches, at most `limit`. */
export async function findAll(store: RightsStore, type: string, params: Params, limit: number): Promise<StoredResource[]> {
  const page = await runSearch(
    store.db,
    planned(store, type, params),
    { position: { values: [], rid: ridMax }, backwards: true },
    limit,
    store.open,
  );
  return page.rows.filter(({ erased }) => !erased).map(({ json, id }) => parsed(json, id));
}

/** Ids of the patients whom the matches are about. */
export async function patientsOf(store: RightsStore, type: string, params: Params, limit: number): Promise<string[]> {
  const { text, values } = patientsStatement(planned(store, type, params), limit);
  const { rows } = await store.db.query<{ readonly id: string }>(statement(text, values));
  return rows.map(({ id }) => id);
}

const ridMax = Number.MAX_SAFE_INTEGER;

function planned({ registry, limits, plan }: RightsStore, type: string, params: Params): Plan {
  const { query } = parseSearch(type, params, registry, limits, false);
  return planSearch(query, () => 'all', registry, { ...plan, now: Date.now() });
}

function parsed(json: Buffer, id: string): StoredResource {
  return { ...(JSON.parse(json.toString('utf8')) as StoredResource), id };
}
