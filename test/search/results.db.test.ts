import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomOf } from '../../src/cli/sample/random.ts';
import { parseSearch } from '../../src/search/parse.ts';
import { planSearch } from '../../src/search/plan.ts';
import type { From } from '../../src/search/position.ts';
import { runSearch } from '../../src/search/run.ts';
import { totalOf } from '../../src/search/total.ts';
import type { Statistics } from '../../src/storage/statistics.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ SEARCH_TIMEOUT_MS: '1000', SEARCH_TOTAL_TIMEOUT_MS: '300', PAGE_SIZE_MAX: '100' });
}, 60_000);
afterAll(() => server?.stop());

type Resource = { readonly resourceType: string; readonly id: string } & Readonly<Record<string, unknown>>;
type Entry = { readonly search: { readonly mode: string }; readonly resource: Resource };
type Link = { readonly relation: string; readonly url: string };
type Bundle = { readonly entry?: Entry[]; readonly link: Link[]; readonly total?: number };

async function put(resources: readonly Resource[]): Promise<void> {
  const entry = resources.map((resource) => ({ resource, request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` } }));
  const { status, text } = await server.request('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } });
  expect(status, text).toBe(200);
}

async function get(path: string, token?: string): Promise<Bundle> {
  const { status, json, text } = await server.request('GET', path, token === undefined ? {} : { token });
  expect(status, text).toBe(200);
  return json;
}

const idsIn = (bundle: Bundle, mode = 'match'): string[] =>
  (bundle.entry ?? []).filter(({ search }) => search.mode === mode).map(({ resource }) => resource.id);
const linkOf = (bundle: Bundle, relation: string): string | undefined => bundle.link.find((link) => link.relation === relation)?.url;

/** All pages in one direction, from a link on. */
async function follow(path: string, relation: 'next' | 'previous'): Promise<{ readonly pages: string[][]; readonly last: Bundle }> {
  const pages: string[][] = [];
  for (let url = path; ; ) {
    const bundle = await get(url);
    pages.push(idsIn(bundle));
    expect(pages.length).toBeLessThan(200);
    const next = linkOf(bundle, relation);
    if (next === undefined) return { pages, last: bundle };
    url = next;
  }
}

const tagged = (tag: string) => ({ meta: { tag: [{ code: tag }] } });

type Made = {
  readonly id: string;
  readonly date?: string;
  readonly value?: number;
  readonly text?: string;
  readonly status: string;
  readonly subject?: string;
};

/** Observations with few different values, so that every term has ties and gaps. */
function makeObservations(count: number): Made[] {
  const random = randomOf(5, 1);
  const maybe = <T>(value: T): T | undefined => (random.chance(0.25) ? undefined : value);
  return Array.from({ length: count }, (_, n) => {
    const date = maybe(random.pick(['2024-01-01', '2024-01-02', '2023-12-31']));
    const value = maybe(random.pick([1, 2.5, -3]));
    const text = maybe(random.pick(['Alpha', 'alpine', 'Älter', 'beta', 'be']));
    const subject = maybe(random.pick(['Patient/s1', 'Patient/s2']));
    return {
      id: `m${String((n * 37) % count).padStart(3, '0')}`,
      status: random.pick(['final', 'amended', 'preliminary']),
      ...(date === undefined ? {} : { date }),
      ...(value === undefined ? {} : { value }),
      ...(text === undefined ? {} : { text }),
      ...(subject === undefined ? {} : { subject }),
    };
  });
}

function observation({ id, date, value, text, status, subject }: Made, tag: string): Resource {
  return {
    resourceType: 'Observation',
    id,
    ...tagged(tag),
    status,
    code: { text: 'x' },
    ...(date === undefined ? {} : { effectiveDateTime: date }),
    ...(value === undefined ? {} : { component: [{ code: { text: 'c' }, valueQuantity: { value } }] }),
    ...(text === undefined ? {} : { valueString: text }),
    ...(subject === undefined ? {} : { subject: { reference: subject } }),
  };
}

/** What a term sorts by, of what was made. */
const keys: Readonly<Record<string, (made: Made) => string | number | undefined>> = {
  date: ({ date }) => date,
  'component-value-quantity': ({ value }) => value,
  'value-string': ({ text }) => text?.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase(),
  status: ({ status }) => status,
  subject: ({ subject }) => subject,
  _id: ({ id }) => id,
};

function sorted(made: readonly Made[], terms: readonly string[]): string[] {
  const compare = (a: Made, b: Made): number => {
    for (const term of terms) {
      const descending = term.startsWith('-');
      const key = keys[descending ? term.slice(1) : term];
      const [left, right] = [key?.(a), key?.(b)];
      if (left === right) continue;
      if (left === undefined) return 1;
      if (right === undefined) return -1;
      return (left < right ? -1 : 1) * (descending ? -1 : 1);
    }
    return 0;
  };
  return made.toSorted(compare).map(({ id }) => id);
}

describe('several terms', () => {
  const made = makeObservations(90);
  beforeAll(() => put(made.map((each) => observation(each, 'many'))));

  const random = randomOf(11, 2);
  const names = Object.keys(keys).filter((name) => name !== '_id');
  // The id makes each order total, so that there is one right answer.
  const orders = Array.from({ length: 40 }, (_, n) => {
    const picked = [...new Set([names[n % names.length] ?? 'date', random.pick(names), random.pick(names)])].slice(0, 1 + (n % 3));
    return [...picked, '_id'].map((name) => (random.chance(0.5) ? `-${name}` : name));
  });

  test.each(orders.map((order) => [order.join(','), order] as const))('_sort=%s, forwards and back', async (text, order) => {
    const wanted = sorted(made, order);
    const size = 7 + (wanted[0]?.length ?? 0);
    const { pages, last } = await follow(`/Observation?_tag=many&_sort=${text}&_count=${size}`, 'next');
    expect(pages.flat()).toEqual(wanted);
    const back = linkOf(last, 'previous');
    expect(back).toBeDefined();
    const before = await follow(back ?? '', 'previous');
    expect(before.pages.toReversed()).toEqual(pages.slice(0, -1));
    // The first page seen from behind is the first page.
    expect(linkOf(before.last, 'next')).toBeDefined();
    expect(idsIn(await get(linkOf(before.last, 'first') ?? ''))).toEqual(pages[0]);
  });

  test('a parameter named twice counts where it stands first', async () => {
    const twice = await get('/Observation?_tag=many&_sort=status,_id,-status&_count=90');
    expect(idsIn(twice)).toEqual(sorted(made, ['status', '_id']));
  });

  test('without any, pages lead back too', async () => {
    const { pages, last } = await follow('/Observation?_tag=many&_count=40', 'next');
    expect(pages.map(({ length }) => length)).toEqual([40, 40, 10]);
    const before = await follow(linkOf(last, 'previous') ?? '', 'previous');
    expect(before.pages.toReversed()).toEqual(pages.slice(0, 2));
  });

  test.each([
    ['code-value-quantity', 'search-sort-unsupported'],
    ['nothing', 'search-unknown-parameter'],
    ['date,nothing', 'search-unknown-parameter'],
    ['_id,_id,date,-date,status,-status,code,-code,subject,-subject,category', 'search-sort-too-many'],
  ])('_sort=%s is refused with %s', async (sort, id) => {
    const { status, json } = await server.request('GET', `/Observation?_sort=${sort}`);
    expect([status, json.issue[0].details.coding[0].code]).toEqual([400, id]);
  });

  test('long texts are sorted by their first 128 letters, and their pages have links that fit', async () => {
    const long = (n: number) => `${'Ä𝒳'.repeat(60)}${n}${'ß'.repeat(30_000)}`;
    await put([3, 1, 2].map((n) => observation({ id: `long${n}`, status: 'final', text: long(n) }, 'long')));
    const { pages } = await follow('/Observation?_tag=long&_sort=value-string,-value-string,status,code,subject&_count=1', 'next');
    expect(pages).toEqual([['long1'], ['long2'], ['long3']]);
  });

  test('_sort:desc of an older version is refused with the way to write it now', async () => {
    const { status, json } = await server.request('GET', '/Observation?_sort:desc=date');
    expect(status).toBe(400);
    expect(json.issue[0].details.text).toContain('_sort=-date');
  });

  test.each([
    ['Patient', 'gender'],
    ['Patient', 'identifier'],
    ['Patient', 'telecom'],
    ['Patient', 'active'],
    ['Patient', 'organization'],
    ['Patient', '_profile'],
    ['Patient', '_tag'],
  ])('%s?_sort=%s reads what tokens hide', async (type, param) => {
    const of = (n: number) => ({
      gender: ['female', 'male', 'other'][n],
      identifier: [{ system: 'urn:x', value: `V${n}` }],
      telecom: [{ system: 'phone', value: `+4${n}` }],
      active: n > 0,
      managingOrganization: { reference: `Organization/o${n}` },
      meta: { tag: [{ code: 'hidden' }, { code: `0${n}` }], profile: [`http://x/${n}`] },
    });
    await put([0, 1, 2].map((n) => ({ resourceType: 'Patient', id: `hid${(n + 1) % 3}`, ...of(n) })));
    expect(idsIn(await get(`/${type}?_tag=hidden&_sort=${param},_id&_count=2`))).toEqual(
      param === 'active' ? ['hid1', 'hid0'] : ['hid1', 'hid2'],
    );
    expect(idsIn(await get(`/${type}?_tag=hidden&_sort=-${param},_id&_count=2`))[0]).toBe('hid0');
  });
});

describe('links', () => {
  beforeAll(() =>
    put(Array.from({ length: 12 }, (_, n) => ({ resourceType: 'Basic', id: `l${n}`, ...tagged('links'), code: { text: 'x' } }))),
  );

  test('first, previous and next stand where there is something to lead to, last never', async () => {
    const relations = (bundle: Bundle): string => bundle.link.map(({ relation }) => relation).join(' ');
    const one = await get('/Basic?_tag=links&_count=5');
    expect(relations(one)).toBe('self first next');
    const two = await get(linkOf(one, 'next') ?? '');
    expect(relations(two)).toBe('self first previous next');
    const three = await get(linkOf(two, 'next') ?? '');
    expect(relations(three)).toBe('self first previous');
    expect(relations(await get('/Basic?_tag=links'))).toBe('self');
    expect(linkOf(three, 'first')).toBe(`${server.base}/Basic?_tag=links&_count=5`);
    const again = await get(linkOf(two, 'previous') ?? '');
    expect([idsIn(again), relations(again)]).toEqual([idsIn(one), 'self first next']);
  });

  test('a _count that was cut down is told as it was understood, and its pages go on', async () => {
    const page = await get('/Basic?_tag=links&_count=5000');
    expect(linkOf(page, 'self')).toBe(`${server.base}/Basic?_tag=links&_count=100`);
  });

  test('the way back is exact while rows come before, among and after', async () => {
    const path = '/Basic?_tag=moving&_sort=_id&_count=4';
    const kept = Array.from({ length: 20 }, (_, n) => `k${String(n).padStart(2, '0')}`);
    const basic = (id: string): Resource => ({ resourceType: 'Basic', id, ...tagged('moving'), code: { text: 'x' } });
    await put(kept.map(basic));
    const { last } = await follow(path, 'next');
    const seen: string[] = [];
    let pages = 0;
    for (let url = linkOf(last, 'previous'); url !== undefined; ) {
      const page = await get(url);
      seen.unshift(...idsIn(page));
      pages++;
      await put([`j${pages}`, `k${String(3 * pages).padStart(2, '0')}x`, `z${pages}`].map(basic));
      url = linkOf(page, 'previous');
    }
    const all = [...seen, ...idsIn(last)];
    expect(all.filter((id) => kept.includes(id))).toEqual(kept);
    expect(new Set(all).size).toBe(all.length);
    expect(all).toEqual(all.toSorted());
  });

  test('a page whose rows are all gone leads back to where it began', async () => {
    const basic = (id: string): Resource => ({ resourceType: 'Basic', id, ...tagged('gone'), code: { text: 'x' } });
    await put(['g1', 'g2', 'g3', 'g4'].map(basic));
    const first = await get('/Basic?_tag=gone&_sort=_id&_count=2');
    await Promise.all(['g3', 'g4'].map((id) => server.request('DELETE', `/Basic/${id}`)));
    const second = await get(linkOf(first, 'next') ?? '');
    expect(idsIn(second)).toEqual([]);
    const back = await get(linkOf(second, 'previous') ?? '');
    expect(idsIn(back)).toEqual(['g1', 'g2']);
    await put(['g3'].map(basic));
    expect(idsIn(await get(linkOf(back, 'next') ?? ''))).toEqual(['g3']);
  });
});

describe('totals', () => {
  const of = (patient: string, count: number, from = 0): Resource[] =>
    Array.from({ length: count }, (_, n) => ({
      resourceType: 'Observation',
      id: `t-${patient}-${from + n}`,
      status: 'final',
      code: { coding: [{ system: 'urn:t', code: 'counted' }] },
      subject: { reference: `Patient/${patient}` },
    }));
  beforeAll(() => put([...of('ta', 7), ...of('tb', 30)]));

  test('an estimate of a few is exact', async () => {
    expect((await get('/Observation?code=urn:t|counted&_count=2&_total=estimate')).total).toBe(37);
    expect((await get('/Observation?code=urn:t|counted&_summary=count&_total=estimate')).total).toBe(37);
  });

  test('an estimate of many is PostgreSQL’s', async () => {
    await put(Array.from({ length: 3_000 }, (_, n) => ({ resourceType: 'Basic', id: `f${n}`, ...tagged('plenty'), code: { text: 'x' } })));
    await server.services.context.pool.query('analyze resource_other');
    const { total } = await get('/Basic?_tag=plenty&_count=1&_total=estimate');
    expect(total).toBeGreaterThan(2_000);
    expect(total).toBeLessThan(4_500);
  });

  test('what a caller may not see changes none of his totals, estimated or counted', async () => {
    const token = await server.token({ scope: 'patient/*.rs', patient: 'ta' });
    const totals = async (): Promise<(number | undefined)[]> =>
      Promise.all(
        ['_total=estimate&_count=2', '_total=accurate&_count=2', '_summary=count', '_summary=count&_total=estimate', '_count=50'].map(
          async (query) => (await get(`/Observation?code=urn:t|counted&${query}`, token)).total,
        ),
      );
    const before = await totals();
    expect(before).toEqual([7, 7, 7, 7, 7]);
    await put(of('tb', 500, 100));
    await server.services.context.pool.query('analyze resource_observation');
    expect(await totals()).toEqual(before);
  });

  test('what takes too long to count is left out, and the answer says so', async () => {
    const { context: ctx } = server.services;
    const { query } = parseSearch('Observation', [['code', 'urn:t|counted']], ctx.registry, ctx.config, false);
    const plan = planSearch(query, () => 'all', ctx.registry, ctx.planContext());
    const other = new Client({ connectionString: server.databaseUrl });
    await other.connect();
    try {
      await other.query('begin; lock table resource_observation in access exclusive mode');
      const { total, issue } = await totalOf(ctx.counter, plan, 'accurate', ctx.open);
      expect(total).toBeUndefined();
      expect(issue).toMatchObject({ severity: 'warning', code: 'timeout', id: 'search-total-timeout' });
    } finally {
      await other.end();
    }
    expect((await totalOf(ctx.counter, plan, 'accurate', ctx.open)).total).toBeGreaterThan(30);
  });
});

describe('a search that takes too long', () => {
  test.each([
    ['planned with its values', '/Condition?code=x'],
    ['behind a fence', '/Condition?patient=1'],
    ['a count', '/Condition?_summary=count'],
  ])('is 503 with advice, and the next one is answered: %s', async (_, path) => {
    const other = new Client({ connectionString: server.databaseUrl });
    await other.connect();
    try {
      await other.query('begin; lock table resource_condition in access exclusive mode');
      const { status, json, headers } = await server.request('GET', path);
      expect([status, json.issue[0].code]).toEqual([503, 'timeout']);
      expect(headers.get('retry-after')).not.toBeNull();
      expect(json.issue[0].details.text).toMatch(/fewer|smaller/);
    } finally {
      await other.end();
    }
    for (let n = 0; n < 12; n++) expect((await get(path)).total).toBe(0);
  });
});

describe('_explain', () => {
  const path = '/Observation?code=urn:canary|SecretCanary&date=ge2024-07-15&_lastUpdated=ge2020&status:not=final&_sort=-date&_explain=true';

  test('tells what each parameter rides, PostgreSQL’s estimates and what it found', async () => {
    const bundle = await get(path);
    const [entry] = (bundle.entry ?? []).filter(({ search }) => search.mode === 'outcome');
    const issues = (entry?.resource.issue ?? []) as { severity: string; details: { coding: { code: string }[]; text: string } }[];
    const texts = (id: string): string[] =>
      issues.filter(({ details }) => details.coding[0]?.code === id).map(({ details }) => details.text);
    expect(texts('search-explain-clause').map((text) => text.replace(/;.*/s, ''))).toEqual([
      '"code" can ride resource_observation_tokens',
      '"date" can ride fact_date_value',
      '"_lastUpdated" can ride resource_observation_updated',
      '"status:not" has no index of its own and only filters',
    ]);
    expect(texts('search-explain-plan').join()).toMatch(/Planned in [\d.]+ ms, run in [\d.]+ ms:\n.*expected \d+, (found|never run)/s);
    expect(new Set(issues.map(({ severity }) => severity))).toEqual(new Set(['information']));
  });

  test('tells nothing of the values', async () => {
    const { text } = await server.request('GET', path);
    const told = JSON.parse(text) as Bundle;
    expect(JSON.stringify(told.entry)).not.toMatch(/SecretCanary|2024-07-15|\{-?\d{6,}/);
  });

  test('of chains, several terms and pages further on', async () => {
    for (const query of ['patient.name=x', '_has:Observation:has-member:code=x', '_sort=status,-date', 'code:missing=false']) {
      const { entry } = await get(`/Observation?${query}&_explain=true`);
      expect(entry?.at(-1)?.search.mode, query).toBe('outcome');
    }
    const first = await get('/Observation?_tag=many&_count=3&_explain=true');
    expect((await get(linkOf(first, 'next') ?? '')).entry?.at(-1)?.search.mode).toBe('outcome');
  });

  test.each([
    { scope: 'patient/*.rs', patient: 'ta' },
    { scope: 'system/Observation.rs' },
    { scope: 'system/*.rs?_tag=many' },
    { scope: 'system/*.s' },
  ])('is refused to $scope', async (options) => {
    const token = await server.token(options);
    const { status } = await server.request('GET', '/Observation?code=x&_explain=true', { token });
    expect(status).toBe(403);
  });

  test('false is as good as none, anything else is refused', async () => {
    expect((await get('/Observation?_tag=nothing&_explain=false')).entry).toBeUndefined();
    expect((await server.request('GET', '/Observation?_explain=maybe')).status).toBe(400);
  });
});

describe('parts of resources', () => {
  beforeAll(() =>
    put([
      { resourceType: 'Organization', id: 'po', name: 'Org', alias: ['Alias'] },
      {
        resourceType: 'Patient',
        id: 'pp',
        ...tagged('parts'),
        gender: 'male',
        birthDate: '1970',
        managingOrganization: { reference: 'Organization/po' },
      },
    ]),
  );
  const path = '/Patient?_tag=parts&_include=Patient:organization';
  const tags = ({ meta }: Resource): string[] => ((meta as { tag?: { code: string }[] }).tag ?? []).map(({ code }) => code);

  test.each([
    ['_elements=birthDate', ['birthDate'], ['gender', 'managingOrganization']],
    ['_summary=true', ['gender', 'birthDate'], []],
    ['_summary=data', ['gender'], ['text']],
    ['_summary=text', [], ['gender', 'birthDate']],
  ])('%s leaves a part of matches and included ones, and marks both', async (query, present, absent) => {
    const { entry = [] } = await get(`${path}&${query}`);
    expect(entry.map(({ search }) => search.mode)).toEqual(['match', 'include']);
    for (const { resource } of entry) expect(tags(resource)).toContain('SUBSETTED');
    for (const name of present) expect(entry[0]?.resource).toHaveProperty(name);
    for (const name of absent) expect(entry[0]?.resource).not.toHaveProperty(name);
  });

  test('_summary=false marks nothing', async () => {
    const { entry = [] } = await get(`${path}&_summary=false`);
    for (const { resource } of entry) expect(tags(resource)).not.toContain('SUBSETTED');
  });

  test('_summary=count has no entries, whatever was to be included', async () => {
    const bundle = await get(`${path}&_summary=count`);
    expect([bundle.total, bundle.entry]).toEqual([1, undefined]);
  });
});

describe('the ways a page is found', () => {
  const frequent = (share: number): Statistics => ({ of: () => ({ rows: 1_000_000, shareOf: () => share }), refresh: async () => {} });

  test.each([
    '_sort=-date',
    '_sort=date',
    '_sort=_lastUpdated',
    '_sort=-_lastUpdated',
    '',
    '_lastUpdated=ge2020',
    '_lastUpdated=lt2020',
    'date=ge2024',
    'date=ge2024&_sort=-date',
  ])('find the same rows: %s', async (query) => {
    const { context: ctx } = server.services;
    const pairs = [...new URLSearchParams(`_tag=many&status=final,amended&${query}`)];
    const plan = planSearch(
      parseSearch('Observation', pairs, ctx.registry, ctx.config, false).query,
      () => 'all',
      ctx.registry,
      ctx.planContext(),
    );
    const read = async (statistics: Statistics | undefined): Promise<string[]> => {
      const ids: string[] = [];
      for (let from: From | undefined; ; ) {
        const page = await runSearch(ctx.searcher, plan, from, 9, ctx.open, statistics);
        ids.push(...page.rows.map(({ id }) => id));
        if (page.next === undefined) return ids;
        from = page.next;
      }
    };
    const wanted = await read(undefined);
    for (const statistics of [frequent(0.5), frequent(0.000_001), { of: () => undefined, refresh: async () => {} }]) {
      expect(await read(statistics)).toEqual(wanted);
    }
    expect(wanted.length).toBeGreaterThan(query === '_lastUpdated=lt2020' ? -1 : 20);
  });
});
