import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { category, observation, put, recordOf, shared } from './matrix-world.ts';

/*
 * What answers don't say, the work behind them could: what a caller may not see is not opened for him, asks the database as often as what
 * never was, and takes as long.
 */

let server: TestServer;
let token: string;
const hiddenRows = 1_000;
beforeAll(async () => {
  server = await startTestServer();
  token = await server.token({ scope: 'patient/*.cruds', patient: 'pa' });
  await put(server, [...shared, ...recordOf('pa', 'Plainly', 'doc', ['hh']), ...recordOf('hh', 'Hiddenly', 'other-doc', ['pa'])]);
  const many = Array.from({ length: hiddenRows }, (_, n) =>
    observation(`hh-${n}`, 'hh', n % 2 === 0 ? 'laboratory' : 'vital-signs', `Hiddenly ${n}`, {
      hasMember: [{ reference: 'Observation/pa-lab' }],
    }),
  );
  await put(server, many);
  await server.services.context.pool.query('analyze');
  await server.services.context.statistics.refresh();
}, 60_000);
afterAll(() => server?.stop());

const get = (path: string) => server.request('GET', path, { token });

const asked = [
  ['read', '/Patient/ID'],
  ['read', '/Observation/ID-lab'],
  ['vread', '/Observation/ID-lab/_history/1'],
  ['history', '/Observation/ID-lab/_history'],
  ['compartment', '/Patient/ID/Observation'],
  ['$everything', '/Patient/ID/$everything'],
  ['by id', '/Patient?_id=ID'],
  ['by number', '/Patient?identifier=ID-Hiddenly'],
  ['by patient', '/Observation?subject=Patient/ID'],
  ['by patient, sorted', '/Observation?patient=ID&_sort=-date'],
  ['by reference', '/Observation?has-member=Observation/ID-lab'],
  ['chain', '/Observation?subject:Patient.identifier=ID-Hiddenly'],
  ['_has', '/Patient?_has:Observation:subject:identifier=ID-lab-Hiddenly'],
  ['total', '/Observation?subject=Patient/ID&_summary=count'],
] as const;

describe('what is hidden', () => {
  test('is never opened', async () => {
    const open = vi.spyOn(server.services.context, 'open');
    const opened = (): string[] => open.mock.calls.flatMap(([rows]) => rows.map(({ type, id }) => `${type}/${id}`));
    const paths = [
      ...asked.map(([, path]) => path.replaceAll('ID', 'hh')),
      '/Observation?value-string:contains=iddenl',
      '/Observation?value-string=Hiddenly&_sort=value-string',
      '/Observation?_sort=code,value-string&_count=2',
      '/Observation?subject:Patient.name:contains=iddenl',
      '/Patient?_has:Observation:subject:value-string:contains=iddenl',
      '/Observation?_has:Observation:has-member:value-string=Hidden&_total=accurate',
      '/Observation?_id=pa-lab&_include=*&_revinclude=Observation:*',
      '/Observation?_id=pa-lab&_revinclude:iterate=Observation:has-member',
      '/Medication?_contained=true',
      `/Observation?category=${category}|laboratory&_total=accurate&_count=1`,
      '/Observation/_history?_count=1000',
      '/_history?_count=1000',
      '/Patient/pa/$everything',
      '/Patient/$everything',
    ];
    for (const path of paths) {
      open.mockClear();
      const { status, text } = await get(path);
      expect([200, 404], text).toContain(status);
      expect(
        opened().filter((name) => name.includes('/hh')),
        path,
      ).toEqual([]);
      // Who may see it makes it be opened: it is this function that opens.
      await server.request('GET', path);
      if (path === '/Patient/hh' || path.includes('_has')) expect(opened().length, path).toBeGreaterThan(0);
    }
    open.mockRestore();
  });

  test('asks the database as often as what never was', async () => {
    const { reader, searcher, counter } = server.services.context;
    const counting = [...new Set([reader, searcher, counter])].map((each) => vi.spyOn(each, 'query'));
    // What the server asks for itself now and then may come in between.
    const statements = async (path: string): Promise<number> => {
      const counts: number[] = [];
      while (counts.length < 4) {
        for (const each of counting) each.mockClear();
        await get(path);
        counts.push(counting.reduce((sum, each) => sum + each.mock.calls.length, 0));
      }
      return Math.min(...counts);
    };
    for (const [name, path] of asked) {
      const [there, never] = [await statements(path.replaceAll('ID', 'hh')), await statements(path.replaceAll('ID', 'nn'))];
      expect(there, `${name}: ${path}`).toBe(never);
      expect(there).toBeGreaterThan(0);
    }
    for (const each of counting) each.mockRestore();
  });

  // Medians of samples that take turns, far enough apart to be no chance; what is noise isn't the same a second time.
  test('takes as long as what never was', { timeout: 300_000 }, async () => {
    for (const [name, path] of asked) {
      const differences: number[] = [];
      for (let attempt = 0; attempt < 5; attempt++) {
        const [there, never] = await medians(path.replaceAll('ID', 'hh'), path.replaceAll('ID', 'nn'));
        differences.push(Math.abs(there - never) / Math.min(there, never));
        if ((differences.at(-1) ?? 0) < 0.35) break;
      }
      expect(Math.min(...differences), `${name}: ${path}: ${differences.join(', ')}`).toBeLessThan(0.35);
    }
  });
});

async function medians(...paths: readonly [string, string]): Promise<[number, number]> {
  const times: [number[], number[]] = [[], []];
  for (let n = 0; n < 60; n++) {
    for (const at of n % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      const begin = performance.now();
      await get(paths[at]);
      times[at].push(performance.now() - begin);
    }
  }
  const median = (list: number[]): number => list.sort((a, b) => a - b)[list.length >> 1] ?? 0;
  return [median(times[0]), median(times[1])];
}
