import { beforeAll, describe, expect, test } from 'vitest';
import { openHospital } from '../support/native.ts';

const { server, house, v1 } = await openHospital('admin');

const lab = { name: 'laboratory', scopes: ['system/Observation.rs'], expires_in_days: 2 };
const statusBy = async (secret: string) =>
  (await server.request('GET', '/Observation', { token: null, headers: { 'x-api-key': secret } })).status;
const codeOf = ({ status, json }: { status: number; json: { code: string } }) => [status, json.code];

test('a key is made, read, listed, rotated and revoked; its secret is told once each time', async () => {
  const made = await v1('POST', '/api-keys', { body: lab });
  expect([made.status, made.json]).toMatchObject([201, { name: 'laboratory', scopes: lab.scopes, roles: [], status: 'active' }]);
  expect(made.headers.get('cache-control')).toContain('no-store');
  const { api_key_id: id, secret, ...shown } = made.json;
  expect(await statusBy(secret)).toBe(200);
  expect((await v1('GET', `/api-keys/${id}`)).json).toMatchObject({ api_key_id: id, ...shown });

  const rotated = await v1('POST', `/api-keys/${id}:rotate`, { body: { overlap_hours: 0 } });
  expect(rotated.status).toBe(200);
  expect(rotated.json.secret).not.toBe(secret);
  await expect.poll(() => statusBy(rotated.json.secret)).toBe(200);
  await expect.poll(() => statusBy(secret), { timeout: 3_000 }).toBe(401);

  const listed = await v1('GET', '/api-keys');
  expect(listed.json.data).toMatchObject([{ api_key_id: id, status: 'active' }]);
  for (const each of [secret, rotated.json.secret]) expect(listed.text).not.toContain(each.slice(21));
  expect(listed.text).not.toMatch(/hash|secret"/);

  expect((await v1('DELETE', `/api-keys/${id}`)).status).toBe(204);
  expect((await v1('DELETE', `/api-keys/${id}`)).status).toBe(204);
  await expect.poll(() => statusBy(rotated.json.secret), { timeout: 3_000 }).toBe(401);
  expect((await v1('GET', `/api-keys/${id}`)).json).toMatchObject({ status: 'revoked', revoked_at: expect.any(String) });
  expect(codeOf(await v1('POST', `/api-keys/${id}:rotate`))).toEqual([409, 'conflict']);
});

test('a rotation without a body leaves the secret before good for a day', async () => {
  const { json } = await v1('POST', '/api-keys', { body: lab });
  const rotated = await v1('POST', `/api-keys/${json.api_key_id}:rotate`);
  expect(Date.parse(rotated.json.previous_secret_until) - Date.now()).toBeGreaterThan(23 * 3_600_000);
  expect([await statusBy(json.secret), await statusBy(rotated.json.secret)]).toEqual([200, 200]);
});

test('keys are listed a page at a time, the newest first', async () => {
  const made: string[] = [];
  for (const name of ['one', 'two', 'three']) made.unshift((await v1('POST', '/api-keys', { body: { ...lab, name } })).json.api_key_id);
  const first = await v1('GET', '/api-keys?limit=2');
  const second = await v1('GET', `/api-keys?limit=2&cursor=${first.json.next_cursor}`);
  const ids = [...first.json.data, ...second.json.data].map((key: { api_key_id: string }) => key.api_key_id);
  expect(ids.slice(0, 3)).toEqual(made);
  let cursor: string | null = second.json.next_cursor;
  for (let pages = 0; cursor !== null && pages < 10; pages++) cursor = (await v1('GET', `/api-keys?cursor=${cursor}`)).json.next_cursor;
  expect(cursor).toBeNull();
  expect(codeOf(await v1('GET', "/api-keys?cursor=' or true"))).toEqual([400, 'invalid_request']);
});

test('under an Idempotency-Key one key is made and its secret is told once', async () => {
  const headers = { 'idempotency-key': 'one lab' };
  const answers = await Promise.all([1, 2, 3].map(() => v1('POST', '/api-keys', { body: { ...lab, name: 'once' }, headers })));
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
  expect(new Set(answers.map(({ json }) => json.api_key_id)).size).toBe(1);
  expect(answers.filter(({ json }) => json.secret !== undefined).length).toBe(1);
  expect(answers.filter(({ headers: sent }) => sent.get('idempotency-replayed') === 'true').length).toBe(2);
  const id = answers[0]?.json.api_key_id as string;
  const turns = [1, 2].map(() => v1('POST', `/api-keys/${id}:rotate`, { headers: { 'idempotency-key': 'turn' } }));
  expect((await Promise.all(turns)).filter(({ json }) => json.secret !== undefined).length).toBe(1);
});

describe('refused', () => {
  const requests: [string, string, object?][] = [
    ['GET', '/api-keys'],
    ['POST', '/api-keys', lab],
    ['GET', '/api-keys/ID'],
    ['POST', '/api-keys/ID:rotate'],
    ['DELETE', '/api-keys/ID'],
  ];
  let id: string;
  let secret: string;
  let byAdminKey: string;
  beforeAll(async () => {
    const made = await v1('POST', '/api-keys', { body: lab });
    ({ api_key_id: id, secret } = made.json);
    const admin = await v1('POST', '/api-keys', { body: { name: 'admin', scopes: ['user/*.cruds'], roles: ['admin'] } });
    byAdminKey = admin.json.secret;
  });
  const path = (text: string) => text.replace('ID', id);
  const bodyOf = (body?: object) => (body === undefined ? {} : { body });
  const count = async () => (await v1('GET', '/api-keys?limit=100')).json.data.length;

  test.each(['system', 'provider', 'viewer', 'patient'] as const)('everything is refused to a token of %s', async (who) => {
    const before = await count();
    for (const [method, where, body] of requests)
      expect(codeOf(await v1(method, path(where), { token: house.tokens[who], ...bodyOf(body) }))).toEqual([403, 'forbidden']);
    expect(await count()).toBe(before);
  });

  test('everything is refused to an API key, that of an administrator too', async () => {
    const before = await count();
    for (const key of [secret, byAdminKey])
      for (const [method, where, body] of requests)
        expect(codeOf(await v1(method, path(where), { token: null, headers: { 'x-api-key': key }, ...bodyOf(body) }))).toEqual([
          403,
          'forbidden',
        ]);
    expect([await count(), await statusBy(secret)]).toEqual([before, 200]);
  });

  test('to an administrator through an app that has less of him, and to nobody', async () => {
    const token = await server.token({ scope: 'user/*.rs', user: 'Practitioner/boss', roles: ['admin'] });
    for (const [method, where, body] of requests) {
      expect((await v1(method, path(where), { token, ...bodyOf(body) })).status).toBe(403);
      expect((await v1(method, path(where), { token: null, ...bodyOf(body) })).status).toBe(401);
    }
  });

  test('what there is not is told alike to those who may not ask, and is not found by those who may', async () => {
    const other = { token: house.tokens.provider };
    const known = await v1('GET', `/api-keys/${id}`, other);
    const unknown = await v1('GET', '/api-keys/0123456789abcdef', other);
    expect([unknown.status, unknown.json.message]).toEqual([known.status, known.json.message]);
    for (const [method, where] of [requests[2], requests[3], requests[4]] as [string, string][])
      for (const none of ['0123456789abcdef', 'x']) expect(codeOf(await v1(method, where.replace('ID', none)))).toEqual([404, 'not_found']);
  });

  test.each<[string, object]>([
    ['scopes', { scopes: ['secret-scope'] }],
    ['scopes', { scopes: ['patient/*.rs'] }],
    ['scopes', { scopes: ['user/*.rs', 'system/*.rs'], roles: ['viewer'] }],
    ['roles[0]', { roles: ['root'] }],
    ['name', { name: ' ' }],
    ['name', { name: 'a\nb' }],
    ['fhir_user', { fhir_user: 'Device/7' }],
    ['expires_in_days', { expires_in_days: 367 }],
    ['hash', { hash: 'x' }],
  ])('a fault of %s in %j is told without what was sent, and makes no key', async (field, over) => {
    const before = await count();
    const answer = await v1('POST', '/api-keys', { body: { ...lab, ...over } });
    expect([answer.status, answer.json.details[0].field]).toEqual([422, field]);
    expect(answer.text).not.toContain('secret-scope');
    expect(await count()).toBe(before);
  });
});

test('every change and every refusal is in the audit trail, with who did it', async () => {
  const { json } = await v1('POST', '/api-keys', { body: lab, headers: { 'x-request-id': 'key-made-1' } });
  await v1('DELETE', `/api-keys/${json.api_key_id}`, { headers: { 'x-request-id': 'key-ended-1' } });
  await v1('GET', '/api-keys', { headers: { 'x-request-id': 'key-seen-1' } });
  await v1('GET', '/api-keys', { token: house.tokens.provider, headers: { 'x-request-id': 'key-refused-1' } });
  const told = await server.request('GET', '/AuditEvent?_sort=-_lastUpdated&_count=50');
  // oxlint-disable-next-line typescript/no-explicit-any -- AuditEvents as they come
  const of = (request: string): any[] =>
    told.json.entry
      .map(({ resource }: { resource: object }) => resource)
      .filter((event: object) => JSON.stringify(event).includes(`"${request}"`));
  expect(of('key-made-1')).toMatchObject([
    { subtype: [{ code: 'api-key' }], outcome: '0', agent: [{ who: { identifier: expect.anything() } }, {}, {}] },
  ]);
  const [made] = of('key-made-1');
  const text = JSON.stringify(made);
  for (const each of ['api-key-created', json.api_key_id, 'Practitioner/boss', 'system/Observation.rs']) expect(text).toContain(each);
  expect(text).not.toContain(json.secret.slice(21));
  expect(JSON.stringify(of('key-ended-1'))).toContain('api-key-revoked');
  expect(of('key-seen-1')).toMatchObject([{ outcome: '0', entity: [{ description: '$api-keys' }, {}] }]);
  expect(of('key-refused-1')).toMatchObject([{ outcome: '4' }]);
});
