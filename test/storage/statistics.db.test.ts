import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tokenStatistics } from '../../src/storage/statistics.ts';
import { openStore, type Store } from '../support/store.ts';

let store: Store;
beforeAll(async () => {
  store = await openStore();
  // Autovacuum would be first now and then.
  await store.sql('alter table resource_observation set (autovacuum_enabled = false)');
});
afterAll(() => store?.close());

/** Resources of which every one holds token 1, every tenth token 2, and each a token of its own. */
async function fill(from: number, count: number, type: 'Observation' | 'Patient' = 'Observation'): Promise<void> {
  const client = await store.pool.connect();
  try {
    await client.query(
      `insert into resource_${type.toLowerCase()} (rid, type, id, version, last_updated, interaction, ref_key, tokens)
       select n, '${type}', 'o' || n, 1, now(), 'c', n, case when n % 10 = 0 then array[1, 2, 1000 + n] else array[1, 1000 + n] end
       from generate_series($1::int8, $2::int8) n`,
      [from, from + count - 1],
    );
    await client.query('select pg_stat_force_next_flush()');
    await client.query('select 1');
  } finally {
    client.release();
  }
}

const analysed = async (): Promise<number> => (await store.sql<{ n: number }>('select analyze_filled() as n'))[0]?.n ?? -1;

describe('statistics of tokens', () => {
  test('are unknown until a table was analysed, and then tell the frequent ones', async () => {
    const statistics = tokenStatistics(store.pool);
    await statistics.refresh();
    expect(statistics.of('resource_observation')).toBeUndefined();
    await fill(1, 5_000);
    expect(await analysed()).toBe(1);
    await statistics.refresh();
    const known = statistics.of('resource_observation');
    expect(known?.rows).toBe(5_000);
    expect(known?.shareOf(1n)).toBeCloseTo(1, 2);
    expect(known?.shareOf(2n)).toBeCloseTo(0.1, 1);
    expect(known?.shareOf(1_001n)).toBeLessThan(0.001);
    expect(known?.shareOf(-1n)).toBeLessThan(0.001);
    expect(statistics.of('resource_patient')).toBeUndefined();
  });

  test('are made anew only when a table has grown by half', async () => {
    expect(await analysed()).toBe(0);
    await fill(10_001, 1_000);
    expect(await analysed()).toBe(0);
    await fill(20_001, 4_000);
    expect(await analysed()).toBe(1);
    expect(await analysed()).toBe(0);
  });

  test('are made of a few hundred rows too', async () => {
    await store.sql('alter table resource_patient set (autovacuum_enabled = false)');
    await fill(1_000_001, 50, 'Patient');
    expect(await analysed()).toBe(0);
    await fill(1_000_051, 150, 'Patient');
    expect(await analysed()).toBe(1);
    const statistics = tokenStatistics(store.pool);
    await statistics.refresh();
    expect(statistics.of('resource_patient')?.rows).toBe(200);
    expect(statistics.of('resource_patient')?.shareOf(2n)).toBeCloseTo(0.1, 3);
  });

  test('are made by one process at a time', async () => {
    await fill(40_001, 20_000);
    const other = await store.pool.connect();
    try {
      await other.query('begin');
      await other.query('select pg_advisory_xact_lock(7205, -1)');
      expect(await analysed()).toBe(0);
      await other.query('commit');
    } finally {
      other.release();
    }
    expect(await analysed()).toBe(1);
  });
});
