import { createHash } from 'node:crypto';
import { flattenedVerify, importJWK } from 'jose';
import { TOTP } from 'otpauth';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canonicalJson } from '../../src/fhir/canonical-json.ts';
import { type Answered, startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let patientId: string;
let reader: string;
let stranger: string;
const password = 'a battery of staples and horses';

beforeAll(async () => {
  server = await startTestServer({ CARE_RELATIONSHIPS: 'related' });
  for (const id of ['doc', 'boss']) await server.request('PUT', `/Practitioner/${id}`, { body: { resourceType: 'Practitioner', id } });
  const body = { resourceType: 'Patient', generalPractitioner: [{ reference: 'Practitioner/doc' }, { reference: 'Practitioner/boss' }] };
  patientId = (await server.request('POST', '/Patient', { body })).json.id as string;
  await account('grace', 'Practitioner/doc', 'Grace Hopper');
  reader = await tokenOf('Practitioner/doc');
  stranger = await tokenOf('Practitioner/stranger');
});
afterAll(() => server.stop());

async function account(login: string, fhirUser: string, name: string) {
  const user = await server.services.users.add({ login, name, roles: ['provider'], fhirUser, password });
  if (typeof user === 'string') throw new Error(user);
  return user;
}

/** A new token is a new session. */
const tokenOf = (user: string): Promise<string> => server.token({ scope: 'user/*.cruds', user, roles: ['provider'] });

function ask(method: string, path: string, token: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answered> {
  return server.request(method, `${server.origin}/api/v1${path}`, {
    token,
    ...(body === undefined ? {} : { body }),
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
  });
}

const record = async (body: object = { kind: 'note', text: 'Called' }): Promise<string> =>
  (await ask('POST', `/patients/${patientId}/records`, reader, body)).json.record_id as string;
const sign = (id: string, token: string, body: object, headers?: Record<string, string>): Promise<Answered> =>
  ask('POST', `/records/${id}/signatures`, token, body, headers);
const signatures = async (id: string) => (await ask('GET', `/records/${id}/signatures`, reader)).json.data;
const whole = { meaning: 'author', login: 'grace', password };

describe('signatures', () => {
  test('a record is signed by who proved himself, is verified, and is a Provenance of that version', async () => {
    const id = await record();
    const made = await sign(id, await tokenOf('Practitioner/doc'), whole);
    expect([made.status, made.json], made.text).toMatchObject([
      201,
      {
        status: 'valid',
        record_version: 1,
        meaning: 'author',
        signer: 'Practitioner/doc',
        printed_name: 'Grace Hopper',
        components: ['pwd'],
      },
    ]);
    const listed = (await ask('GET', `/records/${id}/signatures`, reader)).json;
    expect(listed.data).toEqual([made.json]);
    expect(listed.keys).toEqual([listed.key]);
    const provenance = (await server.request('GET', `/Provenance/${made.json.signature_id}`)).json;
    expect(provenance).toMatchObject({
      target: [{ reference: `Observation/${id.slice(5)}/_history/1` }, { reference: `Patient/${patientId}` }],
      signature: [{ sigFormat: 'application/jose', who: { reference: 'Practitioner/doc' } }],
    });
    expect(JSON.stringify(provenance)).not.toContain(password);
    expect((await ask('GET', `/records/${id}/signatures`, stranger)).status).toBe(404);
    expect((await sign(id, stranger, whole)).status).toBe(404);
    expect((await ask('GET', '/records/note-nothing/signatures', reader)).status).toBe(404);
  });

  test('what one key signed stays valid under the next, and processes that have not been given that yet know it', async () => {
    const { keyFile } = server.services.config;
    const shared = { DATABASE_URL: server.databaseUrl, KEY_DATABASE_URL: server.keyDatabaseUrl, KEY_FILE: keyFile };
    const later = await startTestServer({ CARE_RELATIONSHIPS: 'related', ...shared, SIGNATURE_KEY: '2' });
    try {
      const id = await record();
      await sign(id, await tokenOf('Practitioner/doc'), whole);
      const token = await later.token({ scope: 'user/*.cruds', user: 'Practitioner/doc', roles: ['provider'] });
      const path = `${later.origin}/api/v1/records/${id}/signatures`;
      const headers = { 'content-type': 'application/json' };
      const made = await later.request('POST', path, { token, headers, body: { ...whole, meaning: 'approver' } });
      expect(made.status, made.text).toBe(201);
      const statuses = ({ data }: { data: { status: string; meaning: string }[] }) => data.map((one) => [one.meaning, one.status]);
      const [here, there] = [
        (await ask('GET', `/records/${id}/signatures`, reader)).json,
        (await later.request('GET', path, { token })).json,
      ];
      const all = [
        ['approver', 'valid'],
        ['author', 'valid'],
      ];
      expect([statuses(here), statuses(there)]).toEqual([all, all]);
      expect(there.keys).toEqual([there.key, here.key]);
      const [by] = there.data.map(({ jws }: { jws: string }) => JSON.parse(Buffer.from(jws.split('.')[0] ?? '', 'base64url').toString()));
      expect(by.kid).toBe(there.key.kid);
    } finally {
      await later.stop();
    }
  });

  test('a request that is repeated under its Idempotency-Key signs once', async () => {
    const [id, token] = [await record(), await tokenOf('Practitioner/doc')];
    const send = (): Promise<Answered> => sign(id, token, whole, { 'idempotency-key': id });
    const [first, again] = [await send(), await send()];
    expect([again.status, again.headers.get('idempotency-replayed'), again.json]).toEqual([201, 'true', first.json]);
    expect((await signatures(id)).length).toBe(1);
  });

  test('a newer version shows that what was signed is not what is there now', async () => {
    const id = await record();
    const token = await tokenOf('Practitioner/doc');
    await sign(id, token, whole);
    await ask('PUT', `/patients/${patientId}/records/${id}`, reader, { kind: 'note', text: 'Called again' });
    expect(await signatures(id)).toMatchObject([{ status: 'replaced', record_version: 1 }]);
    expect((await sign(id, token, { meaning: 'reviewer', password }, { 'if-match': 'W/"1"' })).status).toBe(412);
    expect((await sign(id, token, { meaning: 'reviewer', password }, { 'if-match': 'W/"2"' })).status).toBe(201);
    expect(await signatures(id)).toMatchObject([
      { status: 'valid', record_version: 2, meaning: 'reviewer' },
      { status: 'replaced', record_version: 1, meaning: 'author' },
    ]);
    await ask('DELETE', `/patients/${patientId}/records/${id}`, reader);
    expect((await ask('GET', `/records/${id}/signatures`, reader)).status).toBe(410);
    expect((await sign(id, token, { meaning: 'reviewer', password })).status).toBe(410);
  });

  test('a signature that is put to another record or version, or changed, is not valid', async () => {
    const [id, other] = [await record(), await record({ kind: 'note', text: 'Something else' })];
    const made = await sign(id, await tokenOf('Practitioner/doc'), whole);
    const provenance = (await server.request('GET', `/Provenance/${made.json.signature_id}`)).json;
    const forged = async (target: string, data: string): Promise<string> => {
      const [first] = provenance.signature;
      const body = { ...provenance, id: undefined, meta: undefined, target: [{ reference: target }], signature: [{ ...first, data }] };
      return (await server.request('POST', '/Provenance', { body })).json.id as string;
    };
    const { data } = provenance.signature[0];
    const moved = await forged(`Observation/${other.slice(5)}/_history/1`, data);
    const [head, , signature] = Buffer.from(data, 'base64').toString().split('.');
    const claims = JSON.parse(Buffer.from(head ?? '', 'base64url').toString());
    const head2 = Buffer.from(JSON.stringify({ ...claims, name: 'Somebody' })).toString('base64url');
    const renamed = await forged(`Observation/${id.slice(5)}/_history/1`, Buffer.from(`${head2}..${signature}`).toString('base64'));
    const verdicts = async (each: string) =>
      (await ask('GET', `/records/${each}/signatures`, await server.token())).json.data.map(
        (one: { signature_id: string; status: string }) => [one.signature_id, one.status],
      );
    expect(await verdicts(other)).toEqual([[moved, 'altered']]);
    expect(await verdicts(id)).toEqual([
      [renamed, 'altered'],
      [made.json.signature_id, 'valid'],
    ]);
    await ask('PUT', `/patients/${patientId}/records/${id}`, reader, { kind: 'note', text: 'Altered' });
    const later = await forged(`Observation/${id.slice(5)}/_history/2`, data);
    expect((await verdicts(id))[0]).toEqual([later, 'altered']);
  });

  test("a document's signature is over its file too", async () => {
    const id = await record({ kind: 'document', attachment: { content_type: 'text/plain', data: 'SGVsbG8=' } });
    await sign(id, await tokenOf('Practitioner/doc'), whole);
    expect(await signatures(id)).toMatchObject([{ status: 'valid' }]);
    const binary = (await server.request('GET', `/DocumentReference/${id.slice(9)}`)).json.content[0].attachment.url as string;
    const stored = (await server.request('GET', `/${binary}`)).json;
    expect((await server.request('PUT', `/${binary}`, { body: { ...stored, data: 'QnllYnll' } })).status).toBe(200);
    expect(await signatures(id)).toMatchObject([{ status: 'altered' }]);
  });

  test('a document that an EHR wrote with whole addresses is signed as it stands, and over its file', async () => {
    const subject = { reference: `${server.base}/Patient/${patientId}` };
    const binary = { resourceType: 'Binary', contentType: 'text/plain', securityContext: subject, data: 'SGVsbG8=' };
    const url = `${server.base}/Binary/${(await server.request('POST', '/Binary', { body: binary })).json.id}`;
    const body = { resourceType: 'DocumentReference', status: 'current', subject, content: [{ attachment: { url } }] };
    const { json: document } = await server.request('POST', '/DocumentReference', { body });
    const id = `document-${document.id}`;
    const made = await sign(id, await tokenOf('Practitioner/doc'), whole);
    expect([made.status, await signatures(id)]).toMatchObject([201, [{ status: 'valid' }]]);
    const { keys } = (await ask('GET', `/records/${id}/signatures`, reader)).json;
    const [head = '', , signature = ''] = (made.json.jws as string).split('.');
    const read = (await server.request('GET', `/DocumentReference/${document.id}`)).json;
    const file = `sha-256:${createHash('sha256').update('Hello').digest('hex')}`;
    const payload = Buffer.from(canonicalJson({ resource: read, file })).toString('base64url');
    await expect(flattenedVerify({ protected: head, payload, signature }, await importJWK(keys[0], 'EdDSA'))).resolves.toBeDefined();
  });

  test('the first signature of a session takes all components, a later one at least one; nobody signs for another', async () => {
    const id = await record();
    const token = await tokenOf('Practitioner/doc');
    const refused = async (body: object, by = token) => {
      const { status, json } = await sign(id, by, { meaning: 'author', ...body });
      return [status, ...(json.details ?? []).map(({ field }: { field: string }) => field)];
    };
    expect(await refused({})).toEqual([401, 'login', 'password']);
    expect(await refused({ password })).toEqual([401, 'login']);
    expect(await refused({ login: 'grace', password: 'wrong' })).toEqual([401]);
    expect(await refused({ login: 'nobody', password })).toEqual([401]);
    expect((await sign(id, token, whole)).status).toBe(201);
    expect(await refused({})).toEqual([401, 'password']);
    expect(await refused({ password: 'wrong' })).toEqual([401]);
    expect((await sign(id, token, { meaning: 'approver', password })).status).toBe(201);
    expect(await refused({ password }, await tokenOf('Practitioner/doc'))).toEqual([401, 'login']);
    expect(await refused({ login: 'grace', password }, await tokenOf('Practitioner/boss'))).toEqual([403]);
    expect(await refused({ login: 'grace', password }, await server.token())).toEqual([403]);
    const reading = await server.token({ scope: 'user/*.rs', user: 'Practitioner/doc', roles: ['provider'] });
    expect(await refused({ login: 'grace', password }, reading)).toEqual([403]);
    expect((await signatures(id)).length).toBe(2);
  });

  test('who has a second factor signs with it first, and with either afterwards', async () => {
    const user = await account('boss', 'Practitioner/boss', 'The Boss');
    const { users } = server.services;
    const { secret } = users.beginEnrolment(user);
    const code = (later: number): string => new TOTP({ secret, period: 30 }).generate({ timestamp: Date.now() + later });
    const recovery = await users.enrol(user, secret, code(-30_000));
    const [id, token] = [await record(), await tokenOf('Practitioner/boss')];
    const factors = { meaning: 'approver', login: 'boss', password };
    const without = await sign(id, token, factors);
    expect([without.status, without.json.details]).toMatchObject([401, [{ field: 'otp', code: 'required' }]]);
    expect((await sign(id, token, { ...factors, otp: '000000' })).status).toBe(401);
    expect((await sign(id, token, { ...factors, otp: code(0) })).json).toMatchObject({ status: 'valid', components: ['pwd', 'otp'] });
    expect((await sign(id, token, { meaning: 'reviewer', otp: recovery?.[0] })).json).toMatchObject({ components: ['otp'] });
    expect((await sign(id, token, { meaning: 'reviewer', otp: recovery?.[0] })).status).toBe(401);
  });
});
