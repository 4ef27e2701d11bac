import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openOutsideWorld, type OutsideWorld } from '../oauth/federation/outside-world.ts';
import { password } from '../oauth/pages/world.ts';

const issuer = 'https://login.example.org/realms/clinic';
let world: OutsideWorld;
let keys: Awaited<ReturnType<typeof generateKeyPair>>;
let http: Server;
let folder: string;
beforeAll(async () => {
  keys = await generateKeyPair('RS256');
  const published = { keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }] };
  http = createServer((_, response) => void response.end(JSON.stringify(published))).listen(0, '127.0.0.1');
  await new Promise((resolve) => http.once('listening', resolve));
  folder = await mkdtemp(join(tmpdir(), 'anamnesis-signers-'));
  const jwksUri = `http://127.0.0.1:${(http.address() as AddressInfo).port}/`;
  const claims = { roles: 'roles', fhirUser: 'record' };
  const file = join(folder, 'issuers.json');
  await writeFile(file, JSON.stringify({ issuers: [{ issuer, audience: 'fhir', jwksUri, claims }] }));
  world = await openOutsideWorld({ TRUSTED_ISSUERS: file, CARE_RELATIONSHIPS: 'all' });
});
afterAll(async () => {
  await world?.stop();
  http.close();
  await rm(folder, { recursive: true, force: true });
});

async function note(): Promise<string> {
  const made = await world.request('POST', `${world.origin}/api/v1/patients/pa/records`, {
    body: { kind: 'note', text: 'Seen' },
    headers: { 'content-type': 'application/json' },
  });
  return made.json.record_id as string;
}
const sign = (id: string, token: string, body: object) =>
  world.request('POST', `${world.origin}/api/v1/records/${id}/signatures`, {
    token,
    body: { meaning: 'author', ...body },
    headers: { 'content-type': 'application/json' },
  });

test('who has a token of an outside issuer, whatever that calls him, signs by the account of his own record', async () => {
  await world.user('house', ['provider'], 'Practitioner/dr');
  const token = (sub: string, record: string): Promise<string> =>
    new SignJWT({ iss: issuer, aud: 'fhir', sub, client_id: 'ehr', scope: 'user/*.cruds', roles: ['provider'], record })
      .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(keys.privateKey);
  const proof = { login: 'house', password };
  const id = await note();
  for (const sub of ['house@example.org', '2b1c7a52-7c0b-4d0e-9d0a-3d5c0a1f6f10']) {
    const own = await token(sub, 'Practitioner/dr');
    expect((await sign(id, own, {})).status).toBe(401);
    expect((await sign(id, own, { ...proof, password: 'not the password' })).status).toBe(401);
    const made = await sign(id, own, proof);
    expect([made.status, made.json]).toMatchObject([201, { signer: 'Practitioner/dr', printed_name: 'Name of house', status: 'valid' }]);
    expect((await sign(id, await token(sub, 'Practitioner/another'), proof)).status).toBe(403);
  }
});

test('whose account here has no password is told so, and signs once an administrator gave it one', async () => {
  await world.request('PUT', '/Practitioner/nora', { body: { resourceType: 'Practitioner', id: 'nora' } });
  const person = { sub: 'nora-there', name: 'Nora', groups: ['doctors'], record: 'Practitioner/nora' };
  const tokenOf = (): Promise<string> => world.tokenBy('region', person, 'openid fhirUser user/*.cruds');
  const id = await note();
  const token = await tokenOf();
  const { users } = world.services;
  const user = (await users.list()).find(({ fhirUser }) => fhirUser === 'Practitioner/nora');
  if (user === undefined) throw new Error('no account was made');
  for (const proof of [{}, { login: user.login, password: 'that of the hospital' }, { login: 'house', password }]) {
    const refused = await sign(id, token, proof);
    expect([refused.status, refused.json.details]).toMatchObject([401, [{ field: 'confirmation_id', code: 'required' }]]);
  }
  const given = 'given by an administrator';
  expect(await users.setPassword(user, given)).toBeUndefined();
  // What was given out in the second in which his tokens ended has ended too.
  await wait(1_100);
  const later = await tokenOf();
  expect((await sign(id, later, { login: user.login, password: 'that of the hospital' })).status).toBe(401);
  const made = await sign(id, later, { login: user.login, password: given });
  expect([made.status, made.json]).toMatchObject([201, { signer: 'Practitioner/nora', components: ['pwd'] }]);
});
