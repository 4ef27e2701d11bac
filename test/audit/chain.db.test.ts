import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, type Pool, type PoolClient } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Anchor, type Anchors, anchorOf, makeAnchors } from '../../src/audit/anchors.ts';
import { genesis, makeChain } from '../../src/audit/chain.ts';
import { makeRowMac } from '../../src/audit/row-mac.ts';
import { sealNext } from '../../src/audit/sealer.ts';
import { verifyTrail, type VerifyReport } from '../../src/audit/verify.ts';
import { watchWholeness } from '../../src/audit/wholeness.ts';
import { blocksAfter, lastBlock, sealable } from '../../src/storage/audit-blocks.ts';
import { type AuditRow, insertAuditRows, insertMissingAuditRows } from '../../src/storage/audit-rows.ts';
import { openDatabase, type Queryable } from '../../src/storage/database.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { openStore, type Store, tokenBytes } from '../support/store.ts';

const secret = randomBytes(32);
const chain = makeChain(secret);
const mac = makeRowMac(secret);
let rid = 0;

function event(at = Date.now()): AuditRow {
  const row = {
    rid: ++rid,
    id: randomUUID(),
    refKey: randomBytes(8).readBigInt64BE(),
    at,
    patient: rid % 3 === 1 ? null : BigInt(rid),
    tokens: tokenBytes(1n, BigInt(rid)),
    content: randomBytes(100),
  };
  return { ...row, mac: mac.of(row) };
}

let store: Store;
let folder: string;
let anchors: Anchors;
beforeAll(async () => {
  [store, folder] = await Promise.all([openStore(), mkdtemp(join(tmpdir(), 'anamnesis-chain-'))]);
  anchors = makeAnchors({ file: join(folder, 'anchors', 'audit.ndjson'), timeoutMs: 1_000 });
  await store.sql('select ensure_audit_partition(now())');
  // Five blocks of four events, the third of them anchored; then two events that no block seals.
  for (let block = 1; block <= 5; block++) {
    for (let part = 0; part < 2; part++) await insertAuditRows(store.pool, [event(), event()]);
    await sealFour();
    const last = await lastBlock(store.pool);
    if (block === 3 && last !== undefined) await anchors.write(anchorOf(last, new Date()));
  }
  await insertAuditRows(store.pool, [event(), event()]);
});
/** Transactions of other tests on the same server hold the horizon back. */
async function sealFour(): Promise<void> {
  const { last } = (await lastBlock(store.pool)) ?? genesis;
  while ((await sealable(store.pool, last, 10))?.count !== 4) await delay(10);
  await sealNext(store.pool, chain);
}
afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

async function verify(db: Queryable = store.pool, between?: { from: number; to: number }): Promise<VerifyReport> {
  return verifyTrail({ db, chain, secret, anchors: await anchors.read(), ...(between === undefined ? {} : { between }) });
}

async function chainOf(n: number) {
  const [block] = await blocksAfter(store.pool, n - 1, 1);
  if (block?.n !== n) throw new Error(`block ${n}`);
  return block;
}

let copy: { readonly client: PoolClient; readonly close: () => Promise<void> };
beforeAll(async () => {
  const name = `copy_${randomBytes(6).toString('hex')}`;
  const url = new URL(store.url);
  const original = url.pathname.slice(1);
  url.pathname = '/postgres';
  const admin = new Client({ connectionString: url.href });
  await admin.connect();
  await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [original]);
  await admin.query(`create database ${name} template ${original}`);
  url.pathname = `/${name}`;
  const database = await openDatabase({
    url: url.href,
    poolSize: 1,
    applicationName: 'copy',
    statementTimeoutMs: 10_000,
    plans: 'generic',
  });
  const client = await database.pool.connect();
  copy = {
    client,
    async close() {
      client.release();
      await database.close();
      await admin.query(`drop database ${name} with (force)`);
      await admin.end();
    },
  };
});
afterAll(() => copy.close());

/** What is found on a copy of the database, changed by somebody to whom no right and no trigger matters. */
async function verifyAfter(change: string): Promise<VerifyReport> {
  await copy.client.query(`begin; set local session_replication_role = replica; ${change}`);
  try {
    return await verify(copy.client);
  } finally {
    await copy.client.query('rollback');
  }
}

/** The second event of the second block. */
const victim = '(select rid from audit_event order by xid, rid offset 5 limit 1)';
const other = '(select rid from audit_event order by xid, rid offset 10 limit 1)';
const wide =
  'alter table audit_event drop constraint if exists audit_event_type_check, drop constraint if exists audit_event_deleted_check';

describe('a trail that nobody touched', () => {
  test('is whole, and says how far that is certain', async () => {
    const report = await verify();
    expect(report).toMatchObject({
      blocks: 5,
      rows: 20,
      findings: [],
      cut: false,
      unsealed: { rows: 2 },
      anchored: { block: 3 },
      late: null,
      waiting: 0,
    });
    expect(report.unsealed.since).toMatch(/^20\d\d-/);
  });

  test('is whole where only a part of it is asked for', async () => {
    const [first] = await store.sql<{ at: number }>(
      'select (extract(epoch from last_updated) * 1000)::float8 as at from audit_event order by xid, rid offset 6 limit 1',
    );
    const at = first?.at ?? 0;
    const report = await verify(store.pool, { from: at, to: at });
    expect(report.findings).toEqual([]);
    expect(report.blocks).toBeGreaterThanOrEqual(1);
    expect(report.blocks).toBeLessThan(5);
  });

  test('is whole in a copy too', async () => {
    expect((await verifyAfter('select 1')).findings).toEqual([]);
  });
});

describe('a copy in which one row was altered', () => {
  test.each([
    ['xid', `xid = '3'`],
    ['rid', 'rid = rid + 100000'],
    ['id', `id = 'x' || id`],
    ['type', `type = 'Patient'`],
    ['version', 'version = 2'],
    ['interaction', `interaction = 'u'`],
    ['deleted', 'deleted = true'],
    ['ref_key', 'ref_key = ref_key + 1'],
    ['patient', 'patient = coalesce(patient, 0) + 1'],
    ['patient, to none', 'patient = null'],
    ['last_updated', `last_updated = last_updated + interval '1 microsecond'`],
    ['clinical_at', `clinical_at = clinical_at + interval '1 microsecond'`],
    ['clinical_at, to none', 'clinical_at = null'],
    ['tokens', 'tokens = tokens[:1]'],
    ['tokens, to their order', 'tokens = array[tokens[2], tokens[1]]'],
    ['content', `content = set_byte(content, 50, (get_byte(content, 50) + 1) % 256)`],
    ['mac', `mac = set_byte(mac, 5, (get_byte(mac, 5) + 1) % 256)`],
    ['mac, to none', 'mac = null'],
  ])('%s: it is found in its block', async (_, set) => {
    const { findings } = await verifyAfter(`${wide}; update audit_event set ${set} where rid = ${victim}`);
    expect(findings.length).toBeGreaterThan(0);
    expect(findings.some(({ block }) => block === 2 || block === 1)).toBe(true);
    const [row] = await store.sql<{ id: string }>(`select id from audit_event where rid = ${victim}`);
    if (!set.startsWith('xid')) expect(findings.find(({ fault }) => fault === 'row-altered')?.row?.id).toContain(row?.id);
  });

  test('before it was sealed: it is found', async () => {
    const { findings } = await verifyAfter('update audit_event set patient = 7 where rid = (select max(rid) from audit_event)');
    expect(findings).toMatchObject([{ fault: 'row-altered', row: { rid: '22' } }]);
  });
});

describe('a copy in which the trail was', () => {
  const copyOf = (rids: string, columns: string) =>
    `insert into audit_event (rid, type, id, version, last_updated, interaction, deleted, ref_key, patient, clinical_at, tokens, content, mac, xid)
     select rid, type, id, version, last_updated, interaction, deleted, ref_key, patient, clinical_at, tokens, content, mac, ${columns} from audit_event where rid = ${rids}`;

  /** The database doesn't take a row twice, unless its owner lets it. */
  const bare = 'drop index audit_event_updated';

  test.each([
    ['robbed of a row', `delete from audit_event where rid = ${victim}`, { fault: 'rows-missing', block: 2 }],
    [
      'given a row of its own making',
      copyOf(victim, 'xid').replace('select rid,', 'select rid + 100000,'),
      { fault: 'rows-added', block: 2 },
    ],
    ['given a row a second time', `${bare}; ${copyOf(victim, 'xid')}`, { fault: 'rows-added', block: 2 }],
    [
      'given a row a second time at its end',
      `${bare}; ${copyOf(victim, 'pg_current_xact_id()')}`,
      { fault: 'row-repeated', row: { rid: '6' } },
    ],
    [
      'put into another order',
      `update audit_event a set xid = b.xid from audit_event b where (a.rid, b.rid) in ((${victim}, ${other}), (${other}, ${victim}))`,
      { fault: 'rows-differ', block: 2 },
    ],
    ['altered in a block', 'update audit_block set count = count + 1 where n = 2', { fault: 'block-altered', block: 2 }],
    ['altered in the digest of a block', `update audit_block set root = sha256(root) where n = 2`, { fault: 'block-altered', block: 2 }],
    ['altered in the link of a block', 'update audit_block set h = sha256(h) where n = 3', { fault: 'anchor-differs', block: 3 }],
    [
      'altered in the time of a block',
      `update audit_block set at = at + interval '1 second' where n = 4`,
      { fault: 'block-altered', block: 4 },
    ],
    ['robbed of a block', 'delete from audit_block where n = 2', { fault: 'blocks-missing', block: 2 }],
    ['robbed of its first block', 'delete from audit_block where n = 1', { fault: 'blocks-missing', block: 1 }],
    [
      'robbed of its end, rows and blocks',
      'delete from audit_event where xid > (select last_xid from audit_block where n = 2); delete from audit_block where n > 2',
      { fault: 'trail-cut-off', block: 3 },
    ],
    ['emptied', 'truncate audit_event; truncate audit_block', { fault: 'trail-cut-off', block: 3 }],
  ])('%s: it is found', async (_, change, finding) => {
    const { findings } = await verifyAfter(change);
    expect(findings).toContainEqual(expect.objectContaining(finding));
  });

  test('robbed of rows and its blocks sealed anew by somebody without the key: it is found', async () => {
    const { findings } = await verifyAfter(
      `delete from audit_event where rid = ${victim};
       update audit_block set count = 3, root = (select sha256(string_agg(xid8send(xid) || int8send(rid) || mac, '' order by xid, rid))
         from audit_event where (xid, rid) > (after_xid, after_rid) and (xid, rid) <= (last_xid, last_rid)) where n = 2`,
    );
    expect(findings).toEqual([expect.objectContaining({ fault: 'block-altered', block: 2 })]);
  });

  test('robbed of its end behind the last anchor: that is the window it names', async () => {
    const report = await verifyAfter(
      'delete from audit_event where xid > (select last_xid from audit_block where n = 4); delete from audit_block where n > 4',
    );
    expect(report).toMatchObject({ findings: [], anchored: { block: 3 }, unsealed: { rows: 0 } });
  });
});

/** As one tells it who has no key: what is missing was dropped for its age. */
function lie(n: number, dropped: object): string {
  return `insert into audit_block (n, kind, at, count, after_xid, after_rid, last_xid, last_rid, root, dropped, h)
    select ${n}, 'd', now(), 0, last_xid, last_rid, last_xid, last_rid, '', '${JSON.stringify(dropped)}', sha256('x') from audit_block where n = 5;`;
}
const ofFirst = `(select rid from audit_event where (xid, rid) <= (select last_xid, last_rid from audit_block where n = 1))`;
const emptyFirst = { month: 202001, rows: 4, through: { n: 0, h: '' }, emptied: [[1, 1]], left: [] };

describe('a block that says falsely what was dropped for its age', () => {
  test('hides nothing of what is missing, and is found itself', async () => {
    const { findings } = await verifyAfter(`delete from audit_event where rid in ${ofFirst}; ${lie(6, emptyFirst)}`);
    expect(findings.map(({ fault, block }) => [fault, block])).toEqual([
      ['block-altered', 6],
      ['rows-missing', 1],
    ]);
  });

  test('makes no beginning of the trail out of what is left', async () => {
    const h = (await chainOf(2)).h.toString('hex');
    const begin = lie(6, { ...emptyFirst, through: { n: 2, h }, emptied: [] });
    const { findings } = await verifyAfter(`delete from audit_block where n <= 2; ${begin}`);
    expect(findings).toContainEqual(expect.objectContaining({ fault: 'blocks-missing', block: 1 }));
  });

  test('explains nothing to who looks at a part of the trail', async () => {
    const [first] = await store.sql<{ at: number }>(
      'select (extract(epoch from last_at) * 1000)::float8 as at from audit_block where n = 1',
    );
    await copy.client.query(
      `begin; set local session_replication_role = replica; delete from audit_event where rid in ${ofFirst}; ${lie(6, emptyFirst)}`,
    );
    try {
      const { findings } = await verify(copy.client, { from: 0, to: first?.at ?? 0 });
      expect(findings).toContainEqual(expect.objectContaining({ fault: 'rows-missing', block: 1 }));
    } finally {
      await copy.client.query('rollback');
    }
  });
});

describe('the beginning of a trail', () => {
  test('is looked at though its block says it is of another time', async () => {
    await copy.client.query(
      `begin; set local session_replication_role = replica; delete from audit_event where rid in ${ofFirst};
       update audit_block set first_at = '2999-01-01', last_at = '2999-01-01' where n = 1`,
    );
    try {
      const { findings } = await verifyTrail({ db: copy.client, chain, secret, anchors: [], between: { to: Date.now() } });
      expect(findings.map(({ fault, block }) => [fault, block])).toEqual([
        ['block-altered', 1],
        ['rows-missing', 1],
      ]);
    } finally {
      await copy.client.query('rollback');
    }
  });
});

describe('a server at work', () => {
  const alarms = async (change: string, anchor?: Anchor): Promise<string[]> => {
    const lines: string[] = [];
    const log = createLog({ logLevel: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line).message) });
    const lookAt = watchWholeness({
      pool: copy.client as unknown as Pool,
      chain,
      anchors: { ...anchors, last: () => (anchor === undefined ? anchors.last() : Promise.resolve(anchor)) },
      log,
    });
    await copy.client.query(`begin; set local session_replication_role = replica; ${change}`);
    try {
      await lookAt();
      await lookAt();
    } finally {
      await copy.client.query('rollback');
    }
    return lines;
  };

  test('says nothing of a chain that nobody touched', async () => {
    expect(await alarms('select 1')).toEqual([]);
  });

  test('says once that the chain is shorter than it was', async () => {
    expect(await alarms('delete from audit_block where n >= 3')).toEqual([expect.stringContaining('ends before its last anchor')]);
  });

  test('says that it goes on with other blocks than those anchored', async () => {
    const anchor = { n: 3, h: '00', at: new Date().toISOString() };
    expect(await alarms('select 1', anchor)).toEqual([expect.stringContaining('is not the one that was anchored')]);
  });

  test('says that its last block is somebody else’s', async () => {
    expect(await alarms(lie(6, emptyFirst))).toEqual([expect.stringContaining('none that this server made')]);
  });
});

describe('the file of anchors', () => {
  test('tells its last one without being read as a whole', async () => {
    const file = join(folder, 'long.ndjson');
    const own = makeAnchors({ file, timeoutMs: 100 });
    expect(await own.last()).toBeUndefined();
    const lines = Array.from({ length: 3_000 }, (_, n) => JSON.stringify({ n, h: 'ab'.repeat(32), at: 'then' }));
    await writeFile(file, `${lines.join('\n')}\n{"n":9,"h`);
    expect([(await own.last())?.n, (await own.read()).length]).toEqual([2_999, 3_000]);
  });

  test('loses only a line that was cut short', async () => {
    const file = join(folder, 'cut.ndjson');
    const own = makeAnchors({ file, timeoutMs: 100 });
    await own.write({ n: 1, h: 'aa', at: 'then' });
    await writeFile(file, `${await readFile(file, 'utf8')}{"n":2,"h`);
    await own.write({ n: 3, h: 'cc', at: 'now' });
    expect((await own.read()).map(({ n }) => n)).toEqual([1, 3]);
  });
});

test('events that come late are taken once, and told of as late', async () => {
  const [first, second, third] = [event(Date.now() - 7_200_000), event(Date.now() - 3_600_000), event()];
  await insertAuditRows(store.pool, [first]);
  await Promise.all([[first, second], [second, third, first], [third]].map((rows) => insertMissingAuditRows(store.pool, rows)));
  await expect(insertAuditRows(store.pool, [second])).rejects.toMatchObject({ code: '23505' });
  const { last } = (await lastBlock(store.pool)) ?? genesis;
  while (((await sealable(store.pool, last, 100))?.count ?? 0) < 3) await delay(10);
  await sealNext(store.pool, chain);
  const { findings, late } = await verify();
  expect(findings).toEqual([]);
  expect(late).toEqual({ rows: 2, from: new Date(first.at).toISOString(), to: new Date(second.at).toISOString() });
});
