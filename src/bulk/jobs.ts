import { createHmac, randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { openBytes, keyIdOf, sealBytes } from '../encryption/seal-bytes.ts';
import type { DataKey } from '../encryption/seal.ts';
import { inTransaction, type Queryable } from '../storage/database.ts';
import type { DayKeys } from '../storage/day-keys.ts';
import {
  addJob,
  cancelJob,
  findJob,
  type JobKind,
  type JobNumbers,
  type JobRow,
  noteProgress,
  removeJob,
  sweepJobs,
} from '../storage/jobs.ts';
import type { Place } from './place.ts';
import { readSpool, type SpoolWriter, writeSpool } from './spool.ts';

/** A job with what it was asked to do, and its files. */
export type Job = Omit<JobRow, 'arguments'> & {
  readonly asked: unknown;
  readonly write: (name: string, keep?: number) => Promise<SpoolWriter>;
  readonly read: (name: string, until: number) => AsyncGenerator<Buffer, void, undefined>;
};

/** A job that is being made: its files come before it. */
export type Draft = Pick<Job, 'id' | 'write' | 'read'> & { readonly key: DataKey };

export type Submitted = {
  readonly kind: JobKind;
  /** Who asked, as `callerOf` names him. */
  readonly caller: string;
  readonly asked: unknown;
  readonly progress: JobNumbers;
  /** What is committed with the job. */
  readonly beside: (client: Queryable, id: string) => Promise<void>;
};

/** Imports and exports that outlive their request. */
export type Jobs = {
  readonly draft: () => Promise<Draft>;
  readonly discard: (draft: Draft) => Promise<void>;
  /** Undefined: the caller has as many that haven't ended as he may. */
  readonly submit: (draft: Draft, submitted: Submitted) => Promise<Job | undefined>;
  readonly find: (id: string, kind: JobKind, caller: string) => Promise<Job | undefined>;
  /** Ends a job; one that has ended is removed with its files. */
  readonly cancel: (job: Job) => Promise<void>;
  /** Whether there is room for more files. */
  readonly hasRoom: () => Promise<boolean>;
  /** In the transaction of what was done. @throws JobTaken where the job is not this process's any more: it was cancelled, or taken over */
  readonly note: (client: Queryable, job: Job, claim: string, progress: JobNumbers) => Promise<void>;
  readonly opened: (row: JobRow) => Promise<Job | undefined>;
  /** Removes what is kept no longer. */
  readonly sweep: () => Promise<void>;
};

/** What is done for a job counts no more: it was cancelled, or another process runs it. */
export class JobTaken extends Error {}

export type JobsOptions = {
  readonly pool: Pool;
  readonly place: Place;
  readonly dayKeys: DayKeys;
  /** What callers and requests are named by. */
  readonly secret: Buffer;
  readonly keptDays: number;
  readonly spoolBytesMax: number;
  readonly unfinishedMax: number;
  /** Told that there is something to do. */
  readonly onSubmit: () => void;
};

export function makeJobs({ pool, place, dayKeys, secret, keptDays, spoolBytesMax, unfinishedMax, onSubmit }: JobsOptions): Jobs {
  const hmac = (...parts: readonly string[]): Buffer => createHmac('sha256', secret).update(JSON.stringify(parts)).digest();
  const filesOf = (id: string, key: DataKey): Pick<Job, 'write' | 'read'> => ({
    write: (name, keep) => writeSpool(place.fileOf(id, name), { key, purpose: `job/${id}/${name}` }, keep),
    read: (name, until) => readSpool(place.fileOf(id, name), { key, purpose: `job/${id}/${name}` }, until),
  });

  /** Undefined where the key of its day is destroyed: then nothing of it can be read any more. */
  async function opened({ arguments: sealed, ...row }: JobRow): Promise<Job | undefined> {
    const key = await dayKeys.byId(keyIdOf(sealed));
    if (key === undefined) return undefined;
    const asked = JSON.parse(openBytes(key, argumentsOf(row.id), sealed).toString()) as unknown;
    return { ...row, asked, ...filesOf(row.id, key) };
  }

  async function found(row: JobRow | undefined): Promise<Job | undefined> {
    return row === undefined ? undefined : opened(row);
  }

  return {
    async draft() {
      const id = randomUUID();
      const key = await dayKeys.today();
      await place.make(id);
      return { id, key, ...filesOf(id, key) };
    },
    discard: ({ id }) => place.remove(id),
    async submit({ id, key }, { kind, caller, asked, progress, beside }) {
      const job = {
        id,
        kind,
        owner: hmac('owner', caller),
        place: place.id,
        arguments: sealBytes(key, argumentsOf(id), Buffer.from(JSON.stringify(asked))),
        progress,
        keptSeconds: keptDays * 86_400,
      };
      const added = await inTransaction(pool, { retriesMax: 0 }, async ({ client }) => {
        const row = await addJob(client, job, unfinishedMax);
        if (row !== undefined) await beside(client, id);
        return row;
      });
      if (added === undefined) return undefined;
      onSubmit();
      return opened(added);
    },
    async find(id, kind, caller) {
      if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) return undefined;
      return found(await findJob(pool, id, kind, hmac('owner', caller)));
    },
    async cancel({ id }) {
      if (await cancelJob(pool, id)) return;
      await removeJob(pool, id);
      await place.remove(id);
    },
    hasRoom: async () => (await place.used()) < spoolBytesMax,
    async note(client, { id }, claim, progress) {
      if (!(await noteProgress(client, id, claim, progress))) throw new JobTaken();
    },
    opened,
    async sweep() {
      await place.removeOthers(await sweepJobs(pool, place.id));
      await dayKeys.destroyOlderThan(keptDays + 1);
    },
  };
}

const argumentsOf = (id: string): string => `job/${id}/arguments`;
