import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type * as Client from '../../clients/typescript/src/index.ts';
import { addApp } from '../oauth/launching.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const folder = join(import.meta.dirname, '..', '..', 'clients', 'typescript');
const run = promisify(execFile);

let server: TestServer;
let client: typeof Client;
let credentials: Client.Credentials;
beforeAll(async () => {
  const [started] = await Promise.all([startTestServer({ CARE_RELATIONSHIPS: 'all' }), run('npm', ['run', 'build'], { cwd: folder })]);
  server = started;
  client = (await import(pathToFileURL(join(folder, 'dist', 'index.js')).href)) as typeof Client;
  credentials = client.bearer(await server.token());
}, 120_000);
afterAll(() => server?.stop());

test('what the native client writes the FHIR client reads, page by page', async () => {
  const native = client.nativeClient({ baseUrl: `${server.origin}/api/v1`, credentials });
  const fhir = client.fhirClient({ baseUrl: server.base, credentials });
  const made = await Promise.all(
    ['One', 'Two', 'Three'].map((given_name) =>
      native.POST('/patients', { body: { given_name, family_name: 'Paged', date_of_birth: '1985-12-10' } }),
    ),
  );
  const ids = made.map(({ data }) => data?.patient_id);
  const found: unknown[] = [];
  for await (const { id } of fhir.searchAll('Patient', { family: 'Paged', _count: 1 })) found.push(id);
  expect(new Set(found)).toEqual(new Set(ids));
  const { error, response } = await native.GET('/patients/{id}', { params: { path: { id: 'nobody' } } });
  expect([response.status, error?.code]).toEqual([404, 'not_found']);
});

test('the FHIR client creates, replaces, patches, deletes, executes, and says what was refused', async () => {
  const fhir = client.fhirClient({ baseUrl: server.base, credentials });
  const { id = '' } = await fhir.create({ resourceType: 'Patient', gender: 'female' });
  await fhir.update({ resourceType: 'Patient', id, gender: 'male' }, { ifMatch: 'W/"1"' });
  await expect(fhir.update({ resourceType: 'Patient', id }, { ifMatch: 'W/"1"' })).rejects.toMatchObject({
    name: 'FhirFault',
    status: 412,
  });
  expect(await fhir.patch('Patient', id, [{ op: 'replace', path: '/gender', value: 'other' }])).toMatchObject({ gender: 'other' });
  expect(await fhir.read('Patient', id, '1')).toMatchObject({ gender: 'female' });
  expect(await fhir.operation(`/Patient/${id}/$everything`)).toMatchObject({ resourceType: 'Bundle' });
  const entry = [{ request: { method: 'DELETE', url: `Patient/${id}` } }];
  await fhir.transaction({ resourceType: 'Bundle', type: 'transaction', entry } as Client.Bundle);
  const refusal = await fhir.read('Patient', id).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ status: 410, outcome: { resourceType: 'OperationOutcome' } });
});

test('a page of another server is not asked for: the token stays here', async () => {
  const pages = client.fhirClient({ baseUrl: server.base.replace('127.0.0.1', 'localhost'), credentials });
  await server.request('PUT', '/Basic/two', { body: { resourceType: 'Basic', id: 'two', code: { text: 'x' } } });
  await server.request('PUT', '/Basic/one', { body: { resourceType: 'Basic', id: 'one', code: { text: 'x' } } });
  const all = async (): Promise<void> => {
    for await (const _ of pages.searchAll('Basic', { _count: 1 }));
  };
  await expect(all()).rejects.toThrow('another server');
});

test('a backend service gets one token by its key and uses it again', async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES384');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES384', use: 'sig' };
  await addApp(server, 'backend', {
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [jwk] },
    scope: 'system/Patient.rs',
  });
  const tokenUrl = `${server.origin}/oauth/token`;
  const backend = client.backendServices({ tokenUrl, clientId: 'backend', privateKey, keyId: 'k', scope: 'system/Patient.rs' });
  const [one, two] = await Promise.all([backend(), backend()]);
  expect(two).toEqual(one);
  const fhir = client.fhirClient({ baseUrl: server.base, credentials: backend });
  expect(await fhir.search('Patient', { _count: 1 })).toMatchObject({ resourceType: 'Bundle' });
  await expect(fhir.create({ resourceType: 'Patient' })).rejects.toMatchObject({ status: 403 });
  const stranger = client.backendServices({ tokenUrl, clientId: 'nobody', privateKey, keyId: 'k', scope: 'system/Patient.rs' });
  await expect(stranger()).rejects.toThrow('no token was given');
});

test('the example of the package runs as it stands, and what is published is the build with its types alone', async () => {
  const env = { ...process.env, ANAMNESIS_URL: server.origin, ANAMNESIS_TOKEN: await server.token() };
  const { stdout } = await run(process.execPath, [join(folder, 'example', 'register.ts')], { env });
  const [registered = '', ...found] = stdout.trim().split('\n');
  const { id, name } = JSON.parse(registered) as { id: string; name: unknown };
  expect(name).toMatchObject([{ family: 'Lovelace', given: ['Ada'] }]);
  expect(found).toContain(id);
  await run(join(folder, '..', '..', 'node_modules', '.bin', 'tsc'), ['-p', join(folder, 'example')]);
  const packed = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: folder });
  const [{ files }] = JSON.parse(packed.stdout) as [{ files: { path: string }[] }];
  const modules = ['api-types', 'credentials', 'fhir', 'index', 'native'].flatMap((each) => [`dist/${each}.d.ts`, `dist/${each}.js`]);
  expect(files.map(({ path }) => path).sort((one, other) => (one < other ? -1 : 1))).toEqual([
    'LICENSE',
    'README.md',
    ...modules,
    'package.json',
  ]);
});
