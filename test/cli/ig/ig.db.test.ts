import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { list } from 'tar';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { run } from '../../../src/cli/ig.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { codeSystem, manifestOf, packageArchive, packageFolder } from './make-package.ts';

let server: TestServer;
let registry: Server;
let registryUrl: string;
/** What the registry has: by name and version, a file and what it says of it. */
const offered = new Map<string, Map<string, { readonly bytes: Buffer; readonly shasum: string }>>();

beforeAll(async () => {
  server = await startTestServer();
  registry = createServer((request, response) => {
    const [, name = '', version] = (request.url ?? '').split('/');
    const versions = offered.get(name);
    if (versions === undefined) return void response.writeHead(404).end();
    if (version !== undefined) return void response.end(versions.get(version)?.bytes);
    const described = [...versions].map(([each, { shasum }]) => [each, { dist: { tarball: `${registryUrl}/${name}/${each}`, shasum } }]);
    response.end(JSON.stringify({ name, versions: Object.fromEntries(described) }));
  });
  await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
  const address = registry.address();
  registryUrl = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
});
afterAll(async () => {
  registry?.close();
  await server?.stop();
});

beforeEach(() => {
  const { config } = server.services;
  vi.stubEnv('NODE_ENV', 'test');
  vi.stubEnv('DATABASE_URL', server.databaseUrl);
  vi.stubEnv('KEY_DATABASE_URL', server.keyDatabaseUrl);
  vi.stubEnv('CACHE_DIR', config.cacheDir);
  vi.stubEnv('DATA_DIR', config.dataDir);
  vi.stubEnv('KEY_FILE', config.keyFile);
  vi.stubEnv('LOG_LEVEL', 'error');
});
afterEach(() => vi.unstubAllEnvs());

async function ig(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const texts = { stdout: '', stderr: '' };
  const output = (name: keyof typeof texts) =>
    new Writable({
      write(chunk, _encoding, done) {
        texts[name] += String(chunk);
        done();
      },
    });
  const code = await run(args, { stdout: output('stdout'), stderr: output('stderr') });
  return { code, ...texts };
}

async function offer(name: string, version: string, more: object = {}, shasum?: string): Promise<void> {
  const files = { 'package/CodeSystem-cs.json': codeSystem(`http://example.org/${name}`, version) };
  const bytes = await readFile(await packageArchive({ manifest: manifestOf(name, version, more), files }));
  const versions = offered.get(name) ?? new Map();
  versions.set(version, { bytes, shasum: shasum ?? createHash('sha1').update(bytes).digest('hex') });
  offered.set(name, versions);
}

const find = (canonical: string, type: 'CodeSystem' | 'StructureDefinition' = 'CodeSystem') =>
  server.services.context.conformance.find(type, canonical);

describe('ig', () => {
  test('adds a folder and a file, once, and the running server knows', async () => {
    const files = { 'package/CodeSystem-cs.json': codeSystem('http://example.org/disk', '1.0.0') };
    const folder = await packageFolder({ manifest: manifestOf('example.disk', '1.0.0', { title: 'Disk' }), files });
    let changes = 0;
    server.services.context.conformance.onChange(() => changes++);
    expect(await ig('add', folder)).toEqual({ code: 0, stdout: 'example.disk@1.0.0 is added: 1 resources.\n', stderr: '' });
    await expect.poll(() => changes).toBeGreaterThan(0);
    expect(await find('http://example.org/disk|1.0.0')).toMatchObject({ version: '1.0.0' });
    const again = await packageArchive({ manifest: manifestOf('example.disk', '1.0.0') });
    expect(await ig('add', again)).toEqual({ code: 0, stdout: 'example.disk@1.0.0 is here already.\n', stderr: '' });
    expect(await ig('list')).toMatchObject({ code: 0, stdout: expect.stringContaining('example.disk@1.0.0  1 resources  Disk\n') });
    expect(await ig('remove', 'example.disk@1.0.0')).toEqual({ code: 0, stdout: 'example.disk@1.0.0 is removed.\n', stderr: '' });
    expect(await find('http://example.org/disk')).toBeUndefined();
    expect(await ig('remove', 'example.disk@1.0.0')).toMatchObject({ code: 1, stderr: 'There is no example.disk@1.0.0 here.\n' });
  });

  test('adds from the registry: the newest that is no ballot, or the version that is named', async () => {
    await offer('example.newest', '1.9.0');
    await offer('example.newest', '1.10.0');
    await offer('example.newest', '2.0.0-ballot');
    expect(await ig('add', 'example.newest', '--registry', registryUrl)).toMatchObject({
      stdout: 'example.newest@1.10.0 is added: 1 resources.\n',
    });
    expect(await ig('add', 'example.newest@2.0.0-ballot', '--registry', registryUrl)).toMatchObject({ code: 0 });
    expect(await ig('add', 'example.newest@1.9.x', '--registry', registryUrl)).toMatchObject({
      stdout: 'example.newest@1.9.0 is added: 1 resources.\n',
    });
    expect(await find('http://example.org/example.newest')).toMatchObject({ version: '2.0.0-ballot' });
    expect(await find('http://example.org/example.newest|1.9.0')).toMatchObject({ version: '1.9.0' });
  });

  test('adds what a package depends on, goes round circles once, and says what cannot be had', async () => {
    await offer('example.top', '1.0.0', {
      dependencies: { 'hl7.fhir.r4.core': '4.0.1', 'example.middle': '1.0.0', 'example.nowhere': '3.0.0', 'example.two': '2.0.0' },
    });
    await offer('example.middle', '1.0.0', { dependencies: { 'example.top': '1.0.0', 'example.two': '1.0.0' } });
    await offer('example.two', '1.0.0');
    const { code, stdout, stderr } = await ig('add', 'example.top@1.0.0', '--registry', registryUrl);
    expect({ code, stdout, stderr: stderr.split('\n') }).toEqual({
      code: 0,
      stdout: ['example.top@1.0.0', 'example.middle@1.0.0', 'example.two@1.0.0'].map((name) => `${name} is added: 1 resources.\n`).join(''),
      stderr: [
        expect.stringMatching(
          /^example.top@1.0.0 depends on example.nowhere@3.0.0, which can't be had \(the registry .* does not have it\)/,
        ),
        expect.stringMatching(
          /^example.top@1.0.0 depends on example.two@2.0.0, which can't be had \(the registry .* has no such version\)/,
        ),
        '',
      ],
    });
    expect(await ig('add', 'example.top@1.0.0', '--registry', registryUrl, '--no-dependencies')).toMatchObject({
      stdout: 'example.top@1.0.0 is here already.\n',
      stderr: '',
    });
  });

  test('refuses what is not what it should be', async () => {
    await offer('example.sum', '1.0.0', {}, 'a'.repeat(40));
    const at = ['--registry', registryUrl];
    expect(await ig('add', 'example.sum', ...at)).toMatchObject({ code: 1, stderr: expect.stringContaining('its checksum differs') });
    expect(await ig('add', 'example.unknown', ...at)).toMatchObject({ code: 1, stderr: expect.stringContaining('does not have it') });
    expect(await ig('add', 'example.sum', '--registry', 'http://127.0.0.1:9')).toMatchObject({
      code: 1,
      stderr: "example.sum can't be added: the registry 127.0.0.1:9 can't be reached.\n",
    });
    expect(await ig('add', 'example.sum@1.0.0', '--offline')).toMatchObject({ code: 1, stderr: expect.stringContaining('--offline') });
    const five = await packageFolder({ manifest: manifestOf('example.five', '1.0.0', { fhirVersions: ['5.0.0'] }) });
    expect(await ig('add', five)).toMatchObject({ code: 1, stderr: expect.stringContaining('it is for FHIR 5.0.0') });
    expect(await ig('add', 'hl7.fhir.r4.core@4.0.1')).toMatchObject({ code: 0, stderr: 'hl7.fhir.r4.core is built in.\n' });
    expect((await ig('list')).stdout).not.toMatch(/example.sum|example.five|r4.core/);
  });

  test.each([
    [[], 'say what to do'],
    [['install', 'a'], 'install is none of add, list, remove'],
    [['add'], 'add needs a package'],
    [['add', './nowhere.tgz'], 'there is no file or folder ./nowhere.tgz'],
    [['add', 'a@1@2'], 'a@1@2 is no NAME@VERSION'],
    [['add', 'a', 'b'], 'unexpected argument b'],
    [['list', 'a'], 'unexpected argument a'],
    [['remove', 'a'], 'remove needs NAME@VERSION'],
    [['add', 'a', '--registry', 'file:///etc'], '--registry must be a URL'],
    [['add', 'a', '--force'], "Unknown option '--force'"],
  ])('answers %j with its usage', async (args, message) => {
    const { code, stdout, stderr } = await ig(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toContain('npm run ig -- add');
  });

  test('adds the International Patient Summary with what is installed of its dependencies', async () => {
    const { code, stdout, stderr } = await ig('add', 'hl7.fhir.uv.ips', '--offline');
    expect(stderr).toMatch(/hl7.fhir.uv.ipa@1.1.0, which can't be had/);
    expect(stderr).toMatch(/hl7.fhir.uv.extensions.r4@5.2.0, which can't be had .* 5.3.0-ballot-tc1 is taken instead/);
    expect(stdout).not.toContain('hl7.terminology.r4');
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('hl7.fhir.uv.ips@2.0.0 is added: 70 resources.\n') });
    expect(await find('http://hl7.org/fhir/uv/ips/StructureDefinition/Patient-uv-ips', 'StructureDefinition')).toMatchObject({
      type: 'Patient',
    });
    expect(await find('http://terminology.hl7.org/CodeSystem/v3-ActCode')).toMatchObject({ version: expect.not.stringMatching(/^2018/) });
  });
});

/** These packages aren't ours to give away: they are tested where they lie beside the checkout. */
const usCore = fileURLToPath(new URL('../../../../shared/us-core', import.meta.url));

describe.skipIf(!existsSync(usCore))('US Core', () => {
  const profile = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient';

  test('is added in three versions, each found by its version and the newest without', async () => {
    for (const version of ['7.0.0', '3.1.1', '6.1.0']) {
      const added = await ig('add', join(usCore, `hl7.fhir.us.core-${version}.tgz`), '--offline', '--no-dependencies');
      expect(added).toMatchObject({ code: 0, stdout: expect.stringContaining(`hl7.fhir.us.core@${version} is added`) });
    }
    for (const version of ['3.1.1', '6.1.0', '7.0.0'])
      expect(await find(`${profile}|${version}`, 'StructureDefinition')).toMatchObject({ version, type: 'Patient' });
    expect(await find(profile, 'StructureDefinition')).toMatchObject({ version: '7.0.0' });
    expect(await find(`${profile}|5.0.0`, 'StructureDefinition')).toBeUndefined();
    expect((await ig('list')).stdout.match(/hl7.fhir.us.core@\S+/g)).toEqual(
      ['7.0.0', '6.1.0', '3.1.1'].map((v) => `hl7.fhir.us.core@${v}`),
    );
  });

  test('is in force at once: its examples are taken, and what breaks its profiles is refused', async () => {
    const example = await packageExample(join(usCore, 'hl7.fhir.us.core-7.0.0.tgz'), 'package/example/Patient-example.json');
    const put = (body: object) => server.request('PUT', '/Patient/example', { body });
    const taken = await put(example);
    expect(taken.status, taken.text).toBe(201);
    const refused = await put({ ...example, identifier: undefined, name: undefined });
    expect(refused.status, refused.text).toBe(422);
    const faults = refused.json.issue.filter(({ severity }: { severity: string }) => severity === 'error');
    expect(faults.map(({ expression }: { expression: string[] }) => expression[0])).toEqual(
      expect.arrayContaining(['Patient.identifier', 'Patient.name']),
    );
  });

  test('says what of its dependencies is not here', async () => {
    await ig('remove', 'hl7.fhir.us.core@6.1.0');
    const { code, stderr } = await ig('add', join(usCore, 'hl7.fhir.us.core-6.1.0.tgz'), '--offline');
    expect(code).toBe(0);
    for (const name of ['us.nlm.vsac@0.10.0', 'hl7.fhir.uv.sdc@3.0.0', 'us.cdc.phinvads@0.12.0'])
      expect(stderr).toContain(`hl7.fhir.us.core@6.1.0 depends on ${name}, which can't be had`);
    expect(stderr).toMatch(
      /hl7.fhir.uv.extensions.r4@1.0.0, which can't be had .* 5.3.0-ballot-tc1 is (?:here and stands in for it|taken instead)/,
    );
    expect(stderr).not.toContain('hl7.terminology.r4');
  });
});

async function packageExample(file: string, path: string): Promise<object> {
  const chunks: Buffer[] = [];
  await list({
    file,
    onReadEntry(entry) {
      if (entry.path === path) entry.on('data', (chunk: Buffer) => chunks.push(chunk));
      else entry.resume();
    },
  });
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as object;
}
