import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ PAGE_SIZE_MAX: '60', SEARCH_PARAMETERS_MAX: '5', SEARCH_OR_VALUES_MAX: '3', INCLUDE_MAX: '4' });
}, 60_000);
afterAll(() => server?.stop());

type Resource = { readonly resourceType: string; readonly id: string } & Readonly<Record<string, unknown>>;
type Entry = { readonly search: { readonly mode: string }; readonly resource: { readonly resourceType: string; readonly id: string } };
type Link = { readonly relation: string; readonly url: string };

async function put(resources: readonly Resource[]): Promise<void> {
  const entry = resources.map((resource) => ({ resource, request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` } }));
  const { status, text } = await server.request('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } });
  expect(status, text).toBe(200);
}

const idsIn = (bundle: { entry?: Entry[] }, mode = 'match'): string[] =>
  (bundle.entry ?? []).filter(({ search }) => search.mode === mode).map(({ resource }) => resource.id);
const linkOf = (bundle: { link: Link[] }, relation: string): string | undefined =>
  bundle.link.find((link) => link.relation === relation)?.url;

/** Follows the pages to the end; `between` runs after each. */
async function allPages(path: string, between: (page: number) => Promise<void> = async () => {}): Promise<string[][]> {
  const pages: string[][] = [];
  for (let url: string | undefined = path; url !== undefined; ) {
    const { status, json, text } = await server.request('GET', url);
    expect(status, text).toBe(200);
    pages.push(idsIn(json));
    url = linkOf(json, 'next');
    expect(pages.length).toBeLessThan(100);
    await between(pages.length);
  }
  return pages;
}

const tagged = (tag: string) => ({ meta: { tag: [{ code: tag }] } });

describe('order', () => {
  beforeAll(() =>
    put([
      ...[
        ['p1', 'Öztürk', '1980-05-05'],
        ['p2', 'abel', '1980'],
        ['p3', 'Abe', '1980-05'],
        ['p4', 'ábc', '1979-12-31'],
        ['p5', undefined, '2001-01-01'],
        ['p6', 'Zed', undefined],
        ['p7', 'Ab', '1980-05-06'],
      ].map(([id = '', family, birthDate]) => ({
        resourceType: 'Patient',
        id,
        ...tagged('order'),
        ...(family === undefined ? {} : { name: [{ family }] }),
        ...(birthDate === undefined ? {} : { birthDate }),
      })),
      ...[
        ['o1', { effectiveDateTime: '2024-03-01' }, 3],
        ['o2', { effectivePeriod: { start: '2024-01-01', end: '2024-12-31' } }, 1],
        ['o3', {}, 2],
        ['o4', { effectiveDateTime: '2024-03-01T10:00:00+05:00' }, undefined],
        ['o5', { effectiveDateTime: '2023' }, 10],
      ].map(([id, effective, value]) => ({
        resourceType: 'Observation',
        id: id as string,
        ...tagged('order'),
        status: 'final',
        code: { text: 'x' },
        ...(effective as object),
        ...(value === undefined ? {} : { valueQuantity: { value } }),
      })),
    ]),
  );

  test.each([
    ['Observation', 'date', 'o5 o2 o1 o4 o3'],
    ['Observation', '-date', 'o4 o1 o2 o5 o3'],
    ['Observation', 'value-quantity', 'o2 o3 o1 o5 o4'],
    ['Observation', '-value-quantity', 'o5 o1 o3 o2 o4'],
    ['Observation', '_id', 'o1 o2 o3 o4 o5'],
    ['Observation', '-_id', 'o5 o4 o3 o2 o1'],
    ['Patient', 'family', 'p7 p4 p3 p2 p1 p6 p5'],
    ['Patient', '-family', 'p6 p1 p2 p3 p4 p7 p5'],
    ['Patient', 'birthdate', 'p4 p2 p3 p1 p7 p5 p6'],
    ['Patient', '-birthdate', 'p5 p7 p1 p3 p2 p4 p6'],
  ])('%s by %s, in pages of every size', async (type, sort, expected) => {
    for (const size of [1, 2, 3, 50]) {
      const pages = await allPages(`/${type}?_tag=order&_sort=${sort}&_count=${size}`);
      expect(pages.flat().join(' '), `pages of ${size}`).toBe(expected);
    }
  });

  test('by _lastUpdated is the order of writing, newest last', async () => {
    for (const id of ['p3', 'p1']) {
      const { json } = await server.request('GET', `/Patient/${id}`);
      const { status, text } = await server.request('PUT', `/Patient/${id}`, { body: { ...json, language: 'de' } });
      expect(status, text).toBe(200);
    }
    const ascending = (await allPages('/Patient?_tag=order&_sort=_lastUpdated&_count=3')).flat();
    expect(ascending.slice(-2)).toEqual(['p3', 'p1']);
    const descending = (await allPages('/Patient?_tag=order&_sort=-_lastUpdated&_count=3')).flat();
    expect(descending.slice(0, 2)).toEqual(['p1', 'p3']);
    expect(new Set(ascending)).toEqual(new Set(descending));
  });

  test('by a deceased date is by moment, whatever zone it is written in', async () => {
    await put(
      [
        ['late', '2020-01-01T23:00:00-05:00'],
        ['early', '2020-01-02T01:00:00Z'],
        ['first', '2020-01-01T02:00:00+05:00'],
      ].map(([id = '', deceasedDateTime]) => ({ resourceType: 'Patient', id, ...tagged('dead'), deceasedDateTime })),
    );
    expect((await allPages('/Patient?_tag=dead&_sort=death-date&_count=1')).flat()).toEqual(['first', 'early', 'late']);
    expect((await allPages('/Patient?_tag=dead&_sort=-death-date&_count=2')).flat()).toEqual(['late', 'early', 'first']);
  });

  test('of one patient’s rows by date holds over pages, rows without a date last', async () => {
    await put(
      Array.from({ length: 9 }, (_, n) => ({
        resourceType: 'Observation',
        id: `one-${n}`,
        status: 'final',
        code: { text: 'x' },
        subject: { reference: 'Patient/sorted' },
        ...(n % 4 === 3 ? {} : { effectiveDateTime: `2024-0${((n * 4) % 9) + 1}-01` }),
      })),
    );
    const descending = (await allPages('/Observation?patient=sorted&_sort=-date&_count=2')).flat();
    expect(descending).toEqual(['one-2', 'one-4', 'one-6', 'one-8', 'one-1', 'one-5', 'one-0', 'one-3', 'one-7'].sort(byDateDescending));
    expect((await allPages('/Observation?patient=sorted&_count=2')).flat()).toHaveLength(9);
  });

  function byDateDescending(a: string, b: string): number {
    const key = (id: string): number => (Number(id.slice(4)) % 4 === 3 ? -1 : (Number(id.slice(4)) * 4) % 9);
    return key(b) - key(a);
  }
});

test('more than 2,000 rows with the same first letters are not sorted by opening them all', async () => {
  await put(Array.from({ length: 2_100 }, (_, n) => ({ resourceType: 'Organization', id: `same-${n}`, name: `Same ${n}` })));
  const { status, json } = await server.request('GET', '/Organization?_sort=name&_count=10');
  expect([status, json.issue[0].details.coding[0].code]).toEqual([400, 'search-sort-too-costly']);
  const narrower = await server.request('GET', '/Organization?_sort=-name&_count=2&name=same 20');
  expect(idsIn(narrower.json)).toEqual(['same-2099', 'same-2098']);
});

describe('paging while others write', () => {
  const count = 40;
  const ids = Array.from({ length: count }, (_, n) => `w${String(n).padStart(2, '0')}`);
  const patient = (id: string, family: string) => ({
    resourceType: 'Patient',
    id,
    ...tagged('paged'),
    name: [{ family }],
    birthDate: `19${id.slice(1)}`,
  });
  beforeAll(() => put(ids.map((id, n) => patient(id, `Smith${String.fromCharCode(97 + ((n * 7) % 26))}${id}`))));

  test.each(['', '&_sort=_id', '&_sort=-_id', '&_sort=family', '&_sort=-family', '&_sort=birthdate', '&_sort=-birthdate'])(
    'every row whose order does not change comes exactly once: _count=7%s',
    async (sort) => {
      const name = sort.replace(/[^a-z]/gi, '');
      let written = 0;
      let changes = name.length * 100;
      const pages = await allPages(`/Patient?_tag=paged${sort}&_count=7`, async (page) => {
        // Before and after the place that has been reached, and one of the rows themselves, unchanged in what it sorts by.
        const { json } = await server.request('GET', `/Patient/${ids[(page * 11) % count]}`);
        const changed = { ...json, language: `x-c${changes++}` };
        await put([
          { ...patient(`a-${name}-${page}`, 'Aaa'), birthDate: '1899' },
          { ...patient(`z-${name}-${page}`, 'Zzz'), birthDate: '2020' },
          changed,
        ]);
        written += 2;
      });
      const seen = pages.flat().filter((id) => ids.includes(id));
      expect(seen.sort()).toEqual(ids);
      expect(new Set(pages.flat()).size, 'none twice').toBe(pages.flat().length);
      expect(written).toBeGreaterThan(10);
      await Promise.all(
        Array.from({ length: pages.length }, (_, at) => at + 1).flatMap((page) =>
          ['a', 'z'].map((side) => server.request('DELETE', `/Patient/${side}-${name}-${page}`)),
        ),
      );
    },
  );

  test('a deleted row comes no more', async () => {
    const first = await server.request('GET', '/Patient?_tag=paged&_sort=_id&_count=10');
    expect((await server.request('DELETE', '/Patient/w39')).status).toBe(200);
    const next = await server.request('GET', `${linkOf(first.json, 'next')}`);
    const rest = await allPages(linkOf(next.json, 'next') ?? '');
    expect(rest.flat()).not.toContain('w39');
  });

  test('many rows with the same first letters are paged in the order of the whole string', async () => {
    const pages = await allPages('/Patient?_tag=paged&family=smith&_sort=family&_count=9');
    const families = ids
      .filter((id) => id !== 'w39')
      .map((id) => ({ id, family: `smith${String.fromCharCode(97 + ((Number(id.slice(1)) * 7) % 26))}${id}` }));
    expect(pages.flat()).toEqual(families.sort((a, b) => (a.family < b.family ? -1 : 1)).map(({ id }) => id));
  });
});

describe('a cursor', () => {
  const path = '/Patient?_tag=paged&_sort=family&_count=5';
  let next: string;
  beforeAll(async () => {
    next = linkOf((await server.request('GET', path)).json, 'next') ?? '';
    if (!next.includes('_page=')) throw new Error('the fixture has no second page');
  });
  const withPage = (url: string, change: (page: string) => string): string =>
    url.replace(/_page=([^&]+)/, (_, page: string) => `_page=${change(page)}`);
  const expectRefused = async (url: string, token?: string): Promise<void> => {
    const { status, json, text } = await server.request('GET', url, token === undefined ? {} : { token });
    expect(status, text).toBe(400);
    expect(json.issue[0].details.coding[0].code).toBe('page-invalid');
  };

  test('is taken from the same caller for the same query, also with a new token', async () => {
    expect((await server.request('GET', next)).status).toBe(200);
    expect((await server.request('GET', next, { token: await server.token({ scope: 'system/*.cruds' }) })).status).toBe(200);
  });

  test('tells nothing of the row it stands for', () => {
    const page = new URL(next).searchParams.get('_page') ?? '';
    expect(Buffer.from(page, 'base64url').toString('latin1')).not.toMatch(/smith|rid|value/i);
  });

  test('is refused for another query', async () => {
    await expectRefused(next.replace('_tag=paged', '_tag=order'));
    await expectRefused(next.replace('_sort=family', '_sort=-family'));
    await expectRefused(next.replace('_count=5', '_count=6'));
    await expectRefused(next.replace('/Patient?', '/Observation?').replace('&_sort=family', ''));
    await expectRefused(`${server.base}/Patient/_history?_page=${new URL(next).searchParams.get('_page')}`);
  });

  test('is refused for another caller', async () => {
    for (const options of [
      { scope: 'patient/*.rs', patient: 'w01' },
      { scope: 'patient/*.rs', patient: 'w02' },
    ]) {
      const { status, json } = await server.request('GET', next, { token: await server.token(options) });
      expect([status, json.issue[0].details.coding[0].code]).toEqual([403, 'page-of-another']);
    }
  });

  test('is refused when a single character of it is changed, taken away or added', async () => {
    for (const at of [0, 9, 20])
      await expectRefused(withPage(next, (page) => `${page.slice(0, at)}${page[at] === 'A' ? 'B' : 'A'}${page.slice(at + 1)}`));
    await expectRefused(withPage(next, (page) => page.slice(0, -4)));
    await expectRefused(withPage(next, (page) => `${page}AAAA`));
    await expectRefused(withPage(next, () => 'AAAA'));
    await expectRefused(withPage(next, () => 'null'));
  });
});

describe('totals and summaries', () => {
  test('_total counts all matches, whatever the page', async () => {
    for (const total of ['accurate', 'estimate']) {
      expect((await server.request('GET', `/Patient?_tag=order&_count=2&_total=${total}`)).json.total).toBe(7);
    }
    expect((await server.request('GET', '/Patient?_tag=order&_count=2&_total=none')).json).not.toHaveProperty('total');
    expect((await server.request('GET', '/Patient?_tag=order&_count=2')).json).not.toHaveProperty('total');
  });

  test('a page that holds everything tells the total anyway', async () => {
    expect((await server.request('GET', '/Patient?_tag=order&_count=50')).json.total).toBe(7);
    expect((await server.request('GET', '/Patient?_tag=nothing')).json.total).toBe(0);
  });

  test.each(['_summary=count', '_count=0', '_summary=count&_count=5', '_count=0&_sort=family'])(
    '%s counts and lists nothing',
    async (query) => {
      const { json } = await server.request('GET', `/Patient?_tag=order&${query}`);
      expect(json).toMatchObject({ resourceType: 'Bundle', type: 'searchset', total: 7 });
      expect(json).not.toHaveProperty('entry');
      expect(linkOf(json, 'next')).toBeUndefined();
    },
  );

  test('a total of what must be opened is exact', async () => {
    const { json } = await server.request('GET', '/Patient?_tag=paged&family:contains=MITH&_count=1&_total=accurate');
    expect(json.total).toBe(39);
  });

  test('_elements and _summary reach every entry', async () => {
    const { json } = await server.request('GET', '/Patient?_tag=order&_elements=birthDate&_count=1&_sort=_id');
    expect(json.entry[0].resource).toMatchObject({ resourceType: 'Patient', id: 'p1', birthDate: '1980-05-05' });
    expect(json.entry[0].resource).not.toHaveProperty('name');
  });
});

describe('includes', () => {
  beforeAll(() =>
    put(
      [
        { resourceType: 'Organization', id: 'io', name: 'Org', ...tagged('inc') },
        { resourceType: 'Practitioner', id: 'id', ...tagged('inc') },
        { resourceType: 'Patient', id: 'ip', ...tagged('inc'), managingOrganization: { reference: 'Organization/io' } },
        { resourceType: 'Device', id: 'iv', ...tagged('inc') },
        ...[1, 2].map((n) => ({
          resourceType: 'Observation',
          id: `i${n}`,
          ...tagged('inc'),
          status: 'final',
          code: { text: 'x' },
          subject: { reference: n === 1 ? 'Patient/ip' : 'Device/iv' },
          performer: [{ reference: 'Practitioner/id' }, { reference: 'Practitioner/absent' }],
          hasMember: n === 1 ? [{ reference: 'Observation/i2' }] : [],
        })),
      ].map((resource) => ({
        ...resource,
        ...('hasMember' in resource && (resource.hasMember as []).length === 0 ? { hasMember: undefined } : {}),
      })),
    ),
  );

  test.each([
    ['Observation?_tag=inc&_include=Observation:subject', 'i1 i2', 'ip iv'],
    ['Observation?_tag=inc&_include=Observation:subject:Patient', 'i1 i2', 'ip'],
    ['Observation?_tag=inc&_include=Observation:patient', 'i1 i2', 'ip'],
    ['Observation?_tag=inc&_include=Observation:performer', 'i1 i2', 'id'],
    ['Observation?_tag=inc&_include=Observation:subject&_include=Observation:performer', 'i1 i2', 'id ip iv'],
    ['Observation?_tag=inc&_include=Observation:*', 'i1 i2', 'id ip iv'],
    ['Observation?_tag=inc&_include=*', 'i1 i2', 'id ip iv'],
    ['Observation?_tag=inc&_include=Observation:*:Device', 'i1 i2', 'iv'],
    ['Observation?_id=i1&_include=Observation:has-member', 'i1', 'i2'],
    ['Observation?_id=i1,i2&_include=Observation:has-member', 'i1 i2', ''],
    ['Observation?_tag=inc&_include=Patient:organization', 'i1 i2', ''],
    ['Patient?_id=ip&_include=Patient:organization', 'ip', 'io'],
    ['Patient?_id=ip&_revinclude=Observation:patient', 'ip', 'i1'],
    ['Patient?_id=ip&_revinclude=Observation:subject', 'ip', 'i1'],
    ['Patient?_id=ip&_revinclude=Observation:subject:Patient', 'ip', 'i1'],
    ['Patient?_id=ip&_revinclude=Observation:subject:Device', 'ip', ''],
    ['Patient?_id=ip&_revinclude=Observation:*', 'ip', 'i1'],
    ['Device?_id=iv&_revinclude=Observation:patient', 'iv', ''],
    ['Practitioner?_id=id&_revinclude=Observation:performer&_revinclude=Patient:general-practitioner', 'id', 'i1 i2'],
    ['Patient?_id=ip&_include=Patient:organization&_revinclude=Observation:patient', 'ip', 'i1 io'],
  ])('%s: matches %j, includes %j', async (path, matches, includes) => {
    const { status, json, text } = await server.request('GET', `/${path}`);
    expect(status, text).toBe(200);
    expect(idsIn(json).sort().join(' ')).toBe(matches);
    expect(idsIn(json, 'include').sort().join(' ')).toBe(includes);
    expect(json.total).toBe(matches.split(' ').length);
  });

  test.each([
    '_include=Observation:nothing',
    '_include=Observatoin:subject',
    '_include=Observation',
    '_include=Observation:subject:Nobody',
    '_revinclude=*',
  ])('%s is refused', async (query) => {
    expect((await server.request('GET', `/Observation?${query}`)).status).toBe(400);
  });

  test('a deleted target is not included', async () => {
    await server.request('DELETE', '/Device/iv');
    const { json } = await server.request('GET', '/Observation?_tag=inc&_include=Observation:subject');
    expect(idsIn(json, 'include')).toEqual(['ip']);
  });

  test('more than the limit is cut, and the answer says so', async () => {
    await put(
      Array.from({ length: 6 }, (_, n) => ({
        resourceType: 'Observation',
        id: `many-${n}`,
        status: 'final',
        code: { text: 'x' },
        subject: { reference: 'Patient/many' },
      })),
    );
    await put([{ resourceType: 'Patient', id: 'many' }]);
    const { json } = await server.request('GET', '/Patient?_id=many&_revinclude=Observation:patient');
    expect(idsIn(json, 'include')).toHaveLength(4);
    const outcome = json.entry.find((entry: Entry) => entry.search.mode === 'outcome');
    expect(outcome.resource.issue[0]).toMatchObject({ severity: 'warning', code: 'incomplete' });
  });
});

describe('how a search is sent', () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };

  test('by POST with a form, joined with the URL', async () => {
    const both = await server.request('POST', '/Patient/_search?_tag=order', { headers: form, body: 'family=abe&_sort=_id' });
    expect(both.status, both.text).toBe(200);
    expect(idsIn(both.json)).toEqual(['p2', 'p3']);
    const none = await server.request('POST', '/Patient/_search?_tag=order&_sort=_id&_count=1');
    expect(idsIn(none.json)).toEqual(['p1']);
    const next = await server.request('GET', linkOf(none.json, 'next') ?? '');
    expect(idsIn(next.json)).toEqual(['p2']);
  });

  test('by POST as anything else is refused', async () => {
    expect((await server.request('POST', '/Patient/_search', { body: { family: 'x' } })).status).toBe(415);
  });

  test('percent signs, plus signs and escapes are read once', async () => {
    await put([{ resourceType: 'Patient', id: 'signs', name: [{ family: 'A+B%41,C|D\\E' }] }]);
    const ids = async (value: string): Promise<string[]> => idsIn((await server.request('GET', `/Patient?family:exact=${value}`)).json);
    expect(await ids(encodeURIComponent('A+B%41\\,C\\|D\\\\E'))).toEqual(['signs']);
    expect(await ids(encodeURIComponent('A+BA\\,C\\|D\\\\E'))).toEqual([]);
    expect(await ids('A+B%2541%5C%2CC%5C%7CD%5C%5CE')).toEqual([]);
  });

  test('the self link says what was understood', async () => {
    const { json } = await server.request('GET', '/Patient?_tag=order&family=a&_count=1');
    expect(linkOf(json, 'self')).toBe(`${server.base}/Patient?_tag=order&family=a&_count=1`);
  });

  test('an unknown parameter is refused, or with lenient handling left out with a warning', async () => {
    const strict = await server.request('GET', '/Patient?_tag=order&famly=abe');
    expect(strict.status).toBe(400);
    expect(strict.json.issue[0].details.text ?? strict.json.issue[0].diagnostics).toContain('"family"');
    const lenient = await server.request('GET', '/Patient?_tag=order&famly=abe', { headers: { prefer: 'handling=lenient' } });
    expect(lenient.status).toBe(200);
    expect(idsIn(lenient.json)).toHaveLength(7);
    expect(linkOf(lenient.json, 'self')).not.toContain('famly');
    const [outcome] = lenient.json.entry.filter((entry: Entry) => entry.search.mode === 'outcome');
    expect(outcome.resource.issue[0].severity).toBe('warning');
  });

  test('an unknown modifier is refused even with lenient handling', async () => {
    const { status } = await server.request('GET', '/Patient?family:near=x', { headers: { prefer: 'handling=lenient' } });
    expect(status).toBe(400);
  });

  test.each([
    ['more parameters than the limit', Array.from({ length: 6 }, () => 'gender=male').join('&')],
    ['more alternatives than the limit', 'gender=a,b,c,d'],
    ['a date that is none', 'birthdate=1970-13'],
    ['a contains of two letters alone', 'family:contains=ab'],
    ['a string without a letter', 'family=%CC%81'],
  ])('%s is refused with an outcome that names no value', async (_, query) => {
    const { status, json } = await server.request('GET', `/Patient?${query}`);
    expect(status).toBe(400);
    expect(json).toMatchObject({ resourceType: 'OperationOutcome', issue: [{ severity: 'error' }] });
    expect(JSON.stringify(json)).not.toMatch(/1970-13|a,b,c,d/);
  });

  test('_count is cut down to the largest page', async () => {
    await put(Array.from({ length: 61 }, (_, n) => ({ resourceType: 'Basic', id: `b${n}`, code: { text: 'x' } })));
    expect(idsIn((await server.request('GET', '/Basic?_count=1000')).json)).toHaveLength(60);
  });
});
