import { randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, decodeProtectedHeader, exportJWK, exportSPKI, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { atPort } from '../../src/config.ts';
import { startServer } from '../../src/server.ts';
import { openServices, type Services } from '../../src/services.ts';
import { revokeToken } from '../../src/storage/oauth-revocations.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { openBrowser, postForm } from './browser.ts';
import { addApp, addUser, tokensOf } from './launching.ts';

let server: TestServer;
let second: { readonly services: Services; readonly port: number; readonly stop: () => Promise<void> };
beforeAll(async () => {
  server = await startTestServer();
  await server.request('PUT', '/Patient/pa', { body: { resourceType: 'Patient', id: 'pa', name: [{ family: 'Canarywinter' }] } });
  await addUser(server, 'anna', ['patient'], 'Patient/pa');
  await addApp(server, 'app');
  const { config } = server.services;
  // Another process of the same installation: the same databases, keys and base.
  const services = await openServices({ ...atPort(config, config.port), port: 0 }, createLog(config));
  second = { services, ...(await startServer(services)) };
});
afterAll(async () => {
  await second?.stop();
  await server?.stop();
});

const scope = 'openid launch/patient patient/*.rs offline_access';
const readAt = async (port: number, token: string): Promise<number> =>
  (await fetch(`http://127.0.0.1:${port}/fhir/R4/Patient/pa`, { headers: { authorization: `Bearer ${token}` } })).status;
const here = (token: string) => readAt(server.services.config.port, token);
const there = (token: string) => readAt(second.port, token);
const tokens = async () => (await tokensOf(server, { client: 'app', login: 'anna', scope })).tokens;

describe('two processes', () => {
  test('share codes, tokens, sessions and keys; what one ends is over in the other within a second', async () => {
    const first = await tokens();
    expect([await here(first.access_token), await there(first.access_token)]).toEqual([200, 200]);
    const fields = { grant_type: 'refresh_token', refresh_token: first.refresh_token, client_id: 'app' };
    const refreshed = await postForm(`http://127.0.0.1:${second.port}/oauth/token`, fields);
    expect(refreshed.status).toBe(200);
    await postForm(`http://127.0.0.1:${second.port}/oauth/revoke`, { token: refreshed.json.refresh_token, client_id: 'app' });
    expect(await there(first.access_token)).toBe(401);
    await expect.poll(() => here(first.access_token), { timeout: 1_000, interval: 20 }).toBe(401);
    expect(await here(refreshed.json.access_token)).toBe(401);
  });

  test('a process that lost its ear asks the database, and hears again', async () => {
    const first = await tokens();
    expect(await there(first.access_token)).toBe(200);
    const admin = new Client({ connectionString: server.databaseUrl });
    await admin.connect();
    const deaf = setInterval(() => {
      void admin
        .query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'anamnesis revocations'")
        .catch(() => {});
    }, 20);
    try {
      await new Promise((resolve) => setTimeout(resolve, 300));
      const { payload } = JSON.parse(`{"payload":${Buffer.from(first.access_token.split('.')[1] ?? '', 'base64url').toString()}}`) as {
        payload: { jti: string };
      };
      await revokeToken(admin, payload.jti);
      // A process may take a second to notice that it hears nothing.
      await expect
        .poll(async () => [await here(first.access_token), await there(first.access_token)], { timeout: 1_500, interval: 50 })
        .toEqual([401, 401]);
    } finally {
      clearInterval(deaf);
      await admin.end();
    }
    const next = await tokens();
    await expect.poll(() => second.services.oauth?.revocations.isKnown(), { timeout: 3_000 }).toBe(true);
    expect(await there(next.access_token)).toBe(200);
  });

  test('new keys sign in both, and tokens of the old ones are good until they end', async () => {
    const first = await tokens();
    await second.services.oauth?.rotateKeys();
    const kidOf = (token: string): string | undefined => decodeProtectedHeader(token).kid;
    await expect.poll(async () => kidOf((await tokens()).access_token) === kidOf(first.access_token), { timeout: 3_000 }).toBe(false);
    expect([await here(first.access_token), await there(first.access_token)]).toEqual([200, 200]);
    const jwks = (await (await fetch(`${server.origin}/oauth/jwks`)).json()) as { keys: JWK[] };
    expect(jwks.keys.map(({ kid }) => kid)).toEqual([kidOf((await tokens()).access_token), kidOf(first.access_token)]);
  });

  test('new keys before any page of a launch leave it as it was', async () => {
    const newestKid = async (): Promise<string | undefined> =>
      ((await (await fetch(`${server.origin}/oauth/jwks`)).json()) as { keys: JWK[] }).keys[0]?.kid;
    const rotate = async (): Promise<void> => {
      const before = await newestKid();
      await second.services.oauth?.rotateKeys();
      await expect.poll(async () => (await newestKid()) === before, { timeout: 3_000, interval: 10 }).toBe(false);
    };
    const inner = openBrowser(server.origin);
    const after = async <T>(step: () => Promise<T>): Promise<T> => rotate().then(step);
    const browser = {
      get: (url: string) => after(() => inner.get(url)),
      post: (...form: Parameters<typeof inner.post>) => after(() => inner.post(...form)),
    };
    // Twice, for the second launch finds cookies of the first, signed with keys that are no longer the newest.
    for (let round = 0; round < 2; round++) await tokensOf(server, { client: 'app', login: 'anna', scope, browser });
  });
});

describe('tokens that only look like ours', () => {
  const claims = () => ({ scope: 'system/*.cruds', client_id: 'app' });
  const sign = async (
    key: CryptoKey | Uint8Array,
    header: Record<string, unknown>,
    more: { exp?: number; nbf?: number; aud?: string; iss?: string } = {},
  ) =>
    new SignJWT({ ...claims(), ...(more.nbf === undefined ? {} : { nbf: more.nbf }) })
      .setProtectedHeader(header as never)
      .setIssuer(more.iss ?? `${server.origin}/oauth`)
      .setAudience(more.aud ?? server.base)
      .setSubject('x')
      .setJti(randomUUID())
      .setIssuedAt()
      .setExpirationTime(more.exp ?? Math.floor(Date.now() / 1000) + 600)
      .sign(key);

  test('C1–C7 › are refused, whatever their headers say', async () => {
    const { keys } = (await (await fetch(`${server.origin}/oauth/jwks`)).json()) as { keys: JWK[] };
    const kid = keys[0]?.kid ?? '';
    const own = (await importJWK(keys[0] ?? {}, 'RS256', { extractable: true })) as CryptoKey;
    const pem = new TextEncoder().encode(await exportSPKI(own));
    const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
    const jwk = await exportJWK(publicKey);
    const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const body = encode({ ...claims(), iss: `${server.origin}/oauth`, aud: server.base, sub: 'x', jti: 'j', iat: 0, exp: 4_000_000_000 });
    const forged = [
      `${encode({ alg: 'none', typ: 'at+jwt', kid })}.${body}.`,
      await sign(pem, { alg: 'HS256', typ: 'at+jwt', kid }),
      await sign(privateKey, { alg: 'RS256', typ: 'at+jwt', jwk, kid: await calculateJwkThumbprint(jwk) }),
      await sign(privateKey, { alg: 'RS256', typ: 'at+jwt', kid, jwk }),
      await sign(privateKey, { alg: 'RS256', typ: 'at+jwt', kid, jku: 'http://127.0.0.1:9/jwks', x5u: 'http://127.0.0.1:9/x' }),
      await sign(privateKey, { alg: 'RS256', typ: 'at+jwt', kid: '../../../../dev/null' }),
      await sign(privateKey, { alg: 'RS256', typ: 'at+jwt', kid: "x' OR '1'='1" }),
      await sign(privateKey, { alg: 'RS256', typ: 'at+jwt', kid: 'k'.repeat(5_000) }),
      `${encode({ alg: 'RS256', typ: 'at+jwt', kid, crit: ['x'], x: 1 })}.${body}.AAAA`,
      `${encode({ alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2c: 2_147_483_647, p2s: 'AAAA' })}.AAAA.AAAA.AAAA.AAAA`,
      `${encode({ alg: 'dir', enc: 'A128GCM', zip: 'DEF' })}..AAAA.AAAA.AAAA`,
    ];
    for (const token of forged) {
      const begun = performance.now();
      expect(await here(token)).toBe(401);
      expect(performance.now() - begun).toBeLessThan(1_000);
    }
  });

  test('a right one is taken beside them', async () => {
    expect(await here((await tokens()).access_token)).toBe(200);
  });
});

test('nothing that opens a door lies in the database in clear', async () => {
  const { back, verifier, tokens: given } = await tokensOf(server, { client: 'app', login: 'anna', scope });
  const dumped: string[] = [];
  for (const table of ['oauth_item', 'oauth_revocation', 'oauth_key', 'oauth_client']) {
    const { rows } = await server.services.context.pool.query<{ row: string }>(`select t::text as row from ${table} t`);
    dumped.push(
      ...rows.map(({ row }) => row.replaceAll(/\\\\x([\da-f]+)/g, (_, hex: string) => Buffer.from(hex, 'hex').toString('latin1'))),
    );
  }
  const text = dumped.join('\n');
  expect(text.length).toBeGreaterThan(1_000);
  for (const secret of [back.get('code'), verifier, given.access_token, given.refresh_token, given.id_token, 'Patient/pa', '"pa"'])
    expect(text).not.toContain(secret);
});
