import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answered, startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let admin: string;
let doctor: string;
let patient: string;
let patientId: string;
let otherId: string;

beforeAll(async () => {
  server = await startTestServer({ CARE_RELATIONSHIPS: 'related' });
  await server.request('PUT', '/Practitioner/doc', { body: { resourceType: 'Practitioner', id: 'doc' } });
  const body = { resourceType: 'Patient', generalPractitioner: [{ reference: 'Practitioner/doc' }] };
  patientId = (await server.request('POST', '/Patient', { body })).json.id as string;
  otherId = (await server.request('POST', '/Patient', { body })).json.id as string;
  const token = (user: string, role: string) => server.token({ scope: 'user/*.cruds', user, roles: [role] });
  [admin, doctor, patient] = await Promise.all([
    token('Practitioner/boss', 'admin'),
    token('Practitioner/doc', 'provider'),
    token(`Patient/${patientId}`, 'patient'),
  ]);
});
afterAll(() => server.stop());

function ask(method: string, path: string, token: string, body?: unknown): Promise<Answered> {
  return server.request(method, `${server.origin}/api/v1${path}`, {
    token,
    ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }),
  });
}

type Entry = { readonly action: string; readonly outcome: string; readonly resource_type?: string; readonly diff?: object };

describe('the audit trail in plain fields', () => {
  let recordId: string;

  beforeAll(async () => {
    const made = await ask('POST', `/patients/${patientId}/records`, doctor, { kind: 'diagnosis', diagnosis: 'Asthma' });
    recordId = made.json.record_id as string;
    await ask('PUT', `/patients/${patientId}/records/${recordId}`, doctor, { kind: 'diagnosis', diagnosis: 'Bronchitis' });
    await ask('GET', `/patients/${otherId}`, doctor);
  });

  test('tells administrators who did what to a patient, and what each change changed', async () => {
    const { status, json, text } = await ask('GET', `/audit?patient_id=${patientId}&action=update`, admin);
    expect(status, text).toBe(200);
    expect(json.data).toMatchObject([
      {
        action: 'update',
        outcome: 'done',
        actor: { reference: 'Practitioner/doc', roles: ['provider'] },
        patient_id: patientId,
        resource_type: 'Condition',
        resource_id: recordId.slice(10),
        version: 2,
        diff: { old_version: 1, new_version: 2, changes: [{ path: 'Condition.code.text', before: 'Asthma', after: 'Bronchitis' }] },
      },
    ]);
    expect(json.data[0].address).toBeDefined();
    const created = (await ask('GET', `/audit?patient_id=${patientId}&action=create&actor=Practitioner/doc`, admin)).json.data as Entry[];
    expect(created).toMatchObject([{ resource_type: 'Condition', diff: { new_version: 1 } }]);
    expect(JSON.stringify(created[0]?.diff)).toContain('Asthma');
    const plain = (await ask('GET', `/audit?patient_id=${patientId}&action=update&diff=false`, admin)).json.data as Entry[];
    expect([plain.length, plain[0]?.diff]).toEqual([1, undefined]);
  });

  test('is asked by actor, action and time, a page at a time', async () => {
    const all = (await ask('GET', `/audit?patient_id=${patientId}&limit=100&diff=false`, admin)).json;
    expect(new Set(all.data.map(({ patient_id: id }: { patient_id: string }) => id))).toEqual(new Set([patientId]));
    const page = (await ask('GET', `/audit?patient_id=${patientId}&limit=2&diff=false`, admin)).json;
    expect([page.data.length, typeof page.next_cursor]).toEqual([2, 'string']);
    const next = await ask(
      'GET',
      `/audit?patient_id=${patientId}&limit=2&diff=false&cursor=${encodeURIComponent(page.next_cursor)}`,
      admin,
    );
    const ids = (entries: readonly { event_id: string }[]) => entries.map(({ event_id: id }) => id);
    expect(ids(next.json.data).some((id) => ids(page.data).includes(id))).toBe(false);
    expect((await ask('GET', `/audit?patient_id=${patientId}&to=2020-01-01T00:00:00Z`, admin)).json.data).toEqual([]);
    expect((await ask('GET', `/audit?patient_id=${patientId}&actor=Practitioner/nobody`, admin)).json.data).toEqual([]);
    const reads = (await ask('GET', `/audit?actor=Practitioner/doc&action=read&from=2020-01-01T00:00:00Z`, admin)).json.data as Entry[];
    expect(reads.length).toBeGreaterThan(0);
    expect(reads.every(({ action }) => action === 'read')).toBe(true);
    expect((await ask('GET', '/audit?action=guess', admin)).status).toBe(400);
  });

  test('tells a patient of his own record alone, without addresses and accounts; and nobody else', async () => {
    const own = await ask('GET', `/audit?patient_id=${patientId}&limit=100`, patient);
    expect(own.status, own.text).toBe(200);
    const entries = own.json.data as (Entry & { address?: string; request_id?: string; actor: object })[];
    const update = entries.find(({ action }) => action === 'update');
    expect(update).toMatchObject({
      actor: { reference: 'Practitioner/doc' },
      diff: { changes: [{ before: 'Asthma', after: 'Bronchitis' }] },
    });
    for (const entry of entries) {
      expect(entry).not.toHaveProperty('address');
      expect(entry).not.toHaveProperty('request_id');
      expect(entry.actor).not.toHaveProperty('subject');
    }
    expect(own.text).not.toContain(otherId);
    for (const [path, token] of [
      [`/audit?patient_id=${otherId}`, patient],
      ['/audit', patient],
      [`/audit?patient_id=${patientId}`, doctor],
      ['/audit', doctor],
      [
        `/audit?patient_id=${patientId}`,
        await server.token({ scope: 'user/Condition.rs', user: `Patient/${patientId}`, roles: ['patient'] }),
      ],
    ] as const)
      expect((await ask('GET', path, token)).status).toBe(403);
  });
});
