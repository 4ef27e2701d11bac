import type { Queryable } from './database.ts';
import { statement } from './sql.ts';

/** A code system in tables. */
export type TableSystem = {
  readonly id: number;
  readonly url: string;
  readonly version: string | undefined;
  readonly name: string | undefined;
  /** Its hierarchy tells which codes are kinds of which. */
  readonly subsumes: boolean;
  readonly concepts: number;
  /** What is told of its properties, by their codes. */
  readonly properties: Readonly<Record<string, TableProperty>>;
};

export type TableProperty = {
  readonly type: 'code' | 'string' | 'boolean' | 'integer' | 'decimal' | 'dateTime';
  readonly description?: string;
};

export type TableConcept = {
  readonly code: string;
  readonly display: string | undefined;
  readonly definition: string | undefined;
  readonly active: boolean;
  readonly abstract: boolean;
  readonly properties: Readonly<Record<string, readonly string[]>>;
  readonly designations: readonly { readonly language?: string; readonly use?: string; readonly value: string }[];
  readonly parents: readonly string[];
  readonly children: readonly string[];
  /** All codes that it is a kind of, without itself. */
  readonly ancestors: readonly string[];
};

/** Which codes of a system: an SQL condition on `c`, with its values, made by `table-filters.ts` alone. */
export type Selection = { readonly text: string; readonly values: readonly unknown[] };

/** The code systems in tables, as terminology reads them. */
export type CodeTables = {
  /** The version that is asked for, else the one loaded last. */
  readonly system: (url: string, version: string | undefined) => Promise<TableSystem | undefined>;
  /** What is known of these codes; those that aren't there are left out. */
  readonly concepts: (system: TableSystem, codes: readonly string[]) => Promise<readonly TableConcept[]>;
  /** The code and all that are a kind of it, in no order, no more than `limit`. */
  readonly descendants: (system: TableSystem, code: string, limit: number) => Promise<readonly string[]>;
  /** The codes of a selection, in their order, no more than `limit`. */
  readonly select: (system: TableSystem, selection: Selection, limit: number) => Promise<readonly TableConcept[]>;
};

type SystemRow = Omit<TableSystem, 'version' | 'name'> & { readonly version: string; readonly name: string | null };

export function codeTables(db: Queryable): CodeTables {
  return {
    async system(url, version) {
      const { rows } = await db.query<SystemRow>(
        // Rides code_system_in_force.
        statement(
          `select id, url, version, name, subsumes, properties, concepts from code_system
           where url = $1 and ready and ($2::text is null or version = $2) order by id desc limit 1`,
          [url, version ?? null],
        ),
      );
      const [row] = rows;
      return row === undefined ? undefined : { ...row, version: row.version === '' ? undefined : row.version, name: row.name ?? undefined };
    },
    async concepts(system, codes) {
      const { rows } = await db.query<ConceptRow>(
        // Rides the primary key; up by concept_link_child, down by the primary key of concept_link.
        statement(
          `select ${conceptColumns},
             array(select l.parent from concept_link l where l.system = $1 and l.child = c.code order by 1) as parents,
             array(select l.child from concept_link l where l.system = $1 and l.parent = c.code order by 1 limit ${childrenMax}) as children,
             array(with recursive above (code) as (
               select l.parent from concept_link l where l.system = $1 and l.child = c.code
               union select l.parent from above a join concept_link l on l.system = $1 and l.child = a.code)
               select code from above) as ancestors
           from concept c where c.system = $1 and c.code = any($2::text[])`,
          [system.id, codes],
        ),
      );
      return rows.map(tableConcept);
    },
    async descendants(system, code, limit) {
      const { rows } = await db.query<{ code: string }>(
        // Rides the primary key of concept_link, and walks no further than the limit.
        statement(
          `with recursive below (code) as (select $2::text collate "C"
             union select l.child from below b join concept_link l on l.system = $1 and l.parent = b.code)
           select code from below limit $3::int`,
          [system.id, code, limit],
        ),
      );
      return rows.map((row) => row.code);
    },
    async select(system, { text, values }, limit) {
      const { rows } = await db.query<ConceptRow>(
        statement(
          `select ${conceptColumns}, '{}'::text[] as parents, '{}'::text[] as children, '{}'::text[] as ancestors
           from concept c where c.system = $1 and ${text} order by c.code limit $2::int`,
          [system.id, limit, ...values],
        ),
      );
      return rows.map(tableConcept);
    },
  };
}

/** A concept's children that are told. */
const childrenMax = 1_000;

const conceptColumns = `c.code, c.display, c.definition, c.active, c.abstract, c.properties,
  (select coalesce(json_agg(json_strip_nulls(json_build_object('language', d.language, 'use', d.use, 'value', d.value))), '[]')
   from concept_designation d where d.system = $1 and d.code = c.code) as designations`;

type ConceptRow = Omit<TableConcept, 'display' | 'definition'> & { readonly display: string | null; readonly definition: string | null };

function tableConcept({ display, definition, ...row }: ConceptRow): TableConcept {
  return { ...row, display: display ?? undefined, definition: definition ?? undefined };
}
