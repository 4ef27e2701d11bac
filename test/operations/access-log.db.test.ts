import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditedEvent } from '../../src/audit/event.ts';
import { issueId } from '../conformance/samples.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { openTestValidator } from '../support/validation.ts';

let server: TestServer;
let patient: string;
beforeAll(async () => {
  server = await startTestServer();
  for (const id of ['mine', 'other']) await server.request('PUT', `/Patient/${id}`, { body: { resourceType: 'Patient', id } });
  const { audit, refKeyOf } = server.services.context;
  const [mine, other] = await Promise.all(['mine', 'other'].map((id) => audit.concerned.ofOwner(refKeyOf('Patient', id))));
  if (mine === undefined || other === undefined) throw new Error('a patient has no key');
  const event = (n: number, more: Partial<AuditedEvent>): AuditedEvent => ({
    kind: 'read',
    at: Date.parse('2025-06-01T08:00:00Z') + n * 60_000,
    requestId: `r${n}`,
    agent: {
      user: { issuer: 'https://login.example.org', subject: 'u-17', name: 'Dr. <Adam> Careful', roles: ['provider'] },
      client: 'growth-chart',
      tokenId: 'jti-secret',
      address: '10.1.2.31',
      purposes: ['TREAT'],
    },
    outcome: 0,
    data: { type: 'MedicationRequest', id: `m${n}`, version: 1 },
    patient: mine,
    ...more,
  });
  await audit.record([
    event(0, {}),
    event(1, {
      kind: 'search-type',
      data: { type: 'Observation' },
      query: { line: 'GET /Observation?patient=mine', parameters: 'patient' },
    }),
    event(2, { outcome: 4, reason: 'scope-insufficient' }),
    event(3, { patient: other }),
    event(4, { data: { type: 'Patient', id: 'mine', version: 1 }, patient: other }),
    event(5, { kind: 'operation', operation: 'everything', data: { type: 'Patient', id: 'mine' } }),
  ]);
  patient = await server.token({ scope: 'patient/*.rs', patient: 'mine' });
});
afterAll(() => server?.stop());

type Entry = { readonly resource: { readonly text: { readonly div: string }; readonly recorded: string } };

const log = (query = '', token: string | null = patient, id = 'mine') =>
  server.request('GET', `/Patient/${id}/$access-log${query}`, { token });
const past = '?to=2025-12-31';
const sentences = (entries: readonly Entry[]): string[] => entries.map(({ resource }) => resource.text.div.replace(/<[^>]+>/g, ''));

describe('what the patient is told', () => {
  test('who did what, when, with which app and why, the newest first, and nothing that concerns another', async () => {
    const { status, json } = await log(past);
    expect([status, json.type, json.total]).toEqual([200, 'searchset', 4]);
    expect(sentences(json.entry)).toEqual([
      '2025-06-01 08:05:00 UTC: Dr. &#60;Adam&#62; Careful (provider) asked for $everything, patient, with growth-chart, for treatment.',
      '2025-06-01 08:02:00 UTC: Dr. &#60;Adam&#62; Careful (provider) was refused, or failed, when trying: read medication request, with growth-chart, for treatment.',
      '2025-06-01 08:01:00 UTC: Dr. &#60;Adam&#62; Careful (provider) searched and saw observation, with growth-chart, for treatment.',
      '2025-06-01 08:00:00 UTC: Dr. &#60;Adam&#62; Careful (provider) read medication request, with growth-chart, for treatment.',
    ]);
  });

  test('not from where, with which token and by which words it was asked', async () => {
    const { text } = await log(past);
    for (const hidden of ['10.1.2.31', 'jti-secret', '"query"', 'r1', 'Patient/other', '"network"', '"policy"'])
      expect(text).not.toContain(hidden);
  });

  test('in AuditEvents that are valid, and say that they are not whole', async () => {
    const { validate } = await openTestValidator();
    const { json } = await log(past);
    for (const { resource } of json.entry) {
      expect(resource.meta.tag[0].code).toBe('SUBSETTED');
      const faults = (await validate(JSON.stringify(resource))).filter(({ severity }) => severity === 'error');
      expect(faults).toEqual([]);
    }
  });

  test('page by page, each event once', async () => {
    const all = sentences((await log(past)).json.entry);
    const found: string[] = [];
    for (let url: string | undefined = `${past}&_count=3`; url !== undefined; ) {
      const { status, json }: { status: number; json: { entry: Entry[]; link: { relation: string; url: string }[] } } = url.startsWith('?')
        ? await log(url)
        : await server.request('GET', url, { token: patient });
      expect(status).toBe(200);
      found.push(...sentences(json.entry));
      url = json.link.find(({ relation }) => relation === 'next')?.url;
    }
    expect(found).toEqual(all);
  });

  test('of a time alone', async () => {
    const { json } = await log('?from=2025-06-01T08:01:00Z&to=2025-06-01T08:02:00Z');
    expect(json.entry.map(({ resource }: Entry) => resource.recorded)).toEqual(['2025-06-01T08:02:00.000Z', '2025-06-01T08:01:00.000Z']);
  });

  test('his own looking at it too: it is an event of the trail', async () => {
    await log(past);
    const { json } = await server.request('GET', '/AuditEvent?type=110101&patient=mine&_count=1');
    expect(json.entry[0].resource).toMatchObject({ action: 'R', type: { code: '110101' }, outcome: '0' });
    expect((await log('?_count=5')).text).toContain('110101');
  });
});

describe('refused', () => {
  test('without a scope to read AuditEvents, or with one for some of them alone', async () => {
    for (const scope of [
      'patient/Patient.rs',
      'patient/Patient.rs patient/AuditEvent.s',
      'patient/Patient.rs patient/AuditEvent.rs?action=R',
    ]) {
      const answer = await log('', await server.token({ scope, patient: 'mine' }));
      expect([answer.status, issueId(answer.json)]).toEqual([403, 'scope-insufficient']);
    }
    const enough = await server.token({ scope: 'patient/Patient.r patient/AuditEvent.r', patient: 'mine' });
    expect((await log(past, enough)).status).toBe(200);
  });

  test('of another patient as of one that was never there', async () => {
    const [other, nobody] = [await log('', patient, 'other'), await log('', patient, 'nobody')];
    expect([other.status, nobody.status]).toEqual([404, 404]);
    expect(other.text.replaceAll('other', 'x')).toBe(nobody.text.replaceAll('nobody', 'x'));
  });

  test('for a clinician who does not care for the patient; not for an administrator', async () => {
    const stranger = await server.token({ scope: 'user/*.rs', user: 'Practitioner/stranger', roles: ['provider'] });
    expect((await log('', stranger)).status).toBe(404);
    const admin = await server.token({ scope: 'user/*.rs', user: 'Practitioner/boss', roles: ['admin'] });
    expect((await log(past, admin)).json.total).toBe(4);
  });

  test('of what a label hides, to the clinician from whom it hides it; told of to the patient himself and to an administrator', async () => {
    const put = (type: string, id: string, more: object) =>
      server.request('PUT', `/${type}/${id}`, { body: { resourceType: type, id, subject: { reference: 'Patient/mine' }, ...more } });
    const code = { text: 'x' };
    const security = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }];
    const written = await Promise.all([
      put('Encounter', 'visit', {
        status: 'finished',
        class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
        period: { start: new Date().toISOString() },
        participant: [{ individual: { reference: 'Practitioner/treats' } }],
      }),
      put('Observation', 'open', { status: 'final', code }),
      put('Observation', 'hidden', { status: 'final', code, meta: { security } }),
      put('Observation', 'gone', { status: 'final', code, meta: { security } }),
    ]);
    expect(written.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    expect((await server.request('DELETE', '/Observation/gone')).status).toBe(200);
    const named = async (token: string): Promise<string[]> => {
      const { status, text } = await log('?_count=100', token);
      expect(status).toBe(200);
      return ['open', 'hidden', 'gone'].filter((id) => text.includes(`Observation/${id}`));
    };
    const [scopes, roles] = ['user/Patient.rs user/AuditEvent.r', ['provider']];
    for (const scope of ['user/*.rs', scopes])
      expect(await named(await server.token({ scope, user: 'Practitioner/treats', roles })), scope).toEqual(['open']);
    const treats = await server.token({ scope: scopes, user: 'Practitioner/treats', roles });
    const whole = await log('?_count=100', treats);
    const sizes: number[] = [];
    for (let url: string | undefined = `/Patient/mine/$access-log?to=${new Date().toISOString()}&_count=2`; url !== undefined; ) {
      const { json }: { json: { entry?: Entry[]; link: { relation: string; url: string }[] } } = await server.request('GET', url, {
        token: treats,
      });
      sizes.push(json.entry?.length ?? 0);
      url = json.link.find(({ relation }) => relation === 'next')?.url;
    }
    // Neither a page that is shorter nor an empty one tells that there is more.
    expect(sizes.slice(0, -1).every((size) => size === 2)).toBe(true);
    expect([sizes.at(-1) === 0, whole.json.link.length]).toEqual([false, 1]);
    // Of whom a token doesn't say who he is, he is a stranger to labels.
    expect(await named(patient)).toEqual(['open']);
    const himself = await server.token({ scope: 'patient/*.rs', patient: 'mine', user: 'Patient/mine', roles: ['patient'] });
    expect(await named(himself)).toEqual(['open', 'hidden', 'gone']);
    expect(await named(await server.token({ scope: scopes, user: 'Practitioner/boss', roles: ['admin'] }))).toEqual([
      'open',
      'hidden',
      'gone',
    ]);
  });

  test('without a token, with a page of somebody else, and a page size that is none', async () => {
    expect((await log('', null)).status).toBe(401);
    const next = (await log(`${past}&_count=1`)).json.link.find(({ relation }: { relation: string }) => relation === 'next').url;
    expect((await server.request('GET', next)).status).toBe(403);
    expect((await log('?_count=0')).status).toBe(400);
    expect((await log('?until=2025')).status).toBe(400);
  });
});
