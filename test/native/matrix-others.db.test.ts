import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { prepareOutcomes } from '../../src/native/interactions/prepare-outcomes.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { type Asker, askerOf, type Reply, type Role, type Row, rowsOf, staffOf, type Ward, wardOf } from '../support/ward.ts';

let server: TestServer;
let staff: Awaited<ReturnType<typeof staffOf>>;
const password = 'a battery of staples and horses';
beforeAll(async () => {
  server = await startTestServer({ CARE_RELATIONSHIPS: 'related' });
  staff = await staffOf(server);
  await prepareOutcomes(server.services.context);
  const user = { login: 'carer', name: 'The Carer', roles: ['provider' as const], fhirUser: `Practitioner/${staff.carer}`, password };
  if (typeof (await server.services.users.add(user)) === 'string') throw new Error('there is no account to sign with');
});
afterAll(() => server?.stop());

type Cell = { readonly ward: Ward; readonly role: Role; readonly may: string } & Asker;
/** All that is asked leaves its events. */
async function asked({ role, may }: Row, run: (cell: Cell) => Promise<void>): Promise<void> {
  const ward = await wardOf(server, staff);
  const cell = { ward, role, may, ...askerOf(server, ward) };
  await run(cell);
  expect.soft(await cell.auditFaults()).toEqual([]);
}

const status = ({ role }: Cell, reply: Reply, expected: number, what: unknown = ''): void =>
  expect.soft([role, what, reply.status]).toEqual([role, what, expected]);
const byText = (one = '', other = ''): number => (one < other ? -1 : 1);
const dataOf = (reply: Reply): readonly Record<string, unknown>[] => (reply.status === 200 ? reply.json.data : []);

describe('messages', () => {
  //    admin system carer viewer self stranger other key
  test.each(rowsOf('403   404    403   403    201  403      201   403'))(
    '$role: a patient writes for himself alone, and FHIR reads it ($may)',
    (row) =>
      asked(row, async (cell) => {
        const { ward, role, may, ask } = cell;
        // Of whom a patient's app is another's, the message is his own.
        const own = role === 'other' ? String(/Patient\/([^"]+)/.exec(ward.agent.other)?.[1]) : ward.patient;
        const reply = await ask(role, 'v1', 'POST', '/patients/me/messages', {
          body: { provider_id: ward.author, body: 'May I come?' },
          patient: own,
          entity: ({ json }) => `Communication/${json.message_id}`,
        });
        // Who is a Practitioner is no patient: there is no record of his.
        expect.soft([role, Number(may) === reply.status || (reply.status === 404 && Number(may) === 403)]).toEqual([role, true]);
        if (reply.status !== 201) return;
        const stored = await ask('admin', 'fhir', 'GET', `/Communication/${reply.json.message_id}`, { patient: own });
        expect.soft(stored.json).toMatchObject({ subject: { reference: `Patient/${own}` }, sender: { reference: `Patient/${own}` } });
        const carer = await ask('carer', 'v1', 'GET', `/messages/${reply.json.message_id}`, { patient: own });
        status(cell, carer, role === 'self' ? 200 : 404);
      }),
  );

  //    admin system carer viewer self stranger other key
  test.each(rowsOf('403   403    403   403    200  404      404   403'))(
    '$role: its recipient alone notes that it was read ($may)',
    (row) =>
      asked(row, async (cell) => {
        const { ward, role, may, ask } = cell;
        const body = { patient_id: ward.patient, body: 'Your result is there.' };
        const { message_id: id } = (await ask('carer', 'v1', 'POST', '/messages', { body })).json;
        status(cell, await ask(role, 'v1', 'POST', `/messages/${id}:read`, { action: 'U', entity: `Communication/${id}` }), Number(may));
        const stored = (await ask('admin', 'fhir', 'GET', `/Communication/${id}`)).json;
        expect.soft([stored.meta.versionId, stored.received !== undefined]).toEqual(may === '200' ? ['2', true] : ['1', false]);
      }),
  );
});

describe('outcomes', () => {
  let codes = 0;
  //    admin system carer viewer self stranger other key
  test.each(rowsOf('rw    rw     r     r      r    r        r     !'))(
    '$role: are read by all, written by administrators and systems, here and by FHIR ($may)',
    (row) =>
      asked(row, async (cell) => {
        const { role, may, ask } = cell;
        const nobody = { patient: null };
        const list = await ask(role, 'v1', 'GET', '/outcomes', { action: 'E', ...nobody });
        status(cell, list, may === '!' ? 403 : 200);
        const search = `/CodeSystem?url=https://anamnesis.health/fhir/CodeSystem/interaction-outcome`;
        const found = await ask(role, 'fhir', 'GET', search, { action: 'E', ...nobody });
        status(cell, found, may === '!' ? 403 : 200);
        const system = (await ask('admin', 'fhir', 'GET', search, { action: 'E', ...nobody })).json.entry[0].resource;
        if (may !== '!') {
          const concepts = (system.concept as { code: string }[]).map(({ code }) => code);
          expect.soft(dataOf(list).map(({ code }) => code)).toEqual(concepts);
          expect.soft(found.json.entry[0].resource.meta.versionId).toBe(system.meta.versionId);
        }
        const code = `matrix-${++codes}`;
        const isWriter = may.includes('w');
        const at = { action: 'U', entity: `CodeSystem/${system.id}`, ...nobody };
        const made = await ask(role, 'v1', 'POST', '/outcomes', { body: { code, label: 'Matrix', severity: 'low' }, ...at });
        status(cell, made, isWriter ? 201 : 403);
        const changed = await ask(role, 'v1', 'PUT', '/outcomes/healthy', {
          body: { label: 'Healthy', severity: 'low', is_active: true },
          ...at,
        });
        if (!isWriter) status(cell, changed, 403);
        const current = (await ask('admin', 'fhir', 'GET', `/CodeSystem/${system.id}`, nobody)).json;
        expect.soft(JSON.stringify(current).includes(`"${code}"`)).toBe(isWriter);
        const concept = [...current.concept, { code: `${code}-fhir`, display: 'By FHIR' }];
        const put = await ask(role, 'fhir', 'PUT', `/CodeSystem/${system.id}`, { body: { ...current, concept }, ...at });
        status(cell, put, isWriter ? 200 : 403);
        const after = await ask('admin', 'v1', 'GET', '/outcomes', { action: 'E', ...nobody });
        expect.soft(after.text.includes(`${code}-fhir`)).toBe(isWriter);
      }),
  );
});

describe('signatures', () => {
  //    admin system carer viewer self stranger other key
  test.each(rowsOf('r     r      rs    r      r    -        -     !'))(
    '$role: are seen with the record, made by who proves who he is ($may)',
    (row) =>
      asked(row, async (cell) => {
        const { ward, role, may, ask } = cell;
        const body = { kind: 'diagnosis', provider_id: ward.author, diagnosis: 'Asthma' };
        const { record_id: id } = (await ask('admin', 'v1', 'POST', `/patients/${ward.patient}/records`, { body })).json;
        const path = `/records/${id}/signatures`;
        const whole = { meaning: 'author', login: 'carer', password };
        const entity = ({ json }: Reply) => `Provenance/${json.signature_id}`;
        const signed = await ask('carer', 'v1', 'POST', path, { body: whole, entity });
        expect(signed.status, signed.text).toBe(201);
        const refused = may === '-' ? 404 : 403;
        const list = await ask(role, 'v1', 'GET', path, { action: 'E' });
        status(cell, list, may.includes('r') ? 200 : refused);
        const read = await ask(role, 'fhir', 'GET', `/Provenance/${signed.json.signature_id}`);
        status(cell, read, may.includes('r') ? 200 : refused);
        if (may.includes('r')) {
          expect.soft(dataOf(list)).toEqual([signed.json]);
          expect.soft(read.json.target[0].reference).toBe(`Condition/${String(id).slice(10)}/_history/1`);
        }
        const again = await ask(role, 'v1', 'POST', path, { body: { ...whole, meaning: 'reviewer' }, entity });
        status(cell, again, may.includes('s') ? 201 : refused);
        // One that FHIR brings is verified as well: a copy is over the same version, one that was altered isn't.
        const copy = (change: object) => {
          const { id: _id, meta: _meta, ...rest } = read.status === 200 ? read.json : {};
          return { ...rest, ...change };
        };
        if (role !== 'admin') return;
        const copied = await ask(role, 'fhir', 'POST', '/Provenance', { body: copy({}) });
        const target = [{ reference: `Condition/${String(id).slice(10)}/_history/2` }, { reference: `Patient/${ward.patient}` }];
        const moved = await ask(role, 'fhir', 'POST', '/Provenance', { body: copy({ target }) });
        const verdicts = dataOf(await ask(role, 'v1', 'GET', path, { action: 'E' })).map((one) => [one.signature_id, one.status]);
        expect.soft(verdicts).toEqual(
          [
            [moved.json.id, 'unknown'],
            [copied.json.id, 'valid'],
            [signed.json.signature_id, 'valid'],
          ].filter(([at]) => at !== undefined),
        );
      }),
  );
});

describe('the audit trail', () => {
  //    admin system carer viewer self stranger other key
  test.each(rowsOf('all   all    -     -      own  -        -     -'))(
    '$role: is told of both APIs alike, with what each change changed ($may)',
    (row) =>
      asked(row, async (cell) => {
        const { ward, role, may, ask } = cell;
        const body = (diagnosis: string) => ({ kind: 'diagnosis', provider_id: ward.author, diagnosis });
        const { record_id: id } = (await ask('carer', 'v1', 'POST', `/patients/${ward.patient}/records`, { body: body('Asthma') })).json;
        const of = String(id).slice(10);
        await ask('carer', 'v1', 'PUT', `/patients/${ward.patient}/records/${id}`, { body: body('Bronchitis') });
        const stored = (await ask('carer', 'fhir', 'GET', `/Condition/${of}`)).json;
        await ask('carer', 'fhir', 'PUT', `/Condition/${of}`, { body: { ...stored, code: { text: 'Pneumonia' } } });
        await ask('stranger', 'v1', 'GET', `/patients/${ward.patient}`);

        const list = await ask(role, 'v1', 'GET', `/audit?patient_id=${ward.patient}&limit=100`, { action: 'E', patient: null });
        status(cell, list, may === '-' ? 403 : 200);
        const changes = dataOf(list).filter(({ action, resource_id: at }) => action === 'update' && at === of);
        const events = await ask(role, 'fhir', 'GET', `/AuditEvent?patient=${ward.patient}&_count=500`, { action: 'E', patient: null });
        // By FHIR it is the operator's alone; the patient has $access-log.
        expect
          .soft([
            role,
            (events.json.entry ?? []).some(
              ({ resource }: { resource: { resourceType: string } }) => resource.resourceType === 'AuditEvent',
            ),
          ])
          .toEqual([role, may === 'all']);
        for (const path of ['/audit', `/audit?patient_id=${/Patient\/([^"]+)/.exec(ward.agent.other)?.[1]}`]) {
          const reply = await ask(role, 'v1', 'GET', path, { action: 'E', patient: null });
          const isOwn = role === 'other' && path !== '/audit';
          status(cell, reply, may === 'all' || isOwn ? 200 : 403, path);
        }
        const log = await ask(role, 'fhir', 'GET', `/Patient/${ward.patient}/$access-log`, {
          action: 'E',
          entity: `Patient/${ward.patient}`,
        });
        status(cell, log, role === 'key' ? 403 : role === 'stranger' || role === 'other' ? 404 : 200, '$access-log');
        if (may === '-') return;
        expect.soft(changes).toMatchObject([
          {
            version: 3,
            outcome: 'done',
            diff: { old_version: 2, new_version: 3, changes: [{ before: 'Bronchitis', after: 'Pneumonia' }] },
          },
          { version: 2, outcome: 'done', diff: { old_version: 1, new_version: 2, changes: [{ before: 'Asthma', after: 'Bronchitis' }] } },
        ]);
        for (const entry of dataOf(list)) expect.soft([role, 'address' in entry]).toEqual([role, may === 'all']);
        const refused = dataOf(list).filter(({ outcome }) => outcome === 'refused');
        expect.soft(refused).toMatchObject([{ action: 'read', patient_id: ward.patient }]);
        if (may === 'all') {
          const known = (events.json.entry as { resource: { id: string } }[]).map(({ resource }) => resource.id);
          expect.soft(dataOf(list).filter(({ event_id: event }) => !known.includes(String(event)))).toEqual([]);
        }
      }),
  );
});

describe('what is for administrators', () => {
  //    admin system carer viewer self stranger other key
  test.each(rowsOf('yes   no     no    no     no   no       no    no'))('$role: API keys and replication ($may)', (row) =>
    asked(row, async (cell) => {
      const { role, may, ask } = cell;
      const [nobody, isOpen] = [{ patient: null } as const, may === 'yes'];
      const body = { name: 'matrix', scopes: ['system/Patient.r'] };
      const made = await ask(role, 'v1', 'POST', '/api-keys', { body, action: 'U', ...nobody });
      status(cell, made, isOpen ? 201 : 403);
      const spare = (await ask('admin', 'v1', 'POST', '/api-keys', { body, action: 'U', ...nobody })).json;
      for (const [method, path, done, action] of [
        ['GET', '/api-keys', 200, 'E'],
        ['GET', `/api-keys/${spare.api_key_id}`, 200, 'E'],
        ['POST', `/api-keys/${spare.api_key_id}:rotate`, 200, 'U'],
        ['DELETE', `/api-keys/${spare.api_key_id}`, 204, 'U'],
        ['GET', '/replication/status', 200, 'E'],
      ] as const) {
        const reply = await ask(role, 'v1', method, path, { ...nobody, action, ...(method === 'POST' ? { body: {} } : {}) });
        status(cell, reply, isOpen ? done : 403, path);
      }
      const { status: state } = (await ask('admin', 'v1', 'GET', `/api-keys/${spare.api_key_id}`, { action: 'E', ...nobody })).json;
      expect.soft(state).toBe(isOpen ? 'revoked' : 'active');
    }),
  );
});

test('what is refused within a write is told as refused, with why', async () => {
  const ward = await wardOf(server, staff);
  const { ask, auditFaults } = askerOf(server, ward);
  const at = { patient_id: ward.patient, provider_id: ward.author, starts_at: '2031-03-04T08:15:00Z' };
  expect((await ask('carer', 'v1', 'POST', '/appointments', { body: at })).status).toBe(201);
  const person = { given_name: 'Ada', family_name: 'Twice', date_of_birth: '1985-12-10', email: `${ward.patient}@example.org` };
  expect((await ask('admin', 'v1', 'POST', '/patients', { body: person, patient: null })).status).toBe(201);
  for (const [status, path, body] of [
    [409, '/appointments', at],
    [409, '/patients', person],
    [422, '/medications', { patient_id: 'nobody', medication_name: 'Metformin' }],
    [422, '/interactions', { patient_id: ward.patient, type: 'Call', started_at: '2026-03-04T08:15:00Z', outcome: 'none' }],
    [422, `/patients/${ward.patient}/records`, { kind: 'note', text: 'x', provider_id: 'nobody' }],
  ] as const)
    expect.soft([path, (await ask('admin', 'v1', 'POST', path, { body })).status]).toEqual([path, status]);
  expect(await auditFaults()).toEqual([]);
});

describe('imports and exports', () => {
  const begun = ({ role, ask }: Cell, resource: string, line: object): Promise<Reply> =>
    ask(role, 'v1', 'POST', `/import?resource=${resource}`, {
      body: Buffer.from(`${JSON.stringify(line)}\n`),
      headers: { 'content-type': 'application/x-ndjson' },
      action: 'C',
      patient: null,
    });
  async function overAt({ role, ask }: Cell, job: string): Promise<Reply> {
    for (let n = 0; ; n++) {
      const reply = await ask(role, 'v1', 'GET', job, { action: 'E', patient: null });
      if (n === 100 || ['done', 'failed', 'cancelled'].includes(reply.json.state)) return reply;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  //    admin system carer viewer self stranger other key
  test.each(rowsOf('all   all    rw    r      rw   -        -     !'))('$role: are bound as single requests are ($may)', (row) =>
    asked(row, async (cell) => {
      const { ward, role, may, ask } = cell;
      const type = `Imported ${ward.patient.slice(0, 8)}`;
      const line = { patient_id: ward.patient, type, started_at: '2026-03-04T08:15:00Z' };
      const started = await begun(cell, 'interactions', line);
      const mayAsk = may !== '!' && may !== 'r';
      status(cell, started, mayAsk ? 202 : 403);
      const isWritten = may === 'all' || may === 'rw';
      if (started.status === 202) {
        const job = `/import/${started.json.job_id}`;
        const reply = await overAt(cell, job);
        expect.soft([role, reply.json.accepted, reply.json.refused]).toEqual([role, isWritten ? 1 : 0, isWritten ? 0 : 1]);
        const refused = await ask(role, 'v1', 'GET', `${job}/quarantine`, { action: 'E', patient: null });
        expect.soft([role, refused.text.includes(type)]).toEqual([role, !isWritten]);
        // It is its caller's alone.
        const other = await ask(role === 'admin' ? 'carer' : 'admin', 'v1', 'GET', job, { action: 'E', patient: null });
        status(cell, other, 404);
      }
      const found = await ask('admin', 'fhir', 'GET', `/Encounter?patient=${ward.patient}`, { action: 'E', patient: null });
      expect.soft([role, found.text.includes(type)]).toEqual([role, isWritten]);
      if (!isWritten) await ask('admin', 'v1', 'POST', '/interactions', { body: line });
      for (const [resource, fhirType, name] of [
        ['interactions', 'Encounter', 'interaction_id'],
        ['patients', 'Patient', 'patient_id'],
      ] as const) {
        const exported = await ask(role, 'v1', 'GET', `/export?format=json&resource=${resource}`, { action: 'E', patient: null });
        status(cell, exported, may === '!' ? 403 : 200, resource);
        const searched = await ask(role, 'fhir', 'GET', `/${fhirType}?_count=200`, { action: 'E', patient: null });
        status(cell, searched, may === '!' ? 403 : 200, resource);
        if (may === '!') continue;
        const shown = (searched.json.entry ?? []) as { resource: { id: string; resourceType: string } }[];
        const ids = shown.filter(({ resource: one }) => one.resourceType === fhirType).map(({ resource: one }) => one.id);
        const rows = exported.json as Record<string, string>[];
        expect.soft([role, resource, rows.map((row) => row[name]).sort(byText)]).toEqual([role, resource, ids.sort(byText)]);
        expect.soft([role, resource, rows.some((row) => row.patient_id === ward.patient)]).toEqual([role, resource, may !== '-']);
      }
    }),
  );

  //    admin system carer viewer self stranger other key
  test.each(rowsOf('yes   yes    yes   !      no   yes      no    !'))(
    '$role: register patients by them as far as by a request ($may)',
    (row) =>
      asked(row, async (cell) => {
        const { ward, role, may, ask } = cell;
        const family = `Imported ${ward.patient.replaceAll(/\d/g, (digit) => 'ghijklmnop'[Number(digit)] ?? '')}`;
        const line = { given_name: 'Ada', family_name: family, date_of_birth: '1985-12-10' };
        const single = await ask(role, 'v1', 'POST', '/patients', { body: line, patient: null });
        status(cell, single, may === 'yes' ? 201 : 403);
        const started = await begun(cell, 'patients', line);
        status(cell, started, may === '!' ? 403 : 202);
        if (started.status === 202) {
          const { accepted, errors } = (await overAt(cell, `/import/${started.json.job_id}`)).json;
          expect
            .soft([role, accepted, errors])
            .toMatchObject([role, may === 'yes' ? 1 : 0, may === 'yes' ? [] : [{ line: 1, code: 'forbidden' }]]);
        }
        const found = await ask('admin', 'fhir', 'GET', `/Patient?family=${family}&_summary=count`, {
          action: 'E',
          patient: null,
        });
        expect.soft([role, found.json.total]).toEqual([role, may === 'yes' ? 2 : 0]);
      }),
  );

  test('an emergency reaches what is exported at once, no job', async () => {
    const ward = await wardOf(server, staff);
    await asked({ role: 'stranger', may: '' }, async (cell) => {
      const headers = {
        'x-break-glass': 'unconscious in the emergency room',
        'x-break-glass-patient': ward.patient,
        'x-purpose-of-use': 'BTG',
      };
      const expected = { headers, action: 'E', patient: null };
      const now = await cell.ask('stranger', 'v1', 'GET', '/export?format=json', expected);
      expect((now.json as { patient_id: string }[]).map(({ patient_id: id }) => id)).toEqual([ward.patient]);
      const { job_id: id } = (await cell.ask('stranger', 'v1', 'POST', '/export?format=json', expected)).json;
      expect((await overAt(cell, `/export/${id}`)).json).toMatchObject({ state: 'done', rows: 0 });
      expect((await cell.ask('stranger', 'v1', 'GET', `/export/${id}/file`, { ...expected, action: 'R' })).json).toEqual([]);
    });
  });
});
