import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFolder } from '../support/cluster.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server?.stop());

test('the FHIR API is told as OpenAPI, to anybody, with the types and search parameters of the CapabilityStatement', async () => {
  const [{ status, json, headers }, metadata] = await Promise.all([
    server.request('GET', '/openapi.json', { token: null }),
    server.request('GET', '/metadata', { token: null }),
  ]);
  expect([status, headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
  const { resource } = metadata.json.rest[0];
  for (const { type, searchParam } of resource) {
    const { get } = json.paths[`/${type}`];
    const told = get.parameters.flatMap(({ name }: { name?: string }) => (name === undefined ? [] : [name]));
    expect(told, type).toEqual((searchParam ?? []).map(({ name }: { name: string }) => name));
  }
  const file = join(await createFolder(), 'openapi.json');
  await writeFile(file, JSON.stringify(json));
  const redocly = join(import.meta.dirname, '..', '..', 'node_modules', '.bin', 'redocly');
  // Rejects where the document is not as OpenAPI says.
  const { stderr } = await promisify(execFile)(redocly, ['lint', '--extends', 'minimal', file], { maxBuffer: 2 ** 26 });
  expect(stderr).toMatch(/valid/);
});
