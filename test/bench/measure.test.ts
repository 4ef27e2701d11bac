import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { must } from '../../bench/client.ts';
import { makeCorpus } from '../../bench/corpus.ts';
import { drive, percentile } from '../../bench/drive.ts';
import { factsOf, patientBundle } from '../../bench/generate.ts';
import { spreadOf, table } from '../../bench/report.ts';

describe('drive', () => {
  test('has one step under way for each worker and counts each', async () => {
    const [seen, most]: [Set<number>, number[]] = [new Set(), []];
    let now = 0;
    const measured = await drive(
      async (worker, index) => {
        most.push(++now);
        seen.add(index);
        await wait(1);
        now--;
        return { resources: worker < 3 ? 2 : 0, bytes: 10 };
      },
      { workers: 3, until: { steps: 40 } },
    );
    expect(Math.max(...most)).toBe(3);
    expect(seen.size).toBe(40);
    expect(measured).toMatchObject({ requests: 40, resources: 80, errors: 0, bytesPerAnswer: 10 });
  });

  test('counts only what begins after the lead and ends before the bell', async () => {
    let steps = 0;
    const measured = await drive(
      async () => {
        steps++;
        await wait(10);
        return { resources: 1, bytes: 0 };
      },
      { workers: 2, until: { seconds: 0.2 }, leadSeconds: 0.2 },
    );
    expect(measured.requests).toBeGreaterThan(5);
    expect(measured.requests).toBeLessThan(steps - 10);
    expect(measured.seconds).toBeGreaterThan(0.19);
  });

  test('counts errors of all its time by kind, and goes on', async () => {
    const measured = await drive(
      (_worker, index) => {
        must(index % 4 !== 0, 'a fourth is wrong');
        return Promise.resolve({ resources: 1, bytes: 0 });
      },
      { workers: 1, until: { steps: 20 } },
    );
    expect(measured).toMatchObject({ requests: 15, errors: 5, errorKinds: { 'a fourth is wrong': 5 } });
  });
});

test('percentiles are nearest ranks', () => {
  const sorted = Array.from({ length: 100 }, (_, i) => i + 1);
  expect([50, 95, 99, 100].map((percent) => percentile(sorted, percent))).toEqual([50, 95, 99, 100]);
  expect(percentile([7], 50)).toBe(7);
  expect(percentile([], 50)).toBeNaN();
});

test('a spread is the median with the smallest and the largest', () => {
  expect(spreadOf([5, 1, 9])).toEqual({ median: 5, min: 1, max: 9 });
  expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, max: 4 });
});

describe('the data', () => {
  test('is the same for the same seed and number', () => {
    expect(patientBundle(1, 5)).toEqual(patientBundle(1, 5));
    expect(patientBundle(1, 5)).not.toEqual(patientBundle(1, 6));
    expect(patientBundle(1, 5)).not.toEqual(patientBundle(2, 5));
  });

  test('has 50 resources a patient: 1 Patient, 5 Encounters, 40 Observations, 4 MedicationStatements', () => {
    const { types } = factsOf(patientBundle(1, 0));
    const count = (type: string): number => types.filter((one) => one === type).length;
    expect([types.length, count('Patient'), count('Encounter'), count('Observation'), count('MedicationStatement')]).toEqual([
      50, 1, 5, 40, 4,
    ]);
  });

  test('keeps the crowd away from what is searched for', () => {
    const corpus = makeCorpus(
      1,
      Array.from({ length: 60 }, (_, i) => factsOf(patientBundle(1, i)).types.map((_type, k) => `${i}-${k}`)),
    );
    for (let index = 0; index < 60; index++) {
      const crowd = factsOf(patientBundle(1, index, 'crowd'));
      expect(corpus.prefixes.some(({ prefix }) => crowd.family.startsWith(prefix))).toBe(false);
      for (const observation of crowd.observations) expect(observation.date < '2019').toBe(true);
    }
  });

  test('gives every search of the benchmark something to find', () => {
    const corpus = makeCorpus(
      1,
      Array.from({ length: 60 }, (_, i) => factsOf(patientBundle(1, i)).types.map((_type, k) => `${i}-${k}`)),
    );
    expect(corpus.resources).toBe(3000);
    expect(corpus.prefixes.length).toBeGreaterThan(15);
    expect(corpus.ranges.length).toBeGreaterThan(60);
    for (const { count } of [...corpus.ranges, ...corpus.prefixes]) expect(count).toBeGreaterThan(0);
    for (const person of corpus.readers)
      for (const code of corpus.codes) expect(person.observations.some((o) => o.code === code)).toBe(true);
  });
});

test('the table tells medians with their spread, and a dash for what was not measured', () => {
  const measured = {
    seconds: 1,
    requests: 1,
    resources: 1,
    errors: 0,
    requestsPerSecond: 1,
    resourcesPerSecond: 1,
    bytesPerAnswer: 1,
    p50: 1.24,
    p95: 2,
    p99: 3,
    errorKinds: {},
  };
  const window = (rate: number, resourcesStored: number) => ({ ...measured, round: 1, name: 'read', rate, resourcesStored });
  const lines = table([
    { name: 'read', unit: 'requests', windows: [window(900, 100), window(1000, 300), window(1200, 200)], ratios: [0.5, 0.61, 0.4] },
  ]).split('\n');
  expect(lines[1]?.split(/\s{2,}/)).toEqual(['read', '1,000 (900-1,200)', '0.50 (0.40-0.61)', '1.2', '2.0', '-', '-', '-', '100-300', '0']);
});
