import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Adapter, AdapterPayload } from 'oidc-provider';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeDataKey } from '../../src/encryption/seal.ts';
import { oauthAdapter } from '../../src/http/oauth/adapter.ts';
import { lifetimes } from '../../src/http/oauth/lifetimes.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { migrate } from '../../src/storage/migrate.ts';
import { oauthItems, sweepOauth } from '../../src/storage/oauth-items.ts';
import { revokeAccount } from '../../src/storage/oauth-revocations.ts';
import { createDatabase } from '../support/cluster.ts';

let main: { url: string; drop: () => Promise<void> };
let database: Database;
let sessions: Adapter;
beforeAll(async () => {
  main = await createDatabase('main');
  await migrate(main.url, join(import.meta.dirname, '..', '..', 'migrations', 'main'), 'postgres');
  database = await openDatabase({ url: main.url, poolSize: 4, applicationName: 'test', statementTimeoutMs: 10_000, plans: 'generic' });
  const { pool } = database;
  sessions = oauthAdapter({
    pool,
    items: oauthItems(pool, makeDataKey(Buffer.alloc(16), randomBytes(32))),
    readToken: () => Promise.resolve(undefined),
    revocations: { note() {} },
    events: () => Promise.resolve(),
    lateError: () => new Error('late'),
    overError: () => new Error('over'),
  })('Session');
});
afterAll(async () => {
  await database.close();
  await main.drop();
});

const seconds = (): number => Math.floor(Date.now() / 1000);

async function begun(account: string, loginTs = seconds()): Promise<{ id: string; payload: AdapterPayload }> {
  const id = randomUUID();
  const payload = { jti: id, uid: `uid of ${id}`, accountId: account, loginTs };
  await sessions.upsert(id, payload, 900);
  return { id, payload };
}

test('all that has expired is swept, however much it is', async () => {
  const { pool } = database;
  await pool.query(
    `insert into oauth_item (kind, id, payload, expires_at)
     select 'Assertion', decode(md5(n::text), 'hex'), '', clock_timestamp() - interval '1 second' from generate_series(1, 2500) n`,
  );
  const { id } = await begun(randomUUID());
  expect(await sweepOauth(pool)).toBe(2_500);
  expect(await sessions.find(id)).toBeDefined();
});

describe('a session that ended', () => {
  test('is not brought back by a request that had read it before', async () => {
    const account = randomUUID();
    const { id, payload } = await begun(account);
    expect(await sessions.find(id)).toEqual(payload);
    expect(await sessions.findByUid(payload.uid ?? '')).toEqual(payload);
    await revokeAccount(database.pool, account);
    await sessions.upsert(id, payload, 900);
    expect(await sessions.find(id)).toBeUndefined();
    expect(await sessions.findByUid(payload.uid ?? '')).toBeUndefined();
  });

  test('nor does it go on under another id', async () => {
    const account = randomUUID();
    const { id } = await begun(account);
    await revokeAccount(database.pool, account);
    await expect(sessions.destroy(id)).rejects.toThrow('over');
  });

  test('stays ended where somebody signed out in another window', async () => {
    const { id, payload } = await begun(randomUUID());
    await sessions.destroy(id);
    await sessions.upsert(id, payload, 900);
    expect(await sessions.find(id)).toBeUndefined();
  });
});

test('a session that goes on under another id is found by its uid', async () => {
  const { id, payload } = await begun(randomUUID());
  await sessions.destroy(id);
  const next = { ...payload, jti: randomUUID() };
  await sessions.upsert(next.jti, next, 900);
  expect(await sessions.findByUid(payload.uid ?? '')).toEqual(next);
  await expect(sessions.destroy('never saved')).resolves.toBeUndefined();
});

test('a session is over after half a day, however often it is used', async () => {
  const { id, payload } = await begun(randomUUID(), seconds() - lifetimes.session);
  expect(await sessions.find(id)).toBeUndefined();
  expect(await sessions.findByUid(payload.uid ?? '')).toBeUndefined();
});
