import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isUnavailable } from '../../src/storage/database.ts';
import { openLanes, type Lanes } from '../../src/storage/lanes.ts';
import { createDatabase } from '../support/cluster.ts';

let database: Awaited<ReturnType<typeof createDatabase>>;
let pool: Pool;
let lanes: Lanes;
beforeAll(async () => {
  database = await createDatabase();
  pool = new Pool({ connectionString: database.url, max: 2, pipeline: true });
  pool.on('connect', (client) => client.on('error', () => undefined));
  lanes = openLanes(pool, 2);
});
afterAll(async () => {
  lanes?.close();
  await pool?.end();
  await database?.drop();
});

const pidOf = async (): Promise<number> => (await lanes.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid ?? 0;

describe('lanes', () => {
  test('answer each of many statements with its own rows, over two connections', async () => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, n) => lanes.query<{ n: number; pid: number }>('select $1::int as n, pg_backend_pid() as pid', [n])),
    );
    expect(answers.map(({ rows }) => rows[0]?.n)).toEqual(Array.from({ length: 200 }, (_, n) => n));
    expect(new Set(answers.map(({ rows }) => rows[0]?.pid)).size).toBe(2);
  });

  test('wake a second connection only for what is more than one takes at a time', async () => {
    const pids = async (count: number): Promise<number> => new Set(await Promise.all(Array.from({ length: count }, pidOf))).size;
    expect(await pids(8)).toBe(1);
    expect(await pids(9)).toBe(2);
    expect(await pids(1)).toBe(1);
  });

  test('fail a wrong statement alone', async () => {
    const [wrong, right] = await Promise.allSettled([lanes.query('select 1/0'), lanes.query('select 1 as one')]);
    expect(wrong.status).toBe('rejected');
    expect(right.status).toBe('fulfilled');
    const together = await Promise.allSettled(Array.from({ length: 8 }, (_, n) => lanes.query(n === 3 ? 'select nothing' : 'select 1')));
    expect(together.filter(({ status }) => status === 'rejected')).toHaveLength(1);
  });

  test('open another connection when one is cut, and say that the database was away', async () => {
    const pid = await pidOf();
    const under = lanes.query('select pg_sleep(5)').catch((error: unknown) => error);
    const other = new Pool({ connectionString: database.url, max: 1 });
    await other.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
    await other.end();
    expect(isUnavailable(await under)).toBe(true);
    await expect.poll(() => pidOf().catch(() => pid), { timeout: 5000 }).not.toBe(pid);
  });
});
