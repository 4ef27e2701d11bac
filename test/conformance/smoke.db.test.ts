import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server?.stop());

test('a created resource is read back with its digits', async () => {
  const created = await server.request('POST', '/Observation', {
    body: '{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.50}}',
  });
  expect(created.status).toBe(201);
  const read = await server.request('GET', `/Observation/${created.json.id}`);
  expect(read.status).toBe(200);
  expect(read.text).toContain('"value":1.50');
});

test('without a token nothing is answered', async () => {
  expect((await server.request('GET', '/Patient', { token: null })).status).toBe(401);
});
