import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { asFiltered, filterOf, filters, graphs, isVisible, parameterOf, paths, resourceOf, types } from './graph.ts';
import { answers, type GraphType, type Question, type Vertex } from './graph-oracle.ts';

/** Random chains, `_has` and `_filter` on random graphs: what comes over HTTP is what graph-oracle.ts says. */

let server: TestServer;
let sets = 0;
beforeAll(async () => {
  server = await startTestServer();
}, 60_000);
afterAll(() => server?.stop());

type Asked = {
  readonly type: GraphType;
  readonly paths: readonly Question[];
  readonly filter: Question | null;
  readonly sort: string;
  readonly count: number;
};

/** Orders by a column, by facts, and by what has to be opened. */
const sortsOf: Readonly<Record<GraphType, readonly string[]>> = {
  Patient: ['family', '-birthdate', 'gender'],
  Organization: ['name'],
  Encounter: ['-date', 'status'],
  Observation: ['-date', 'code,-_id'],
};

const searches = (set: string): fc.Arbitrary<readonly Asked[]> =>
  fc.array(
    fc.constantFrom(...types).chain((type) =>
      fc.record({
        type: fc.constant(type),
        paths: fc.array(paths(set, type, 3), { minLength: 1, maxLength: 2, size: 'xsmall' }),
        filter: fc.option(filters(set, type, 2), { freq: 1 }),
        sort: fc.constantFrom('_id', '-_lastUpdated', '_lastUpdated', ...sortsOf[type]),
        count: fc.integer({ min: 2, max: 10 }),
      }),
    ),
    { minLength: 25, maxLength: 25 },
  );

const sample = (): fc.Arbitrary<{ set: string; graph: readonly Vertex[]; asked: readonly Asked[] }> =>
  fc.constant(null).chain(() => {
    const set = `g${++sets}`;
    return fc.record({ set: fc.constant(set), graph: graphs(set), asked: searches(set) });
  });

test('searches by chains, _has and _filter', { timeout: 180_000 }, async () => {
  let found = 0;
  await fc.assert(
    fc.asyncProperty(sample(), async ({ set, graph, asked }) => {
      await store(graph, set);
      for (const search of asked) {
        const url = `${urlOf(search, set)}&_sort=${search.sort}&_count=${search.count}`;
        const ids = await searched(url);
        // Whatever the order, each once.
        expect(search.sort === '_id' ? ids : ids.toSorted(), url).toEqual(expected(search, graph));
        found += expected(search, graph).length;
      }
    }),
    { numRuns: 12, endOnFailure: true },
  );
  expect(found).toBeGreaterThan(100);
});

test('a patient’s answers don’t change by what is outside his compartment', { timeout: 180_000 }, async () => {
  let found = 0;
  await fc.assert(
    fc.asyncProperty(sample(), async ({ set, graph, asked }) => {
      const patient = `${set}-pat-0`;
      const token = await server.token({ scope: 'patient/*.rs', patient });
      const visible = graph.filter((vertex) => isVisible(vertex, patient));
      const hidden = graph.filter((vertex) => !visible.includes(vertex));
      const urls = asked.map((search) => `${urlOf(search, set)}&_sort=_id&_total=accurate`);
      await store(visible, set);
      const before: unknown[] = [];
      for (const url of urls) before.push(await answered(url, token));
      await store(hidden, set);
      for (const [at, search] of asked.entries()) {
        const after = await answered(urls[at] ?? '', token);
        expect(after, urls[at]).toEqual(before[at]);
        const ids = expected(search, visible);
        expect(after, urls[at]).toMatchObject({ total: ids.length, ids });
        found += ids.length;
      }
      await remove(hidden);
      for (const [at, url] of urls.entries()) expect(await answered(url, token), url).toEqual(before[at]);
    }),
    { numRuns: 8, endOnFailure: true },
  );
  expect(found).toBeGreaterThan(40);
});

function expected({ type, paths: asked, filter }: Asked, graph: readonly Vertex[]): string[] {
  const questions = [...asked, ...(filter === null ? [] : [asFiltered(filter)])];
  return graph
    .filter((vertex) => vertex.type === type && questions.every((question) => answers(vertex, question, graph)))
    .map(({ id }) => id)
    .sort();
}

function urlOf({ type, paths: asked, filter }: Asked, set: string): string {
  const parts = asked.map(parameterOf);
  if (filter !== null) parts.push(`_filter=${encodeURIComponent(filterOf(filter))}`);
  return `/${type}?_tag=${set}&${parts.join('&')}`;
}

async function store(graph: readonly Vertex[], set: string): Promise<void> {
  if (graph.length === 0) return;
  await transaction(
    graph.map((vertex) => ({ resource: resourceOf(vertex, set), request: { method: 'PUT', url: `${vertex.type}/${vertex.id}` } })),
  );
}

async function remove(graph: readonly Vertex[]): Promise<void> {
  if (graph.length > 0) await transaction(graph.map(({ type, id }) => ({ request: { method: 'DELETE', url: `${type}/${id}` } })));
}

async function transaction(entry: readonly object[]): Promise<void> {
  const { status, text } = await server.request('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } });
  expect(status, text).toBe(200);
}

/** The ids of all pages. */
async function searched(first: string): Promise<string[]> {
  const ids: string[] = [];
  for (let url: string | undefined = first; url !== undefined; ) {
    const answer = await answered(url);
    ids.push(...answer.ids);
    url = answer.next;
  }
  return ids;
}

async function answered(url: string, token?: string): Promise<{ ids: string[]; total: unknown; next: string | undefined }> {
  const { status, json, text } = await server.request('GET', url, token === undefined ? {} : { token });
  expect(status, `${url} ${text}`).toBe(200);
  const ids = (json.entry ?? []).map(({ resource }: { resource: { id: string } }) => resource.id);
  return { ids, total: json.total, next: json.link.find(({ relation }: { relation: string }) => relation === 'next')?.url };
}
