import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addJob, cancelJob, claimJob, endJob, noteContacts, sweepJobs } from '../../src/storage/jobs.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server?.stop());

const claim = randomUUID();

/** A job of its own folder that is under way, with a value that its file has. */
async function underWay(): Promise<{ id: string; place: string }> {
  const { pool } = server.services.context;
  const [id, place] = [randomUUID(), randomUUID()];
  const job = {
    id,
    kind: 'import',
    owner: randomBytes(32),
    place,
    arguments: Buffer.from('sealed'),
    progress: {},
    keptSeconds: 60,
  } as const;
  expect((await addJob(pool, job, 5))?.id).toBe(id);
  expect((await claimJob(pool, place, claim, 60))?.id).toBe(id);
  await noteContacts(pool, id, [7n], [2]);
  return { id, place };
}

async function noted(id: string): Promise<number> {
  const { rows } = await server.services.context.pool.query('select from bulk_contact where job = $1', [id]);
  return rows.length;
}

test.each([
  ['done', (id: string) => endJob(server.services.context.pool, id, claim, { state: 'done' })],
  ['failed', (id: string) => endJob(server.services.context.pool, id, claim, { state: 'failed', failure: 'internal' })],
  ['cancelled', (id: string) => cancelJob(server.services.context.pool, id)],
] as const)('with a job that is %s goes what was noted of its contacts', async (_, end) => {
  const { id } = await underWay();
  expect(await noted(id)).toBe(1);
  await end(id);
  expect(await noted(id)).toBe(0);
});

test('a process that lost its job ends nothing of it', async () => {
  const { id } = await underWay();
  await endJob(server.services.context.pool, id, randomUUID(), { state: 'failed' });
  expect(await noted(id)).toBe(1);
});

test('with a job that is kept no longer goes what was noted of its contacts, and no other', async () => {
  const { pool } = server.services.context;
  const [old, other] = [await underWay(), await underWay()];
  await pool.query(`update bulk_job set expires_at = clock_timestamp() - interval '1 s' where id = $1`, [old.id]);
  expect(await sweepJobs(pool, old.place)).toEqual(new Set());
  expect([await noted(old.id), await noted(other.id)]).toEqual([0, 1]);
});
