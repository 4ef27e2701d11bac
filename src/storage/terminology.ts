import type { Pool } from 'pg';

/** A code system in tables. */
export type TableSystem = {
  readonly id: number;
  readonly url: string;
  readonly version: string | undefined;
};

/** The code systems in tables, as terminology reads them. */
export type CodeTables = {
  /** The version that is loaded; without one, the one loaded last. */
  readonly system: (url: string, version: string | undefined) => Promise<TableSystem | undefined>;
};

export function codeTables(pool: Pool): CodeTables {
  return {
    async system(url, version) {
      const { rows } = await pool.query<TableSystem>(
        `select id, url, version from code_system where url = $1 and ($2::text is null or version = $2) and ready order by id desc limit 1`,
        [url, version ?? null],
      );
      return rows[0];
    },
  };
}
