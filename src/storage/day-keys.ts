import { randomBytes, randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import type { KeyManagement } from '../encryption/keys.ts';
import { type DataKey, makeDataKey } from '../encryption/seal.ts';
import { idBytes, secretBytes, wrapContext } from './own-keys.ts';

/** Keys of what is kept for days only, such as the files of imports: a key a day. With the key goes all that it sealed. */
export type DayKeys = {
  /** The key of this day, made now if there is none. */
  readonly today: () => Promise<DataKey>;
  /** The key of this id, or undefined if it is destroyed. */
  readonly byId: (id: Buffer) => Promise<DataKey | undefined>;
  readonly destroyOlderThan: (days: number) => Promise<void>;
};

const purpose = 'day';
const dayMs = 86_400_000;

type KeyRow = { readonly key_id: string; readonly wrapped: Buffer };

/** @param pool  of the key database */
export function openDayKeys(pool: Pool, management: KeyManagement): DayKeys {
  async function opened(row: KeyRow | undefined): Promise<DataKey | undefined> {
    if (row === undefined) return undefined;
    const id = idBytes(row.key_id);
    return makeDataKey(id, await management.unwrap(row.wrapped, wrapContext(id, purpose)));
  }

  async function find(day: number): Promise<DataKey | undefined> {
    const { rows } = await pool.query<KeyRow>('select key_id, wrapped from data_key where purpose = $1 and generation = $2', [
      purpose,
      day,
    ]);
    return opened(rows[0]);
  }

  return {
    async today() {
      const day = dayOf(Date.now());
      const known = await find(day);
      if (known !== undefined) return known;
      const id = idBytes(randomUUID());
      // Of two processes that make it at once, one does: unique (purpose, generation).
      await pool.query('insert into data_key (key_id, purpose, generation, wrapped) values ($1, $2, $3, $4) on conflict do nothing', [
        id.toString('hex'),
        purpose,
        day,
        await management.wrap(randomBytes(secretBytes), wrapContext(id, purpose)),
      ]);
      const made = await find(day);
      if (made === undefined) throw new Error('the key of the day vanished while it was made');
      return made;
    },
    async byId(id) {
      const { rows } = await pool.query<KeyRow>('select key_id, wrapped from data_key where key_id = $1 and purpose = $2', [
        id.toString('hex'),
        purpose,
      ]);
      return opened(rows[0]);
    },
    async destroyOlderThan(days) {
      await pool.query('delete from data_key where purpose = $1 and generation < $2', [purpose, dayOf(Date.now() - days * dayMs)]);
    },
  };
}

/** 20261122 of an instant: a day in UTC. */
function dayOf(at: number): number {
  return Number(new Date(at).toISOString().slice(0, 10).replaceAll('-', ''));
}
