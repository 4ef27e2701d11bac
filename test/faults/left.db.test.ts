import { connect } from 'node:net';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { startTestServer } from '../support/server.ts';

test('a server that stops ends what a client asked for that is gone, before it leaves the databases', async () => {
  const logged: string[] = [];
  const server = await startTestServer({ AUDIT: 'on' }, { write: (line: string) => logged.push(line) });
  const token = await server.token();
  await server.request('POST', '/Patient', { body: { resourceType: 'Patient' } });
  const holding = new Client({ connectionString: server.databaseUrl });
  await holding.connect();
  await holding.query('begin; lock table resource_patient in exclusive mode');
  const { hostname, port } = new URL(server.origin);
  const socket = connect(Number(port), hostname);
  const entry = [
    { request: { method: 'POST', url: 'Patient' }, resource: { resourceType: 'Patient' } },
    { request: { method: 'GET', url: 'Patient?_count=1' } },
  ];
  const body = JSON.stringify({ resourceType: 'Bundle', type: 'batch', entry });
  const head = `Host: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/fhir+json\r\nContent-Length: ${body.length}`;
  socket.write(`POST /fhir/R4 HTTP/1.1\r\n${head}\r\n\r\n${body}`);
  const waiting = async () =>
    (
      await holding.query(
        `select 1 from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())`,
      )
    ).rowCount;
  await expect.poll(waiting, { timeout: 10_000 }).toBe(1);
  socket.destroy();
  const stopped = server.stop();
  // Long enough for one that doesn't wait to have closed what the request needs.
  await new Promise((resolve) => setTimeout(resolve, 500));
  await holding.query('commit');
  await holding.end();
  await stopped;
  expect(logged).toEqual([]);
}, 60_000);
