import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { asFiltered, filterOf, filters, graphs, parameterOf, paths, resourceOf, types } from './graph.ts';
import { answers, type GraphType, type Question, type Vertex } from './graph-oracle.ts';

/**
 * Random graphs, part of which is contained in one of the others: searches for what is contained find by chains, `_has` and `_filter`
 * what graph-oracle.ts says, as if all were stored; and so do searches for the others.
 */

let server: TestServer;
let sets = 0;
beforeAll(async () => {
  server = await startTestServer();
}, 60_000);
afterAll(() => server?.stop());

type Asked = { readonly type: GraphType; readonly paths: readonly Question[]; readonly filter: Question | null; readonly count: number };

const searches = (set: string): fc.Arbitrary<readonly Asked[]> =>
  fc.array(
    fc.constantFrom(...types).chain((type) =>
      fc.record({
        type: fc.constant(type),
        paths: fc.array(paths(set, type, 3), { minLength: 1, maxLength: 2, size: 'xsmall' }),
        filter: fc.option(filters(set, type, 2), { freq: 1 }),
        count: fc.integer({ min: 1, max: 5 }),
      }),
    ),
    { minLength: 20, maxLength: 20 },
  );

const sample = fc.constant(null).chain(() => {
  const set = `c${++sets}`;
  return fc.record({
    set: fc.constant(set),
    graph: graphs(set),
    inside: fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }),
    asked: searches(set),
  });
});

test('what is contained is found as if it were stored', { timeout: 180_000 }, async () => {
  let found = 0;
  await fc.assert(
    fc.asyncProperty(sample, async ({ set, graph: drawn, inside, asked }) => {
      const container = `Observation/${set}-obs-0`;
      const isInside = (place: string): boolean =>
        place !== container && inside[drawn.findIndex(({ type, id }) => `${type}/${id}` === place)] === true;
      // What else is stored can't refer to what is contained.
      const graph = drawn.map((vertex) => {
        if (isInside(placeOf(vertex))) return { ...vertex, contained: true };
        return placeOf(vertex) === container ? vertex : withoutTo(vertex, isInside);
      });
      await store(graph, set, container, isInside);
      for (const search of asked) {
        const url = urlOf(search, set);
        const those = matching(search, graph).filter((vertex) => isInside(placeOf(vertex)));
        const expected = those.map((vertex) => `${server.base}/${container}#${vertex.id}`).sort();
        const places = await searched(`${url}&_contained=true&_containedType=contained&_count=${search.count}`);
        expect(places.toSorted(), url).toEqual(expected);
        const all = await searched(`${url}&_contained=both&_containedType=contained&_count=${search.count}`);
        const stored = matching(search, graph).filter((vertex) => !isInside(placeOf(vertex)));
        const alone = stored.map((vertex) => `${server.base}/${placeOf(vertex)}`);
        expect((await searched(url)).toSorted(), url).toEqual(alone.toSorted());
        expect(all.toSorted(), url).toEqual([...expected, ...alone].sort());
        const holding = expected.length === 0 ? [] : [`${server.base}/${container}`];
        const either = await searched(`${url}&_contained=both&_count=${search.count}`);
        expect(either.toSorted(), url).toEqual([...new Set([...alone, ...holding])].sort());
        expect(await totalOf(`${url}&_contained=true&_containedType=contained&_summary=count`), url).toBe(expected.length);
        expect(await searched(`${url}&_contained=true`), url).toEqual(holding);
        found += expected.length;
      }
    }),
    { numRuns: 10, endOnFailure: true },
  );
  expect(found).toBeGreaterThan(50);
});

const placeOf = ({ type, id }: Vertex): string => `${type}/${id}`;

function withoutTo(vertex: Vertex, isInside: (place: string) => boolean): Vertex {
  const references = Object.entries(vertex.references).map(([param, places]) => [param, places.filter((place) => !isInside(place))]);
  return { ...vertex, references: Object.fromEntries(references) as Vertex['references'] };
}

function matching({ type, paths: asked, filter }: Asked, graph: readonly Vertex[]): Vertex[] {
  const questions = [...asked, ...(filter === null ? [] : [asFiltered(filter)])];
  return graph.filter((vertex) => vertex.type === type && questions.every((question) => answers(vertex, question, graph)));
}

function urlOf({ type, paths: asked, filter }: Asked, set: string): string {
  const parts = asked.map(parameterOf);
  if (filter !== null) parts.push(`_filter=${encodeURIComponent(filterOf(filter))}`);
  return `/${type}?_tag=${set}&${parts.join('&')}`;
}

async function store(graph: readonly Vertex[], set: string, container: string, isInside: (place: string) => boolean): Promise<void> {
  const contained = graph.filter((vertex) => isInside(placeOf(vertex)));
  const pointing = (vertex: Vertex): object => {
    const text = JSON.stringify(resourceOf(vertex, set), (name, value: unknown) => {
      if (name !== 'reference' || typeof value !== 'string') return value;
      if (vertex.contained && value === container) return '#';
      return isInside(value) ? `#${value.split('/')[1]}` : value;
    });
    return JSON.parse(text) as object;
  };
  const inside = { contained: contained.map(pointing), focus: contained.map(({ id }) => ({ reference: `#${id}` })) };
  const entry = graph
    .filter((vertex) => !isInside(placeOf(vertex)))
    .map((vertex) => ({
      resource: placeOf(vertex) === container && contained.length > 0 ? { ...pointing(vertex), ...inside } : pointing(vertex),
      request: { method: 'PUT', url: placeOf(vertex) },
    }));
  const { status, text } = await server.request('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } });
  expect(status, text).toBe(200);
}

type Entry = { readonly fullUrl: string; readonly search: { readonly mode: string } };

/** The addresses on all pages, none of which is longer than it may be. */
async function searched(first: string): Promise<string[]> {
  const urls: string[] = [];
  const size = Number(/_count=(\d+)/.exec(first)?.[1] ?? 100);
  for (let url: string | undefined = first; url !== undefined; ) {
    const { status, json, text } = await server.request('GET', url);
    expect(status, `${url} ${text}`).toBe(200);
    const entries = (json.entry ?? []) as Entry[];
    expect(entries.length).toBeLessThanOrEqual(size);
    expect(entries.every(({ search }) => search.mode === 'match')).toBe(true);
    urls.push(...entries.map(({ fullUrl }) => fullUrl));
    url = json.link.find(({ relation }: { relation: string }) => relation === 'next')?.url;
  }
  return urls;
}

async function totalOf(url: string): Promise<unknown> {
  const { status, json, text } = await server.request('GET', url);
  expect(status, text).toBe(200);
  return json.total;
}
