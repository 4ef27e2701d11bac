import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomOf } from '../../src/cli/sample/random.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

/*
 * What a caller may not see changes nothing of what he gets: not the rows, not their order, not where pages end, no total, no
 * estimate, no included resource. Every answer is asked before and after resources outside his restriction come, change and go.
 */

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
}, 60_000);
afterAll(() => server?.stop());

type Resource = { readonly resourceType: string; readonly id: string } & Readonly<Record<string, unknown>>;
type Entry = { readonly search: { readonly mode: string }; readonly resource: { readonly id: string } };

const random = randomOf(23, 4);

async function put(resources: readonly Resource[]): Promise<void> {
  const entry = resources.map((resource) => ({ resource, request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` } }));
  const { status, text } = await server.request('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } });
  expect(status, text).toBe(200);
}

/** An Observation whose every sorted value is one of few, so that those of others come before, between and after the caller's own. */
function observation(id: string, patient: string, status: string, label?: string): Resource {
  const maybe = <T>(name: string, value: T) => (random.chance(0.3) ? {} : { [name]: value });
  return {
    resourceType: 'Observation',
    id,
    ...(label === undefined
      ? {}
      : { meta: { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: label }] } }),
    status,
    code: { coding: [{ system: 'urn:c', code: random.pick(['a', 'b']) }] },
    subject: { reference: `Patient/${patient}` },
    ...maybe('effectiveDateTime', random.pick(['2020', '2021-05', '2021-05-06'])),
    ...maybe('valueString', random.pick(['Alpha', 'Alp', 'beta'])),
    ...maybe('component', [{ code: { text: 'x' }, valueQuantity: { value: random.pick([1, 2, 3]) } }]),
    ...maybe('encounter', { reference: `Encounter/${id.slice(0, 1)}e` }),
  };
}

const queries = [
  ...[
    '',
    '_sort=date',
    '_sort=-date',
    '_sort=value-string',
    '_sort=-component-value-quantity',
    '_sort=status,-date',
    '_sort=-value-string,date',
    '_sort=-code',
    '_sort=_id',
    '_sort=-_lastUpdated',
  ].map((sort) => `${sort}&_count=5&_total=accurate`),
  'code=urn:c|a&_count=4&_total=estimate',
  'date=ge2021&_sort=-date&_count=3&_total=estimate',
  'value-string=al&_count=3&_total=estimate',
  'status:not=final&_count=3&_total=estimate',
  '_lastUpdated=ge2020&_count=6&_include=Observation:encounter',
  'date=le2021&_count=6&_include=Observation:encounter&_sort=date',
  'code=urn:c|b&_summary=count',
  '_summary=count&_total=estimate',
];

/** All that the answers tell, page after page, but for their cursors and times. */
async function told(query: string, token: string): Promise<unknown[]> {
  const pages: unknown[] = [];
  for (let url: string | undefined = `/Observation?${query}`; url !== undefined; ) {
    const { status, json, text } = await server.request('GET', url, { token });
    expect(status, text).toBe(200);
    const links = json.link as { relation: string; url: string }[];
    pages.push([
      (json.entry ?? []).map(({ search, resource }: Entry) => `${search.mode} ${resource.id}`),
      json.total,
      links.map(({ relation }) => relation),
    ]);
    url = links.find(({ relation }) => relation === 'next')?.url;
  }
  return pages;
}

test('nothing outside a restriction changes rows, order, pages, totals or estimates within it', async () => {
  const encounter = (id: string, patient: string, status: string): Resource => ({
    resourceType: 'Encounter',
    id,
    status,
    class: { code: 'AMB' },
    subject: { reference: `Patient/${patient}` },
  });
  const caring = (id: string): Resource => ({ resourceType: 'Patient', id, generalPractitioner: [{ reference: 'Practitioner/doc' }] });
  await put([caring('own'), caring('denied')]);
  await put([encounter('oe', 'own', 'finished'), encounter('xe', 'other', 'planned')]);
  await put([
    {
      resourceType: 'Consent',
      id: 'denying',
      status: 'active',
      scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
      category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
      patient: { reference: 'Patient/denied' },
      policyRule: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTOUT' }] },
      // All but what has a code that nothing has: what is denied is told by what a row holds and by what it doesn't.
      provision: { type: 'deny', provision: [{ type: 'permit', code: [{ coding: [{ system: 'urn:c', code: 'none' }] }] }] },
    },
  ]);
  // Restricted by compartment, by a parameter of the scope, and by relationship, label and consent.
  await put(Array.from({ length: 20 }, (_, n) => observation(`o${n}`, 'own', random.pick(['final', 'amended']))));
  const callers = [
    await server.token({ scope: 'patient/*.rs', patient: 'own' }),
    await server.token({ scope: 'system/Observation.rs?status=final,amended system/Encounter.rs?status=finished' }),
    await server.token({ scope: 'user/*.rs', user: 'Practitioner/doc' }),
  ];
  const answers = async (): Promise<unknown[]> => {
    const all: unknown[] = [];
    for (const token of callers) for (const query of queries) all.push([query, ...(await told(query, token))]);
    return all;
  };
  const outside = (count: number, of: string): Resource[] =>
    Array.from({ length: count }, (_, n) => {
      const patient = random.pick(['other', 'denied', 'own']);
      return observation(`x${of}${n}`, patient, random.pick(['preliminary', 'entered-in-error']), patient === 'own' ? 'R' : undefined);
    });

  const before = await answers();
  expect(JSON.stringify(before)).toContain('include oe');
  await put(outside(60, 'a'));
  await server.services.context.pool.query('analyze');
  await server.services.context.statistics.refresh();
  expect(await answers()).toEqual(before);
  await put(outside(2_500, 'b'));
  await put(outside(60, 'a'));
  await server.services.context.pool.query('analyze');
  await server.services.context.statistics.refresh();
  expect(await answers()).toEqual(before);
  for (let n = 0; n < 60; n++) await server.request('DELETE', `/Observation/xa${n}`);
  expect(await answers()).toEqual(before);
}, 60_000);
