import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answered, startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server?.stop());

type Resource = Readonly<Record<string, unknown>> & { readonly resourceType: string };

const system = 'http://example.org/concurrency';
const practitioner = (value: string, family = 'Identical'): Resource => ({
  resourceType: 'Practitioner',
  identifier: [{ system, value }],
  name: [{ family }],
});
const entryOf = (method: string, url: string, resource?: Resource, extra: object = {}) => ({
  ...(resource === undefined ? {} : { resource }),
  request: { method, url, ...extra },
});
const transactionOf = (entry: readonly object[]) => ({ resourceType: 'Bundle', type: 'transaction', entry });

const parallel = <T>(count: number, work: (n: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => work(n)));

/** `{ 200: 99, 201: 1 }` */
function tally(statuses: readonly number[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

const etagOf = ({ response }: { readonly response: { readonly etag: string } }): string => response.etag;

const statusesOf = (answers: readonly Answered[]): Record<number, number> => tally(answers.map(({ status }) => status));

async function countOf(type: string, query: string): Promise<number> {
  return (await server.request('GET', `/${type}?${query}&_summary=count`)).json.total;
}

type Page = {
  readonly entry: readonly { readonly response: { readonly etag: string } }[];
  readonly link: readonly { readonly relation: string; readonly url: string }[];
};

/** The version numbers in an instance's history, newest first, over all pages. */
async function versionsOf(reference: string): Promise<number[]> {
  const versions: number[] = [];
  let url: string | undefined = `/${reference}/_history?_count=1000`;
  while (url !== undefined) {
    const page: Page = (await server.request('GET', url)).json;
    for (const { response } of page.entry) versions.push(Number(/\d+/.exec(response.etag)?.[0]));
    url = page.link.find(({ relation }) => relation === 'next')?.url;
  }
  return versions;
}

/** n, n-1 … 1 */
const gapless = (count: number): number[] => Array.from({ length: count }, (_, n) => count - n);

describe('100 identical conditional writes at once', () => {
  test('as creates make one resource', async () => {
    const answers = await parallel(100, () =>
      server.request('POST', '/Practitioner', {
        body: practitioner('create'),
        headers: { 'if-none-exist': `identifier=${system}|create` },
      }),
    );
    expect(statusesOf(answers)).toEqual({ 201: 1, 200: 99 });
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1);
    expect(await countOf('Practitioner', `identifier=${system}|create`)).toBe(1);
  });

  test('as creates whose criteria are spelled in different ways make one resource', async () => {
    const spellings = [
      `identifier=${system}|spelled&family=Identical`,
      `family=Identical&identifier=${system}|spelled`,
      `?identifier=${encodeURIComponent(`${system}|spelled`)}&family=Identical`,
      `Practitioner?family=%49dentical&identifier=${system}%7Cspelled`,
    ];
    const answers = await parallel(100, (n) =>
      server.request('POST', '/Practitioner', {
        body: practitioner('spelled'),
        headers: { 'if-none-exist': spellings[n % spellings.length] ?? '' },
      }),
    );
    expect(statusesOf(answers)).toEqual({ 201: 1, 200: 99 });
    expect(await countOf('Practitioner', `identifier=${system}|spelled`)).toBe(1);
  });

  test('as transactions with ifNoneExist make one resource, and every reference leads to it', async () => {
    const bundle = transactionOf([
      {
        fullUrl: 'urn:uuid:0b1fbb5c-7d80-4e3a-9d1e-8a3a2bd0c7a1',
        ...entryOf('POST', 'Practitioner', practitioner('transaction'), { ifNoneExist: `identifier=${system}|transaction` }),
      },
      entryOf('POST', 'PractitionerRole', {
        resourceType: 'PractitionerRole',
        practitioner: { reference: 'urn:uuid:0b1fbb5c-7d80-4e3a-9d1e-8a3a2bd0c7a1' },
      }),
    ]);
    const answers = await parallel(100, () => server.request('POST', '', { body: bundle }));
    expect(statusesOf(answers)).toEqual({ 200: 100 });
    expect(tally(answers.map(({ json }) => Number.parseInt(json.entry[0].response.status, 10)))).toEqual({ 201: 1, 200: 99 });
    expect(await countOf('Practitioner', `identifier=${system}|transaction`)).toBe(1);
    const [{ resource }] = (await server.request('GET', `/Practitioner?identifier=${system}|transaction`)).json.entry;
    expect(await countOf('PractitionerRole', `practitioner=Practitioner/${resource.id}`)).toBe(100);
  });

  test('as updates make one resource of one version', async () => {
    const answers = await parallel(100, () =>
      server.request('PUT', `/Practitioner?identifier=${system}|update`, { body: practitioner('update') }),
    );
    expect(statusesOf(answers)).toEqual({ 201: 1, 200: 99 });
    const [id, another] = new Set(answers.map(({ json }) => json.id));
    expect(another).toBeUndefined();
    expect(await versionsOf(`Practitioner/${id}`)).toEqual([1]);
    expect(await countOf('Practitioner', `identifier=${system}|update`)).toBe(1);
  });

  test('as updates with different contents make one resource with a version for each', async () => {
    const answers = await parallel(100, (n) =>
      server.request('PUT', `/Practitioner?identifier=${system}|changing`, { body: practitioner('changing', `Number${n}`) }),
    );
    expect(statusesOf(answers)).toEqual({ 201: 1, 200: 99 });
    const [id, another] = new Set(answers.map(({ json }) => json.id));
    expect(another).toBeUndefined();
    expect(await versionsOf(`Practitioner/${id}`)).toEqual(gapless(100));
  });

  test('as creates, updates and deletes mixed never leave two', async () => {
    const criteria = `identifier=${system}|mixed`;
    const answers = await parallel(90, (n) => {
      if (n % 3 === 0) return server.request('DELETE', `/Practitioner?${criteria}`);
      if (n % 3 === 1) return server.request('PUT', `/Practitioner?${criteria}`, { body: practitioner('mixed', `Number${n}`) });
      return server.request('POST', '/Practitioner', { body: practitioner('mixed'), headers: { 'if-none-exist': criteria } });
    });
    expect(answers.filter(({ status }) => status !== 200 && status !== 201)).toEqual([]);
    expect(await countOf('Practitioner', criteria)).toBeLessThanOrEqual(1);
  });
});

describe('200 transactions at once over the same 20 resources', () => {
  /** A permutation that differs from n to n: 7, 11 and 13 have no divisor in common with 20. */
  const shuffled = (ids: readonly string[], n: number): string[] =>
    ids.map((_, at) => ids[(n + at * ([1, 7, 11, 13, 19][n % 5] ?? 1)) % ids.length] ?? '');

  async function run(ids: readonly string[], method: 'PUT' | 'PATCH' | 'mixed'): Promise<Answered[]> {
    const patchOf = (n: number): Resource => ({
      resourceType: 'Parameters',
      parameter: [
        {
          name: 'operation',
          part: [
            { name: 'type', valueCode: 'replace' },
            { name: 'path', valueString: 'Basic.code.text' },
            { name: 'value', valueString: `patch ${n}` },
          ],
        },
      ],
    });
    return parallel(200, (n) => {
      const entries = shuffled(ids, n).map((id, at) => {
        const patches = method === 'PATCH' || (method === 'mixed' && (n + at) % 2 === 0);
        return patches
          ? entryOf('PATCH', `Basic/${id}`, patchOf(n))
          : entryOf('PUT', `Basic/${id}`, { resourceType: 'Basic', id, code: { text: `put ${n}` } });
      });
      return server.request('POST', '', { body: transactionOf(entries) });
    });
  }

  /** Every transaction that was answered 200 is one version of each resource, in the same order for all of them. */
  async function expectWhole(ids: readonly string[], answers: readonly Answered[], versionsBefore: number): Promise<void> {
    const statuses = statusesOf(answers);
    expect(answers.filter(({ status }) => ![200, 409, 412].includes(status)).map(({ text }) => text)).toEqual([]);
    const succeeded = statuses[200] ?? 0;
    expect(succeeded).toBeGreaterThan(0);
    const told = answers.flatMap(({ status, json }): string[][] => (status === 200 ? [json.entry.map(etagOf)] : []));
    for (const etags of told) expect(new Set(etags).size).toBe(1);
    expect(new Set(told.map(([etag]) => etag)).size).toBe(succeeded);
    for (const id of ids) expect(await versionsOf(`Basic/${id}`)).toEqual(gapless(versionsBefore + succeeded));
  }

  test('in different orders all end well, and each resource has every version once', async () => {
    const ids = Array.from({ length: 20 }, (_, n) => `existing-${n}`);
    await server.request('POST', '', {
      body: transactionOf(ids.map((id) => entryOf('PUT', `Basic/${id}`, { resourceType: 'Basic', id, code: { text: 'first' } }))),
    });
    await expectWhole(ids, await run(ids, 'mixed'), 1);
  });

  test('that do not exist yet: none is made twice', async () => {
    const ids = Array.from({ length: 20 }, (_, n) => `unborn-${n}`);
    const answers = await run(ids, 'PUT');
    expect(statusesOf(answers)[412]).toBeUndefined();
    await expectWhole(ids, answers, 0);
  });
});

describe('50 updates of one resource at once', () => {
  const basic = (id: string, text: string): Resource => ({ resourceType: 'Basic', id, code: { text } });

  test('with the same If-Match: exactly one is taken, the others answer 412', async () => {
    await server.request('PUT', '/Basic/matched', { body: basic('matched', 'first') });
    const answers = await parallel(50, (n) =>
      server.request('PUT', '/Basic/matched', { body: basic('matched', `number ${n}`), headers: { 'if-match': 'W/"1"' } }),
    );
    expect(statusesOf(answers)).toEqual({ 200: 1, 412: 49 });
    expect(await versionsOf('Basic/matched')).toEqual([2, 1]);
    const won = answers.find(({ status }) => status === 200)?.json;
    expect((await server.request('GET', '/Basic/matched')).json).toEqual(won);
  });

  test('with the same If-Match as updates, patches and deletes mixed: exactly one is taken', async () => {
    await server.request('PUT', '/Basic/raced', { body: basic('raced', 'first') });
    const headers = { 'if-match': 'W/"1"' };
    const answers = await parallel(50, (n) => {
      if (n % 3 === 0) return server.request('PUT', '/Basic/raced', { body: basic('raced', `number ${n}`), headers });
      if (n % 3 === 1) return server.request('DELETE', '/Basic/raced', { headers });
      return server.request('PATCH', '/Basic/raced', {
        body: [{ op: 'replace', path: '/code/text', value: `number ${n}` }],
        headers: { ...headers, 'content-type': 'application/json-patch+json' },
      });
    });
    // Once it is deleted, a patch finds it gone and another delete has nothing left to do: neither makes a version.
    expect(answers.filter(({ status }) => ![200, 410, 412].includes(status))).toEqual([]);
    expect(await versionsOf('Basic/raced')).toEqual([2, 1]);
  });

  test('that does not exist: one 201, the rest versions without gaps', async () => {
    const answers = await parallel(50, (n) => server.request('PUT', '/Basic/fresh', { body: basic('fresh', `number ${n}`) }));
    expect(statusesOf(answers)).toEqual({ 201: 1, 200: 49 });
    expect(await versionsOf('Basic/fresh')).toEqual(gapless(50));
    const told = answers.map(({ headers }) => Number(/\d+/.exec(headers.get('etag') ?? '')?.[0]));
    expect(told.sort((a, b) => b - a)).toEqual(gapless(50));
  });

  test('that does not exist, under If-None-Match: *: one 201, the rest 412', async () => {
    const answers = await parallel(50, (n) =>
      server.request('PUT', '/Basic/single', { body: basic('single', `number ${n}`), headers: { 'if-none-match': '*' } }),
    );
    expect(statusesOf(answers)).toEqual({ 201: 1, 412: 49 });
    expect(await versionsOf('Basic/single')).toEqual([1]);
  });
});
