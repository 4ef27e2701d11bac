import type { Config } from '../../config.ts';
import { parseReference } from '../../fhir/references.ts';
import { splitCanonical } from '../../fhir/version.ts';
import { parseSearch } from '../../search/parse.ts';
import { planSearch } from '../../search/plan.ts';
import type { Registry } from '../../search/registry.ts';
import { runSearch } from '../../search/run.ts';
import type { PlanContext } from '../../search/sink.ts';
import { escape } from '../../search/values.ts';
import type { Queryable } from '../../storage/database.ts';
import type { RowFilter } from '../../storage/filter.ts';
import type { Opener } from '../../storage/sealing.ts';
import type { Statistics } from '../../storage/statistics.ts';

/** How many stored resources of one url are looked at for the newest. */
const versionsMax = 20;

export type StoredLookup = {
  readonly type: string;
  /** A canonical url with or without `|version`, or a place of ours: `ValueSet/id`. */
  readonly canonical: string;
  /** What of a type may be seen. */
  readonly filter: (type: string) => RowFilter;
};

/** What of the interactions' context it takes. */
export type StoredContext = {
  readonly config: Config;
  readonly registry: Registry;
  readonly planContext: () => PlanContext;
  readonly open: Opener;
  readonly statistics: Statistics;
};

/** A resource that a client stored, by its url and version, else the one written last; or by its place. */
export async function findStored(
  ctx: StoredContext,
  db: Queryable,
  { type, canonical, filter }: StoredLookup,
): Promise<object | undefined> {
  const place = parseReference(canonical, ctx.config.baseUrl);
  const { url, version } = splitCanonical(canonical);
  const asked: [string, string][] =
    place.kind === 'local'
      ? [['_id', place.type === type ? place.id : '-']]
      : [['url', escape(url)], ...(version === undefined ? [] : [['version', escape(version)] as [string, string]])];
  const { query } = parseSearch(type, asked, ctx.registry, ctx.config, false);
  const plan = planSearch(query, filter, ctx.registry, ctx.planContext());
  const { rows } = await runSearch(db, plan, undefined, versionsMax, ctx.open, ctx.statistics);
  const newest = rows
    .filter(({ erased }) => !erased)
    .reduce<(typeof rows)[number] | undefined>(
      (last, row) => (last === undefined || row.lastUpdated > last.lastUpdated ? row : last),
      undefined,
    );
  return newest === undefined ? undefined : (JSON.parse(newest.json.toString('utf8')) as object);
}
