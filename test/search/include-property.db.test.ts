import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { graphs, isVisible, resourceOf, types } from './graph.ts';
import { type GraphType, shapes, type Vertex } from './graph-oracle.ts';

/** Random includes on random graphs: what comes over HTTP is what following the references by hand gives, whoever asks. */

let server: TestServer;
let sets = 0;
beforeAll(async () => {
  server = await startTestServer();
}, 60_000);
afterAll(() => server?.stop());

type Include = {
  readonly backwards: boolean;
  readonly iterate: boolean;
  readonly type: GraphType;
  /** `*` without one. */
  readonly param: string | null;
  readonly target: GraphType | null;
};
type Asked = { readonly type: GraphType; readonly includes: readonly Include[] };

const links = types.flatMap((type) => Object.entries(shapes[type].references).map(([param, targets]) => ({ type, param, targets })));
const includes: fc.Arbitrary<Include> = fc.constantFrom(...links).chain(({ type, param, targets }) =>
  fc.record({
    backwards: fc.boolean(),
    iterate: fc.boolean(),
    type: fc.constant(type),
    param: fc.oneof({ weight: 4, arbitrary: fc.constant(param) }, { weight: 1, arbitrary: fc.constant(null) }),
    target: fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.constantFrom(...targets) }),
  }),
);
const searches: fc.Arbitrary<readonly Asked[]> = fc.array(
  fc.record({ type: fc.constantFrom(...types), includes: fc.array(includes, { minLength: 1, maxLength: 4 }) }),
  { minLength: 20, maxLength: 20 },
);
const sample = fc.constant(null).chain(() => {
  const set = `i${++sets}`;
  return fc.record({ set: fc.constant(set), graph: graphs(set), asked: searches });
});

test('includes are what the references lead to', { timeout: 120_000 }, async () => {
  let found = 0;
  await fc.assert(
    fc.asyncProperty(sample, async ({ set, graph, asked }) => {
      await store(graph, set);
      for (const search of asked) {
        const expected = followed(search, graph);
        expect(await answered(urlOf(search, set)), urlOf(search, set)).toEqual(expected);
        found += expected.included.length;
      }
    }),
    { numRuns: 10, endOnFailure: true },
  );
  expect(found).toBeGreaterThan(200);
});

test('a patient’s includes don’t change by what is outside his compartment', { timeout: 120_000 }, async () => {
  let found = 0;
  await fc.assert(
    fc.asyncProperty(sample, async ({ set, graph, asked }) => {
      const patient = `${set}-pat-0`;
      const token = await server.token({ scope: 'patient/*.rs', patient });
      const visible = graph.filter((vertex) => isVisible(vertex, patient));
      const ask = async (): Promise<unknown[]> => {
        const answers: unknown[] = [];
        for (const search of asked) answers.push(await answered(urlOf(search, set), token));
        return answers;
      };
      await store(visible, set);
      const before = await ask();
      expect(before).toEqual(asked.map((search) => followed(search, visible)));
      await store(
        graph.filter((vertex) => !visible.includes(vertex)),
        set,
      );
      expect(await ask()).toEqual(before);
      found += asked.reduce((total, search) => total + followed(search, visible).included.length, 0);
    }),
    { numRuns: 8, endOnFailure: true },
  );
  expect(found).toBeGreaterThan(50);
});

const nameOf = ({ type, id }: Vertex): string => `${type}/${id}`;

/** Level by level, by hand. */
function followed({ type, includes: asked }: Asked, graph: readonly Vertex[]): { matches: string[]; included: string[] } {
  const matches = graph.filter((vertex) => vertex.type === type);
  const known = new Set(matches);
  const included: Vertex[] = [];
  let active = asked;
  for (let frontier = matches; frontier.length > 0 && active.length > 0; active = active.filter(({ iterate }) => iterate)) {
    const found = frontier.flatMap((vertex) => active.flatMap((include) => reached(vertex, include, graph)));
    frontier = [...new Set(found)].filter((vertex) => !known.has(vertex));
    for (const vertex of frontier) known.add(vertex);
    included.push(...frontier);
  }
  return { matches: matches.map(nameOf).sort(), included: included.map(nameOf).sort() };
}

function reached(vertex: Vertex, { backwards, type, param, target }: Include, graph: readonly Vertex[]): Vertex[] {
  const refersTo = (from: Vertex, to: Vertex): boolean =>
    from.type === type &&
    (target === null || to.type === target) &&
    Object.entries(from.references).some(([name, references]) => (param ?? name) === name && references.includes(nameOf(to)));
  return graph.filter((other) => (backwards ? refersTo(other, vertex) : refersTo(vertex, other)));
}

function urlOf({ type, includes: asked }: Asked, set: string): string {
  const parts = asked.map(({ backwards, iterate, type: from, param, target }) => {
    const name = `${backwards ? '_revinclude' : '_include'}${iterate ? ':iterate' : ''}`;
    return `${name}=${from}:${param ?? '*'}${target === null ? '' : `:${target}`}`;
  });
  return `/${type}?_tag=${set}&${parts.join('&')}`;
}

async function store(graph: readonly Vertex[], set: string): Promise<void> {
  if (graph.length === 0) return;
  const entry = graph.map((vertex) => ({ resource: resourceOf(vertex, set), request: { method: 'PUT', url: nameOf(vertex) } }));
  const { status, text } = await server.request('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } });
  expect(status, text).toBe(200);
}

async function answered(url: string, token?: string): Promise<{ matches: string[]; included: string[] }> {
  const { status, json, text } = await server.request('GET', url, token === undefined ? {} : { token });
  expect(status, `${url} ${text}`).toBe(200);
  const named = (mode: string): string[] =>
    (json.entry ?? [])
      .filter(({ search }: { search: { mode: string } }) => search.mode === mode)
      .map(({ resource }: { resource: { resourceType: string; id: string } }) => `${resource.resourceType}/${resource.id}`)
      .sort();
  expect(named('outcome')).toEqual([]);
  return { matches: named('match'), included: named('include') };
}
