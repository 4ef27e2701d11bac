import { Client } from 'pg';
import { expect, inject, test } from 'vitest';
import { createDatabase } from '../../support/cluster.ts';

// Needs test/support/cluster.ts as global set-up, which the vitest project of *.db.test.ts has.
test.each(['main', 'keys'] as const)('each test file gets a database of its own on the %s cluster, and drops it in use', async (kind) => {
  const [one, other] = await Promise.all([createDatabase(kind), createDatabase(kind)]);
  const client = new Client({ connectionString: one.url });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('create table note (text text)');
  const otherClient = new Client({ connectionString: other.url });
  await otherClient.connect();
  await expect(otherClient.query('select from note')).rejects.toMatchObject({ code: '42P01' });
  await otherClient.end();
  await one.drop();
  await other.drop();
  const admin = new Client({ connectionString: inject('clusterUrls')[kind] });
  await admin.connect();
  const { rows } = await admin.query('select datname from pg_database where datname = any($1)', [
    [one, other].map(({ url }) => new URL(url).pathname.slice(1)),
  ]);
  await admin.end();
  expect(rows).toEqual([]);
  await client.end();
});

test('the main and the key cluster are two: neither has the other in its write-ahead log', async () => {
  const identifiers = await Promise.all(
    (['main', 'keys'] as const).map(async (kind) => {
      const client = new Client({ connectionString: inject('clusterUrls')[kind] });
      await client.connect();
      const { rows } = await client.query<{ id: string }>('select system_identifier::text as id from pg_control_system()');
      await client.end();
      return rows[0]?.id;
    }),
  );
  expect(identifiers[0]).toMatch(/^\d+$/);
  expect(identifiers[1]).not.toBe(identifiers[0]);
});
