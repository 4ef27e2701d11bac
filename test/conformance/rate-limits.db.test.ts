import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rawRequest } from '../support/raw-request.ts';
import type { Answered } from '../support/server.ts';
import { expectRefusal, type Fixture, observation, startFixture } from './attack-fixture.ts';

let server: Fixture;
beforeAll(async () => {
  server = await startFixture({
    RATE_LIMIT_READS: '5',
    RATE_LIMIT_SEARCHES: '4',
    RATE_LIMIT_WRITES: '40',
    RATE_LIMIT_PUBLIC: '6',
    RATE_LIMIT_REFUSED: '7',
    RATE_LIMIT_TOKEN: '3',
    RATE_LIMIT_SIGN_IN: '2',
    TRUSTED_PROXIES: '127.0.0.0/8',
  });
});
afterAll(() => server?.stop());

let users = 0;
/** A token of somebody who hasn't called yet. */
const newcomer = (): Promise<string> => server.token({ user: `Practitioner/u${++users}` });
const from = (address: string): Record<string, string> => ({ 'x-forwarded-for': address });

function expectTooMany(answer: Answered): void {
  expectRefusal(answer, 429);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect(Number(answer.headers.get('retry-after'))).toBeLessThanOrEqual(60);
  expect(answer.json.issue[0].code).toBe('throttled');
}

describe('C133 a caller who asks too often', () => {
  test('is told when to come back; others, and his other doings, are unaffected', async () => {
    const [busy, other] = [await newcomer(), await newcomer()];
    const read = (token: string) => server.request('GET', '/Patient/pa', { token });
    for (let n = 0; n < 5; n++) expect((await read(busy)).status).toBe(200);
    expectTooMany(await read(busy));
    expectTooMany(await server.request('GET', '/Patient/pa/_history/1', { token: busy }));
    expect((await read(other)).status).toBe(200);
    expect((await server.request('GET', '/Patient', { token: busy })).status).toBe(200);
    expect((await server.request('POST', '/Observation', { token: busy, body: observation(undefined, 'pa') })).status).toBe(201);
  });

  test('doesn’t escape by a new token', async () => {
    const user = `Practitioner/u${++users}`;
    for (let n = 0; n < 5; n++)
      expect((await server.request('GET', '/Patient/pa', { token: await server.token({ user }) })).status).toBe(200);
    expectTooMany(await server.request('GET', '/Patient/pa', { token: await server.token({ user }) }));
  });

  test('is answered the same for what he may not see as for what there isn’t', async () => {
    const token = await server.token({ scope: 'patient/*.rs', patient: 'pa', user: `Patient/p${++users}` });
    for (let n = 0; n < 5; n++) await server.request('GET', '/Patient/pa', { token });
    const [hidden, never] = [
      await server.request('GET', '/Patient/pb', { token }),
      await server.request('GET', '/Patient/none', { token }),
    ];
    expect([hidden.status, hidden.text.replace(/\d+ s/, '')]).toEqual([never.status, never.text.replace(/\d+ s/, '')]);
    expect(hidden.status).toBe(429);
  });

  test.each([
    ['GET', '/Observation'],
    ['POST', '/Observation/_search'],
    ['GET', '/Patient/pa/Observation'],
    ['GET', '/Patient/pa/_history'],
    ['GET', '/_history'],
    ['GET', '/Patient/pa/$everything'],
    ['HEAD', '/Observation'],
  ])('%s %s is taken from the searches', async (method, path) => {
    const token = await newcomer();
    for (let n = 0; n < 4; n++) expect((await server.request('GET', '/Patient', { token })).status).toBe(200);
    expect((await server.request(method, path, { token })).status).toBe(429);
    expect((await server.request('GET', '/Patient/pa', { token })).status).toBe(200);
  });

  test('pays for each entry of a batch', async () => {
    const token = await newcomer();
    const entry = Array.from({ length: 50 }, () => ({ request: { method: 'GET', url: 'Patient/pa' } }));
    const batch = () => server.request('POST', '', { token, body: { resourceType: 'Bundle', type: 'batch', entry } });
    expect((await batch()).status).toBe(200);
    expectTooMany(await batch());
    expect((await server.request('GET', '/Patient/pa', { token })).status).toBe(200);
  });
});

describe('an address', () => {
  test('gets what is public so often, and others go on', async () => {
    const metadata = (address: string) => server.request('GET', '/metadata', { token: null, headers: from(address) });
    for (let n = 0; n < 6; n++) expect((await metadata('203.0.113.1')).status).toBe(200);
    expectTooMany(await metadata('203.0.113.1'));
    expectTooMany(await metadata('198.51.100.7, 203.0.113.1'));
    expect((await metadata('203.0.113.2')).status).toBe(200);
  });

  test.each<[string, number, Record<string, string>]>([
    ['no token', 101, {}],
    ['what is no token', 102, { authorization: 'Basic eDp5' }],
    ['a token that is too long', 103, { authorization: `Bearer ${'a'.repeat(12_000)}` }],
    ['what is no key', 104, { 'x-api-key': 'ana_x' }],
    ['two kinds of credentials', 105, { authorization: 'Bearer x', 'x-api-key': 'ana_x' }],
  ])('that comes with %s too often is refused, and leaves no more events', async (_, host, credentials) => {
    const headers = { ...from(`203.0.113.${host}`), ...credentials };
    const asked = () => server.request('GET', '/Patient/pa', { token: null, headers });
    for (let n = 0; n < 7; n++) expect([400, 401]).toContain((await asked()).status);
    const events = async () => (await server.services.context.pool.query('select count(*)::int as n from audit_event')).rows[0]?.n;
    const before = await events();
    for (let n = 0; n < 3; n++) expectTooMany(await asked());
    expect(await events()).toBe(before);
  });

  test('whose tokens are refused too often has no more looked at, but who is known there goes on', async () => {
    const headers = from('203.0.113.9');
    const good = await newcomer();
    expect((await server.request('GET', '/Patient/pa', { token: good, headers })).status).toBe(200);
    const forged = `${good.slice(0, -6)}AAAAAA`;
    for (let n = 0; n < 5; n++) expect((await server.request('GET', '/Patient/pa', { token: forged, headers })).status).toBe(401);
    const key = `ana_0123456789abcdef_${'x'.repeat(43)}`;
    for (let n = 0; n < 2; n++)
      expect((await server.request('GET', '/Patient/pa', { token: null, headers: { ...headers, 'x-api-key': key } })).status).toBe(401);
    expectTooMany(await server.request('GET', '/Patient/pa', { token: forged, headers }));
    expectTooMany(await server.request('GET', '/Patient/pa', { token: null, headers: { ...headers, 'x-api-key': key } }));
    expect((await server.request('GET', '/Patient/pa', { token: good, headers })).status).toBe(200);
    expect((await server.request('GET', '/Patient/pa', { token: forged, headers: from('203.0.113.10') })).status).toBe(401);
  });

  test.each([
    ['/oauth/token', 3],
    ['/oauth/introspect', 3],
    ['/oauth/interaction/x', 2],
  ])('may post to %s only so often', async (path, limit) => {
    const address = `203.0.113.${100 + ++users}`;
    const post = (whose: string) =>
      rawRequest(server.origin, 'POST', path, {
        headers: { ...from(whose), 'content-type': 'application/x-www-form-urlencoded' },
        body: Buffer.from('grant_type=x'),
      });
    for (let n = 0; n < limit; n++) expect((await post(address)).status).not.toBe(429);
    const refused = await post(address);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(refused.headers['cache-control']).toBe('no-store');
    expect(JSON.parse(refused.bytes.toString())).toMatchObject({ error: 'temporarily_unavailable' });
    expect((await post('203.0.113.99')).status).not.toBe(429);
  });

  test.each([
    ['with its scheme and host', 'http://other.example/oauth/sign-in/password'],
    ['with letters as percent codes', '/%6Fauth/sign%2din/password'],
    ['by way of another folder', '/x/../oauth/sign-in/password'],
    ['by way of another folder in percent codes', '/x/%2e%2E/oauth/sign-in/password'],
    ['with a folder that is the same', '/oauth/./sign-in/password'],
    ['with backslashes', '/oauth\\sign-in\\password'],
    ['with slashes to spare', '//oauth/sign-in/password'],
    ['with a part of the page', '/oauth/sign-in/password#part'],
    ['in capitals', '/OAUTH/sign-in/password'],
    ['with a slash at its end', '/oauth/sign-in/password/'],
  ])('is counted however the path is written: %s', async (_, path) => {
    const headers = {
      ...from(`203.0.113.${100 + ++users}`),
      'content-type': 'application/x-www-form-urlencoded',
      origin: 'https://evil.example',
    };
    const post = async () => (await rawRequest(server.origin, 'POST', path, { headers, body: Buffer.from('login=x') })).status;
    const statuses = [await post(), await post(), await post()];
    // Either no page is found there, or it is the page, with its budget.
    expect([[404, 404, 404].join(), [400, 400, 400].join(), [403, 403, 429].join()]).toContain(statuses.join());
  });

  test('that is no proxy’s can’t claim another', async () => {
    const direct = await startFixture({ RATE_LIMIT_PUBLIC: '2' });
    try {
      const metadata = (address: string) => direct.request('GET', '/metadata', { token: null, headers: from(address) });
      expect((await metadata('203.0.113.1')).status).toBe(200);
      expect((await metadata('203.0.113.2')).status).toBe(200);
      expect((await metadata('203.0.113.3')).status).toBe(429);
    } finally {
      await direct.stop();
    }
  });
});

test('health is never limited', async () => {
  for (let n = 0; n < 20; n++)
    expect((await server.request('GET', `${server.origin}/livez`, { token: null, headers: from('203.0.113.50') })).status).toBe(200);
});
