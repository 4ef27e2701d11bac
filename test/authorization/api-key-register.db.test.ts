import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiKeyRegister, apiKeyRegister, assertKeepsApiKeys } from '../../src/authorization/api-key-register.ts';
import type { Grant } from '../../src/authorization/grant.ts';
import { parseScopes } from '../../src/authorization/scopes.ts';
import type { SecurityEvent } from '../../src/authorization/security-events.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const grant = (scopes: readonly string[], over: Partial<Grant> = {}): Grant => ({
  issuer: 'https://issuer',
  subject: 'ada',
  clientId: 'console',
  roles: ['admin'],
  scopes: parseScopes(scopes, 'user'),
  ...over,
});

describe('who keeps API keys', () => {
  test('is an administrator through a client that has all of him', () => {
    expect(() => assertKeepsApiKeys(grant(['user/*.cruds']))).not.toThrow();
    expect(() => assertKeepsApiKeys(grant(['user/Patient.rs', 'user/*.cruds']))).not.toThrow();
  });

  test.each<[string, Grant]>([
    ['a provider', grant(['user/*.cruds'], { roles: ['provider', 'viewer', 'patient'] })],
    ['somebody without a role', grant(['user/*.cruds'], { roles: [] })],
    ['a client with less of an administrator', grant(['user/*.rs', 'user/Patient.cruds'])],
    ['a client that may write some of all types', grant(['user/*.cruds?_security=x'])],
    ['a client with all of one patient', grant(['patient/*.cruds'], { patient: 'pa' })],
    ['a client in a patient’s context', grant(['user/*.cruds'], { patient: 'pa' })],
    ['a back end', grant(['system/*.cruds'])],
    ['an API key', grant(['user/*.cruds'], { issuer: 'urn:anamnesis:api-key' })],
  ])('is not %s', (_, asking) => {
    expect(() => assertKeepsApiKeys(asking)).toThrow(expect.objectContaining({ status: 403 }));
  });
});

describe('the register of API keys', () => {
  let server: TestServer;
  let register: ApiKeyRegister;
  const events: SecurityEvent[] = [];
  beforeAll(async () => {
    server = await startTestServer();
    register = apiKeyRegister({
      pool: server.services.context.pool,
      events: (event) => {
        events.push(event);
        return Promise.resolve();
      },
      by: grant(['user/*.cruds'], { fhirUser: 'Practitioner/ada' }),
    });
  });
  afterAll(() => server?.stop());
  const statusBy = async (key: string) =>
    (await server.request('GET', '/Observation', { token: null, headers: { 'x-api-key': key } })).status;

  test('makes, lists, rotates and revokes, tells a secret once, and notes who did it', async () => {
    const made = await register.create({ name: 'lab', scopes: ['system/Observation.rs'], expiresInDays: 2 });
    if ('field' in made) throw new Error(made.text);
    const { id } = made.key;
    expect(await statusBy(made.secret)).toBe(200);
    const rotated = await register.rotate(id, { overlapHours: 0 });
    if (rotated === undefined || 'field' in rotated) throw new Error('not rotated');
    await expect.poll(() => statusBy(rotated.secret)).toBe(200);
    await expect.poll(() => statusBy(made.secret), { timeout: 3_000 }).toBe(401);
    const seen = JSON.stringify([await register.list(), await register.find(id), events]);
    expect(seen).toContain(id);
    for (const { secret } of [made, rotated]) expect(seen).not.toContain(secret.slice(21));
    expect(seen).not.toMatch(/hash/i);
    expect([await register.revoke(id), await register.revoke(id), await register.rotate(id, {})]).toEqual([true, false, undefined]);
    await expect.poll(() => statusBy(rotated.secret), { timeout: 3_000 }).toBe(401);
    expect((await register.find(id))?.revokedAt).toBeInstanceOf(Date);
    expect(events.map(({ kind, client, by }) => [kind, client, by?.fhirUser])).toEqual(
      ['api-key-created', 'api-key-rotated', 'api-key-revoked'].map((kind) => [kind, id, 'Practitioner/ada']),
    );
  });

  test('knows nothing of what is no id', async () => {
    for (const id of ['', 'x', '%', '0123456789abcdef', "' or true --"])
      expect([await register.find(id), await register.rotate(id, {}), await register.revoke(id)]).toEqual([undefined, undefined, false]);
  });

  test.each<[string, object]>([
    ['name', { name: '' }],
    ['name', { name: 'a\nb' }],
    ['name', { name: 'x'.repeat(101) }],
    ['scopes', { scopes: [] }],
    ['scopes', { scopes: ['openid'] }],
    ['scopes', { scopes: ['user/*.rs', 'system/*.rs'], roles: ['viewer'] }],
    ['scopes', { scopes: Array.from({ length: 101 }, (_, n) => `system/Patient.rs?_id=${n}`) }],
    ['scopes', { scopes: ['patient/*.rs'] }],
    ['roles', { roles: ['root'] }],
    ['patient', { patient: '../x' }],
    ['fhirUser', { fhirUser: 'Device/1' }],
    ['expiresInDays', { expiresInDays: 0 }],
    ['expiresInDays', { expiresInDays: 1.5 }],
    ['expiresInDays', { expiresInDays: Number.NaN }],
    ['expiresInDays', { expiresInDays: 367 }],
  ])('refuses a fault of %s in %j, and writes nothing', async (field, over) => {
    const before = (await register.list()).length;
    expect(await register.create({ name: 'x', scopes: ['system/*.rs'], ...over })).toMatchObject({ field });
    expect((await register.list()).length).toBe(before);
  });
});
