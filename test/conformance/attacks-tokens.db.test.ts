import { createHmac, generateKeyPairSync } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { CompactEncrypt, exportJWK, importJWK, type JWK, type JWTHeaderParameters, SignJWT } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectRefusal, type Fixture, startFixture } from './attack-fixture.ts';

let server: Fixture;
let key: JWK;
/** Counts who comes to fetch a key. */
let lure: Server;
let lured = 0;
let lureUrl: string;
beforeAll(async () => {
  server = await startFixture();
  key = JSON.parse(await readFile(join(dirname(server.services.config.keyFile), 'development-issuer.json'), 'utf8'));
  lure = createServer((_, answer) => {
    lured++;
    answer.end('{"keys":[]}');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => lure.once('listening', resolve));
  lureUrl = `http://127.0.0.1:${(lure.address() as AddressInfo).port}/jwks.json`;
});
afterAll(async () => {
  lure?.close();
  await server?.stop();
});

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const claims = (over: object = {}): Record<string, unknown> => ({
  iss: 'urn:anamnesis:development',
  aud: server.base,
  sub: 'developer',
  client_id: 'development',
  scope: 'system/*.cruds',
  jti: crypto.randomUUID(),
  iat: Math.floor(Date.now() / 1000),
  exp: Math.floor(Date.now() / 1000) + 600,
  ...over,
});

/** Signed with the server's own key, so that only what is changed can be what is refused. */
async function signed(header: Partial<JWTHeaderParameters> = {}, over: object = {}): Promise<string> {
  const protectedHeader = { alg: 'ES256', kid: key.kid ?? '', typ: 'at+jwt', ...header };
  return new SignJWT(claims(over)).setProtectedHeader(protectedHeader).sign(await importJWK(key, 'ES256'), { crit: { x: true } });
}

/** Signed with a stranger's key. */
async function forged(header: object): Promise<string> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return new SignJWT(claims()).setProtectedHeader({ alg: 'ES256', kid: key.kid ?? '', typ: 'at+jwt', ...header }).sign(privateKey);
}

const get = (token: string) => server.request('GET', '/Patient/pa', { token });

async function expect401(token: string): Promise<void> {
  const answer = await get(token);
  expectRefusal(answer, 401);
  expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /);
}

test('A token made here as the server makes its own is taken: the refusals below are for what they change', async () => {
  expect((await get(await signed())).status).toBe(200);
});

test('C1 a token without a signature is refused, whatever its "none" is spelled like', async () => {
  for (const alg of ['none', 'None', 'NONE', 'nOnE', '']) {
    await expect401(`${encoded({ alg, typ: 'at+jwt', kid: key.kid })}.${encoded(claims())}.`);
    await expect401(`${encoded({ alg, typ: 'at+jwt', kid: key.kid })}.${encoded(claims())}.AAAA`);
  }
});

test('C2 the public key is no shared secret, in any of its forms', async () => {
  const { d: _, ...publicJwk } = key;
  const pem = (await import('node:crypto')).createPublicKey({ key: publicJwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
  for (const secret of [pem, JSON.stringify(publicJwk), key.x ?? '']) {
    for (const alg of ['HS256', 'HS384', 'HS512'] as const) {
      const text = `${encoded({ alg, typ: 'at+jwt', kid: key.kid })}.${encoded(claims())}`;
      await expect401(
        `${text}.${createHmac(`sha${alg.slice(2)}`, secret)
          .update(text)
          .digest('base64url')}`,
      );
    }
  }
});

test('C3 a key that the token itself brings is not believed', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = await exportJWK(publicKey);
  await expect401(await new SignJWT(claims()).setProtectedHeader({ alg: 'ES256', jwk, typ: 'at+jwt' }).sign(privateKey));
  await expect401(
    await new SignJWT(claims()).setProtectedHeader({ alg: 'ES256', jwk, kid: key.kid ?? '', typ: 'at+jwt' }).sign(privateKey),
  );
});

test('C4 no key is fetched from where a token says', async () => {
  for (const header of [{ jku: lureUrl }, { x5u: lureUrl }, { jku: lureUrl, x5u: lureUrl, kid: 'other' }])
    await expect401(await forged(header));
  for (const iss of [lureUrl, new URL(lureUrl).origin]) await expect401(await signed({}, { iss }));
  expect(lured).toBe(0);
});

test('C5 a key id is looked up and nothing else', async () => {
  for (const kid of ['../../../../dev/null', "x' OR '1'='1", 'x'.repeat(5_000), '\u0000', '__proto__', 'constructor'])
    await expect401(await forged({ kid }));
  const long = await server.request('GET', '/Patient/pa', { token: await forged({ kid: 'k'.repeat(10_240) }) });
  // Node refuses a head of 16 KiB itself.
  expect([401, 431]).toContain(long.status);
});

test('C6 a critical header that is not understood refuses the token', async () => {
  await expect401(await signed({ crit: ['x'], x: 1 }));
});

test('C7 an encrypted token is refused at once, however dear its opening would be', async () => {
  const bomb = `${encoded({ alg: 'dir', enc: 'A256GCM', zip: 'DEF' })}..${'A'.repeat(16)}.${'A'.repeat(4_000)}.${'A'.repeat(22)}`;
  const dear = `${encoded({ alg: 'PBES2-HS512+A256KW', enc: 'A256GCM', p2c: 2_147_483_647, p2s: 'AAAAAAAAAAA' })}.AAAA.AAAA.AAAA.AAAA`;
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const whole = await new CompactEncrypt(Buffer.from(JSON.stringify(claims())))
    .setProtectedHeader({ alg: 'RSA-OAEP', enc: 'A256GCM' })
    .encrypt(publicKey);
  await get(await signed());
  const cpu = process.cpuUsage();
  for (const token of [bomb, dear, whole]) await expect401(token);
  const { user, system } = process.cpuUsage(cpu);
  expect((user + system) / 1000).toBeLessThan(500);
});

test('C8 a good token is no password and goes by no other name', async () => {
  const token = await signed();
  const basic = Buffer.from(`developer:${token}`).toString('base64');
  for (const authorization of [
    `Basic ${token}`,
    `Basic ${basic}`,
    `Token ${token}`,
    `JWT ${token}`,
    `Bearer: ${token}`,
    `Bearer ${token}, Bearer ${token}`,
    token,
  ]) {
    expectRefusal(await server.request('GET', '/Patient/pa', { token: null, headers: { authorization } }), 401);
  }
  expectRefusal(await server.request('GET', `/Patient/pa?access_token=${token}`, { token: null }), 401);
  expectRefusal(await server.request('GET', '/Patient/pa', { token: null, headers: { cookie: `access_token=${token}` } }), 401);
});

test('C9 only an access token is one: an id_token or any other signed by the same key is refused', async () => {
  for (const typ of ['JWT', 'id_token+jwt', 'refresh+jwt', 'dpop+jwt', '']) await expect401(await signed({ typ }));
  const { client_id: _, ...identity } = claims();
  const text = new SignJWT(identity).setProtectedHeader({ alg: 'ES256', kid: key.kid ?? '', typ: 'at+jwt' });
  await expect401(await text.sign(await importJWK(key, 'ES256')));
});

test('C10 times, issuer and audience are held to, with a minute of grace at most', async () => {
  const now = Math.floor(Date.now() / 1000);
  for (const over of [
    { exp: now - 61 },
    { exp: now - 86_400 },
    { exp: undefined },
    { exp: 'tomorrow' },
    { nbf: now + 3600 },
    { iss: 'https://issuer.example.org' },
    { iss: undefined },
    { aud: 'https://fhir.example.org/R4' },
    { aud: `${server.base}/` },
    { aud: undefined },
    { aud: [] },
  ]) {
    await expect401(await signed({}, over));
  }
});

test('C10 a token that was good is refused once it is over, though it was looked at before', async () => {
  const token = await signed({}, { exp: Math.floor(Date.now() / 1000) - 28 });
  expect((await get(token)).status).toBe(200);
  await expect.poll(async () => (await get(token)).status, { timeout: 8_000, interval: 200 }).toBe(401);
});

test('C27 patient and system scopes in one token are refused', async () => {
  for (const scope of ['patient/*.rs system/*.rs', 'system/Observation.rs patient/Patient.r']) {
    const token = await server.token({ scope, patient: 'pa' });
    expectRefusal(await server.request('GET', '/Observation', { token }), 403);
    expectRefusal(await server.request('GET', '/Patient/pa', { token }), 403);
  }
});

test('C28 a patient scope without a patient gives nothing, nor does one with no word of FHIR', async () => {
  const without = await server.token({ scope: 'patient/*.cruds' });
  for (const token of [without, server.TX]) {
    for (const path of ['/Patient/pa', '/Observation', '/Observation/ob', '/_history', '/Observation/_history', '/Patient?_id=pa'])
      expectRefusal(await server.request('GET', path, { token }), 403);
    expectRefusal(await server.request('POST', '/Patient', { token, body: { resourceType: 'Patient' } }), 403);
  }
});

test('A token altered by one character is refused', async () => {
  const token = await signed();
  const [head = '', payload = '', signature = ''] = token.split('.');
  const other = encoded(claims({ scope: 'system/*.cruds', sub: 'somebody-else' }));
  const flipped = (text: string): string => (text.startsWith('A') ? 'B' : 'A') + text.slice(1);
  for (const altered of [
    `${head}.${other}.${signature}`,
    `${head}.${payload}.${flipped(signature)}`,
    `${head}.${payload}.`,
    `${head}.${payload}`,
    '..',
    'x',
  ])
    await expect401(altered);
});
