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
  /** Why it isn't answered yet; it has to fail. */
  readonly pending?: string;
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
    expect(new Date(2024, 0, 1).getTimezoneOffset()).toBe(offset);
    server = await startTestServer({ PAGE_SIZE_MAX: '1000' });
    for (const { resources } of here) await store(server, resources);
  }, 120_000);
  afterAll(async () => {
    await server?.stop();
    if (before === undefined) delete process.env['TZ'];
    else process.env['TZ'] = before;
  });

  for (const { name, spec, resources, cases } of here) {
    const own = new Set(resources.map(({ id }) => id));
    describe(`${name}, ${spec}`, () => {
      for (const each of cases) {
        const { query, form, title, pending } = each;
        const words = `${query}${form === undefined ? '' : ` ${form}`}${title === undefined ? '' : `: ${title}`}`;
        if (pending === undefined) test(words, () => run(server, each, own));
        else test.fails(`${words} (pending: ${pending})`, () => run(server, each, own));
      }
    });
  }
});

async function store(server: TestServer, resources: readonly Resource[]): Promise<void> {
  const named = JSON.parse(JSON.stringify(resources).replaceAll('{base}', server.base)) as Resource[];
  const entry = named.map((resource) => ({ resource, request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` } }));
  const { status, text } = await server.request('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } });
  expect(status, text).toBe(200);
}

async function run(server: TestServer, asked: Case, own: ReadonlySet<string>): Promise<void> {
  const path = `/${asked.query.replaceAll('{base}', server.base)}`;
  const headers = asked.lenient ? { prefer: 'handling=lenient' } : {};
  const form = { headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' }, body: asked.form };
  const first = await (asked.form === undefined ? server.request('GET', path, { headers }) : server.request('POST', path, form));
  if (asked.error !== undefined) {
    expect([first.status, idsOfIssues(first.json)], first.text).toEqual([asked.status ?? 400, [asked.error]]);
    return;
  }
  const found: { matches: string[]; included: string[]; outcomes: string[] } = { matches: [], included: [], outcomes: [] };
  for (let answer = first, pages = 0; ; pages++) {
    expect([answer.status, pages < 200], answer.text).toEqual([200, true]);
    for (const { search, resource } of (answer.json.entry ?? []) as Entry[]) {
      if (search.mode === 'outcome') found.outcomes.push(...idsOfIssues(resource));
      else if (own.has(resource.id)) (search.mode === 'match' ? found.matches : found.included).push(resource.id);
    }
    const next = answer.json.link.find(({ relation }: { relation: string }) => relation === 'next')?.url;
    if (next === undefined) break;
    answer = await server.request('GET', next, { headers });
  }
  if (asked.ids !== undefined) expect([...found.matches].sort(), first.text.slice(0, 2000)).toEqual(listed(asked.ids).sort());
  if (asked.sorted !== undefined) expect(found.matches).toEqual(listed(asked.sorted));
  if (asked.included !== undefined) expect([...found.included].sort()).toEqual(listed(asked.included).sort());
  if (asked.total !== undefined) expect(first.json.total).toBe(asked.total);
  expect([...new Set(found.outcomes)]).toEqual(asked.warning === undefined ? [] : [asked.warning]);
}

const idsOfIssues = ({ issue = [] }: { issue?: readonly Issue[] }): string[] => issue.map(({ details }) => details.coding[0]?.code ?? '');
const listed = (text: string): string[] => text.split(' ').filter((id) => id !== '');
