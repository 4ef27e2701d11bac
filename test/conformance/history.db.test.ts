import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { issueId, patient } from './samples.ts';

/** https://hl7.org/fhir/R4/http.html#history */
let server: TestServer;
/** When the whole history was written, one instant a write, in order. */
const written: string[] = [];

beforeAll(async () => {
  server = await startTestServer();
  const put = async (id: string, more: Readonly<Record<string, unknown>>): Promise<void> => {
    const { json } = await server.request('PUT', `/Patient/${id}`, { body: patient({ id, ...more }) });
    written.push(json.meta.lastUpdated);
  };
  for (let n = 1; n <= 7; n++) await put('a', { language: `x-${n}` });
  await put('b', {});
  await server.request('DELETE', '/Patient/b');
  const { json } = await server.request('POST', '/Basic', { body: { resourceType: 'Basic', code: { text: 'x' } } });
  written.push(json.meta.lastUpdated);
  await server.request('PATCH', '/Patient/a', {
    body: [{ op: 'replace', path: '/language', value: 'x-8' }],
    headers: { 'content-type': 'application/json-patch+json' },
  });
});
afterAll(() => server?.stop());

type Version = {
  fullUrl: string;
  resource?: { id: string; meta: { versionId: string } };
  request: { method: string; url: string };
  response: { status: string; etag: string; lastModified: string };
};

const label = (entry: Version): string => `${entry.fullUrl.split('/').slice(-2).join('/')}@${entry.response.etag}`;

/** All pages of a history, following `next` until there is none. */
async function allPages(path: string): Promise<{ pages: number; entries: Version[]; totals: number[] }> {
  const entries: Version[] = [];
  const totals: number[] = [];
  let url: string | undefined = path;
  let pages = 0;
  for (; url !== undefined && pages < 50; pages++) {
    const { status, json } = await server.request('GET', url);
    expect(status).toBe(200);
    entries.push(...(json.entry ?? []));
    totals.push(json.total);
    url = json.link.find((link: { relation: string }) => link.relation === 'next')?.url;
  }
  return { pages, entries, totals };
}

describe('instance history', () => {
  test('lists every version, newest first, with request and response', async () => {
    const { json } = await server.request('GET', '/Patient/a/_history');
    expect(json).toMatchObject({ resourceType: 'Bundle', type: 'history', total: 8 });
    expect(json.entry.map((entry: Version) => entry.resource?.meta.versionId)).toEqual(['8', '7', '6', '5', '4', '3', '2', '1']);
    expect(json.entry[0]).toMatchObject({
      fullUrl: `${server.base}/Patient/a`,
      request: { method: 'PATCH', url: 'Patient/a' },
      response: { status: '200', etag: 'W/"8"' },
    });
    expect(json.entry[7]).toMatchObject({ request: { method: 'PUT', url: 'Patient/a' }, response: { status: '201', etag: 'W/"1"' } });
    expect(json.link[0]).toEqual({ relation: 'self', url: `${server.base}/Patient/a/_history` });
  });

  test('a deletion is an entry without a resource', async () => {
    const { json } = await server.request('GET', '/Patient/b/_history');
    expect(json.entry).toHaveLength(2);
    expect(json.entry[0]).toMatchObject({ request: { method: 'DELETE', url: 'Patient/b' }, response: { etag: 'W/"2"' } });
    expect(json.entry[0].resource).toBeUndefined();
  });

  test('of what never was is 404', async () => {
    expect((await server.request('GET', '/Patient/never/_history')).status).toBe(404);
  });

  test.each([1, 2, 3, 7, 8, 9])('by pages of %i holds each version once, with the same total on each page', async (count) => {
    const { pages, entries, totals } = await allPages(`/Patient/a/_history?_count=${count}`);
    expect(entries.map(label)).toEqual([8, 7, 6, 5, 4, 3, 2, 1].map((n) => `Patient/a@W/"${n}"`));
    expect(pages).toBe(Math.ceil(8 / count));
    expect(new Set(totals)).toEqual(new Set([8]));
  });

  test('paging while others write leaves no gap and no repetition', async () => {
    await server.request('PUT', '/Patient/moving', { body: patient({ id: 'moving', language: 'x-0' }) });
    for (let n = 1; n < 6; n++) await server.request('PUT', '/Patient/moving', { body: patient({ id: 'moving', language: `x-${n}` }) });
    const first = (await server.request('GET', '/Patient/moving/_history?_count=2')).json;
    await server.request('PUT', '/Patient/moving', { body: patient({ id: 'moving', language: 'x-9' }) });
    const next = first.link.find((link: { relation: string }) => link.relation === 'next').url;
    const rest = await allPages(next);
    const versions = [...first.entry, ...rest.entries].map((entry: Version) => entry.resource?.meta.versionId);
    expect(versions).toEqual(['6', '5', '4', '3', '2', '1']);
    await server.request('DELETE', '/Patient/moving');
  });
});

describe('type and system history', () => {
  test('the type’s holds all resources of the type and no other', async () => {
    const { entries } = await allPages('/Patient/_history?_count=3');
    expect(new Set(entries.map((entry) => entry.fullUrl.split('/').at(-2)))).toEqual(new Set(['Patient']));
    expect(entries.map(label)).toEqual(
      expect.arrayContaining(['Patient/a@W/"1"', 'Patient/a@W/"8"', 'Patient/b@W/"2"', 'Patient/b@W/"1"']),
    );
    expect(new Set(entries.map(label)).size).toBe(entries.length);
  });

  test('the system’s holds every type, newest first, by pages of any size', async () => {
    const whole = await allPages('/_history');
    const times = whole.entries.map((entry) => entry.response.lastModified);
    expect(times).toEqual([...times].sort().reverse());
    const bySome = await allPages('/_history?_count=4');
    expect(bySome.entries.map(label)).toEqual(whole.entries.map(label));
    expect(whole.entries.map(label).some((name) => name.startsWith('Basic/'))).toBe(true);
  });

  test('a create is listed as POST to its type', async () => {
    const { json } = await server.request('GET', '/Basic/_history');
    expect(json.entry[0].request).toEqual({ method: 'POST', url: 'Basic' });
  });

  test('a caller sees the history of his scopes alone', async () => {
    const token = await server.token({ scope: 'system/Basic.rs' });
    const { json } = await server.request('GET', '/_history', { token });
    expect(json.entry.map((entry: Version) => entry.request.url)).toEqual(['Basic']);
    expect(json.total).toBe(1);
    expect((await server.request('GET', '/Patient/_history', { token })).status).toBe(403);
  });
});

describe('_since and _at', () => {
  test('_since keeps the versions from that instant on', async () => {
    const { json } = await server.request('GET', `/Patient/a/_history?_since=${encodeURIComponent(written[4] ?? '')}`);
    expect(json.entry.map((entry: Version) => entry.resource?.meta.versionId)).toEqual(['8', '7', '6', '5']);
    expect(json.total).toBe(4);
  });

  test('_since reads zones, and a plus sign that was not escaped', async () => {
    const at = new Date(Date.parse(written[4] ?? '') + 3_600_000).toISOString().replace('Z', '+01:00');
    for (const value of [encodeURIComponent(at), at]) {
      const { json } = await server.request('GET', `/Patient/a/_history?_since=${value}`);
      expect(json.total).toBe(4);
    }
  });

  test('_at keeps what was current at that instant', async () => {
    const { json } = await server.request('GET', `/Patient/a/_history?_at=${encodeURIComponent(written[2] ?? '')}`);
    expect(json.entry.map((entry: Version) => entry.resource?.meta.versionId)).toEqual(['3']);
  });

  test('_at of a year keeps all that was current in it; of a year long gone nothing', async () => {
    const year = (written[0] ?? '').slice(0, 4);
    expect((await server.request('GET', `/Patient/a/_history?_at=${year}`)).json.total).toBe(8);
    expect((await server.request('GET', '/Patient/a/_history?_at=1999')).json.total).toBe(0);
  });

  test.each(['9999', '0001', '9999-12-31T23:59:59-14:00', '0001-01-01T00:00:00+14:00'])(
    'the edges of time are no fault: %s',
    async (value) => {
      for (const name of ['_at', '_since']) {
        expect((await server.request('GET', `/Patient/a/_history?${name}=${encodeURIComponent(value)}`)).status).toBe(200);
      }
    },
  );

  test.each([
    '_since=',
    '_since=yesterday',
    '_at=2024-13',
    '_count=0',
    '_count=-1',
    '_count=x',
    '_count=1.5',
    '_page=abc',
    '_sort=x',
    'name=a',
  ])('%s is refused', async (query) => {
    const answer = await server.request('GET', `/Patient/a/_history?${query}`);
    expect(answer.status).toBe(400);
    expect(issueId(answer.json)).toMatch(/^(history|page)-/);
  });

  test('a page link is good for the same caller and the same history only', async () => {
    const { json } = await server.request('GET', '/Patient/a/_history?_count=2');
    const next: string = json.link.find((link: { relation: string }) => link.relation === 'next').url;
    expect((await server.request('GET', next.replace('/Patient/a/', '/Patient/b/'))).status).toBe(400);
    const other = await server.token({ scope: 'patient/*.rs', patient: 'a' });
    expect((await server.request('GET', next, { token: other })).status).toBe(403);
    expect((await server.request('GET', next.replace('_count=2', '_count=3'))).status).toBe(200);
  });
});
