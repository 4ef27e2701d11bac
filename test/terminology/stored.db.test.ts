import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;

const url = 'http://x.org/CodeSystem/visits';
const visits = (...codes: readonly string[]): object => ({
  resourceType: 'CodeSystem',
  id: 'visits',
  url,
  status: 'active',
  content: 'complete',
  hierarchyMeaning: 'is-a',
  concept: [{ code: 'all', concept: codes.map((code) => ({ code, display: `Visit ${code}` })) }],
});
const valueSet = {
  resourceType: 'ValueSet',
  id: 'mine',
  url: 'http://x.org/ValueSet/mine',
  status: 'active',
  compose: { include: [{ system: url, filter: [{ property: 'concept', op: 'descendent-of', value: 'all' }] }] },
};
const encounter = (id: string, code: string): object => ({
  resourceType: 'Encounter',
  id,
  status: 'planned',
  class: { system: url, code },
});

async function put(resource: object): Promise<void> {
  const { resourceType, id } = resource as { resourceType: string; id: string };
  const { status, text } = await server.request('PUT', `/${resourceType}/${id}`, { body: resource });
  expect([200, 201], text).toContain(status);
}

beforeAll(async () => {
  server = await startTestServer();
  for (const resource of [visits('home', 'ward'), valueSet, encounter('e1', 'home'), encounter('e2', 'ward')]) await put(resource);
});
afterAll(() => server.stop());

async function found(query: string, token?: string): Promise<string> {
  const { status, json } = await server.request('GET', `/Encounter?${query}`, token === undefined ? {} : { token });
  if (status !== 200) return `${status} ${json.issue[0].details.text}`;
  return (json.entry ?? [])
    .map(({ resource }: { resource: { id: string } }) => resource.id)
    .sort()
    .join(' ');
}

describe('a value set that a client stored', () => {
  test.each(['ValueSet/mine', 'http://x.org/ValueSet/mine'])('names codes of a search: :in=%s', async (name) => {
    expect(await found(`class:in=${name}`)).toBe('e1 e2');
    expect(await found(`class:not-in=${name}`)).toBe('');
  });

  test('and its code system tell of kinds of codes', async () => {
    expect(await found(`class:below=${encodeURIComponent(`${url}|all`)}`)).toBe('e1 e2');
    expect(await found(`class:above=${encodeURIComponent(`${url}|ward`)}`)).toBe('e2');
  });

  test('does not exist for those who may not see it', async () => {
    const token = await server.token({ scope: 'system/Encounter.rs' });
    expect(await found('class:in=ValueSet/mine', token)).toMatch(/^400 .*not known here/);
    expect(await found('class:in=http://x.org/ValueSet/mine', token)).toMatch(/^400 .*not known here/);
  });

  test('is expanded and asked by the operations', async () => {
    const expanded = await server.request('GET', '/ValueSet/mine/$expand?filter=wa');
    expect(expanded.json.expansion.contains).toEqual([{ system: url, code: 'ward', display: 'Visit ward' }]);
    const validated = await server.request('GET', `/ValueSet/$validate-code?url=${valueSet.url}&system=${url}&code=home`);
    expect(validated.json.parameter).toContainEqual({ name: 'result', valueBoolean: true });
    const looked = await server.request('GET', `/CodeSystem/$lookup?system=${url}&code=home&property=parent`);
    expect(looked.json.parameter).toContainEqual({ name: 'display', valueString: 'Visit home' });
    const subsumed = await server.request('GET', `/CodeSystem/visits/$subsumes?codeA=all&codeB=home`);
    expect(subsumed.json.parameter).toEqual([{ name: 'outcome', valueCode: 'subsumes' }]);
  });

  test('has new codes as soon as its code system was changed', async () => {
    const isIn = async (): Promise<unknown> => {
      const { json } = await server.request('GET', `/ValueSet/$validate-code?url=${valueSet.url}&system=${url}&code=online`);
      return json.parameter[0].valueBoolean;
    };
    expect(await isIn()).toBe(false);
    await put(visits('home', 'ward', 'online'));
    expect(await isIn()).toBe(true);
  });
});

test("HL7's terminology is the one published today, and its earlier codes are there too", async () => {
  const system = 'http://terminology.hl7.org/CodeSystem/adverse-event-seriousness';
  const isIn = async (code: string): Promise<unknown> =>
    (await server.request('GET', `/CodeSystem/$validate-code?url=${system}&code=${code}`)).json.parameter;
  expect(await isIn('serious')).toContainEqual({ name: 'result', valueBoolean: true });
  expect(await isIn('Non-serious')).toEqual([
    { name: 'result', valueBoolean: true },
    { name: 'message', valueString: expect.stringContaining('inactive') },
    { name: 'display', valueString: 'Non-serious' },
  ]);
  const { json } = await server.request('GET', `/CodeSystem/$lookup?system=${system}&code=serious`);
  expect(json.parameter).toContainEqual({ name: 'version', valueString: '1.0.1' });
});
