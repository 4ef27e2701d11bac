import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { erasePatient } from '../../src/interactions/erasure.ts';
import { reindexContext } from '../../src/interactions/parameters/registrar.ts';
import { reindexBatch } from '../../src/storage/reindex.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let client: Client;
const types = ['Patient', 'Observation', 'DocumentReference', 'Binary', 'Basic'];

beforeAll(async () => {
  server = await startTestServer({ LOG_LEVEL: 'silent' });
  client = new Client({ connectionString: server.databaseUrl });
  await client.connect();
  const note = { contentType: 'text/plain', url: 'Binary/note' };
  const resources = [
    { resourceType: 'Patient', id: 'stays', birthDate: '1970-01-01', name: [{ family: 'Ämter', given: ['A'] }] },
    { resourceType: 'Patient', id: 'goes', gender: 'male' },
    {
      resourceType: 'Observation',
      id: 'shared',
      status: 'final',
      code: { coding: [{ system: 'http://loinc.org', code: '1' }] },
      subject: { reference: 'Patient/stays' },
      performer: [{ reference: 'Patient/goes', display: 'He' }],
      effectiveDateTime: '2024-01-01',
      valueQuantity: { value: 5, unit: 'mg', system: 'http://unitsofmeasure.org', code: 'mg' },
      component: [{ code: { coding: [{ system: 'http://loinc.org', code: '2' }] }, valueQuantity: { value: 1 } }],
    },
    { resourceType: 'Binary', id: 'note', contentType: 'text/plain', data: 'aGVsbG8=' },
    {
      resourceType: 'DocumentReference',
      id: 'doc',
      status: 'current',
      subject: { reference: 'Patient/stays' },
      content: [{ attachment: note }],
    },
    ...Array.from({ length: 60 }, (_, n) => ({ resourceType: 'Basic', id: `b${n}`, code: { text: `t${n}` } })),
  ];
  const entry = resources.map((resource) => ({ resource, request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` } }));
  const { status, text } = await server.request('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } });
  if (status !== 200) throw new Error(text);
  await server.request('DELETE', '/Basic/b59');
  await erasePatient(server.services.erasing, { id: 'goes', reason: 'order 1', at: new Date() });
}, 60_000);
afterAll(async () => {
  await client?.end();
  await server?.stop();
});

/** What all rows are found by, and what they are. */
async function everything(): Promise<unknown[]> {
  const { rows } = await client.query(
    `select r.type, r.id, version, last_updated::text, interaction, deleted, patient, clinical_at::text, md5(content) as content, xid::text,
       array(select t from unnest(tokens) t order by t) as tokens, r.rid,
       (select count(*) from fact_date f where f.rid = r.rid) as dates, (select count(*) from fact_quantity f where f.rid = r.rid) as quantities,
       (select array_agg((param, pair, unit, lo, hi)::text order by 1) from fact_quantity f where f.rid = r.rid) as quantity,
       (select array_agg(target order by 1) from fact_reference f where f.rid = r.rid) as targets,
       (select array_agg((param, low, high)::text order by 1) from fact_sort f where f.rid = r.rid) as sorts
     from resource r order by r.type, r.id`,
  );
  return rows;
}

const rowPlaces = async (): Promise<unknown[]> => (await client.query('select rid, ctid::text from resource order by rid')).rows;

async function reindex(rowsMax = 25): Promise<{ done: number; skipped: number }> {
  const context = reindexContext(server.services.context, server.services.log, rowsMax);
  const sum = { done: 0, skipped: 0 };
  for (const type of types) {
    for (let after: number | undefined = 0; after !== undefined; ) {
      const reindexed = await reindexBatch(context, type, after, () => Promise.resolve(true));
      if (reindexed === 'stopped') throw new Error('stopped');
      sum.done += reindexed.done;
      sum.skipped += reindexed.skipped;
      after = reindexed.last;
    }
  }
  return sum;
}

test('changes nothing where nothing is amiss, and writes no row', async () => {
  const before = [await everything(), await rowPlaces()];
  expect(await reindex()).toEqual({ done: 63, skipped: 0 });
  expect([await everything(), await rowPlaces()]).toEqual(before);
});

test('restores what resources are found by, without what tells of an erased patient, and with the owners of a Binary', async () => {
  const before = await everything();
  await client.query(`update resource set tokens = '{}', patient = null, clinical_at = null where not deleted and type = any($1)`, [types]);
  for (const table of ['fact_date', 'fact_quantity', 'fact_reference', 'fact_sort']) await client.query(`delete from ${table}`);
  await client.query('insert into fact_reference select rid, 1, 1 from resource');
  await reindex(7);
  expect(await everything()).toEqual(
    before.map((row) => ((row as { deleted: boolean }).deleted ? expect.objectContaining({ id: (row as { id: string }).id }) : row)),
  );
  await client.query('delete from fact_reference where param = 1 and target = 1');
  expect(await everything()).toEqual(before);
  const found = await server.request('GET', '/Observation?performer=Patient/goes');
  expect(found.json.total).toBe(0);
});

test('leaves what is written over meanwhile as it was written', async () => {
  const context = reindexContext(server.services.context, server.services.log, 100);
  let written: Promise<{ status: number }> | undefined;
  // Between its extraction and its locks.
  const slow = {
    ...context,
    extractWithout: (...args: Parameters<typeof context.extractWithout>) => {
      const found = context.extractWithout(...args);
      if (args[2] === 'b7')
        written = server.request('PUT', '/Basic/b7', { body: { resourceType: 'Basic', id: 'b7', code: { coding: [{ code: 'new' }] } } });
      return found;
    },
    retriesMax: 0,
  };
  await client.query('begin');
  await client.query(`select from resource where type = 'Basic' and id = 'b0' for update`);
  const reindexing = reindexBatch(slow, 'Basic', 0, () => Promise.resolve(true));
  await expect.poll(() => written !== undefined).toBe(true);
  await delay(200);
  await client.query('commit');
  await reindexing;
  expect((await written)?.status).toBe(200);
  expect((await server.request('GET', '/Basic?code=new')).json.total).toBe(1);
});

test('counts and passes over what it can’t read', async () => {
  await client.query(
    `update resource set content = set_byte(content, octet_length(content) - 1, get_byte(content, octet_length(content) - 1) # 255) where type = 'Basic' and id in ('b3', 'b4')`,
  );
  const before = await everything();
  expect(await reindex()).toMatchObject({ done: 63, skipped: 2 });
  expect(await everything()).toEqual(before);
});

test('does nothing if what it does beside it says so', async () => {
  await client.query(`update resource set tokens = '{}' where type = 'Patient' and id = 'stays'`);
  const context = reindexContext(server.services.context, server.services.log, 100);
  expect(await reindexBatch(context, 'Patient', 0, () => Promise.resolve(false))).toBe('stopped');
  const { rows } = await client.query(`select cardinality(tokens) as n from resource where type = 'Patient' and id = 'stays'`);
  expect(rows).toEqual([{ n: 0 }]);
});
