import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadDefinitions } from '../../src/definitions/load.ts';
import type { Schema } from '../../src/fhir/schema.ts';
import { superuser } from '../../src/storage/embedded/create.ts';
import { blockBytes, type Canaries, formsIn, formsOf, newCanaries, scan, withCanaries } from './canaries.ts';
import { childrenOf, endServer, freePort, type OwnServer, postmasterOf, spawnServer } from './own-server.ts';

const examples = dirname(createRequire(import.meta.url).resolve('hl7.fhir.r4.examples/package.json'));
const names = [
  'Patient-example',
  'RelatedPerson-benedicte',
  'Practitioner-example',
  'Observation-example',
  'Condition-example',
  'AllergyIntolerance-example',
  'MedicationRequest-medrx0302',
  'DocumentReference-example',
  'Consent-consent-example-basic',
  'Communication-example',
  'Encounter-example',
  'QuestionnaireResponse-3141',
  'Binary-example',
];

type Answer = { readonly status: number; readonly text: string };

let dir: string;
let temporary: string;
let server: OwnServer;
let schema: Schema;
let token: string;
const canaries: Canaries = newCanaries();
const forms = formsOf(canaries.marker);
const statuses = new Map<string, number[]>();

beforeAll(async () => {
  schema = (await loadDefinitions({ cacheDir: join(import.meta.dirname, '..', '..', '.cache') })).schema;
  dir = await mkdtemp(join(tmpdir(), 'anamnesis-canary-'));
  await chmod(dir, 0o711);
  temporary = join(dir, 'temporary');
  await mkdir(temporary);
  server = spawnServer(dir, await freePort(), { LOG_LEVEL: 'trace', TMPDIR: temporary });
  await server.ready();
  token = await server.token();
});
afterAll(async () => {
  if (server !== undefined) await endServer(server, 'SIGTERM');
  await rm(dir, { recursive: true, force: true });
});

async function send(step: string, method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const answer = await fetch(`${server.base}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/fhir+json', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  statuses.set(step, [...(statuses.get(step) ?? []), answer.status]);
  return { status: answer.status, text: await answer.text() };
}

/** An official example with a new canary in every string. */
async function made(name: string): Promise<{ resourceType: string; id: string } & Record<string, unknown>> {
  const example = JSON.parse(await readFile(join(examples, `${name}.json`), 'utf8'));
  return withCanaries(example, schema, canaries) as never;
}

/** The words of a resource, to search by. */
function wordsOf(resource: unknown): string[] {
  return [...new Set(JSON.stringify(resource).match(new RegExp(`${canaries.marker}[a-z]{4}`, 'g')))];
}

describe('the search for canaries', () => {
  test('finds a planted one in every form, at the edge of a block too', async () => {
    const folder = join(dir, 'planted');
    await mkdir(folder);
    for (const [at, [, form]] of [...forms].entries()) {
      await writeFile(join(folder, `${at}`), Buffer.concat([Buffer.alloc(blockBytes - 3), form, Buffer.alloc(9)]));
      const { found } = await scan([folder], new Map([...forms].slice(at, at + 1)));
      expect(found).toHaveLength(1);
      await rm(join(folder, `${at}`));
    }
    const word = `${canaries.marker}abcd`;
    for (const padding of ['', 'x', 'xx'])
      expect(formsIn(Buffer.from(Buffer.from(padding + word).toString('base64')), forms)).not.toEqual([]);
    await rm(folder, { recursive: true });
  });

  test('puts one into every string of a resource', async () => {
    const patient = await made('Patient-example');
    const strings = JSON.stringify(patient).match(/"(?:family|text|display|line|city|value|given|div|postalCode|assigner)":/g) ?? [];
    expect(strings.length).toBeGreaterThan(20);
    expect(wordsOf(patient).length).toBeGreaterThan(40);
  });
});

describe('a server with default settings', { timeout: 180_000 }, () => {
  test('takes canaries by every way in', async () => {
    for (const name of names) {
      const resource = await made(name);
      const { resourceType: type, id } = resource;
      await send('create', 'PUT', `/${type}/${id}`, resource);
      await send('update', 'PUT', `/${type}/${id}`, await made(name));
      const { id: _, ...without } = await made(name);
      await send('create', 'POST', `/${type}`, without);
      await send('broken', 'PUT', `/${type}/${id}`, { ...resource, [canaries.next()]: canaries.next() });
      await send('broken', 'PUT', `/${type}/${id}`, { ...resource, meta: canaries.next() });
      await send('broken', 'PUT', `/${type}/${id}`, `${JSON.stringify(await made(name)).slice(0, -1)},"${canaries.next()}`);
      await send('precondition', 'PUT', `/${type}/${id}`, await made(name), { 'if-match': 'W/"99"' });
      await send('precondition', 'PUT', `/${type}/${id}`, await made(name), { 'if-none-match': '*' });
      await send('broken', 'PUT', `/${type}/${canaries.next()}`, await made(name));
      await send('unknown', 'GET', `/${type}?${canaries.next()}=${canaries.next()}`);
      await send('unknown', 'POST', `/${canaries.next()}`, resource);
    }
    expect(new Set(statuses.get('create'))).toEqual(new Set([201]));
    expect(new Set(statuses.get('update'))).toEqual(new Set([200]));
    expect(new Set(statuses.get('broken'))).toEqual(new Set([400]));
    expect(new Set(statuses.get('precondition'))).toEqual(new Set([412]));
    expect(new Set(statuses.get('unknown'))).toEqual(new Set([400, 404]));
  });

  test('takes them in searches, conditions, patches, bundles and deletes', async () => {
    const patient = await made('Patient-example');
    await send('again', 'PUT', `/Patient/${patient.id}`, patient);
    const words = wordsOf(patient);
    const found = await Promise.all(
      words.slice(0, 20).flatMap((word) => [
        send('search', 'GET', `/Patient?name=${word}&_sort=family&_count=1`),
        send('search', 'GET', `/Patient?address:contains=${word}&_total=accurate`),
        send('search', 'GET', `/Patient?identifier=${word}`),
        send('search', 'POST', '/Patient/_search', `family:exact=${word}&_summary=text`, {
          'content-type': 'application/x-www-form-urlencoded',
        }),
      ]),
    );
    // They are found though they stand nowhere.
    expect(found.filter(({ text }) => text.includes('"mode":"match"')).length).toBeGreaterThan(5);
    expect(new Set(statuses.get('search'))).toEqual(new Set([200]));
    const { id: _, ...without } = patient;
    for (let n = 0; n < 3; n++) await send('twins', 'POST', '/Patient', without);
    await send('conditional', 'PUT', `/Patient?name=${words[0]}&family=${words[1]}`, without);
    await send('ambiguous', 'PUT', `/Patient?name=${canaries.marker}`, without);
    await send('ambiguous', 'POST', '/Patient', without, { 'if-none-exist': `name=${canaries.marker}` });
    const json = { 'content-type': 'application/json-patch+json' };
    await send('patch', 'PATCH', `/Patient/${patient.id}`, [{ op: 'add', path: '/name/0/given/-', value: canaries.next() }], json);
    await send('patch refused', 'PATCH', `/Patient/${patient.id}`, [{ op: 'test', path: '/name/0/family', value: canaries.next() }], json);
    await send(
      'patch refused',
      'PATCH',
      `/Patient/${patient.id}`,
      [{ op: 'add', path: `/${canaries.next()}/0`, value: canaries.next() }],
      json,
    );
    const part = (name: string, value: object) => ({ name, ...value });
    const operation = (path: string) => ({
      resourceType: 'Parameters',
      parameter: [
        {
          name: 'operation',
          part: [
            part('type', { valueCode: 'replace' }),
            part('path', { valueString: path }),
            part('value', { valueString: canaries.next() }),
          ],
        },
      ],
    });
    await send('patch', 'PATCH', `/Patient/${patient.id}`, operation('Patient.name[0].family'));
    await send('patch refused', 'PATCH', `/Patient/${patient.id}`, operation(`Patient.name.where(family = '${canaries.next()}').family`));
    const bundle = async (type: string, last: object) => ({
      resourceType: 'Bundle',
      type,
      entry: [
        ...(await Promise.all(
          names.map(async (name) => {
            const { id: __, ...resource } = await made(name);
            return { fullUrl: `urn:uuid:${crypto.randomUUID()}`, resource, request: { method: 'POST', url: resource.resourceType } };
          }),
        )),
        last,
      ],
    });
    const good = { request: { method: 'GET', url: `Patient?name=${canaries.next()}` } };
    const bad = { resource: { resourceType: 'Patient', name: canaries.next() }, request: { method: 'POST', url: 'Patient' } };
    const late = { request: { method: 'GET', url: `Patient/${'x'.repeat(20)}` } };
    await send('bundle', 'POST', '', await bundle('transaction', good));
    await send('bundle', 'POST', '', await bundle('batch', bad));
    await send('bundle refused', 'POST', '', await bundle('transaction', bad));
    await send('bundle refused', 'POST', '', await bundle('transaction', late));
    await send('stored bundle', 'POST', '/Bundle', {
      ...(await bundle('collection', {})),
      entry: [{ resource: await made('Patient-example') }],
    });
    await send('delete', 'DELETE', '/Binary/example');
    await send('delete', 'DELETE', '/Condition/example');
    await send('delete', 'DELETE', `/Patient?name=${words[2]}`);
    expect(Object.fromEntries(statuses)).toMatchObject({
      twins: [201, 201, 201],
      patch: [200, 200],
      bundle: [200, 200],
      'bundle refused': [400, 404],
      'stored bundle': [201],
      delete: [200, 200, 200],
      ambiguous: [412, 412],
    });
    for (const status of statuses.get('patch refused') ?? []) expect([400, 404, 422]).toContain(status);
  });

  test.runIf(process.platform === 'linux')('takes them while a backend of PostgreSQL is killed in its work', async () => {
    let done = false;
    const writing = Promise.all(
      names.map(async (name) => {
        while (!done) {
          const { id: _, ...resource } = await made(name);
          await send('crash', 'POST', `/${resource.resourceType}`, resource).catch(() => undefined);
        }
      }),
    );
    await delay(300);
    const backends = await childrenOf(await postmasterOf(server, 'main'));
    const [victim] = backends.slice(-1);
    if (victim !== undefined) process.kill(victim, 'SIGKILL');
    await delay(1000);
    done = true;
    await writing;
    await delay(500);
    await server.ready();
    expect(statuses.get('crash')).toContain(201);
  });

  test.each(['main', 'keys'] as const)('has none in the tables, statements and write-ahead log of its %s cluster', async (kind) => {
    const found = await withSuperuser(kind, async (client) => {
      const hits: string[] = [];
      const { rows: tables } = await client.query<{ name: string }>(
        `select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables where schemaname not in ('information_schema')`,
      );
      for (const { name } of tables) {
        const { rows } = await client.query<{ line: string }>(`select t::text as line from ${name} t`);
        for (const { line } of rows) hits.push(...formsIn(Buffer.from(line), forms).map((form) => `${name}: ${form}`));
      }
      const { rows: statements } = await client.query<{ query: string }>('select query from pg_stat_activity where query is not null');
      for (const { query } of statements) hits.push(...formsIn(Buffer.from(query), forms).map((form) => `${query}: ${form}`));
      expect(tables.length).toBeGreaterThan(20);
      await client.query('checkpoint');
      return hits;
    });
    expect(found).toEqual([]);
  });

  test('has none in any file while it runs', async () => {
    const { found, files, bytes } = await scan([dir], forms);
    expect(found).toEqual([]);
    expect(files).toBeGreaterThan(1000);
    expect(bytes).toBeGreaterThan(50_000_000);
  });

  test('has none in its log at the finest level, nor in any file after its end', async () => {
    await endServer(server, 'SIGTERM');
    expect(server.output()).toContain('PostgreSQL wrote a line');
    expect(formsIn(Buffer.from(server.output()), forms)).toEqual([]);
    expect((await scan([dir], forms)).found).toEqual([]);
  });
});

async function withSuperuser<T>(kind: 'main' | 'keys', work: (client: Client) => Promise<T>): Promise<T> {
  const cluster = join(server.dataDir, 'postgres', kind);
  const [, , , port, host] = (await readFile(join(cluster, 'data', 'postmaster.pid'), 'utf8')).split('\n');
  const password = (await readFile(join(cluster, 'superuser.password'), 'utf8')).trim();
  const client = new Client({ host: host ?? '', port: Number(port), user: superuser, password, database: 'anamnesis' });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
