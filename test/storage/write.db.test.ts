import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { AuditRow } from '../../src/storage/audit-rows.ts';
import { createBatch } from '../../src/storage/create-batch.ts';
import { inTransaction } from '../../src/storage/database.ts';
import { lockCurrent } from '../../src/storage/read.ts';
import type { Facts, NewVersion } from '../../src/storage/rows.ts';
import { instantOf, noFacts } from '../../src/storage/rows.ts';
import { insertVersions, lockOwners, replaceVersions } from '../../src/storage/write.ts';
import { openStore, type Store, tokenBytes, versionOf } from '../support/store.ts';

let store: Store;
beforeAll(async () => {
  store = await openStore();
  await store.sql('select ensure_audit_partition(now())');
});
beforeEach(() => store.sql('truncate resource, resource_version, fact_date, fact_quantity, fact_reference, fact_sort, erased_patient'));
afterAll(() => store?.close());

const day = Date.UTC(2024, 2, 1);
const facts: Facts = {
  dates: [
    { param: 1, pair: 0n, lo: day, hi: day + 86_400_000 },
    { param: 2, pair: 7n, lo: -Infinity, hi: day },
  ],
  quantities: [
    { param: 3, pair: 0n, unit: 0n, lo: 71.45, hi: 71.55 },
    { param: 3, pair: 0n, unit: -9n, lo: 71.45, hi: 71.55 },
  ],
  references: [{ param: 4, target: 77n }],
  sorts: [{ param: 5, low: -1n, high: 12n }],
};
const tables = ['fact_date', 'fact_quantity', 'fact_reference', 'fact_sort'] as const;
const factRows = async (rid: number): Promise<string[]> =>
  (
    await Promise.all(
      tables.map((table) => store.sql<{ row: string }>(`select f::text as row from ${table} f where rid = $1 order by 1`, [rid])),
    )
  )
    .flat()
    .map(({ row }) => row);
/** Where each fact lies and which transaction wrote it: the same only if it wasn't touched. */
const factPlaces = async (rid: number): Promise<Map<string, string>> => {
  const rows = await Promise.all(
    tables.map((table) =>
      store.sql<{ row: string; place: string }>(
        `select f::text as row, f.ctid::text || ' ' || f.xmin as place from ${table} f where rid = $1`,
        [rid],
      ),
    ),
  );
  return new Map(rows.flat().map(({ row, place }) => [row, place]));
};
type Row = {
  id: string;
  version: number;
  last_updated: string;
  interaction: string;
  deleted: boolean;
  content: Buffer | null;
  xid: string;
  patient: string | null;
};
const rowOf = async (rid: number): Promise<Row | undefined> => (await store.sql<Row>('select * from resource where rid = $1', [rid]))[0];
const insert = (...rows: NewVersion[]) =>
  inTransaction(store.pool, { retriesMax: 0 }, async ({ client }) => {
    await lockOwners(client, rows);
    return insertVersions(client, rows);
  });
const replace = (...rows: NewVersion[]) =>
  inTransaction(store.pool, { retriesMax: 0 }, async ({ client }) => {
    await lockCurrent(client, rows);
    await lockOwners(client, rows);
    return replaceVersions(client, rows);
  });

describe('a first version', () => {
  test('is written with its facts, its tokens, when it was written and by which transaction', async () => {
    const written = await insert(versionOf(1, { facts, patient: 77n, clinicalAt: day, tokens: tokenBytes(5n, -5n) }));
    const [row] = await store.sql<Row & { tokens: string[]; clinical_at: string; own: boolean }>(
      'select *, xmin::text = (xid::text::numeric % 4294967296)::text as own from resource where rid = 1',
    );
    expect(row).toMatchObject({ id: 'o1', version: 1, interaction: 'c', deleted: false, patient: '77', tokens: ['5', '-5'], own: true });
    expect(instantOf(row?.clinical_at ?? '')).toBe(new Date(day).toISOString());
    expect(row?.content?.toString()).toBe('content 1');
    expect(written.get(1)).toBe(instantOf(row?.last_updated ?? ''));
    expect(await factRows(1)).toHaveLength(6);
  });

  test('without tokens and facts is written too', async () => {
    await insert(versionOf(1, { tokens: Buffer.alloc(0) }));
    expect((await store.sql<{ n: number }>('select cardinality(tokens) as n from resource'))[0]?.n).toBe(0);
  });

  test('is one of many in a statement, each with what is its own', async () => {
    const rows = Array.from({ length: 40 }, (_, n) =>
      versionOf(n + 1, {
        type: n % 2 === 0 ? 'Observation' : 'Basic',
        tokens: tokenBytes(...Array.from({ length: n % 5 }, (_, at) => BigInt(n * 10 + at))),
        facts: { ...noFacts, references: Array.from({ length: n % 3 }, (_, at) => ({ param: at, target: BigInt(n) })) },
        content: n % 7 === 0 ? null : Buffer.from(`content ${n}`),
      }),
    );
    expect((await insert(...rows)).size).toBe(40);
    for (const { rid, tokens, facts: own, content } of rows) {
      const [row] = await store.sql<{ tokens: string[]; content: Buffer | null }>('select tokens, content from resource where rid = $1', [
        rid,
      ]);
      expect(tokenBytes(...(row?.tokens ?? []).map(BigInt))).toEqual(tokens);
      expect(row?.content?.toString()).toBe(content?.toString());
      expect(await factRows(rid)).toHaveLength(own.references.length);
    }
  });

  test('whose id is taken is left out, and nothing of it is written', async () => {
    await insert(versionOf(1, { facts }));
    const before = await rowOf(1);
    const taken = versionOf(2, { id: 'o1', refKey: versionOf(1).refKey, facts });
    const written = await insert(taken, versionOf(3, { facts }));
    expect([...written.keys()]).toEqual([3]);
    expect(await rowOf(1)).toEqual(before);
    expect(await rowOf(2)).toBeUndefined();
    expect(await factRows(2)).toEqual([]);
    expect(await factRows(3)).toHaveLength(6);
  });

  test('that names an erased patient is left out beside one that does not, and nothing of it is written', async () => {
    await store.sql('insert into erased_patient values (50)');
    const written = await insert(
      versionOf(1, { owners: [49n, 50n], facts }),
      versionOf(2, { owners: [49n], facts }),
      versionOf(3, { facts }),
    );
    expect([...written.keys()].sort((a, b) => a - b)).toEqual([2, 3]);
    expect(await factRows(1)).toEqual([]);
  });

  test('waits for an erasure that is under way, and then is refused', async () => {
    const eraser = await store.pool.connect();
    await eraser.query('begin');
    await eraser.query('select pg_advisory_xact_lock(50)');
    const writing = insert(versionOf(1, { owners: [50n] }));
    const first = await Promise.race([writing.then(() => 'written'), new Promise((resolve) => setTimeout(() => resolve('waits'), 100))]);
    expect(first).toBe('waits');
    await eraser.query('insert into erased_patient values (50)');
    await eraser.query('commit');
    eraser.release();
    expect((await writing).size).toBe(0);
  });
});

describe('the next version', () => {
  test('moves the one before to the history as it was, and takes its place', async () => {
    await insert(versionOf(1, { patient: 77n, tokens: tokenBytes(1n) }));
    const before = await rowOf(1);
    await replace(versionOf(1, { version: 2, interaction: 'u', tokens: tokenBytes(2n), content: Buffer.from('second') }));
    const after = await rowOf(1);
    expect(after).toMatchObject({ version: 2, interaction: 'u', patient: null, deleted: false });
    expect(after?.content?.toString()).toBe('second');
    expect(BigInt(after?.xid ?? 0)).toBeGreaterThan(BigInt(before?.xid ?? 0));
    const [kept] = await store.sql<Row & { tokens: string[] }>('select * from resource_version');
    expect(kept).toMatchObject({
      version: 1,
      interaction: 'c',
      patient: '77',
      tokens: ['1'],
      last_updated: before?.last_updated,
      xid: before?.xid,
    });
    expect(kept?.content?.toString()).toBe('content 1');
  });

  test('rewrites no fact that stays, adds the new ones and drops the old', async () => {
    await insert(versionOf(1, { facts }));
    const before = await factPlaces(1);
    const next: Facts = {
      ...facts,
      dates: [...facts.dates.slice(0, 1), { param: 2, pair: 8n, lo: day, hi: Infinity }],
      references: [...facts.references, { param: 4, target: 78n }],
      sorts: [],
    };
    await replace(versionOf(1, { version: 2, interaction: 'u', facts: next }));
    const after = await factPlaces(1);
    expect(after.size).toBe(2 + 2 + 2);
    const stayed = [...after].filter(([row]) => before.has(row));
    expect(stayed).toHaveLength(1 + 2 + 1);
    for (const [row, place] of stayed) expect(place).toBe(before.get(row));
    expect([...before.keys()].filter((row) => !after.has(row))).toHaveLength(2);
  });

  test('rewrites no fact at all where only the text differs', async () => {
    await insert(versionOf(1, { facts }));
    const before = await factPlaces(1);
    for (const version of [2, 3, 4]) await replace(versionOf(1, { version, interaction: 'u', facts, content: Buffer.from(`v${version}`) }));
    expect(await factPlaces(1)).toEqual(before);
  });

  test('touches the facts of no other row, in one statement with many', async () => {
    await insert(...[1, 2, 3].map((rid) => versionOf(rid, { facts })));
    const untouched = await factPlaces(3);
    await replace(
      versionOf(1, { version: 2, facts: noFacts }),
      versionOf(2, { version: 2, facts: { ...noFacts, references: [{ param: 9, target: 1n }] } }),
    );
    expect(await factRows(1)).toEqual([]);
    expect(await factRows(2)).toEqual(['(2,9,1)']);
    expect(await factPlaces(3)).toEqual(untouched);
  });

  test('as a deletion has no content and no facts', async () => {
    await insert(versionOf(1, { facts }));
    await replace(versionOf(1, { version: 2, interaction: 'd', content: null, facts: noFacts }));
    expect(await rowOf(1)).toMatchObject({ deleted: true, content: null, interaction: 'd', version: 2 });
    expect(await factRows(1)).toEqual([]);
    await replace(versionOf(1, { version: 3, interaction: 'u', facts }));
    expect(await rowOf(1)).toMatchObject({ deleted: false, version: 3 });
    expect(await factRows(1)).toHaveLength(6);
  });

  test('is written later than the one before, even when the clock was set back', async () => {
    await insert(versionOf(1));
    await store.sql(`update resource set last_updated = date_trunc('milliseconds', clock_timestamp()) + interval '1 hour'`);
    let last = Date.parse(instantOf((await rowOf(1))?.last_updated ?? ''));
    for (const version of [2, 3, 4]) {
      const written = await replace(versionOf(1, { version, interaction: 'u' }));
      expect(written.get(1)).toBe(new Date(last + 1).toISOString());
      last++;
    }
    const times = await store.sql<{ last_updated: string }>('select last_updated from resource_version order by version');
    expect(times.map(({ last_updated }) => Date.parse(instantOf(last_updated)))).toEqual([last - 3, last - 2, last - 1]);
  });

  test('of another version than the current one is not written, and leaves row, history and facts alone', async () => {
    await insert(versionOf(1, { facts }));
    const before = [await rowOf(1), await factPlaces(1)];
    for (const version of [1, 3]) expect((await replace(versionOf(1, { version, content: Buffer.from('no'), facts }))).size).toBe(0);
    expect([await rowOf(1), await factPlaces(1)]).toEqual(before);
    expect(await store.sql('select * from resource_version')).toEqual([]);
  });

  test('that names an erased patient is not written', async () => {
    await insert(versionOf(1, { facts }));
    await store.sql('insert into erased_patient values (50)');
    const before = [await rowOf(1), await factPlaces(1)];
    expect((await replace(versionOf(1, { version: 2, owners: [50n], facts }))).size).toBe(0);
    expect([await rowOf(1), await factPlaces(1)]).toEqual(before);
    expect(await store.sql('select * from resource_version')).toEqual([]);
  });

  test('written by many at once is one for each, without a gap', async () => {
    await insert(versionOf(1));
    const once = () =>
      inTransaction(store.pool, { retriesMax: 5 }, async ({ client }) => {
        const [current] = await lockCurrent(client, [versionOf(1)]);
        await replaceVersions(client, [versionOf(1, { version: (current?.version ?? 0) + 1, interaction: 'u' })]);
      });
    await Promise.all(Array.from({ length: 25 }, once));
    const versions = await store.sql<{ version: number; last_updated: string }>(
      'select version, last_updated from resource_version union all select version, last_updated from resource order by version',
    );
    expect(versions.map(({ version }) => version)).toEqual(Array.from({ length: 26 }, (_, n) => n + 1));
    const times = versions.map(({ last_updated }) => Date.parse(instantOf(last_updated)));
    expect(new Set(times).size).toBe(26);
    expect(times.toSorted((a, b) => a - b)).toEqual(times);
  });
});

describe('an audit event', () => {
  const event = (rid: number, id: string) =>
    versionOf(rid, { type: 'AuditEvent', id, refKey: BigInt(`0x${Buffer.from(id).toString('hex')}`), facts });
  test('goes into its own table, with facts, and its id is taken in all months', async () => {
    expect((await insert(event(1001, 'a'))).size).toBe(1);
    expect((await insert(event(1002, 'a'), event(1003, 'b'))).size).toBe(1);
    expect(await store.sql(`select rid::int, id from audit_event order by rid`)).toEqual([
      { rid: 1001, id: 'a' },
      { rid: 1003, id: 'b' },
    ]);
    expect([await factRows(1001), await factRows(1002)].map((rows) => rows.length)).toEqual([6, 0]);
    expect(await store.sql(`select * from resource where type = 'AuditEvent'`)).toEqual([]);
  });
});

describe('creates that arrive together', () => {
  test('are all written, and one bad row fails alone', async () => {
    const batch = createBatch({ pool: store.pool, retriesMax: 3, rowsMax: 20, inFlightMax: 2 });
    const good = Array.from({ length: 60 }, (_, n) => versionOf(n + 1, { facts }));
    const twice = versionOf(61, { id: 'o1', refKey: versionOf(1).refKey });
    const bad = versionOf(62, {
      facts: {
        ...noFacts,
        quantities: [
          { param: 1, pair: 0n, unit: 0n, lo: 1, hi: 2 },
          { param: 1, pair: 0n, unit: 0n, lo: 1, hi: 2 },
        ],
      },
      content: null,
      type: 'Observation',
    });
    const broken = { ...bad, rid: 63, id: 'o63', refKey: 63n, version: null as unknown as number };
    const results = await Promise.allSettled([...good, twice, bad, broken].map((row) => batch.add(row)));
    expect(results.slice(0, 60).filter(({ status }) => status === 'rejected')).toEqual([]);
    // Whoever of the two comes first has the id.
    const sameId = [results[0], results[60]].map((result) => (result?.status === 'fulfilled' ? typeof result.value : result?.status));
    expect(new Set(sameId)).toEqual(new Set(['string', 'undefined']));
    expect(results[61]?.status).toBe('fulfilled');
    expect(results[62]).toMatchObject({ status: 'rejected', reason: { code: '23502' } });
    expect(await store.sql('select count(*)::int as n from resource')).toEqual([{ n: 61 }]);
    expect(await factRows(60)).toHaveLength(6);
  });
});

describe('the events that tell of a write', () => {
  let next = 900_000;
  const eventOf = (n: number, patient: bigint | null = null): AuditRow => ({
    rid: next++,
    id: `event-${next}`,
    refKey: BigInt(next),
    at: Date.now(),
    patient,
    tokens: n === 0 ? Buffer.alloc(0) : tokenBytes(...Array.from({ length: n }, (_, at) => BigInt(at + n))),
    content: Buffer.from(`event ${next}`),
    mac: Buffer.from('mac'),
  });
  const recorded = () =>
    store.sql<{ id: string }>('select id from audit_event where rid >= 900000 and xid = any(select xid from resource) order by rid');
  const all = () => store.sql<{ n: number }>('select count(*)::int as n from audit_event where rid >= 900000');
  beforeEach(async () => {
    await store.sql('alter table audit_event disable trigger audit_event_unchanged');
    await store.sql('delete from audit_event');
    await store.sql('alter table audit_event enable trigger audit_event_unchanged');
  });

  test('are as they were made, and in the transaction of the row', async () => {
    const events = [eventOf(3, 5n), eventOf(0), eventOf(1)];
    await insertVersions(store.pool, [
      versionOf(1, { audit: events.slice(0, 2) }),
      versionOf(2),
      versionOf(3, { audit: events.slice(2), facts }),
    ]);
    expect((await recorded()).map(({ id }) => id)).toEqual(events.map(({ id }) => id));
    const [first] = await store.sql(
      `select rid::int, version, interaction, deleted, ref_key::text, patient::int, tokens::text, content, mac, last_updated = clinical_at as same,
         (extract(epoch from last_updated) * 1000)::float8 as at from audit_event where id = $1`,
      [events[0]?.id],
    );
    const { rid, at, content, mac, refKey } = events[0] ?? eventOf(0);
    const told = {
      rid,
      at,
      content,
      mac,
      ref_key: refKey.toString(),
      patient: 5,
      tokens: '{3,4,5}',
      version: 1,
      interaction: 'c',
      deleted: false,
      same: true,
    };
    expect(first).toEqual(told);
    const [second] = await store.sql('select tokens::text, patient from audit_event where id = $1', [events[1]?.id]);
    expect(second).toEqual({ tokens: '{}', patient: null });
  });

  test('are left out with a row that is refused: its id is taken, or an owner is erased', async () => {
    await insertVersions(store.pool, [versionOf(1)]);
    await store.sql('insert into erased_patient (ref_key) values (77)');
    const kept = eventOf(1);
    const written = await insertVersions(store.pool, [
      { ...versionOf(2, { audit: [eventOf(1)] }), id: 'o1', refKey: versionOf(1).refKey },
      versionOf(3, { owners: [77n], audit: [eventOf(1)] }),
      versionOf(4, { audit: [kept] }),
    ]);
    expect([...written.keys()]).toEqual([4]);
    expect(await recorded()).toEqual([{ id: kept.id }]);
    expect(await all()).toEqual([{ n: 1 }]);
  });

  test('come with the next version, and not with one that somebody else was before', async () => {
    await insertVersions(store.pool, [versionOf(1), versionOf(2)]);
    const kept = [eventOf(1), eventOf(2)];
    await replaceVersions(store.pool, [
      versionOf(1, { version: 2, audit: kept, facts }),
      versionOf(2, { version: 3, audit: [eventOf(1)] }),
    ]);
    expect((await recorded()).map(({ id }) => id)).toEqual(kept.map(({ id }) => id));
    expect(await all()).toEqual([{ n: 2 }]);
  });

  test('go with a transaction that is rolled back', async () => {
    const undone = inTransaction(store.pool, { retriesMax: 0 }, async ({ client }) => {
      await insertVersions(client, [versionOf(1, { audit: [eventOf(1)] })]);
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect(await all()).toEqual([{ n: 0 }]);
  });

  test('that can not be written undo the write', async () => {
    const broken = { ...eventOf(1), mac: eventOf(1).mac, id: 'a\u0000b' };
    await expect(insertVersions(store.pool, [versionOf(1, { audit: [broken] })])).rejects.toThrow(/0x00/);
    expect(await store.sql('select 1 from resource')).toEqual([]);
  });

  test('come with an AuditEvent that somebody else sent, which is recorded at its time with its mac', async () => {
    const at = Date.now() - 1234;
    const kept = eventOf(1);
    const row = { ...versionOf(1), type: 'AuditEvent', id: 'sent', recorded: { at, mac: Buffer.from('own') }, audit: [kept] };
    await insertVersions(store.pool, [row]);
    expect(
      await store.sql(
        `select id, mac, (extract(epoch from last_updated) * 1000)::float8 as at from audit_event where id in ('sent', $1) order by rid`,
        [kept.id],
      ),
    ).toEqual([
      { id: 'sent', mac: Buffer.from('own'), at },
      { id: kept.id, mac: kept.mac, at: kept.at },
    ]);
    await insertVersions(store.pool, [{ ...row, rid: 2, audit: [eventOf(1)] }]);
    expect(await all()).toEqual([{ n: 1 }]);
  });
});
