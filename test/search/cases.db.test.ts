import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';

/** test/cases/search/*.json over HTTP: what is stored, what is asked, and what the specification says is found. */

type Resource = { readonly resourceType: string; readonly id: string };
type CaseFile = {
  readonly spec: string;
  /** The same under three time zones of the server. */
  readonly zones?: boolean;
  /** Ids are unique over all files. `{base}` stands for the server's address. */
  readonly resources: readonly Resource[];
  readonly cases: readonly Case[];
};
type Case = {
  readonly title?: string;
  /** Below the base. What other files stored may be found too and isn't looked at. */
  readonly query: string;
  /** Sent as a form by POST. */
  readonly form?: string;
  /** The matches' ids, in any order. */
  readonly ids?: string;
  /** The matches' ids, in this order. */
  readonly sorted?: string;
  readonly included?: string;
  readonly total?: number;
  /** The id of the error, or of an outcome in the Bundle. */
  readonly error?: string;
  readonly status?: number;
  readonly warning?: string;
  readonly lenient?: boolean;
};
type Entry = { readonly search: { readonly mode: string }; readonly resource: Resource & { readonly issue?: readonly Issue[] } };
type Issue = { readonly details: { readonly coding: readonly { readonly code: string }[] } };

const folder = join(import.meta.dirname, '../cases/search');
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.json') && name !== 'date-prefix.json')
  .map((name) => ({ name: basename(name, '.json'), ...(JSON.parse(readFileSync(join(folder, name), 'utf8')) as CaseFile) }));
/** Minutes that UTC is ahead. */
const zones = [
  ['UTC', 0],
  ['Asia/Kolkata', -330],
  ['America/St_Johns', 210],
] as const;

test('ids are unique over all files, and every case says what it expects', () => {
  const ids = files.flatMap(({ resources }) => resources.map(({ id }) => id));
  expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
  for (const { name, cases } of files) {
    for (const { query, ids: found, sorted, included, total, error } of cases)
      expect(
        [found, sorted, included, total, error].some((each) => each !== undefined),
        `${name}: ${query}`,
      ).toBe(true);
  }
});

describe.each(zones)('with the server’s clock in %s', (zone, offset) => {
  const here = files.filter((file) => zone === 'UTC' || file.zones);
  const before = process.env['TZ'];
  let server: TestServer;
  beforeAll(async () => {
    process.env['TZ'] = zone;
    if (new Date(2024, 0, 1).getTimezoneOffset() !== offset) throw new Error(`the clock is not in ${zone}`);
    server = await startTestServer({ PAGE_SIZE_MAX: '1000' });
    for (const { resources } of here) await store(server, resources);
  }, 120_000);
  afterAll(async () => {
    await server?.stop();
    if (before === undefined) delete process.env['TZ'];
    else process.env['TZ'] = before;
  });

  describe.each(here)('$name, $spec', ({ resources, cases }) => {
    const own = new Set(resources.map(({ id }) => id));
    test.each(cases.map((asked) => ({ words: wordsOf(asked), asked })))('$words', async ({ asked }) => {
      const { text, ...answered } = await answerTo(server, asked, own);
      expect(answered, text.slice(0, 2000)).toMatchObject(expectationOf(asked));
    });
  });
});

const wordsOf = ({ query, form, title }: Case): string =>
  `${query}${form === undefined ? '' : ` ${form}`}${title === undefined ? '' : `: ${title}`}`;

async function store(server: TestServer, resources: readonly Resource[]): Promise<void> {
  const named = JSON.parse(JSON.stringify(resources).replaceAll('{base}', server.base)) as Resource[];
  const entry = named.map((resource) => ({ resource, request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` } }));
  const { status, text } = await server.request('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } });
  expect(status, text).toBe(200);
}

type Answered = {
  readonly status: number;
  readonly issues: readonly string[];
  /** Of the file's own resources. */
  readonly ids?: readonly string[];
  readonly sorted?: readonly string[];
  readonly included?: readonly string[];
  readonly total?: number;
};

function expectationOf({ error, status = 400, ids, sorted, included, total, warning }: Case): Answered {
  if (error !== undefined) return { status, issues: [error] };
  return {
    status: 200,
    issues: warning === undefined ? [] : [warning],
    ...(ids === undefined ? {} : { ids: listed(ids).sort() }),
    ...(sorted === undefined ? {} : { sorted: listed(sorted) }),
    ...(included === undefined ? {} : { included: listed(included).sort() }),
    ...(total === undefined ? {} : { total }),
  };
}

/** What all pages together hold; the total that the first one tells. */
async function answerTo(server: TestServer, asked: Case, own: ReadonlySet<string>): Promise<Answered & { readonly text: string }> {
  const path = `/${asked.query.replaceAll('{base}', server.base)}`;
  const headers = asked.lenient ? { prefer: 'handling=lenient' } : {};
  const form = { headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' }, body: asked.form };
  const first = await (asked.form === undefined ? server.request('GET', path, { headers }) : server.request('POST', path, form));
  if (first.status !== 200) return { status: first.status, issues: idsOfIssues(first.json), text: first.text };
  const entries: Entry[] = [];
  let status: number = first.status;
  for (let page = first.json, pages = 1; ; pages++) {
    entries.push(...((page.entry ?? []) as Entry[]));
    const next = page.link.find(({ relation }: { relation: string }) => relation === 'next')?.url;
    if (next === undefined || pages > 200) break;
    const answer = await server.request('GET', next, { headers });
    status = answer.status;
    page = answer.json;
  }
  const idsOf = (mode: string): string[] =>
    entries.flatMap(({ search, resource: { id } }) => (search.mode === mode && own.has(id) ? [id] : []));
  const outcomes = entries.flatMap(({ search, resource }) => (search.mode === 'outcome' ? idsOfIssues(resource) : []));
  const sorted = idsOf('match');
  return {
    status,
    issues: [...new Set(outcomes)],
    ids: [...sorted].sort(),
    sorted,
    included: idsOf('include').sort(),
    total: first.json.total,
    text: first.text,
  };
}

const idsOfIssues = ({ issue = [] }: { issue?: readonly Issue[] }): string[] => issue.map(({ details }) => details.coding[0]?.code ?? '');
const listed = (text: string): string[] => text.split(' ').filter((id) => id !== '');
