import { existsSync } from 'node:fs';
import { open, readdir, readlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rawRequest } from '../../support/raw-request.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { type BulkClient, bulkClient } from './bulk-client.ts';

const logged: string[] = [];
let server: TestServer;
let bulk: BulkClient;
let authorization = '';
let exported = '';
let file = '';
beforeAll(async () => {
  server = await startTestServer({ AUDIT: 'on' }, { write: (line: string) => logged.push(line) });
  authorization = `Bearer ${await server.token()}`;
  bulk = await bulkClient(server);
  const lines = Array.from({ length: 700 }, (_, n) =>
    JSON.stringify({ given_name: 'Ada', family_name: 'Many', date_of_birth: '1985-12-10', email: `many${n}@example.org` }),
  );
  await bulk.imported('application/x-ndjson', lines.join('\n'));
  exported = (await bulk.post('/export?format=ndjson', 'application/json', undefined)).json.job_id;
  await bulk.ended(exported, 'export');
  file = `/api/v1/export/${exported}/file`;
});
afterAll(() => server?.stop());

/** Files of exports and imports that this process has open. */
async function openFiles(): Promise<number> {
  const descriptors = await readdir('/proc/self/fd');
  const paths = await Promise.all(descriptors.map((each) => readlink(join('/proc/self/fd', each)).catch(() => '')));
  return paths.filter((path) => path.startsWith(join(server.services.config.dataDir, 'bulk'))).length;
}

/** Asks for it, takes what comes first, and goes away. */
async function leave(path: string): Promise<void> {
  const { hostname, port } = new URL(server.origin);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: ${authorization}\r\n\r\n`);
  await new Promise((resolve) => socket.once('data', resolve));
  socket.resetAndDestroy();
}

const exports = async (): Promise<number> =>
  (await server.request('GET', '/AuditEvent?type=http://dicom.nema.org/resources/ontology/DCM%7C110106&_summary=count')).json.total;

test.skipIf(!existsSync('/proc/self/fd'))(
  'of which only the head is asked for, or that nobody takes to its end, stays no file open',
  async () => {
    const refused = await bulk.imported('application/x-ndjson', `{"given_name":"${'x'.repeat(1_000)}"}\n`.repeat(200));
    for (const path of [file, `/api/v1/import/${refused.id}/quarantine`]) {
      for (let n = 0; n < 5; n++) {
        const head = await rawRequest(server.origin, 'HEAD', path, { headers: { authorization } });
        expect([head.status, head.bytes.length]).toEqual([200, 0]);
      }
      // What is begun to be read in spite of it is so by then.
      await wait(100);
      expect(await openFiles()).toBe(0);
      const whole = await rawRequest(server.origin, 'GET', path, { headers: { authorization } });
      expect(whole.bytes.length).toBeGreaterThan(65_536);
      for (let n = 0; n < 5; n++) await leave(path);
      await expect.poll(openFiles, { timeout: 10_000 }).toBe(0);
    }
  },
);

test('that its client breaks off is no fault of the server’s, and is recorded as far as it went', async () => {
  const before = await exports();
  logged.length = 0;
  await leave('/api/v1/export?format=ndjson');
  await expect.poll(exports, { timeout: 10_000 }).toBe(before + 1);
  expect(logged).toEqual([]);
});

test('whose file is altered ends by a reset, so that clients of HTTP/1.0 don’t take it for the whole', async () => {
  const [name = ''] = await readdir(join(server.services.config.dataDir, 'bulk', exported));
  const handle = await open(join(server.services.config.dataDir, 'bulk', exported, name), 'r+');
  await handle.write(Buffer.from([1, 2, 3]), 0, 3, 100_000);
  await handle.close();
  const { hostname, port } = new URL(server.origin);
  const socket = connect(Number(port), hostname);
  const failed = new Promise<string>((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
    socket.once('end', () => resolve('whole'));
  });
  socket.resume().write(`GET ${file} HTTP/1.0\r\nAuthorization: ${authorization}\r\n\r\n`);
  expect(await failed).toBe('ECONNRESET');
  expect(logged.join('')).toContain('an answer was broken off');
});
