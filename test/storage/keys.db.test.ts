import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openKeyFile, rotateKeyFile } from '../../src/encryption/key-file.ts';
import type { DataKey } from '../../src/encryption/seal.ts';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import { KeyErased, type KeyStore, KeyUnknown, openKeyStore } from '../../src/storage/keys.ts';
import { holdsKeys } from '../../src/storage/own-keys.ts';
import { createFolder } from '../support/cluster.ts';
import { openStore, type Store } from '../support/store.ts';

let store: Store;
let folder: string;
const databases: Database[] = [];
beforeAll(async () => {
  store = await openStore('keys');
  folder = await createFolder();
});
afterEach(async () => {
  for (const database of databases.splice(0)) await database.close();
});
afterAll(() => store?.close());

const now = new Date('2026-01-02T03:04:05Z');
const keyFile = () => join(folder, 'keys', 'root.json');
const secretOf = (key: DataKey | undefined) => key?.secret.export().toString('hex');
const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A key store as another process would have it: pool, file and caches of its own. `queries` counts the statements of the pool. */
async function openProcess(file = keyFile()): Promise<KeyStore & { queries: () => number }> {
  const database = await openDatabase({
    url: store.url,
    poolSize: 2,
    applicationName: 'test',
    statementTimeoutMs: 5_000,
    plans: 'generic',
  });
  databases.push(database);
  let queries = 0;
  const pool = new Proxy(database.pool, {
    get(target, name) {
      if (name === 'query') queries++;
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
  const management = await openKeyFile({ file, mayCreate: !(await holdsKeys(database.pool)), now });
  const keys = await openKeyStore({ pool, management, cacheMax: 100, cacheMs: 60_000 });
  return { ...keys, queries: () => queries };
}

describe('the keys of no patient', () => {
  test('are made once by processes that start together, and read back by later ones', async () => {
    const together = await Promise.all([openProcess(), openProcess(), openProcess()]);
    const next = await openProcess();
    const purposes = ['common', 'token', 'audit', 'cursor', 'oauth'] as const;
    for (const purpose of purposes) {
      const secrets = [...together, next].map((keys) => keys.secretOf(purpose).toString('hex'));
      expect(new Set(secrets).size, purpose).toBe(1);
    }
    expect(new Set(purposes.map((purpose) => next.secretOf(purpose).toString('hex'))).size).toBe(purposes.length);
    expect(await store.sql('select count(*)::int as n from data_key')).toEqual([{ n: purposes.length }]);
  });

  test('are not written again by a later start', async () => {
    const before = await store.sql('select key_id, xmin from data_key order by key_id');
    await openProcess();
    expect(await store.sql('select key_id, xmin from data_key order by key_id')).toEqual(before);
  });
});

describe('a patient’s key', () => {
  test('is one for two processes that make it at once', async () => {
    const [a, b] = await Promise.all([openProcess(), openProcess()]);
    const owners = Array.from({ length: 50 }, (_, n) => BigInt(n) * 7919n - 100n);
    const [ofA, ofB] = await Promise.all([a.ofOwners(owners), b.ofOwners(owners.toReversed())]);
    expect(ofA.map(secretOf)).toEqual(ofB.toReversed().map(secretOf));
    expect(new Set(ofA.map(secretOf)).size).toBe(50);
    expect(await store.sql('select count(*)::int as n from patient_key')).toEqual([{ n: 50 }]);
  });

  test('is looked up once in a process, however often it is asked for', async () => {
    const keys = await openProcess();
    const [first] = await keys.ofOwners([1n]);
    const after = keys.queries();
    for (let turn = 0; turn < 20; turn++) {
      expect(await keys.ofOwners([1n])).toEqual([first]);
      expect(await keys.opening([[first?.id ?? Buffer.alloc(0)]])).toEqual([first]);
    }
    expect(keys.queries() - after).toBeLessThanOrEqual(1);
  });

  test('is looked up each time it is asked for in passing, and kept only once somebody else asks for it', async () => {
    const keys = await openProcess();
    const owners = [31n, 32n, 33n];
    const made = await keys.ofOwners(owners, true);
    const asked = async (passing: boolean): Promise<number> => {
      const before = keys.queries();
      expect((await keys.ofOwners(owners, passing)).map(secretOf)).toEqual(made.map(secretOf));
      return keys.queries() - before;
    };
    expect(await asked(true)).toBeGreaterThan(0);
    expect(await asked(true)).toBeGreaterThan(0);
    expect(await asked(false)).toBeGreaterThan(0);
    expect(await asked(false)).toBe(0);
    expect(await asked(true)).toBe(0);
  });

  test('is kept where it is asked for in passing and by somebody else in the same turn', async () => {
    const keys = await openProcess();
    const [[passing], [kept]] = await Promise.all([keys.ofOwners([34n], true), keys.ofOwners([34n])]);
    expect(kept).toBe(passing);
    expect((await keys.ofOwners([34n]))[0]).toBe(kept);
  });

  test('is stored wrapped only: its secret is nowhere in the row', async () => {
    const keys = await openProcess();
    const [key] = await keys.ofOwners([2n]);
    const [row] = await store.sql<{ row: string; wrapped: Buffer }>(
      'select patient_key::text as row, wrapped from patient_key where owner = 2',
    );
    expect(row?.wrapped.length).toBeGreaterThan(60);
    expect(row?.row).not.toContain(secretOf(key));
  });

  test('is not cached beyond its time', async () => {
    const database = await openDatabase({
      url: store.url,
      poolSize: 2,
      applicationName: 'test',
      statementTimeoutMs: 5_000,
      plans: 'generic',
    });
    databases.push(database);
    const management = await openKeyFile({ file: keyFile(), mayCreate: false, now });
    let unwrapped = 0;
    const counting = {
      ...management,
      unwrap(...args: Parameters<typeof management.unwrap>) {
        unwrapped++;
        return management.unwrap(...args);
      },
    };
    const keys = await openKeyStore({ pool: database.pool, management: counting, cacheMax: 100, cacheMs: 50 });
    await keys.ofOwners([1n]);
    const after = unwrapped;
    await keys.ofOwners([1n]);
    expect(unwrapped).toBe(after);
    await later(60);
    await keys.ofOwners([1n]);
    expect(unwrapped).toBe(after + 1);
  });
});

describe('a destroyed key', () => {
  test('seals and opens nothing more: at once here, within 250 ms elsewhere', async () => {
    const [here, elsewhere] = [await openProcess(), await openProcess()];
    const [key] = await here.ofOwners([10n]);
    const id = key?.id ?? Buffer.alloc(0);
    await elsewhere.ofOwners([10n]);
    await here.erase([10n]);
    await expect(here.ofOwners([10n])).rejects.toBeInstanceOf(KeyErased);
    expect(await here.opening([[id]])).toEqual([undefined]);
    await later(250);
    await expect(elsewhere.ofOwners([10n])).rejects.toBeInstanceOf(KeyErased);
    expect(await elsewhere.opening([[id]])).toEqual([undefined]);
    expect(await elsewhere.idsOf([10n])).toEqual([{ owner: 10n, id, erased: true }]);
    const [row] = await store.sql<{ wrapped: Buffer | null }>('select wrapped from patient_key where owner = 10');
    expect(row?.wrapped).toBeNull();
  });

  test('leaves the others of a shared text their way in', async () => {
    const keys = await openProcess();
    const [goes, stays] = await keys.ofOwners([11n, 12n]);
    await keys.erase([11n]);
    const ids = [goes?.id ?? Buffer.alloc(0), stays?.id ?? Buffer.alloc(0)];
    const [opening] = await keys.opening([ids]);
    expect(secretOf(opening)).toBe(secretOf(stays));
  });

  test('is destroyed also before it was ever made', async () => {
    const keys = await openProcess();
    await keys.erase([13n]);
    await expect(keys.ofOwners([13n, 14n])).rejects.toBeInstanceOf(KeyErased);
    expect((await keys.idsOf([13n])).map(({ erased }) => erased)).toEqual([true]);
  });

  test('does not come back into a cache through a look-up that was under way', async () => {
    const database = await openDatabase({
      url: store.url,
      poolSize: 2,
      applicationName: 'test',
      statementTimeoutMs: 5_000,
      plans: 'generic',
    });
    databases.push(database);
    const management = await openKeyFile({ file: keyFile(), mayCreate: false, now });
    let fetched: (() => void) | undefined;
    let goOn: (() => void) | undefined;
    let isSlow = false;
    const slow = {
      ...management,
      async unwrap(...args: Parameters<typeof management.unwrap>) {
        if (isSlow) {
          fetched?.();
          await new Promise<void>((resolve) => (goOn = resolve));
        }
        return management.unwrap(...args);
      },
    };
    const other = await openProcess();
    await other.ofOwners([15n]);
    const keys = await openKeyStore({ pool: database.pool, management: slow, cacheMax: 100, cacheMs: 60_000 });
    isSlow = true;
    const wasFetched = new Promise<void>((resolve) => (fetched = resolve));
    const pending = keys.ofOwners([15n]);
    await wasFetched;
    await other.erase([15n]);
    await later(260);
    isSlow = false;
    // Somebody else's request learns of the erasure while the first one still waits for its key.
    await keys.ofOwners([16n]);
    goOn?.();
    await pending;
    await expect(keys.ofOwners([15n])).rejects.toBeInstanceOf(KeyErased);
  });

  test('a key that the database never knew is a fault and no erasure', async () => {
    const keys = await openProcess();
    await expect(keys.opening([[randomBytes(16)]])).rejects.toBeInstanceOf(KeyUnknown);
  });
});

describe('the root key', () => {
  test('once lost stops the start, which names the file and makes no new one', async () => {
    const away = `${keyFile()}.away`;
    await rename(keyFile(), away);
    await expect(openProcess()).rejects.toMatchObject({ code: 'key-file-missing', message: expect.stringContaining(keyFile()) });
    await expect(readFile(keyFile())).rejects.toMatchObject({ code: 'ENOENT' });
    await rename(away, keyFile());
  });

  test('of another store stops the start, which names the key that is missing', async () => {
    const file = join(folder, 'other', 'root.json');
    const { describe: described } = await openKeyFile({ file, mayCreate: true, now });
    const right = (await openKeyFile({ file: keyFile(), mayCreate: false, now })).describe().currentKeyId;
    expect(described().currentKeyId).not.toBe(right);
    await expect(openProcess(file)).rejects.toMatchObject({ code: 'root-key-missing', message: expect.stringContaining(right) });
    await rm(file);
  });

  test('altered under its own id stops the start', async () => {
    const file = join(folder, 'altered.json');
    const ring = JSON.parse(await readFile(keyFile(), 'utf8')) as { keys: { secret: string }[] };
    for (const key of ring.keys) key.secret = randomBytes(32).toString('base64');
    await writeFile(file, JSON.stringify(ring), { mode: 0o600 });
    await expect(openProcess(file)).rejects.toMatchObject({ code: 'seal-altered' });
  });

  test('may be rotated while a process runs: old keys open, new ones are wrapped with the new', async () => {
    const running = await openProcess();
    const [before] = await running.ofOwners([20n]);
    await rotateKeyFile(keyFile(), now);
    const next = await openProcess();
    const [made] = await next.ofOwners([21n]);
    expect((await next.ofOwners([20n])).map(secretOf)).toEqual([secretOf(before)]);
    expect((await running.ofOwners([21n])).map(secretOf)).toEqual([secretOf(made)]);
  });
});

test('a key that is kept holds no memory but its own, wherever it came from', async () => {
  const made = await (await openProcess()).ofOwners([71n, 72n]);
  const other = await openProcess();
  const fetched = await other.ofOwners([71n, 72n]);
  const listed = await other.ownedBy(made.map(({ id }) => id));
  for (const { id } of [...made, ...fetched, ...listed]) expect(id.buffer.byteLength).toBe(16);
});
