import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let origin: string;
let token: string;
beforeAll(async () => {
  server = await startTestServer();
  origin = new URL(server.base).origin;
  token = await server.token({ scope: 'system/Patient.cruds' });
});
afterAll(() => server?.stop());

const person = (family_name: string) => ({ given_name: 'Ada', family_name, date_of_birth: '1985-12-10' });

async function post(key: string, body: object, bearer = token) {
  const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json', 'idempotency-key': key };
  const response = await fetch(`${origin}/api/v1/patients`, { method: 'POST', headers, body: JSON.stringify(body) });
  const { patient_id, code } = (await response.json()) as { patient_id?: string; code?: string };
  return { status: response.status, replayed: response.headers.get('idempotency-replayed'), patient_id, code };
}

async function count(family: string): Promise<number> {
  const found = await server.request('GET', `/Patient?family=${family}&_summary=count`, { token });
  return found.json.total as number;
}

test('a repeated request is answered as the first was, and writes nothing', async () => {
  const first = await post('again', person('Once'));
  expect(first).toMatchObject({ status: 201, replayed: null });
  expect(await post('again', person('Once'))).toEqual({ ...first, replayed: 'true' });
  expect(await count('Once')).toBe(1);
});

test('the same key with another request is refused', async () => {
  await post('other', person('First'));
  expect(await post('other', person('Second'))).toMatchObject({ status: 409, code: 'idempotency_mismatch' });
  expect(await count('Second')).toBe(0);
});

test('of fifty at once one writes, and all are answered alike', async () => {
  const answers = await Promise.all(Array.from({ length: 50 }, () => post('fifty', person('Fifty'))));
  expect(await count('Fifty')).toBe(1);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
  expect(new Set(answers.map(({ patient_id }) => patient_id)).size).toBe(1);
  expect(answers.filter(({ replayed }) => replayed === null)).toHaveLength(1);
});

test('a key is its caller’s own', async () => {
  const other = await server.token({ scope: 'system/Patient.cruds', patient: 'another' });
  const first = await post('mine', person('Mine'));
  const second = await post('mine', person('Theirs'), other);
  expect([first.status, second.status, second.replayed]).toEqual([201, 201, null]);
});

test('what was refused may be sent again under its key', async () => {
  expect(await post('refused', { ...person('R2'), family_name: 'R2' })).toMatchObject({ status: 422 });
  expect(await post('refused', person('Right'))).toMatchObject({ status: 201, replayed: null });
});

test('who may write but not read is told where it is, also when he asks again', async () => {
  const feed = await server.token({ scope: 'system/Patient.c' });
  const ask = () =>
    fetch(`${origin}/api/v1/patients`, {
      method: 'POST',
      headers: { authorization: `Bearer ${feed}`, 'content-type': 'application/json', 'idempotency-key': 'feed' },
      body: JSON.stringify(person('Unseen')),
    });
  const [first, again] = [await ask(), await ask()];
  expect([first.status, await first.text(), again.status, await again.text()]).toEqual([201, '', 201, '']);
  expect([again.headers.get('idempotency-replayed'), again.headers.get('etag')]).toEqual(['true', 'W/"1"']);
  const location = first.headers.get('location') ?? '';
  expect([location, again.headers.get('location')]).toEqual([expect.stringMatching(/^\/api\/v1\/patients\/[\da-f-]{36}$/), location]);
  const response = await fetch(`${origin}${location}`, { headers: { authorization: `Bearer ${token}` } });
  expect(await response.json()).toMatchObject({ family_name: 'Unseen', version: 1 });
  expect(await count('Unseen')).toBe(1);
});
