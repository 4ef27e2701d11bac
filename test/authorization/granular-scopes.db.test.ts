import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answered, startTestServer, type TestServer } from '../support/server.ts';
import { put, type Resource } from './matrix-world.ts';

/**
 * A43: the sub-scopes that certification asks for, each alone, two together, and beside the whole type.
 *
 * @see https://hl7.org/fhir/us/core/scopes.html
 */
const terminology = 'http://terminology.hl7.org/CodeSystem';
const usCore = 'http://hl7.org/fhir/us/core/CodeSystem';
const categories: readonly (readonly [type: 'Condition' | 'Observation', system: string, code: string])[] = [
  ['Condition', `${terminology}/condition-category`, 'encounter-diagnosis'],
  ['Condition', `${terminology}/condition-category`, 'problem-list-item'],
  ['Condition', `${usCore}/condition-category`, 'health-concern'],
  ['Observation', `${terminology}/observation-category`, 'laboratory'],
  ['Observation', `${terminology}/observation-category`, 'social-history'],
  ['Observation', `${usCore}/us-core-category`, 'sdoh'],
  ['Observation', `${terminology}/observation-category`, 'vital-signs'],
  ['Observation', `${terminology}/observation-category`, 'survey'],
  ['Observation', `${usCore}/us-core-observation-category`, 'clinical-test'],
];

const resourceOf = (type: string, patient: string, system: string, code: string): Resource => ({
  resourceType: type,
  id: `${patient}-${code}`,
  ...(type === 'Observation' ? { status: 'final' } : {}),
  category: [{ coding: [{ system, code }] }],
  code: { text: 'x' },
  subject: { reference: `Patient/${patient}` },
});

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await put(
    server,
    ['pa', 'pb'].flatMap((id) => [
      { resourceType: 'Patient', id },
      ...categories.map(([type, system, code]) => resourceOf(type, id, system, code)),
      // The same code of another system is another category.
      { ...resourceOf('Observation', id, 'urn:other', 'laboratory'), id: `${id}-other` },
    ]),
  );
}, 60_000);
afterAll(() => server?.stop());

const idsIn = ({ json }: Answered): string[] => (json.entry ?? []).map(({ resource }: { resource: Resource }) => resource.id).sort();
const callers = [
  ['patient', { patient: 'pa' }, ['pa']],
  ['user', { user: 'Patient/pa' }, ['pa']],
  ['system', {}, ['pa', 'pb']],
] as const;

describe.each(callers)('%s/', (level, grant, patients) => {
  test.each(categories)('%s.rs?category=%s|%s is that category, and no other', async (type, system, code) => {
    const token = await server.token({ scope: `${level}/${type}.rs?category=${system}|${code}`, ...grant });
    const get = (path: string): Promise<Answered> => server.request('GET', path, { token });
    const visible = patients.map((id) => `${id}-${code}`);
    expect(idsIn(await get(`/${type}`))).toEqual(visible);
    expect((await get(`/${type}?_summary=count`)).json.total).toBe(visible.length);
    expect(idsIn(await get(`/${type}?category=${system}|${code}`))).toEqual(visible);
    for (const [ofType, , other] of categories) {
      const status = ofType !== type ? 403 : other === code ? 200 : 404;
      expect((await get(`/${ofType}/pa-${other}`)).status, other).toBe(status);
      expect((await get(`/${ofType}/pa-${other}/_history/1`)).status, other).toBe(status);
    }
    expect((await get(`/${type}/pb-${code}`)).status).toBe(patients.length === 2 ? 200 : 404);
  });

  test('two sub-scopes are the rows of both, and beside the whole type they are the whole type', async () => {
    const [vital, laboratory] = ['vital-signs', 'laboratory'].map(
      (code) => `${level}/Observation.rs?category=${terminology}/observation-category|${code}`,
    );
    const both = await server.token({ scope: `${vital} ${laboratory}`, ...grant });
    expect(idsIn(await server.request('GET', '/Observation', { token: both }))).toEqual(
      patients.flatMap((id) => [`${id}-laboratory`, `${id}-vital-signs`]).sort(),
    );
    const whole = await server.token({ scope: `${vital} ${level}/Observation.rs`, ...grant });
    expect(idsIn(await server.request('GET', '/Observation', { token: whole }))).toHaveLength(7 * patients.length);
  });
});
