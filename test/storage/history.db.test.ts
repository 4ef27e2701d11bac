import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inTransaction } from '../../src/storage/database.ts';
import { noRows, type RowFilter } from '../../src/storage/filter.ts';
import { countHistory, type HistoryPosition, type HistoryQuery, listHistory } from '../../src/storage/history.ts';
import { readVersion } from '../../src/storage/read.ts';
import { insertVersions, replaceVersions } from '../../src/storage/write.ts';
import { openStore, type Store, tokenBytes, versionOf } from '../support/store.ts';

let store: Store;
/** All versions as they were written, with the instants given to them here. */
type Written = { type: string; id: string; rid: number; version: number; at: number; until: number; token: bigint };
const written: Written[] = [];
const start = Date.UTC(2024, 0, 1);

beforeAll(async () => {
  store = await openStore();
  // Eight resources of three types, each with up to six versions, at instants that often coincide between resources.
  for (let rid = 1; rid <= 8; rid++) {
    const type = ['Observation', 'Basic', 'Patient'][rid % 3] ?? '';
    const versions = 1 + (rid % 6);
    for (let version = 1; version <= versions; version++) {
      const token = BigInt(rid % 2);
      const row = versionOf(rid, { type, version, tokens: tokenBytes(token), interaction: version === 1 ? 'c' : 'u' });
      await inTransaction(store.pool, { retriesMax: 0 }, ({ client }) =>
        version === 1 ? insertVersions(client, [row]) : replaceVersions(client, [row]),
      );
      written.push({ type, id: row.id, rid, version, at: start + (version * 10 + (rid % 2)) * 1000, until: Infinity, token });
    }
  }
  for (const one of written) {
    one.until = written.find(({ rid, version }) => rid === one.rid && version === one.version + 1)?.at ?? Infinity;
    for (const table of ['resource', 'resource_version'])
      await store.sql(`update ${table} set last_updated = $1 where rid = $2 and version = $3`, [new Date(one.at), one.rid, one.version]);
  }
});
afterAll(() => store?.close());

const address = (rid: number) => ({
  type: ['Observation', 'Basic', 'Patient'][rid % 3] ?? '',
  id: `o${rid}`,
  refKey: versionOf(rid).refKey,
});
const types = (filter: RowFilter = 'all') => ['Observation', 'Basic', 'Patient'].map((type) => ({ type, filter }));
const names = (rows: readonly { id: string; version: number }[]) => rows.map(({ id, version }) => `${id}/${version}`);
const expected = (keep: (one: Written) => boolean) =>
  names(written.filter(keep).toSorted((a, b) => b.at - a.at || b.rid - a.rid || b.version - a.version));

/** All pages of a history, `limit` a page. */
async function pages(query: Omit<HistoryQuery, 'limit'>, limit: number): Promise<string[]> {
  const found: string[] = [];
  for (let after: HistoryPosition | undefined; ; ) {
    const rows = await listHistory(store.pool, { ...query, limit, ...(after === undefined ? {} : { after }) });
    found.push(...names(rows));
    const last = rows.at(-1);
    if (last === undefined || rows.length < limit) return found;
    after = { lastUpdated: last.lastUpdated, rid: last.rid, version: last.version };
  }
}

describe('a history', () => {
  test('of one resource is all its versions, newest first', async () => {
    for (let rid = 1; rid <= 8; rid++) {
      const of = { address: address(rid), filter: 'all' as const };
      expect(await pages({ of }, 100)).toEqual(expected((one) => one.rid === rid));
    }
  });

  test('of a type, of several and of all, page by page: each version once, in order', async () => {
    for (const limit of [1, 2, 3, 7, 100]) {
      expect(await pages({ of: { types: types() } }, limit)).toEqual(expected(() => true));
      expect(await pages({ of: { types: types().slice(0, 1) } }, limit)).toEqual(expected(({ type }) => type === 'Observation'));
      expect(await pages({ of: { types: types().slice(1) } }, limit)).toEqual(expected(({ type }) => type !== 'Observation'));
    }
  });

  test('holds only what the filter of each type lets through', async () => {
    const odd: RowFilter = { anyOf: [[[1n]]] };
    const mixed = [...types(odd).slice(0, 1), ...types().slice(1, 2), ...types(noRows).slice(2)];
    const visible = ({ type, token }: Written) => (type === 'Observation' ? token === 1n : type === 'Basic');
    expect(await pages({ of: { types: mixed } }, 3)).toEqual(expected(visible));
    expect(await pages({ of: { types: types(noRows) } }, 3)).toEqual([]);
    expect(await pages({ of: { address: address(2), filter: odd } }, 3)).toEqual([]);
  });

  test('since an instant begins with it', () =>
    fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 75 }), fc.boolean(), async (second, exact) => {
        const since = start + second * 1000 + (exact ? 0 : 1);
        const query = { of: { types: types() }, since: new Date(since).toISOString() };
        expect(await pages(query, 4)).toEqual(expected(({ at }) => at >= since));
        expect(await countHistory(store.pool, query)).toBe(written.filter(({ at }) => at >= since).length);
      }),
      { numRuns: 25 },
    ));

  test('at an interval is what was current at some time in it', () =>
    fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 75 }), fc.integer({ min: 1, max: 40 }), async (from, length) => {
        const [low, high] = [start + from * 1000, start + (from + length) * 1000];
        const query = { of: { types: types() }, at: { from: new Date(low).toISOString(), until: new Date(high).toISOString() } };
        const current = ({ at, until }: Written) => at < high && until > low;
        expect(await pages(query, 5)).toEqual(expected(current));
        expect(await countHistory(store.pool, query)).toBe(written.filter(current).length);
      }),
      { numRuns: 25 },
    ));

  test('at one moment is one version of each resource that was there', async () => {
    const from = start + 25_000;
    const found = await pages(
      { of: { types: types() }, at: { from: new Date(from).toISOString(), until: new Date(from + 1).toISOString() } },
      100,
    );
    expect(new Set(found.map((name) => name.split('/')[0])).size).toBe(found.length);
    expect(found).toHaveLength(8);
  });

  test('counts regardless of the page', async () => {
    expect(await countHistory(store.pool, { of: { types: types() } })).toBe(written.length);
  });
});

describe('a version', () => {
  test('is read by its number, current or superseded, if the filter lets it through', async () => {
    for (const { rid, version, token } of written) {
      expect(await readVersion(store.pool, address(rid), version, 'all')).toMatchObject({ rid, version });
      const other: RowFilter = { anyOf: [[[1n - token]]] };
      expect(await readVersion(store.pool, address(rid), version, other)).toBeUndefined();
    }
  });

  test('is not read under another id with the same key, or another type', async () => {
    expect(await readVersion(store.pool, { ...address(1), id: 'other' }, 1, 'all')).toBeUndefined();
    expect(await readVersion(store.pool, { ...address(1), type: 'Encounter' }, 1, 'all')).toBeUndefined();
    expect(await readVersion(store.pool, address(1), 99, 'all')).toBeUndefined();
  });
});
