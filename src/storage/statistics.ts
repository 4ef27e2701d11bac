import type { Queryable } from './database.ts';

/** What PostgreSQL's last look at a relation told of its tokens. */
export type RelationStatistics = {
  /** Living rows and deleted, about. */
  readonly rows: number;
  /** What share of the rows hold the token. A token that isn't listed is rarer than all that are. */
  readonly shareOf: (token: bigint) => number;
};

export type Statistics = {
  /** Undefined where the relation was never analysed. */
  readonly of: (relation: string) => RelationStatistics | undefined;
  /** Reads them anew. */
  readonly refresh: () => Promise<void>;
};

/** Where it is known that few rows hold what is asked for: they are gathered. */
export const allRare: Pick<Statistics, 'of'> = { of: () => ({ rows: 0, shareOf: () => 0 }) };

/** Rarer tokens than this make no difference to how a search is run, and there may be thousands of them. */
export const shareMin = 0.001;

type Row = { readonly relation: string; readonly rows: number; readonly tokens: string[] | null; readonly shares: number[] | null };

/** How frequent the frequent tokens are, of every relation, kept in memory: a few hundred numbers each. */
export function tokenStatistics(db: Queryable): Statistics {
  let known: ReadonlyMap<string, RelationStatistics> = new Map();
  return {
    of: (relation) => known.get(relation),
    async refresh() {
      const { rows } = await db.query<Row>(
        `select c.relname as relation, c.reltuples::float8 as rows, e.tokens, e.shares
         from pg_class c
         join pg_stats s on s.schemaname = 'public' and s.tablename = c.relname and s.attname = 'tokens'
         cross join lateral (
           select array_agg(m.token::text) as tokens, array_agg(m.share::float8) as shares
           from unnest(s.most_common_elems::text::int8[], s.most_common_elem_freqs) m(token, share)
           where m.token is not null and m.share >= $1) e
         where c.relnamespace = 'public'::regnamespace and c.reltuples >= 0`,
        [shareMin],
      );
      known = new Map(rows.map((row) => [row.relation, statisticsOf(row)]));
    },
  };
}

function statisticsOf({ rows, tokens, shares }: Row): RelationStatistics {
  const listed = new Map((tokens ?? []).map((token, at) => [BigInt(token), shares?.[at] ?? 0]));
  return { rows, shareOf: (token) => listed.get(token) ?? shareMin / 2 };
}
