import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ContentionError, inTransaction, isUnavailable, LostRace } from '../../src/storage/database.ts';
import { openStore, type Store } from '../support/store.ts';

let store: Store;
beforeAll(async () => {
  store = await openStore();
  await store.sql('create table counter (name text primary key, n int not null)');
});
beforeEach(async () => {
  await store.sql('truncate counter');
  await store.sql(`insert into counter values ('a', 0), ('b', 0)`);
});
afterAll(() => store?.close());

const valueOf = async (name: string): Promise<number | undefined> =>
  (await store.sql<{ n: number }>('select n from counter where name = $1', [name]))[0]?.n;
const failWith = (state: string): string => `do $$ begin raise exception using errcode = '${state}', message = 'asked for'; end $$`;

describe('a transaction', () => {
  test('commits what it did and gives the result', async () => {
    const result = await inTransaction(store.pool, { retriesMax: 0 }, async ({ client }) => {
      await client.query(`update counter set n = 1 where name = 'a'`);
      return 'done';
    });
    expect([result, await valueOf('a')]).toEqual(['done', 1]);
  });

  test('leaves nothing when its work throws, and its connection is used again', async () => {
    for (let turn = 0; turn < 10; turn++) {
      const failed = inTransaction(store.pool, { retriesMax: 0 }, async ({ client }) => {
        await client.query(`update counter set n = 1 where name = 'a'`);
        throw new Error('changed my mind');
      });
      await expect(failed).rejects.toThrow('changed my mind');
    }
    expect(await valueOf('a')).toBe(0);
    expect(store.pool.totalCount).toBeLessThanOrEqual(6);
    expect(store.pool.idleCount).toBe(store.pool.totalCount);
  });

  test('reads with a snapshot for each statement', async () => {
    const [{ level } = { level: '' }] = await inTransaction(
      store.pool,
      { retriesMax: 0 },
      async ({ client }) => (await client.query<{ level: string }>(`select current_setting('transaction_isolation') as level`)).rows,
    );
    expect(level).toBe('read committed');
  });
});

describe('the last statements', () => {
  test('are committed with their commit', async () => {
    await inTransaction(store.pool, { retriesMax: 0 }, (tx) =>
      tx.final(() => tx.client.query(`update counter set n = 2 where name = 'a'`)),
    );
    expect(await valueOf('a')).toBe(2);
  });

  test.each([0, 1, 2])('write nothing when the statement %i of three fails', async (bad) => {
    const statements = [
      `update counter set n = 3 where name = 'a'`,
      `update counter set n = 3 where name = 'b'`,
      `insert into counter values ('c', 3)`,
    ];
    statements[bad] = failWith('23514');
    const failed = inTransaction(store.pool, { retriesMax: 3 }, (tx) =>
      tx.final(() => Promise.all(statements.map((text) => tx.client.query(text)))),
    );
    await expect(failed).rejects.toMatchObject({ code: '23514' });
    expect(await store.sql('select * from counter order by name')).toEqual([
      { name: 'a', n: 0 },
      { name: 'b', n: 0 },
    ]);
    // The connection is whole: the failed transaction doesn't reach into the next one.
    await inTransaction(store.pool, { retriesMax: 0 }, (tx) => tx.client.query(`update counter set n = 4 where name = 'a'`));
    expect(await valueOf('a')).toBe(4);
  });

  test('are not told as done when a deferred check refuses the commit', async () => {
    await store.sql('create table if not exists child (name text references counter deferrable initially deferred)');
    const failed = inTransaction(store.pool, { retriesMax: 0 }, (tx) =>
      tx.final(() => tx.client.query(`insert into child values ('nobody')`)),
    );
    await expect(failed).rejects.toMatchObject({ code: '23503' });
    expect(await store.sql('select * from child')).toEqual([]);
    await store.sql('drop table child');
  });
});

describe('what lost against its neighbours', () => {
  test.each(['40001', '40P01'])('with %s is run again from the start', async (state) => {
    let turns = 0;
    await inTransaction(store.pool, { retriesMax: 5 }, async ({ client }) => {
      await client.query(`update counter set n = n + 1 where name = 'a'`);
      if (++turns < 3) await client.query(failWith(state));
    });
    expect([turns, await valueOf('a')]).toEqual([3, 1]);
  });

  test('by its own account is run again too', async () => {
    let turns = 0;
    await inTransaction(store.pool, { retriesMax: 1 }, () => {
      return ++turns === 1 ? Promise.reject(new LostRace()) : Promise.resolve();
    });
    expect(turns).toBe(2);
  });

  test('too often is a ContentionError that keeps the cause', async () => {
    let turns = 0;
    const failed = inTransaction(store.pool, { retriesMax: 2 }, async ({ client }) => {
      turns++;
      await client.query(failWith('40001'));
    });
    await expect(failed).rejects.toSatisfy(
      (error) => error instanceof ContentionError && (error.cause as { code?: string }).code === '40001',
    );
    expect(turns).toBe(3);
  });

  test('in a real deadlock, both end and both take effect', async () => {
    const both = (first: string, second: string) =>
      inTransaction(store.pool, { retriesMax: 10 }, async ({ client }) => {
        await client.query('update counter set n = n + 1 where name = $1', [first]);
        await new Promise((resolve) => setTimeout(resolve, 50));
        await client.query('update counter set n = n + 1 where name = $1', [second]);
      });
    await Promise.all([both('a', 'b'), both('b', 'a')]);
    expect([await valueOf('a'), await valueOf('b')]).toEqual([2, 2]);
  });

  test('for another reason is not run again', async () => {
    let turns = 0;
    const failed = inTransaction(store.pool, { retriesMax: 5 }, async ({ client }) => {
      turns++;
      await client.query(failWith('23505'));
    });
    await expect(failed).rejects.toMatchObject({ code: '23505' });
    expect(turns).toBe(1);
  });
});

describe('a connection that is cut', () => {
  /** From a connection outside the pool, which might otherwise cut the one it speaks through. */
  const cut = async (pid: number): Promise<void> => {
    const outside = new Client({ connectionString: store.url });
    await outside.connect();
    await outside.query('select pg_terminate_backend($1)', [pid]);
    await outside.end();
  };
  const pidOf = async (client: { query(text: string): Promise<{ rows: { pid: number }[] }> }) =>
    (await client.query('select pg_backend_pid() as pid')).rows[0]?.pid ?? 0;

  test('inside a transaction, between two statements, fails that transaction alone', async () => {
    const failed = inTransaction(store.pool, { retriesMax: 0 }, async ({ client }) => {
      await client.query(`update counter set n = 9 where name = 'a'`);
      await cut(await pidOf(client));
      await new Promise((resolve) => setTimeout(resolve, 100));
      await client.query(`update counter set n = 9 where name = 'b'`);
    });
    await expect(failed).rejects.toSatisfy(isUnavailable);
    expect(await store.sql('select sum(n)::int as n from counter')).toEqual([{ n: 0 }]);
  });

  test('inside its last statements is told as not known, not as done', async () => {
    const failed = inTransaction(store.pool, { retriesMax: 0 }, async (tx) => {
      const pid = await pidOf(tx.client);
      return tx.final(() => {
        void new Promise((resolve) => setTimeout(resolve, 50)).then(() => cut(pid));
        return tx.client.query(`select pg_sleep(5)`);
      });
    });
    await expect(failed).rejects.toSatisfy(isUnavailable);
  });

  test('while it is idle is replaced', async () => {
    const client = await store.pool.connect();
    const pid = await pidOf(client);
    client.release();
    await cut(pid);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await valueOf('a')).toBe(0);
  });
});
