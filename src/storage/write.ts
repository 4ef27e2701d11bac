import { int8Array } from './binary.ts';
import type { Queryable } from './database.ts';
import { factParameters, factTables, inputRows, inputTokens, ownersAlive, rowParameters } from './parameters.ts';
import { relationOf } from './relations.ts';
import { instantOf, type NewVersion } from './rows.ts';

/** When each row was written, by rid. A row that is missing was not written: its id is taken, or an owner is erased. */
export type Written = ReadonlyMap<number, string>;

/** Facts hang on the rows really written, so that a refused row leaves nothing behind. */
const factInserts = factTables
  .map(
    ({ table, columns, source }) => `${table}_new as (
  insert into ${table} (${columns.join(', ')})
  select ${columns.map((name) => `f.${name}`).join(', ')} from ${source} as f(${columns.join(', ')})
  where f.rid in (select rid from written) on conflict do nothing
)`,
  )
  .join(', ');

function insertText(table: string): string {
  return `with ${inputRows}, written as (
  insert into ${table} (rid, type, id, version, last_updated, interaction, ref_key, patient, clinical_at, tokens, content)
  select i.rid, i.type, i.id, i.version, date_trunc('milliseconds', clock_timestamp()), i.interaction, i.ref_key, i.patient, i.clinical_at, ${inputTokens}, i.content
  from input i where ${ownersAlive} order by i.n
  ${table === 'resource' ? 'on conflict (type, ref_key) do nothing' : ''}
  returning rid, last_updated
), ${factInserts}
select rid, last_updated from written`;
}

const insertResourceText = insertText('resource');

/** Audit events: the id goes first into the register that spans the months. */
const insertAuditText = insertText('audit_event')
  .replace(
    'written as (',
    'claimed as (insert into audit_id select ref_key from input on conflict do nothing returning ref_key), written as (',
  )
  .replace('from input i where', 'from input i where i.ref_key in (select ref_key from claimed) and');

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
 * Inserts first versions with their facts, in one statement. Rows must come ordered by (type, id).
 * Rows whose id is taken are left out of the answer, and nothing of theirs is written.
 */
export async function insertVersions(client: Queryable, rows: readonly NewVersion[]): Promise<Written> {
  const audit = rows[0]?.type === 'AuditEvent';
  const { rows: written } = await client.query<{ rid: string; last_updated: string }>({
    name: audit ? 'insert_audit_events' : 'insert_resources',
    text: audit ? insertAuditText : insertResourceText,
    values: [...rowParameters(rows), ...factParameters(rows)],
  });
  return writtenOf(written);
}

/** Facts that stay are not rewritten: only what is gone is deleted and only what is new is inserted. */
const factReplacements = factTables
  .map(({ table, columns, key, source }) => {
    const same = key.map((name) => `f.${name} = n.${name}`).join(' and ');
    return `${table}_new as materialized (select * from ${source} as f(${columns.join(', ')})),
${table}_gone as (
  delete from ${table} f using input i where f.rid = i.rid and not exists (select from ${table}_new n where ${same})
), ${table}_added as (
  insert into ${table} (${columns.join(', ')}) select distinct ${columns.join(', ')} from ${table}_new n
  where n.rid in (select rid from written) and not exists (select from ${table} f where ${same})
)`;
  })
  .join(', ');

function replaceText(relation: string): string {
  return `with ${inputRows}, kept as (
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
), ${factReplacements}
select rid, last_updated from written`;
}

/**
 * Writes the next version of rows that the same transaction has locked: the superseded version moves to
 * resource_version, the row and its facts are replaced. A deletion is a version without content or facts
 * that keeps patient and tokens, so that whoever could see the resource can still see that it is gone.
 */
export async function replaceVersions(client: Queryable, rows: readonly NewVersion[]): Promise<Written> {
  const byRelation = Map.groupBy(rows, (row) => relationOf(row.type));
  const answers = [...byRelation].map(([relation, part]) =>
    client.query<{ rid: string; last_updated: string }>({
      name: `replace_${relation}`,
      text: replaceText(relation),
      values: [...rowParameters(part), ...factParameters(part)],
    }),
  );
  const settled = await Promise.all(answers);
  return writtenOf(settled.flatMap((answer) => answer.rows));
}

function amendText(relation: string): string {
  return `with ${inputRows}, written as (
  update ${relation} r set patient = i.patient, clinical_at = i.clinical_at, tokens = ${inputTokens}, content = i.content
  from input i where r.type = i.type and r.ref_key = i.ref_key and r.version = i.version and ${ownersAlive}
  returning r.rid, r.last_updated
), ${factReplacements}
select rid, last_updated from written`;
}

/** Rewrites current versions in place, as the same versions: what is found of them and who can open them changes, not what they say. */
export async function amendVersions(client: Queryable, rows: readonly NewVersion[]): Promise<void> {
  const byRelation = Map.groupBy(rows, (row) => relationOf(row.type));
  await Promise.all(
    [...byRelation].map(([relation, part]) =>
      client.query({ text: amendText(relation), values: [...rowParameters(part), ...factParameters(part)] }),
    ),
  );
}

function writtenOf(rows: readonly { rid: string; last_updated: string }[]): Written {
  return new Map(rows.map((row) => [Number(row.rid), instantOf(row.last_updated)]));
}
