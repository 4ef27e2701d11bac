import { auditInsert, auditParameters } from './audit-rows.ts';
import { byteaArray, int8Array, timestamptzArray } from './binary.ts';
import type { Queryable } from './database.ts';
import {
  type FactTable,
  factTables,
  inputRows,
  inputTokens,
  newFacts,
  ownersAlive,
  rowParameterCount,
  rowParameters,
} from './parameters.ts';
import { relationOf } from './relations.ts';
import { instantOf, type NewVersion } from './rows.ts';

/** When each row was written, by rid. A row that is missing was not written: its id is taken, or an owner is erased. */
export type Written = ReadonlyMap<number, string>;

/** What a statement is written for: where its rows go, which of their facts there are, and whether events tell of them. */
type Shape = { readonly tables: readonly FactTable[]; readonly audited: boolean };

function shapeOf(tables: readonly FactTable[], rows: readonly NewVersion[]): Shape {
  return { tables, audited: rows.some(({ audit }) => audit !== undefined && audit.length > 0) };
}

/** Facts and audit events hang on the rows really written, so that a refused row leaves nothing behind. */
function insertText(table: 'resource' | 'audit_event', { tables, audited }: Shape): string {
  const isEvent = table === 'audit_event';
  const claimed = isEvent ? 'claimed as (insert into audit_id select ref_key from input on conflict do nothing returning ref_key), ' : '';
  // An audit event's id goes first into the register that spans the months. The ids of our own events aren't in it.
  const free = isEvent
    ? 'i.ref_key in (select ref_key from claimed) and not exists (select from audit_event e where e.ref_key = i.ref_key) and '
    : '';
  const now = `date_trunc('milliseconds', clock_timestamp())`;
  const [at, mac] = isEvent ? ownParameters(factsEnd(tables)) : [];
  const facts = tables.map(
    ({ name, columns }) => `, ${name}_added as (
  insert into ${name} (${columns.join(', ')}) select ${columns.join(', ')} from ${name}_new n where n.rid in (select rid from written)
)`,
  );
  return `with ${[inputRows, ...newFacts(tables)].join(', ')}, ${claimed}written as (
  insert into ${table} (rid, type, id, version, last_updated, interaction, ref_key, patient, clinical_at, tokens, content${isEvent ? ', mac' : ''})
  select i.rid, i.type, i.id, i.version, ${at === undefined ? now : `coalesce((${at}::timestamptz[])[i.n], ${now})`}, i.interaction, i.ref_key, i.patient, i.clinical_at, ${inputTokens}, i.content${mac === undefined ? '' : `, (${mac}::bytea[])[i.n]`}
  from input i where ${free}${ownersAlive} order by i.n
  ${isEvent ? '' : 'on conflict (type, ref_key) do nothing'}
  returning rid, last_updated
)${facts.join('')}${audited ? auditOfWritten(factsEnd(tables) + (isEvent ? 2 : 0)) : ''}
select rid, last_updated from written`;
}

/** The number of the first parameter behind those of rows and facts. */
const factsEnd = (tables: readonly FactTable[]): number => rowParameterCount + tables.reduce((sum, { columns }) => sum + columns.length, 1);

/** What only audit events have: when they were recorded, and their macs. */
const ownParameters = (first: number): readonly [string, string] => [`$${first}`, `$${first + 1}`];

const auditOfWritten = (first: number): string => `, audited as (
  ${auditInsert(first, { written: 'select rid from written' })}
)`;

/** The statement of a name and a shape: written once, then known to the connections by its name. */
const texts = new Map<string, string>();

function named(kind: string, { tables, audited }: Shape, write: () => string): { name: string; text: string } {
  // PostgreSQL tells names apart by their first 63 bytes: of a fact table its first letter must do.
  const name = `${kind}_${tables.map((table) => table.name.charAt('fact_'.length)).join('')}${audited ? '_audited' : ''}`;
  let text = texts.get(name);
  if (text === undefined) {
    text = write();
    texts.set(name, text);
  }
  return { name, text };
}

function parametersOf(rows: readonly NewVersion[], { tables, audited }: Shape, isEvent = false): Buffer[] {
  const own = isEvent
    ? [timestamptzArray(rows.map(({ recorded }) => recorded?.at ?? null)), byteaArray(rows.map(({ recorded }) => recorded?.mac ?? null))]
    : [];
  const parameters = [...rowParameters(rows), ...tables.flatMap((table) => table.encode(rows)), ...own];
  if (!audited) return parameters;
  const events = rows.flatMap(({ rid, audit = [] }) => audit.map((event) => ({ rid, event })));
  return [...parameters, ...auditParameters(events.map(({ event }) => event)), int8Array(events.map(({ rid }) => rid))];
}

/**
 * Takes the owners' locks that erasure takes exclusively. A statement of its own before the write: the write's snapshot
 * must be younger than the lock, or it could miss an erasure it waited for.
 */
export function lockOwners(client: Queryable, rows: readonly NewVersion[]): Promise<unknown> | undefined {
  const owners = [...new Set(rows.flatMap((row) => row.owners))].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  if (owners.length === 0) return undefined;
  return client.query({
    name: 'lock_owners',
    text: 'select count(pg_advisory_xact_lock_shared(k)) from unnest($1::int8[]) k',
    values: [int8Array(owners)],
  });
}

/**
 * Inserts first versions with their facts, in one statement; audit events in another one. Rows must come ordered by (type, id).
 * Rows whose id is taken are left out of the answer, and nothing of theirs is written.
 */
export async function insertVersions(client: Queryable, rows: readonly NewVersion[]): Promise<Written> {
  const byTarget = Map.groupBy(rows, ({ type }) => (type === 'AuditEvent' ? 'audit_event' : 'resource'));
  const answers = [...byTarget].map(([target, part]) => {
    const shape = shapeOf(
      factTables.filter((table) => part.some((row) => table.has(row))),
      part,
    );
    return client.query<{ rid: string; last_updated: string }>({
      ...named(`insert_${target}`, shape, () => insertText(target, shape)),
      values: parametersOf(part, shape, target === 'audit_event'),
    });
  });
  return writtenOf((await Promise.all(answers)).flatMap((answer) => answer.rows));
}

/** The tables where something may come or go. */
function touchedTables(rows: readonly NewVersion[]): FactTable[] {
  return factTables.filter(
    (table) => rows.some((row) => row.factsBefore?.includes(table.name) ?? true) || rows.some((row) => table.has(row)),
  );
}

/**
 * Facts that stay are not rewritten: only what is gone is deleted and only what is new is inserted.
 *
 * @param rows  the expression that has the rows whose facts are replaced, those of `written`
 */
export function factReplacements(tables: readonly FactTable[], rows: 'input' | 'written' = 'input'): string {
  return tables
    .map(({ name, columns }) => {
      const same = columns.map((column) => `f.${column} = n.${column}`).join(' and ');
      return `, ${name}_gone as (
  delete from ${name} f using ${rows} i where f.rid = i.rid and not exists (select from ${name}_new n where ${same})
), ${name}_added as (
  insert into ${name} (${columns.join(', ')}) select ${columns.map((column) => `n.${column}`).join(', ')} from ${name}_new n
  where n.rid in (select rid from written) and not exists (select from ${name} f where ${same})
)`;
    })
    .join('');
}

function replaceText(relation: string, { tables, audited }: Shape): string {
  return `with ${[inputRows, ...newFacts(tables)].join(', ')}, kept as (
  insert into resource_version (ref_key, version, rid, type, id, last_updated, interaction, deleted, patient, tokens, content, xid)
  select r.ref_key, r.version, r.rid, r.type, r.id, r.last_updated, r.interaction, r.deleted, r.patient, r.tokens, r.content, r.xid
  from ${relation} r join input i on r.type = i.type and r.ref_key = i.ref_key and r.version = i.version - 1 where ${ownersAlive}
  returning ref_key
), written as (
  update ${relation} r set version = i.version, interaction = i.interaction, deleted = i.content is null,
    last_updated = greatest(date_trunc('milliseconds', clock_timestamp()), r.last_updated + interval '1 millisecond'),
    patient = i.patient, clinical_at = i.clinical_at, tokens = ${inputTokens}, content = i.content, xid = pg_current_xact_id()
  from input i
  where r.type = i.type and r.ref_key = i.ref_key and r.version = i.version - 1 and i.ref_key in (select ref_key from kept)
  returning r.rid, r.last_updated
)${factReplacements(tables)}${audited ? auditOfWritten(factsEnd(tables)) : ''}
select rid, last_updated from written`;
}

/**
 * Writes the next version of rows that the same transaction has locked: the superseded version moves to
 * resource_version, the row and its facts are replaced. A deletion is a version without content or facts
 * that keeps patient and tokens, so that whoever could see the resource can still see that it is gone.
 */
export async function replaceVersions(client: Queryable, rows: readonly NewVersion[]): Promise<Written> {
  const byRelation = Map.groupBy(rows, (row) => relationOf(row.type));
  const answers = [...byRelation].map(([relation, part]) => {
    const shape = shapeOf(touchedTables(part), part);
    return client.query<{ rid: string; last_updated: string }>({
      ...named(`replace_${relation}`, shape, () => replaceText(relation, shape)),
      values: parametersOf(part, shape),
    });
  });
  return writtenOf((await Promise.all(answers)).flatMap((answer) => answer.rows));
}

function amendText(relation: string): string {
  return `with ${[inputRows, ...newFacts(factTables)].join(', ')}, written as (
  update ${relation} r set patient = i.patient, clinical_at = i.clinical_at, tokens = ${inputTokens}, content = i.content
  from input i where r.type = i.type and r.ref_key = i.ref_key and r.version = i.version and ${ownersAlive}
  returning r.rid, r.last_updated
)${factReplacements(factTables)}
select rid, last_updated from written`;
}

/** Rewrites current versions in place, as the same versions: what is found of them and who can open them changes, not what they say. */
export async function amendVersions(client: Queryable, rows: readonly NewVersion[]): Promise<void> {
  const byRelation = Map.groupBy(rows, (row) => relationOf(row.type));
  await Promise.all(
    [...byRelation].map(([relation, part]) =>
      client.query({ text: amendText(relation), values: parametersOf(part, { tables: factTables, audited: false }) }),
    ),
  );
}

function writtenOf(rows: readonly { rid: string; last_updated: string }[]): Written {
  return new Map(rows.map((row) => [Number(row.rid), instantOf(row.last_updated)]));
}
