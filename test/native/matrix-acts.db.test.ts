import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import {
  absentId,
  type Api,
  type Asker,
  askerOf,
  type Reply,
  type Role,
  roles,
  type Row,
  rowsOf,
  staffOf,
  toldBut,
  type Ward,
  wardOf,
} from '../support/ward.ts';

let server: TestServer;
let staff: Awaited<ReturnType<typeof staffOf>>;
beforeAll(async () => {
  // Jobs are begun, and done by nobody.
  server = await startTestServer({ CARE_RELATIONSHIPS: 'related', BULK_JOBS_AT_ONCE: '0' });
  staff = await staffOf(server);
});
afterAll(() => server?.stop());

type Cell = { readonly ward: Ward } & Row & Asker;
/** All that is asked leaves its events. */
async function asked({ role, may }: Row, run: (cell: Cell) => Promise<void>, ward?: Ward): Promise<void> {
  const whole = ward ?? (await wardOf(server, staff));
  const cell = { ward: whole, role, may, ...askerOf(server, whole) };
  await run(cell);
  expect.soft(await cell.auditFaults()).toEqual([]);
}

const apis: readonly Api[] = ['v1', 'fhir'];
const nobody = { patient: null } as const;
const status = ({ role }: Cell, reply: Reply, expected: number, ...what: readonly unknown[]): void =>
  expect.soft([role, ...what, reply.status]).toEqual([role, ...what, expected]);

describe('an appointment', () => {
  let days = 0;
  const later = (): string => new Date(Date.UTC(2031, 0, ++days, 8)).toISOString();

  async function booked({ ward, ask }: Cell, api: Api, startsAt: string): Promise<string> {
    const body = { patient_id: ward.patient, provider_id: ward.author, starts_at: startsAt, notes: 'Fasting.' };
    if (api === 'v1') return String((await ask('admin', 'v1', 'POST', '/appointments', { body })).json.appointment_id);
    const actors = [`Patient/${ward.patient}`, `Practitioner/${ward.author}`];
    const resource = {
      resourceType: 'Appointment',
      status: 'booked',
      start: startsAt,
      end: startsAt.replace('T08:00', 'T08:30'),
      comment: 'Fasting.',
      participant: actors.map((reference) => ({ actor: { reference }, status: 'accepted' })),
    };
    return String((await ask('admin', 'fhir', 'POST', '/Appointment', { body: resource })).json.id);
  }

  async function cancel({ ask }: Cell, role: Role, api: Api, id: string, ifMatch?: string): Promise<Reply> {
    const expected = { action: 'U', entity: `Appointment/${id}`, headers: ifMatch === undefined ? {} : { 'if-match': ifMatch } };
    if (api === 'v1') return ask(role, 'v1', 'DELETE', `/appointments/${id}`, expected);
    const current = (await ask('admin', 'fhir', 'GET', `/Appointment/${id}`, id === absentId ? nobody : {})).json;
    const fallback = { resourceType: 'Appointment', participant: [{ status: 'accepted' }] };
    const body = { ...(id === absentId ? fallback : current), id, status: 'cancelled' };
    return ask(role, 'fhir', 'PUT', `/Appointment/${id}`, { ...expected, body });
  }

  // c cancels; r sees it; -: not there; !: not in the scopes.
  //                  admin system carer viewer self stranger other key
  test.each(rowsOf('rc    rc     rc    r      rc   -        -     !'))('$role has $may: cancelled by one API it is so for both', (row) =>
    asked(row, async (cell) => {
      const { ward, role, may, ask } = cell;
      const isCancelled = may.includes('c');
      for (const written of apis)
        for (const api of apis) {
          const startsAt = later();
          const id = await booked(cell, written, startsAt);
          const refused = may === '-' ? 404 : 403;
          const wrong = await cancel(cell, role, api, id, 'W/"7"');
          status(cell, wrong, isCancelled ? 412 : refused, written, api, 'another version');
          const reply = await cancel(cell, role, api, id);
          status(cell, reply, isCancelled ? (api === 'v1' ? 204 : 200) : refused, written, api);
          if (may === '-' && api === 'v1')
            expect.soft(toldBut(reply, id)).toEqual(toldBut(await cancel(cell, role, api, absentId), absentId));
          for (const reader of may.includes('r') ? (['admin', role] as const) : (['admin'] as const)) {
            const shown = await ask(reader, 'v1', 'GET', `/appointments/${id}`, { entity: `Appointment/${id}` });
            expect.soft([reader, shown.json]).toMatchObject([
              reader,
              {
                status: isCancelled ? 'cancelled' : 'scheduled',
                version: isCancelled ? 2 : 1,
                provider_id: ward.author,
                notes: 'Fasting.',
              },
            ]);
            const stored = await ask(reader, 'fhir', 'GET', `/Appointment/${id}`, { entity: `Appointment/${id}` });
            expect.soft([reader, stored.json]).toMatchObject([
              reader,
              {
                status: isCancelled ? 'cancelled' : 'booked',
                meta: { versionId: isCancelled ? '2' : '1' },
                comment: 'Fasting.',
                participant: [{ actor: { reference: `Patient/${ward.patient}` } }, { actor: { reference: `Practitioner/${ward.author}` } }],
              },
            ]);
          }
          // What is cancelled stays so, and leaves its time to others.
          if (isCancelled) status(cell, await cancel(cell, role, 'v1', id), 204, written, api, 'again');
          expect.soft((await ask('admin', 'v1', 'GET', `/appointments/${id}`)).json.version).toBe(isCancelled ? 2 : 1);
          const other = { patient_id: ward.patient, provider_id: ward.author, starts_at: startsAt };
          status(cell, await ask('admin', 'v1', 'POST', '/appointments', { body: other }), isCancelled ? 201 : 409, written, api);
        }
    }),
  );
});

describe.each(['import', 'export'] as const)('the job of an %s', (kind) => {
  const below = kind === 'import' ? 'quarantine' : 'file';
  const line = JSON.stringify({ given_name: 'Ada', family_name: 'Queued', date_of_birth: '1985-12-10' });
  const begin = (cell: Cell, role: Role): Promise<Reply> =>
    kind === 'export'
      ? cell.ask(role, 'v1', 'POST', '/export', { action: 'E', ...nobody })
      : cell.ask(role, 'v1', 'POST', '/import', {
          body: Buffer.from(line),
          headers: { 'content-type': 'application/x-ndjson' },
          action: 'E',
          ...nobody,
        });
  const ways = (id: string) =>
    [
      ['GET', `/${kind}/${id}`],
      ['GET', `/${kind}/${id}/${below}`],
      ['DELETE', `/${kind}/${id}`],
    ] as const;

  /** To whom it isn't it is what never was. */
  async function hidden(cell: Cell, role: Role, id: string): Promise<void> {
    for (const [at, [method, path]] of ways(id).entries()) {
      const reply = await cell.ask(role, 'v1', method, path, { action: 'E', ...nobody });
      status(cell, reply, 404, role, method, path);
      const absent = await cell.ask(role, 'v1', method, ways(absentId)[at]?.[1] ?? '', { action: 'E', ...nobody });
      expect.soft([role, method, toldBut(reply, id)]).toEqual([role, method, toldBut(absent, absentId)]);
    }
  }

  // Who may begin one sees and ends it: of all others it is hidden, and administrators are no exception.
  //         admin system carer viewer self stranger other key
  const row = { import: 'own   own    own   !      own  own      own   !', export: 'own   own    own   own    own  own      own   !' }[
    kind
  ];
  test.each(rowsOf(row))('$role: is seen and cancelled by its own caller alone ($may)', (each) =>
    asked(each, async (cell) => {
      const { role, may, ask } = cell;
      const begun = await begin(cell, role);
      status(cell, begun, may === 'own' ? 202 : 403);
      if (may !== 'own') {
        const owner = 'carer';
        const { job_id: id } = (await begin(cell, owner)).json;
        await hidden(cell, role, id);
        const still = await ask(owner, 'v1', 'GET', `/${kind}/${id}`, { action: 'E', ...nobody });
        expect.soft([still.status, still.json.state]).toEqual([200, 'queued']);
        for (let n = 0; n < 2; n++) status(cell, await ask(owner, 'v1', 'DELETE', `/${kind}/${id}`, { action: 'E', ...nobody }), 204);
        return;
      }
      const { job_id: id, location } = begun.json;
      expect.soft([location, begun.location]).toEqual([`/api/v1/${kind}/${id}`, `/api/v1/${kind}/${id}`]);
      // One API's jobs are of no other kind.
      const other = kind === 'import' ? 'export' : 'import';
      for (const method of ['GET', 'DELETE'])
        status(cell, await ask(role, 'v1', method, `/${other}/${id}`, { action: 'E', ...nobody }), 404, method, other);
      for (const another of roles) if (another !== role) await hidden(cell, another, id);
      const state = async () => {
        const reply = await ask(role, 'v1', 'GET', `/${kind}/${id}`, { action: 'E', ...nobody });
        return [reply.status, reply.json.state, reply.json.ended_at === null];
      };
      expect.soft(await state()).toEqual([200, 'queued', true]);
      status(cell, await ask(role, 'v1', 'DELETE', `/${kind}/${id}`, { action: 'E', ...nobody }), 204, 'cancelled');
      expect.soft(await state()).toEqual([200, 'cancelled', false]);
      for (const another of roles) if (another !== role) await hidden(cell, another, id);
      status(cell, await ask(role, 'v1', 'DELETE', `/${kind}/${id}`, { action: 'E', ...nobody }), 204, 'removed');
      await hidden(cell, role, id);
    }),
  );
});

describe('breaking the glass', () => {
  const why = 'unconscious in the emergency room, allergies unknown';
  const glassOf = ({ patient }: Ward, more: object = {}): Record<string, string> => ({
    'x-break-glass': why,
    'x-break-glass-patient': patient,
    'x-purpose-of-use': 'BTG',
    ...more,
  });
  const restricted = { meta: { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }] } };

  /** Of whom nobody cares for: a result that isn't restricted, a diagnosis and a file that are. */
  async function alone(): Promise<Ward & { readonly result: string; readonly diagnosis: string; readonly document: string }> {
    const ward = await wardOf(server, staff);
    const { json } = await server.request('GET', `/Patient/${ward.patient}`);
    const { generalPractitioner: _, ...rest } = json;
    expect((await server.request('PUT', `/Patient/${ward.patient}`, { body: rest })).status).toBe(200);
    const made = async (body: { readonly resourceType: string }): Promise<string> => {
      const reply = await server.request('POST', `/${body.resourceType}`, { body });
      expect([body.resourceType, reply.status, reply.status === 201 ? '' : reply.text]).toEqual([body.resourceType, 201, '']);
      return String(reply.json.id);
    };
    const subject = { reference: `Patient/${ward.patient}` };
    const lab = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory' }] };
    const result = { resourceType: 'Observation', status: 'final', category: [lab], code: { text: 'Glucose' }, subject };
    const diagnosis = { resourceType: 'Condition', ...restricted, code: { text: 'Epilepsy' }, subject };
    const file = { resourceType: 'Binary', ...restricted, contentType: 'text/plain', securityContext: subject, data: 'SGVsbG8=' };
    const url = `Binary/${await made(file)}`;
    const content = [{ attachment: { contentType: 'text/plain', url } }];
    return {
      ...ward,
      result: await made(result),
      diagnosis: await made(diagnosis),
      document: await made({ resourceType: 'DocumentReference', ...restricted, status: 'current', subject, content } as never),
    };
  }

  /** The trail's events of it: that it was opened, why, for what purpose and by whom. */
  async function eventsOf({ requestId }: Reply) {
    const { json } = await server.request('GET', `/AuditEvent?entity:identifier=${requestId}`);
    return ((json.entry ?? []) as { readonly resource: BrokenEvent }[])
      .filter(({ resource }) => resource.resourceType === 'AuditEvent')
      .map(({ resource }) => resource);
  }
  type BrokenEvent = {
    readonly resourceType: string;
    readonly subtype: readonly { readonly code: string }[];
    readonly outcome: string;
    readonly agent: readonly { readonly requestor: boolean; readonly purposeOfUse?: readonly object[] }[];
    readonly purposeOfEvent?: readonly object[];
  };
  const isOverride = ({ subtype }: BrokenEvent): boolean => subtype.some(({ code }) => code === '110127');
  const purpose = [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'BTG' }] }];

  // Without the glass: r reads, -: not there. With it: o opens it to read and write, k of what the scopes reach; !: may not break it.
  //               admin system carer viewer self stranger other key
  test.each(rowsOf('r!    r!     -o    -!     r!   -o       -!    -k'))('$role has $may, on both APIs, for one request', async (row) => {
    const ward = await alone();
    await asked(
      row,
      async (cell) => {
        const { role, may, ask } = cell;
        const headers = glassOf(ward);
        const isBreaker = may.endsWith('o') || may.endsWith('k');
        const looks = [
          ['Patient', 'v1', `/patients/${ward.patient}`],
          ['Patient', 'fhir', `/Patient/${ward.patient}`],
          ['Observation', 'v1', `/lab-results/${ward.result}`],
          ['Observation', 'fhir', `/Observation/${ward.result}`],
          ['Condition', 'v1', `/patients/${ward.patient}/records/diagnosis-${ward.diagnosis}`],
          ['Condition', 'fhir', `/Condition/${ward.diagnosis}`],
          ['Binary', 'v1', `/patients/${ward.patient}/records/document-${ward.document}/attachment`],
          ['Patient', 'v1', `/patients/${ward.patient}/record`],
          ['Observation', 'v1', `/lab-results?patient_id=${ward.patient}`],
          ['Observation', 'fhir', `/Observation?patient=${ward.patient}`],
        ] as const;
        for (const [type, api, path] of looks) {
          const isReached = role !== 'key' || type === 'Observation';
          const isSearch = path.includes('?');
          const action = isSearch || path.endsWith('/record') ? 'E' : 'R';
          const isFound = may.startsWith('r');
          const plainly = async (): Promise<void> => {
            const plain = await ask(role, api, 'GET', path, { action, ...(isFound ? {} : nobody) });
            const told = isSearch ? 200 : isFound ? 200 : isReached ? 404 : 403;
            expect.soft([role, path, plain.status]).toEqual([role, path, told]);
            expect.soft([role, path, isSearch && plain.text.includes(ward.result)]).toEqual([role, path, isSearch && isFound]);
            expect.soft((await eventsOf(plain)).some(isOverride)).toBe(false);
          };
          await plainly();
          const reply = await ask(role, api, 'GET', path, { headers, action });
          expect.soft([role, path, 'glass', reply.status]).toEqual([role, path, 'glass', isBreaker && isReached ? 200 : 403]);
          if (isSearch) expect.soft(reply.text.includes(ward.result)).toBe(isBreaker);
          const events = await eventsOf(reply);
          const overrides = events.filter(isOverride);
          expect.soft([role, path, overrides.length]).toEqual([role, path, isBreaker ? 1 : 0]);
          for (const each of overrides) {
            expect.soft(JSON.stringify(each)).toContain(why);
            expect.soft(JSON.stringify(each)).toContain(`"Patient/${ward.patient}"`);
            expect.soft(JSON.stringify(each.agent)).toContain(ward.agent[role]);
            expect.soft(each).toMatchObject({ outcome: '0', purposeOfEvent: purpose });
          }
          for (const each of events) {
            expect.soft(isOverride(each) || !JSON.stringify(each).includes(why)).toBe(true);
            if (isBreaker)
              expect.soft(each.agent.filter(({ purposeOfUse }) => purposeOfUse !== undefined)).toMatchObject([{ purposeOfUse: purpose }]);
          }
          // It held for that request alone.
          await plainly();
        }
      },
      ward,
    );
  });

  // w writes by it, on both APIs; k opens it, but its scopes don't reach that far; !: may not break the glass.
  //               admin system carer viewer self stranger other key
  test.each(rowsOf('!     !      w     !      !    w        !     k'))('$role: writes by it too ($may), but sets no label', async (row) => {
    const ward = await alone();
    await asked(
      row,
      async (cell) => {
        const { role, may, ask } = cell;
        const headers = glassOf(ward);
        const isWritten = may === 'w';
        const records = `/patients/${ward.patient}/records`;
        const note = await ask(role, 'v1', 'POST', records, { body: { kind: 'note', text: 'Came by ambulance' }, headers });
        status(cell, note, isWritten ? 201 : 403, 'note');
        const body = { resourceType: 'Condition', code: { text: 'Seizure' }, subject: { reference: `Patient/${ward.patient}` } };
        const condition = await ask(role, 'fhir', 'POST', '/Condition', { body, headers });
        status(cell, condition, isWritten ? 201 : 403, 'condition');
        const path = `${records}/diagnosis-${ward.diagnosis}`;
        const changed = await ask(role, 'v1', 'PUT', path, { body: { kind: 'diagnosis', diagnosis: 'Status epilepticus' }, headers });
        status(cell, changed, isWritten ? 200 : 403, 'diagnosis');
        const { json } = await ask('admin', 'fhir', 'GET', `/Condition/${ward.diagnosis}`);
        expect.soft(json).toMatchObject({ ...restricted, code: { text: isWritten ? 'Status epilepticus' : 'Epilepsy' } });
        const plain = await ask(role, 'fhir', 'PUT', `/Condition/${ward.diagnosis}`, { body: { ...json, meta: undefined }, headers });
        status(cell, plain, 403, 'label');
        const restriction = await ask(role, 'v1', 'PUT', `/patients/${ward.patient}/restrictions`, { body: { records: [] }, headers });
        status(cell, restriction, 403, 'restrictions');
        for (const each of [note, condition, changed])
          expect.soft((await eventsOf(each)).filter(isOverride).length).toBe(may === '!' ? 0 : 1);
      },
      ward,
    );
  });

  test('is refused without purpose, reason and patient; opens nobody else’s record, and nothing that a consent denies', async () => {
    const [ward, another] = [await alone(), await alone()];
    await asked(
      { role: 'stranger', may: '' },
      async (cell) => {
        const { ask } = cell;
        const paths = [
          ['v1', `/patients/${ward.patient}`],
          ['fhir', `/Patient/${ward.patient}`],
        ] as const;
        const cases: readonly (readonly [number, Record<string, string>])[] = [
          [403, { 'x-break-glass': why, 'x-break-glass-patient': ward.patient }],
          [403, glassOf(ward, { 'x-purpose-of-use': 'HRESCH' })],
          [400, glassOf(ward, { 'x-break-glass': 'because' })],
          [400, glassOf(ward, { 'x-break-glass': '1234567890 1234567890' })],
          [400, glassOf(ward, { 'x-break-glass': `a${'x'.repeat(500)}` })],
          [400, glassOf(ward, { 'x-break-glass-patient': '../7' })],
          [400, { 'x-break-glass': why, 'x-purpose-of-use': 'BTG' }],
          [400, glassOf(ward, { 'x-purpose-of-use': 'btg; drop' })],
        ];
        for (const [api, path] of paths)
          for (const [expected, headers] of cases) {
            const reply = await ask('stranger', api, 'GET', path, { headers });
            status(cell, reply, expected, api, headers);
            expect.soft(reply.text).not.toContain(why);
            expect.soft((await eventsOf(reply)).some(isOverride)).toBe(false);
          }
        for (const [api, path] of paths) {
          const elsewhere = await ask('stranger', api, 'GET', path, { headers: glassOf(another) });
          const nothing = await ask('stranger', api, 'GET', path.replace(ward.patient, absentId), { headers: glassOf(another), ...nobody });
          expect.soft(elsewhere.status).toBe(404);
          expect.soft(toldBut(elsewhere, ward.patient)).toEqual(toldBut(nothing, absentId));
          // That it was tried is told of the one who was named.
          expect
            .soft((await eventsOf(elsewhere)).filter(isOverride).map((each) => JSON.stringify(each).includes(another.patient)))
            .toEqual([true]);
        }
        const stranger = /Practitioner\/([^"]+)/.exec(ward.agent.stranger)?.[1];
        const share = { provider_id: stranger, decision: 'refuse' };
        expect((await ask('self', 'v1', 'POST', `/patients/${ward.patient}/shares`, { body: share })).status).toBe(201);
        for (const [api, path] of paths)
          status(cell, await ask('stranger', api, 'GET', path, { headers: glassOf(ward) }), 404, api, 'denied');
      },
      ward,
    );
  });
});
