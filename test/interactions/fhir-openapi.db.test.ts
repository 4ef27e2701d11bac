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

test('operations stand where they are called: on the type, on an instance, or on both', async () => {
  const { json } = await server.request('GET', '/openapi.json', { token: null });
  const of = (name: string): string[] => Object.keys(json.paths).filter((path) => path.endsWith(`/$${name}`));
  expect(of('lookup')).toEqual(['/CodeSystem/$lookup']);
  expect(of('access-log')).toEqual(['/Patient/{id}/$access-log']);
  expect(of('subsumes')).toEqual(['/CodeSystem/$subsumes', '/CodeSystem/{id}/$subsumes']);
  expect(of('validate')).toContain('/Patient/$validate');
  const elsewhere = await server.request('GET', '/CodeSystem/nobody/$lookup');
  expect(JSON.stringify(elsewhere.json)).toContain('operation-unknown');
  for (const path of Object.keys(json.paths).filter((each) => each.includes('/$'))) {
    const { json: outcome } = await server.request('GET', path.replace('{id}', 'nobody'));
    expect(JSON.stringify(outcome), path).not.toContain('operation-unknown');
  }
}, 60_000);
