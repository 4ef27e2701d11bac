import { describe, expect, test } from 'vitest';
import { openHospital } from '../support/native.ts';

const { server, house, v1 } = await openHospital('provider');

const at = (starts_at: string, more: object = {}) => ({ patient_id: house.patient, provider_id: house.doctor, starts_at, ...more });

test('an appointment written by v1 is an Appointment for FHIR; cancelled, it is a new version that is still read', async () => {
  const made = await v1('POST', '/appointments', {
    body: at('2026-03-04T10:30:00+01:00', { appointment_type: 'Check-up', notes: 'Fasting.' }),
  });
  const { appointment_id: id } = made.json;
  expect([made.status, made.json]).toMatchObject([
    201,
    {
      starts_at: '2026-03-04T09:30:00.000Z',
      ends_at: '2026-03-04T10:00:00.000Z',
      duration_minutes: 30,
      status: 'scheduled',
      notes: 'Fasting.',
    },
  ]);
  expect((await server.request('GET', `/Appointment/${id}`)).json).toMatchObject({
    status: 'booked',
    start: '2026-03-04T09:30:00Z',
    end: '2026-03-04T10:00:00Z',
    minutesDuration: 30,
    appointmentType: { text: 'Check-up' },
    comment: 'Fasting.',
    participant: [{ actor: { reference: `Patient/${house.patient}` } }, { actor: { reference: `Practitioner/${house.doctor}` } }],
  });
  expect((await v1('DELETE', `/appointments/${id}`, { headers: { 'if-match': 'W/"7"' } })).status).toBe(412);
  expect((await v1('DELETE', `/appointments/${id}`)).status).toBe(204);
  expect((await v1('DELETE', `/appointments/${id}`)).status).toBe(204);
  expect((await v1('GET', `/appointments/${id}`)).json).toMatchObject({ status: 'cancelled', version: 2 });
  expect((await v1('POST', '/appointments', { body: at('2026-03-04T09:30:00Z') })).status).toBe(201);
});

test('an Appointment written by FHIR is read, listed and moved by v1, and keeps what it does not know', async () => {
  const resource = {
    resourceType: 'Appointment',
    identifier: [{ system: 'urn:ehr', value: '1' }],
    status: 'fulfilled',
    start: '2026-04-01T09:00:00+02:00',
    end: '2026-04-01T09:45:00+02:00',
    participant: [
      { actor: { reference: 'Location/room-1' }, status: 'accepted' },
      { actor: { reference: `Patient/${house.patient}` }, status: 'accepted', required: 'required' },
      { actor: { reference: `Practitioner/${house.colleague}` }, status: 'tentative' },
    ],
  };
  const { id } = (await server.request('POST', '/Appointment', { body: resource })).json;
  const listed = await v1(
    'GET',
    `/appointments?provider_id=${house.colleague}&from=2026-04-01T00:00:00Z&to=2026-04-02T00:00:00Z&status=completed`,
  );
  expect(listed.json.data).toMatchObject([{ appointment_id: id, starts_at: '2026-04-01T07:00:00.000Z', duration_minutes: 45 }]);
  const body = at('2026-04-01T08:00:00Z', { provider_id: house.colleague, status: 'scheduled' });
  expect((await v1('PUT', `/appointments/${id}`, { body })).status).toBe(200);
  const after = (await server.request('GET', `/Appointment/${id}`)).json;
  expect(after).toMatchObject({
    identifier: resource.identifier,
    status: 'booked',
    start: '2026-04-01T08:00:00Z',
    end: '2026-04-01T08:30:00Z',
  });
  expect(after.participant).toEqual(expect.arrayContaining(resource.participant));
});

describe('double booking', () => {
  test('of fifty at once for one slot one is booked, and the others are told that it is taken', async () => {
    const body = at('2026-05-04T09:00:00Z');
    const answers = await Promise.all(Array.from({ length: 50 }, () => v1('POST', '/appointments', { body })));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    const refused = answers.filter(({ status }) => status !== 201);
    expect(refused.map(({ status, json }) => [status, json.code, json.details[0].code])).toEqual(
      refused.map(() => [409, 'conflict', 'taken']),
    );
  });

  test('slots that overlap by a minute are refused, slots that touch and other providers are not', async () => {
    const status = async (starts_at: string, duration_minutes: number, provider_id = house.doctor) =>
      (await v1('POST', '/appointments', { body: at(starts_at, { duration_minutes, provider_id }) })).status;
    expect(await status('2026-05-05T09:00:00Z', 30)).toBe(201);
    expect(await status('2026-05-05T08:31:00Z', 30)).toBe(409);
    expect(await status('2026-05-05T09:29:00Z', 1)).toBe(409);
    expect(await status('2026-05-05T08:00:00Z', 1440)).toBe(409);
    expect(await status('2026-05-05T09:10:00Z', 5)).toBe(409);
    expect(await status('2026-05-05T08:30:00Z', 30)).toBe(201);
    expect(await status('2026-05-05T09:30:00Z', 30)).toBe(201);
    expect(await status('2026-05-05T09:00:00Z', 30, house.colleague)).toBe(201);
  });

  test('what FHIR booked takes the time too, by a role of the provider or long before, unless he declined or it was cancelled', async () => {
    const role = (
      await server.request('POST', '/PractitionerRole', {
        body: { resourceType: 'PractitionerRole', practitioner: { reference: `Practitioner/${house.doctor}` } },
      })
    ).json;
    const book = (actor: string, start: string, end: string, more: object = {}, status = 'accepted') =>
      server.request('POST', '/Appointment', {
        body: {
          resourceType: 'Appointment',
          status: 'booked',
          start,
          end,
          participant: [{ actor: { reference: actor }, status }],
          ...more,
        },
      });
    await book(`PractitionerRole/${role.id}`, '2026-05-06T09:00:00Z', '2026-05-06T09:30:00Z');
    await book(`Practitioner/${house.doctor}`, '2026-05-07T00:00:00Z', '2026-05-09T00:00:00Z');
    await book(`Practitioner/${house.doctor}`, '2026-05-10T09:00:00Z', '2026-05-10T09:30:00Z', { status: 'cancelled' });
    await book(`Practitioner/${house.doctor}`, '2026-05-10T09:00:00Z', '2026-05-10T09:30:00Z', {}, 'declined');
    const status = async (starts_at: string) => (await v1('POST', '/appointments', { body: at(starts_at) })).status;
    expect([await status('2026-05-06T09:15:00Z'), await status('2026-05-08T23:30:00Z'), await status('2026-05-09T00:00:00Z')]).toEqual([
      409, 409, 201,
    ]);
    expect(await status('2026-05-10T09:00:00Z')).toBe(201);
  });

  test('moving and reviving are booking; an appointment is no obstacle to itself, and keeps a slot that FHIR gave twice', async () => {
    const first = (await v1('POST', '/appointments', { body: at('2026-06-01T09:00:00Z') })).json.appointment_id;
    const second = (await v1('POST', '/appointments', { body: at('2026-06-01T10:00:00Z') })).json.appointment_id;
    const put = async (id: string, body: object) => (await v1('PUT', `/appointments/${id}`, { body })).status;
    expect(await put(second, at('2026-06-01T09:15:00Z'))).toBe(409);
    expect(await put(second, at('2026-06-01T09:45:00Z'))).toBe(200);
    expect(await put(second, at('2026-06-01T09:50:00Z'))).toBe(200);
    await v1('DELETE', `/appointments/${first}`);
    expect(await put(second, at('2026-06-01T09:00:00Z'))).toBe(200);
    expect(await put(first, at('2026-06-01T09:00:00Z'))).toBe(409);
    expect(await put(first, at('2026-06-01T09:00:00Z', { status: 'no_show' }))).toBe(200);
    const { id: _, meta: __, ...twice } = (await server.request('GET', `/Appointment/${second}`)).json;
    await server.request('POST', '/Appointment', { body: twice });
    expect(await put(second, at('2026-06-01T09:00:00Z', { notes: 'Only a note.' }))).toBe(200);
    expect(await put(second, at('2026-06-01T09:05:00Z'))).toBe(409);
  });

  test('ten that are moved into one slot at once leave it to one', async () => {
    const ids: string[] = [];
    for (let hour = 8; hour < 18; hour++)
      ids.push((await v1('POST', '/appointments', { body: at(`2026-06-02T${String(hour).padStart(2, '0')}:00:00Z`) })).json.appointment_id);
    const answers = await Promise.all(ids.map((id) => v1('PUT', `/appointments/${id}`, { body: at('2026-06-02T20:00:00Z') })));
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, ...Array.from({ length: 9 }, () => 409)]);
  });
});

test('an appointment is refused at no whole minute, of nobody, with nobody, or moved to another patient', async () => {
  const fields = async (method: string, path: string, body: object) => {
    const { status, json } = await v1(method, path, { body });
    return [status, json.details?.map(({ field, code }: { field: string; code: string }) => `${field} ${code}`)];
  };
  expect(await fields('POST', '/appointments', at('2026-07-01T09:00:30Z'))).toEqual([422, ['starts_at format']]);
  expect(await fields('POST', '/appointments', at('2026-07-01'))).toEqual([422, ['starts_at format']]);
  expect(await fields('POST', '/appointments', at('2026-07-01T09:00:00Z', { provider_id: 'nobody' }))).toEqual([
    422,
    ['provider_id not_found'],
  ]);
  expect(await fields('POST', '/appointments', at('2026-07-01T09:00:00Z', { duration_minutes: 0 }))).toEqual([
    422,
    ['duration_minutes too_small'],
  ]);
  const { appointment_id: id } = (await v1('POST', '/appointments', { body: at('2026-07-01T09:00:00Z') })).json;
  expect(await fields('PUT', `/appointments/${id}`, at('2026-07-01T09:00:00Z', { patient_id: house.other }))).toEqual([
    422,
    ['patient_id fixed'],
  ]);
});

test('a patient books and lists his own; others, viewers and strangers are refused as if it did not exist', async () => {
  const { tokens } = house;
  const made = await v1('POST', '/appointments', { token: tokens.patient, body: at('2026-08-01T09:00:00Z') });
  const { appointment_id: id } = made.json;
  expect(made.status).toBe(201);
  const mine = await v1('GET', '/patients/me/appointments?from=2026-08-01T00:00:00Z', { token: tokens.patient });
  expect(mine.json.data).toMatchObject([{ appointment_id: id }]);
  expect((await v1('GET', '/patients/me/appointments', { token: tokens.other })).json.data).toEqual([]);
  expect((await v1('GET', '/patients/me/appointments')).status).toBe(404);
  const steps = [
    ['GET', undefined],
    ['PUT', at('2026-08-01T09:00:00Z')],
    ['DELETE', undefined],
  ] as const;
  for (const [method, body] of steps) {
    const [hidden, absent] = await Promise.all(
      [id, 'absent'].map((each) => v1(method, `/appointments/${each}`, { token: tokens.other, body })),
    );
    expect([hidden?.status, { ...hidden?.json, request_id: '' }]).toEqual([404, { ...absent?.json, request_id: '' }]);
    expect((await v1(method, `/appointments/${id}`, { token: null, body })).status).toBe(401);
  }
  expect((await v1('GET', `/appointments/${id}`, { token: tokens.viewer })).status).toBe(200);
  expect((await v1('DELETE', `/appointments/${id}`, { token: tokens.viewer })).status).toBe(403);
  expect((await v1('POST', '/appointments', { token: tokens.viewer, body: at('2026-08-02T09:00:00Z') })).status).toBe(403);
  expect((await v1('POST', '/appointments', { token: tokens.other, body: at('2026-08-02T09:00:00Z') })).status).toBe(403);
  expect((await v1('DELETE', `/appointments/${id}`, { token: tokens.patient })).status).toBe(204);
});
