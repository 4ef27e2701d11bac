import { Client } from 'pg';
import type { TestServer } from './server.ts';

/** A row that somebody holds, and requests that wait for it one behind the other. */
export type LockQueue = {
  readonly hold: (type: string, id: string) => Promise<void>;
  /** Sends a request and waits until `count` statements wait for locks. */
  readonly sendBehind: <T>(count: number, send: () => Promise<T>) => Promise<{ readonly answer: Promise<T> }>;
  readonly letGo: () => Promise<void>;
  readonly end: () => Promise<void>;
};

export async function openLockQueue({ databaseUrl: connectionString }: Pick<TestServer, 'databaseUrl'>): Promise<LockQueue> {
  // The observer isn't in a transaction: there, pg_stat_activity stays as it was first seen.
  const [holder, observer] = [new Client({ connectionString }), new Client({ connectionString })];
  await Promise.all([holder.connect(), observer.connect()]);
  const waiting = `select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  return {
    async hold(type, id) {
      await holder.query('begin');
      await holder.query('select from resource where type = $1 and id = $2 for update', [type, id]);
    },
    async sendBehind(count, send) {
      const answer = send();
      for (let tries = 0; (await observer.query<{ n: number }>(waiting)).rows[0]?.n !== count; tries++) {
        if (tries > 1_000) throw new Error('the request does not wait');
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      return { answer };
    },
    async letGo() {
      await holder.query('commit');
    },
    async end() {
      await Promise.all([holder.end(), observer.end()]);
    },
  };
}
