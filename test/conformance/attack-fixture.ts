import { expect } from 'vitest';
import { type Answered, type RequestOptions, startTestServer, type TestServer } from '../support/server.ts';

export const loinc = 'http://loinc.org';
export const mrn = 'http://hospital.example.org/mrn';
export const category = 'http://terminology.hl7.org/CodeSystem/observation-category';

/**
 * Two patients and what callers of different rights hold: `pa` is the caller's own, `pb` is not. `oa-lab` and `oa-vit` are
 * Observations of pa, `ob` one of pb; `oa-cross` is pa's and points at pb, `ob-cross` is pb's and points at pa.
 */
export type Fixture = TestServer & {
  /** patient/*.cruds for pa. */
  readonly TP: string;
  /** patient/Observation.rs of category laboratory, for pa. */
  readonly TL: string;
  /** patient/Observation.cu for pa. */
  readonly TW: string;
  /** system/*.rs */
  readonly TS: string;
  /** system/Observation.rs */
  readonly TSO: string;
  /** No FHIR scope. */
  readonly TX: string;
};

export const observation = (id: string | undefined, patient: string, kind = 'laboratory', extra: object = {}) => ({
  resourceType: 'Observation',
  ...(id === undefined ? {} : { id }),
  status: 'final',
  category: [{ coding: [{ system: category, code: kind }] }],
  code: { coding: [{ system: loinc, code: '4548-4' }] },
  subject: { reference: `Patient/${patient}` },
  ...extra,
});

const patient = (id: string, family: string) => ({
  resourceType: 'Patient',
  id,
  identifier: [{ system: mrn, value: `mrn-${id}` }],
  name: [{ family, given: ['Robin'] }],
  telecom: [{ system: 'phone', value: `555-${id}` }],
});

const resources = [
  patient('pa', 'Ahlgren'),
  patient('pb', 'Bergstrom'),
  observation('oa-lab', 'pa'),
  observation('oa-vit', 'pa', 'vital-signs'),
  observation('ob', 'pb'),
  observation('oa-cross', 'pa', 'laboratory', { focus: [{ reference: 'Patient/pb' }], performer: [{ reference: 'Patient/pb' }] }),
  observation('ob-cross', 'pb', 'laboratory', { focus: [{ reference: 'Patient/pa' }] }),
  { resourceType: 'EpisodeOfCare', id: 'eb', status: 'active', patient: { reference: 'Patient/pb' } },
  {
    resourceType: 'Encounter',
    id: 'ea',
    status: 'finished',
    class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
    subject: { reference: 'Patient/pa' },
    episodeOfCare: [{ reference: 'EpisodeOfCare/eb' }],
  },
  { resourceType: 'Device', id: 'shared-device' },
  {
    resourceType: 'Group',
    id: 'cohort',
    type: 'person',
    actual: true,
    member: ['pa', 'pb'].map((id) => ({ entity: { reference: `Patient/${id}` } })),
  },
];

export async function startFixture(env: Readonly<Record<string, string>> = {}): Promise<Fixture> {
  const server = await startTestServer(env);
  const entry = resources.map((resource) => ({ resource, request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` } }));
  const stored = await server.request('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } });
  expect(stored.status, stored.text).toBe(200);
  const of = (scope: string, patient?: string) => server.token(patient === undefined ? { scope } : { scope, patient });
  return {
    ...server,
    TP: await of('patient/*.cruds', 'pa'),
    TL: await of(`patient/Observation.rs?category=${category}|laboratory`, 'pa'),
    TW: await of('patient/Observation.cu', 'pa'),
    TS: await of('system/*.rs'),
    TSO: await of('system/Observation.rs'),
    TX: await of('openid launch/patient', 'pa'),
  };
}

/** `Type/id` of every resource in a Bundle. */
export const idsIn = ({ json }: Answered): string[] =>
  (json.entry ?? []).flatMap(({ resource }: { resource?: { resourceType: string; id: string } }) =>
    resource === undefined || resource.resourceType === 'OperationOutcome' ? [] : [`${resource.resourceType}/${resource.id}`],
  );

/** What must be equal of two answers: all but what is new each time. */
function withoutChance({ status, headers, text }: Answered): unknown {
  const kept = [...headers].filter(([name]) => !['date', 'x-request-id', 'connection', 'keep-alive'].includes(name));
  return { status, headers: Object.fromEntries(kept), text };
}

/** The answer about what the caller may not know of is that about what never was, byte for byte; 412 only where that is so too. */
export async function expectNope(
  server: TestServer,
  method: string,
  hidden: string,
  unknown: string,
  options: RequestOptions,
): Promise<void> {
  const [known, random] = [await server.request(method, hidden, options), await server.request(method, unknown, options)];
  expect(withoutChance(known)).toEqual(withoutChance(random));
  expect([404, 412]).toContain(known.status);
  for (const secret of ['Bergstrom', 'mrn-pb', '4548-4']) expect(known.text).not.toContain(secret);
}

/** A refusal: an OperationOutcome that tells nothing of the inside. */
export function expectRefusal(answer: Answered, ...statuses: readonly number[]): void {
  expect(statuses, answer.text).toContain(answer.status);
  expect(answer.json.resourceType).toBe('OperationOutcome');
  expect(answer.json.issue.length).toBeGreaterThan(0);
  expect(answer.text).not.toMatch(/\bat .+\.(?:ts|js):\d+|node_modules|SELECT |select .+ from |postgres|pg_/);
}
