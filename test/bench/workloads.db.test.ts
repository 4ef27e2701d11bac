import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ceilingStep, startCeilings } from '../../bench/ceiling-process.ts';
import { openClient } from '../../bench/client.ts';
import { type Corpus, makeCorpus } from '../../bench/corpus.ts';
import { knownIds, load, postBundle } from '../../bench/dataset.ts';
import { drive, type Measured } from '../../bench/drive.ts';
import { patientBundle } from '../../bench/generate.ts';
import { mainClusterUrl } from '../../bench/server.ts';
import { makeWorkloads, WORKLOAD_NAMES, type WorkloadName } from '../../bench/workloads.ts';
import { startCluster } from '../../src/storage/embedded/cluster.ts';
import { settingsFor } from '../../src/storage/embedded/settings.ts';
import { createDatabase } from '../support/cluster.ts';
import { type Kept, type SmallServer, startSmallServer } from './small-fhir-server.ts';

const PATIENTS = 20;
let server: SmallServer;
let corpus: Corpus;

beforeAll(async () => {
  server = await startSmallServer();
  const client = openClient(server.base, undefined, 4);
  const ids: (readonly string[])[] = [];
  for (let index = 0; index < PATIENTS; index++) {
    const bundle = patientBundle(1, index);
    ids.push(
      (
        await postBundle(
          client,
          JSON.stringify(bundle),
          bundle.entry.map((entry) => entry.resource.resourceType),
        )
      ).ids,
    );
  }
  client.close();
  corpus = makeCorpus(1, ids);
});
afterAll(() => server.stop());
afterEach(() => {
  server.spoil = (answer) => answer;
});

/** Runs so many steps of a workload. */
async function work(name: WorkloadName, steps = 60): Promise<Measured> {
  const workload = makeWorkloads({ corpus, seed: 1, clients: 4, loaders: 2 })[name];
  const client = openClient(server.base, undefined, workload.workers);
  try {
    return await drive(await workload.prepare(client), { workers: workload.workers, until: { steps } });
  } finally {
    client.close();
  }
}

describe('a workload', () => {
  test.each(WORKLOAD_NAMES)('%s finds every answer of a right server right', async (name) => {
    const measured = await work(name, name === 'load' ? 5 : 60);
    expect(measured.errorKinds).toEqual({});
    expect(measured.requests).toBe(name === 'load' ? 5 : 60);
    expect(measured.resources).toBeGreaterThan(0);
  });

  test('that writes leaves what the searches find as it was', async () => {
    await work('load', 5);
    await work('create', 60);
    for (const name of ['search-1', 'search-2', 'search-3', 'search-4'] as const) expect((await work(name)).errorKinds).toEqual({});
  });

  test('that writes counts what the server holds', async () => {
    const before = corpus.resources;
    await work('load', 3);
    await work('create', 10);
    expect(corpus.resources - before).toBe(160);
  });

  type Spoil = (answer: Kept) => Kept;
  const changeEntries =
    (change: (entries: NonNullable<Kept['entry']>) => NonNullable<Kept['entry']>): Spoil =>
    (answer) =>
      answer.entry === undefined ? answer : { ...answer, entry: change(answer.entry) };
  const dropLast = changeEntries((entries) => entries.slice(0, -1));
  const ofAnother = changeEntries((entries) =>
    entries.map(({ resource }) => ({ resource: { resourceType: '', ...resource, subject: { reference: 'Patient/other' } } })),
  );
  const spoilt: readonly (readonly [WorkloadName, string, Spoil])[] = [
    [
      'load',
      'an entry that was not created',
      changeEntries((entries) => entries.map((entry) => ({ ...entry, response: { status: '200 OK' } }))),
    ],
    ['create', 'another value', (answer) => ({ ...answer, valueQuantity: { value: 1 } })],
    ['read', 'another id', (answer) => ({ ...answer, id: 'other' })],
    ['search-1', 'a missing match', dropLast],
    ['search-1', 'matches of another patient', ofAnother],
    ['search-1', 'the wrong order', changeEntries((entries) => [...entries].reverse())],
    ['search-2', 'a missing match', dropLast],
    ['search-3', 'a missing match', dropLast],
    ['search-4', 'a missing match', dropLast],
    ['chain', 'a missing match', dropLast],
    ['has', 'a missing match', dropLast],
    ['composite', 'a missing match', dropLast],
    ['newest', 'a missing match', dropLast],
    ['update', 'an old value', (answer) => ({ ...answer, telecom: [{ value: 'old' }] })],
  ];
  test.each(spoilt)('%s finds %s wrong', async (name, what, spoil) => {
    const before = corpus.resources;
    // The versions to update must still be read right.
    server.spoil = (answer, method) => (name === 'update' && method === 'GET' ? answer : spoil(answer));
    const measured = await work(name, 12);
    // One match alone is in any order.
    expect(measured.errors).toBeGreaterThan(what === 'the wrong order' ? 3 : 11);
    if (name !== 'create') expect(corpus.resources).toBe(before);
  });

  test('counts requests that get no answer as errors', async () => {
    await server.stop();
    const measured = await work('read', 8);
    expect(measured.errors).toBe(8);
    expect(Object.keys(measured.errorKinds)[0]).toContain('ECONNREFUSED');
    server = await startSmallServer();
  });
});

describe('a dataset that is kept', () => {
  test('is made once, with a crowd that fills it up, and known again only whole and the same', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'anamnesis-bench-test-'));
    const fresh = await startSmallServer();
    const client = openClient(fresh.base, undefined, 2);
    const dataset = { seed: 3, patients: 2, size: 250 };
    try {
      expect(await knownIds(folder, dataset)).toBeUndefined();
      const told: number[] = [];
      const ids = await load(client, dataset, {
        loaders: 2,
        serverPid: undefined,
        kept: folder,
        told: (measured) => told.push(measured.resources),
      });
      expect(told).toEqual([150, 100]);
      expect(ids.map((given) => given.length)).toEqual([50, 50]);
      expect(await knownIds(folder, dataset)).toEqual(ids);
      await expect(knownIds(folder, { ...dataset, seed: 4 })).rejects.toThrow('another dataset');
    } finally {
      client.close();
      await fresh.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('the run as a whole', () => {
  test('drives a running server, compares, and ends with 0', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'anamnesis-bench-test-'));
    const [database, fresh] = [await createDatabase(), await startSmallServer()];
    try {
      const out = join(folder, 'out.jsonl');
      const args = [
        '--base',
        fresh.base,
        '--database',
        database.url,
        '--workloads',
        'load,update',
        '--patients',
        '20',
        '--rounds',
        '1',
        '--seconds',
        '0.5',
        '--out',
        out,
      ];
      const { stdout } = await promisify(execFile)(process.execPath, ['bench/run.ts', ...args], {
        cwd: fileURLToPath(new URL('../..', import.meta.url)),
      });
      expect(stdout).toMatch(/^update +[\d,]+ \([\d,]+-[\d,]+\) +[\d.]+ \([\d.]+-[\d.]+\).* 0$/m);
      for (const name of ['http', 'INSERT rows', 'SELECT', 'load resources', 'update'])
        expect(stdout).toMatch(new RegExp(`^${name} `, 'm'));
      const lines = (await readFile(out, 'utf8'))
        .trimEnd()
        .split('\n')
        .map((line): unknown => JSON.parse(line));
      // The first load; in the round http, INSERT, and a SELECT before each of two workloads; five summaries.
      expect(lines).toHaveLength(1 + (2 + 2 + 2) + 5);
      expect(lines.at(-1)).toMatchObject({
        summary: 'update',
        rate: { median: expect.any(Number) },
        ofSelect: { min: expect.any(Number) },
      });
    } finally {
      await fresh.stop();
      await database.drop();
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('finds the main cluster of the two under a DATA_DIR', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'anamnesis-db-'));
    await chmod(folder, 0o711);
    const start = (kind: 'main' | 'keys') => startCluster({ dir: join(folder, 'a', kind), settings: settingsFor(kind, 2 ** 30) });
    const [main, keys] = await Promise.all([start('main'), start('keys')]);
    try {
      expect(await mainClusterUrl(folder)).toBe(main.url({ ...main.superuser, database: 'postgres' }));
    } finally {
      await Promise.all([main.stop(), keys.stop()]);
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('the ceilings', () => {
  test('answer in a process of their own, and insert rows', async () => {
    const database = await createDatabase();
    const ceilings = await startCeilings(database.url);
    try {
      for (const url of [ceilings.fixed, ceilings.select]) {
        const client = openClient(url ?? '', undefined, 4);
        const measured = await drive(ceilingStep(client), { workers: 4, until: { steps: 200 } });
        client.close();
        expect(measured).toMatchObject({ errors: 0, requests: 200, resources: 200 });
      }
      expect(await ceilings.insert(0.3, 2)).toBeGreaterThan(100);
      expect(await ceilings.insert(0.1, 2)).toBeGreaterThan(100);
    } finally {
      await ceilings.stop();
      await database.drop();
    }
  });

  test('without a database have the fixed answer only', async () => {
    const ceilings = await startCeilings(undefined);
    expect(ceilings.select).toBeUndefined();
    expect(await ceilings.insert(1, 1)).toBeUndefined();
    await ceilings.stop();
  });
});
