import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeChain } from '../../src/audit/chain.ts';
import { dropOldMonths, type RetentionOptions } from '../../src/audit/retention.ts';
import { makeRowMac } from '../../src/audit/row-mac.ts';
import { makeAuditSeal } from '../../src/audit/seal.ts';
import { sealNext } from '../../src/audit/sealer.ts';
import { verifyTrail } from '../../src/audit/verify.ts';
import { openKeyFile } from '../../src/encryption/key-file.ts';
import { lastBlock } from '../../src/storage/audit-blocks.ts';
import { type AuditKeys, openAuditKeys } from '../../src/storage/audit-keys.ts';
import { type AuditRow, insertAuditRows } from '../../src/storage/audit-rows.ts';
import { openStore, type Store, tokenBytes } from '../support/store.ts';

const secret = randomBytes(32);
const chain = makeChain(secret);
const mac = makeRowMac(secret);
const now = Date.UTC(2026, 10, 22);
let rid = 0;

function event(at: number, content = randomBytes(60)): AuditRow {
  const row = { rid: ++rid, id: randomUUID(), refKey: BigInt(rid), at, patient: null, tokens: tokenBytes(1n), content };
  return { ...row, mac: mac.of(row) };
}

let store: Store;
let keyStore: Store;
let keys: AuditKeys;
let folder: string;
beforeAll(async () => {
  [store, keyStore, folder] = await Promise.all([openStore(), openStore('keys'), mkdtemp(join(tmpdir(), 'anamnesis-retention-'))]);
  const management = await openKeyFile({ file: join(folder, 'root.json'), mayCreate: true, now: new Date() });
  keys = openAuditKeys(keyStore.pool, management);
  for (const month of ['2020-09-15', '2020-10-15', '2020-11-15', '2026-11-15'])
    await store.sql('select ensure_audit_partition($1::timestamptz)', [month]);
  const [september, october, november] = [Date.UTC(2020, 8, 30), Date.UTC(2020, 9, 1), Date.UTC(2020, 10, 2)];
  // Blocks: September; both; October and one that came late; November; today.
  for (const times of [[september, september + 1], [september + 2, october, october + 1], [october + 2, september + 3], [november], [now]])
    await sealed(times.map((at) => event(at)));
});
afterAll(async () => {
  await Promise.all([store.close(), keyStore.close()]);
  await rm(folder, { recursive: true, force: true });
});

/** Transactions of other tests on the same server hold the horizon back. */
async function sealed(rows: readonly AuditRow[]): Promise<void> {
  await insertAuditRows(store.pool, rows);
  const before = (await lastBlock(store.pool))?.n ?? 0;
  while (((await lastBlock(store.pool))?.n ?? 0) === before) {
    await sealNext(store.pool, chain);
    await delay(5);
  }
}

const dropped: number[] = [];
const retain = (more: Partial<RetentionOptions> = {}) =>
  dropOldMonths({
    ownerUrl: store.url,
    chain,
    secret,
    anchors: [],
    keys,
    now,
    years: 6,
    onDropped({ month }) {
      dropped.push(month);
      return Promise.resolve();
    },
    ...more,
  });
const verify = () => verifyTrail({ db: store.pool, chain, secret, anchors: [] });
const months = () => keyStore.sql<{ generation: number }>(`select generation from data_key where purpose = 'audit-month' order by 1`);

describe('audit events that are older than six years', () => {
  test('are told by a dry run, and stay', async () => {
    expect(await retain({ dryRun: true })).toMatchObject([
      { month: 202009, rows: 4, dropped: false, findings: [] },
      { month: 202010, rows: 3, dropped: false, findings: [] },
    ]);
    expect((await verify()).rows).toBe(9);
  });

  test('are not dropped where they do not fit the chain: somebody has to look into that', async () => {
    await store.sql('alter table audit_event disable trigger audit_event_unchanged');
    await store.sql('update audit_event set patient = 1 where rid = 1');
    const found = await retain();
    expect(found).toMatchObject([{ month: 202009, dropped: false, findings: [{ fault: 'row-altered' }] }]);
    await store.sql('update audit_event set patient = null where rid = 1');
    await store.sql('alter table audit_event enable trigger audit_event_unchanged');
    expect(await verify()).toMatchObject({ rows: 9, findings: [] });
  });

  test('are dropped by the owner alone', async () => {
    const role = `server_${randomBytes(4).toString('hex')}`;
    await store.sql(`create role ${role} login password 'x'; grant select on all tables in schema public to ${role}`);
    const url = new URL(store.url);
    [url.username, url.password] = [role, 'x'];
    await expect(retain({ ownerUrl: url.href })).rejects.toThrow(/permission denied|must be owner/);
    await store.sql(`drop owned by ${role}; drop role ${role}`);
    expect(await verify()).toMatchObject({ rows: 9, findings: [] });
  });

  test('go by whole months with their keys, and the chain of the rest is whole', async () => {
    for (const month of [202009, 202010, 202011]) await keys.ofMonth('audit-month', month);
    const gone = await retain();
    expect(gone).toMatchObject([
      { month: 202009, dropped: true },
      { month: 202010, dropped: true },
    ]);
    expect(dropped).toEqual([202009, 202010]);
    expect(await months()).toEqual([{ generation: 202011 }]);
    expect(await store.sql(`select to_regclass('audit_event_2020_09') as s, to_regclass('audit_event_2020_10') as o`)).toEqual([
      { s: null, o: null },
    ]);
    // Blocks 1 to 3 held nothing else; 4 and 5 are left, and one for each month tells that it was dropped.
    expect(await store.sql('select n::int, kind from audit_block order by n')).toEqual([
      { n: 4, kind: 'b' },
      { n: 5, kind: 'b' },
      { n: 6, kind: 'd' },
      { n: 7, kind: 'd' },
    ]);
    expect(await verify()).toMatchObject({ rows: 2, findings: [] });
  });

  test('are nothing more to do the next time', async () => {
    expect(await retain()).toEqual([]);
  });

  test('leave a chain that still shows what is taken from it', async () => {
    await store.sql('alter table audit_event disable trigger audit_event_unchanged');
    await store.sql(`delete from audit_event where last_updated < '2021-01-01'`);
    expect((await verify()).findings).toMatchObject([{ fault: 'rows-missing', block: 4 }]);
    await store.sql('alter table audit_block disable trigger audit_block_unchanged');
    await store.sql('delete from audit_block where n = 4');
    expect((await verify()).findings).toMatchObject([{ fault: 'blocks-missing', block: 1 }]);
    await store.sql(`update audit_block set dropped = replace(dropped, '"n":3', '"n":4') where kind = 'd'`);
    expect((await verify()).findings.map(({ fault }) => fault)).toContain('block-altered');
  });
});

describe('the texts of searches', () => {
  test('can be read for as long as the key of their month is there, and no longer', async () => {
    const seal = makeAuditSeal({ keys, secret });
    const address = { id: 'a', at: Date.UTC(2026, 7, 9) };
    await seal.ready(address.at);
    const text = seal.sealQuery(Buffer.from('GET /Patient?name=x'), address);
    const record = seal.sealRecord(Buffer.from('record'), address);
    expect(String(await seal.openQuery(text, address))).toBe('GET /Patient?name=x');
    expect(await keys.destroyBefore('audit-query', 202608)).not.toContain(202608);
    expect(String(await seal.openQuery(text, address))).toBe('GET /Patient?name=x');
    expect(await keys.destroyBefore('audit-query', 202609)).toEqual([202608]);
    expect(await seal.openQuery(text, address)).toBeUndefined();
    expect(String(await seal.openRecord(record, address))).toBe('record');
    await expect(seal.openRecord(record, { ...address, id: 'b' })).rejects.toMatchObject({ code: 'seal-altered' });
    await expect(seal.openRecord(text, address)).rejects.toMatchObject({ code: 'seal-format' });
  });
});
