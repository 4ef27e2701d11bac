import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { ceilingStep, startCeilings } from '../../bench/ceiling-process.ts';
import { openClient } from '../../bench/client.ts';
import { type Corpus, makeCorpus } from '../../bench/corpus.ts';
import { drive, type Measured } from '../../bench/drive.ts';
import { patientBundle } from '../../bench/generate.ts';
import { makeWorkloads, postBundle, WORKLOAD_NAMES, type WorkloadName } from '../../bench/workloads.ts';
import { createDatabase } from '../support/cluster.ts';
import { type SmallServer, startSmallServer } from './small-fhir-server.ts';

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

  const dropLast = (bundle: any) => ({ ...bundle, entry: bundle.entry.slice(0, -1) });
  test.each([
    [
      'load',
      (answer: any) =>
        answer.entry ? { ...answer, entry: answer.entry.map((entry: any) => ({ ...entry, response: { status: '200 OK' } })) } : answer,
    ],
    ['create', (answer: any) => ({ ...answer, valueQuantity: { value: 1 } })],
    ['read', (answer: any) => ({ ...answer, id: 'other' })],
    ['search-1', dropLast],
    [
      'search-1',
      (bundle: any) => ({
        ...bundle,
        entry: bundle.entry.map(({ resource, ...rest }: any) => ({
          ...rest,
          resource: { ...resource, subject: { reference: 'Patient/other' } },
        })),
      }),
    ],
    ['search-2', dropLast],
    ['search-3', dropLast],
    ['search-4', dropLast],
    ['update', (answer: any) => ({ ...answer, telecom: [{ value: 'old' }] })],
  ] as const)('%s finds a wrong answer wrong', async (name, spoil) => {
    const before = corpus.resources;
    let prepared = name !== 'update';
    server.spoil = (answer, { method }) => {
      if (method === 'PUT') prepared = true;
      return prepared ? spoil(answer) : answer;
    };
    const measured = await work(name, 12);
    expect(measured.errors).toBe(12);
    expect(measured.requests).toBe(0);
    if (name !== 'create') expect(corpus.resources).toBe(before);
  });

  test('counts requests that get no answer as errors', async () => {
    server.spoil = () => {
      throw new Error('this ends the connection');
    };
    server.spoil = (answer) => ({ ...answer, resourceType: 'None' });
    expect((await work('read', 8)).errors).toBe(8);
  });
});

describe('the ceilings', () => {
  test('answer in a process of their own, and insert rows', async () => {
    expect(inject).toBeTypeOf('function');
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
