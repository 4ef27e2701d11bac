import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Draft, messageView } from '../../src/native/messages/message-view.ts';
import { openHospital } from '../support/native.ts';

const { server, house, v1 } = await openHospital('provider');

const ids = ({ json }: { json: { data: { message_id: string }[] } }): string[] => json.data.map(({ message_id: id }) => id);

test('a patient and his provider write to each other in a thread, and each is read by FHIR and marked once by its recipient', async () => {
  const { tokens, patient, doctor } = house;
  const question = await v1('POST', '/patients/me/messages', {
    token: tokens.patient,
    body: { provider_id: doctor, subject: 'A question', body: 'Shall I fast?' },
  });
  const first = question.json.message_id as string;
  expect([question.status, question.json]).toMatchObject([
    201,
    { patient_id: patient, sender_kind: 'patient', sender_id: patient, recipient_kind: 'provider', recipient_id: doctor, thread_id: first },
  ]);
  const body = { patient_id: patient, body: 'Yes.', in_response_to: first };
  const reply = await v1('POST', '/messages', { body });
  expect([reply.status, reply.json]).toMatchObject([
    201,
    { sender_kind: 'provider', sender_id: doctor, recipient_id: patient, in_response_to: first, thread_id: first },
  ]);
  const again = await v1('POST', '/patients/me/messages', {
    token: tokens.patient,
    body: { provider_id: doctor, body: 'Thanks.', in_response_to: reply.json.message_id },
  });
  expect(again.json).toMatchObject({ in_response_to: reply.json.message_id, thread_id: first });
  await v1('POST', '/messages', { body: { patient_id: patient, body: 'Of something else.' } });
  const thread = await v1('GET', `/patients/me/messages?thread_id=${first}`, { token: tokens.patient });
  expect(ids(thread)).toEqual([again.json.message_id, reply.json.message_id, first]);
  expect(ids(await v1('GET', `/messages?provider_id=${doctor}&thread_id=${first}`))).toHaveLength(3);
  expect(ids(await v1('GET', `/messages?provider_id=${house.colleague}`))).toEqual([]);
  expect((await server.request('GET', `/Communication/${reply.json.message_id}`)).json).toMatchObject({
    status: 'completed',
    subject: { reference: `Patient/${patient}` },
    sender: { reference: `Practitioner/${doctor}` },
    recipient: [{ reference: `Patient/${patient}` }],
    payload: [{ contentString: 'Yes.' }],
    inResponseTo: [{ reference: `Communication/${first}` }],
    partOf: [{ reference: `Communication/${first}` }],
  });

  const path = `/messages/${reply.json.message_id}:read`;
  expect((await v1('POST', path)).status).toBe(403);
  expect((await v1('POST', path, { token: tokens.system })).status).toBe(403);
  expect((await v1('POST', path, { token: tokens.other })).status).toBe(404);
  const read = await v1('POST', path, { token: tokens.patient });
  expect([read.status, read.json]).toMatchObject([200, { read_at: expect.stringMatching(/Z$/), version: 2 }]);
  expect((await v1('POST', path, { token: tokens.patient })).json).toEqual(read.json);
  expect((await server.request('GET', `/Communication/${reply.json.message_id}`)).json.received).toBe(read.json.read_at);
  const unread = ids(await v1('GET', '/patients/me/messages?unread=true', { token: tokens.patient }));
  expect([unread.includes(reply.json.message_id), unread.includes(first)]).toEqual([false, true]);
  const app = await server.token({ scope: 'patient/Communication.cruds', patient });
  const byApp = await v1('POST', '/patients/me/messages', { token: app, body: { provider_id: doctor, body: 'From an app.' } });
  expect([byApp.status, byApp.json]).toMatchObject([201, { sender_kind: 'patient', sender_id: patient }]);
});

test('a Communication written by FHIR is a message with what is known of it', async () => {
  const made = await server.request('POST', '/Communication', {
    body: {
      resourceType: 'Communication',
      status: 'completed',
      subject: { reference: `Patient/${house.patient}` },
      sender: { reference: 'Device/monitor' },
      recipient: [{ reference: `Practitioner/${house.colleague}` }],
      payload: [{ contentString: 'One.' }, { contentString: 'Two.' }],
      sent: '2026-03',
    },
  });
  expect((await v1('GET', `/messages/${made.json.id}`)).json).toMatchObject({
    sender_kind: 'device',
    sender_id: 'monitor',
    body: 'One.\n\nTwo.',
    sent_at: '2026-03',
    thread_id: made.json.id,
  });
  const read = await v1('POST', `/messages/${made.json.id}:read`, { token: house.tokens.colleague });
  expect([read.status, read.json.sender_id]).toEqual([200, 'monitor']);
});

test('nobody writes in the name of another', async () => {
  const { tokens, patient, doctor, colleague } = house;
  const status = async (path: string, token: string | null, body: object) => (await v1('POST', path, { token, body })).status;
  const mine = { provider_id: doctor, body: 'x' };
  expect(await status('/patients/me/messages', tokens.provider, mine)).toBe(404);
  const launched = await server.token({ scope: 'user/*.cruds', user: `Practitioner/${doctor}`, roles: ['provider'], patient });
  expect(await status('/patients/me/messages', launched, mine)).toBe(403);
  const theirs = { patient_id: patient, body: 'x' };
  expect(await status('/messages', tokens.provider, { ...theirs, provider_id: colleague })).toBe(403);
  expect(await status('/messages', tokens.provider, { ...theirs, provider_id: doctor })).toBe(201);
  expect(await status('/messages', tokens.viewer, theirs)).toBe(403);
  expect(await status('/messages', null, theirs)).toBe(401);
  for (const token of [tokens.patient, tokens.other, await server.token({ scope: 'patient/*.cruds', patient })])
    expect(await status('/messages', token, { ...theirs, provider_id: doctor })).toBe(403);
  expect(await status('/messages', tokens.system, theirs)).toBe(422);
  expect(await status('/messages', tokens.system, { ...theirs, provider_id: 'nobody' })).toBe(422);
  const bySystem = await v1('POST', '/messages', { token: tokens.system, body: { ...theirs, provider_id: doctor } });
  expect([bySystem.status, bySystem.json.sender_id]).toEqual([201, doctor]);
});

test('a message answers one of the same patient that its sender sees, to a provider there is', async () => {
  const { tokens, doctor, other } = house;
  const secret = (await v1('POST', '/messages', { body: { patient_id: other, body: 'Of another.' } })).json.message_id as string;
  for (const parent of [secret, 'absent']) {
    const body = { provider_id: doctor, body: 'x', in_response_to: parent };
    const refused = await v1('POST', '/patients/me/messages', { token: tokens.patient, body });
    expect([refused.status, refused.json.details]).toMatchObject([422, [{ field: 'in_response_to', code: 'not_found' }]]);
  }
  const crossed = await v1('POST', '/messages', { body: { patient_id: house.patient, body: 'x', in_response_to: secret } });
  expect(crossed.status).toBe(422);
  const nobody = await v1('POST', '/patients/me/messages', { token: tokens.patient, body: { provider_id: 'nobody', body: 'x' } });
  expect([nobody.status, nobody.json.details]).toMatchObject([422, [{ field: 'provider_id', code: 'not_found' }]]);
  expect((await v1('POST', '/patients/me/messages', { token: tokens.patient, body: { provider_id: doctor, body: ' ' } })).status).toBe(422);
});

test('a patient sees his own messages alone', async () => {
  const { tokens, patient, other } = house;
  const body = { patient_id: other, body: 'For the other one.' };
  const id = (await v1('POST', '/messages', { body })).json.message_id as string;
  const [hidden, absent] = await Promise.all([id, 'absent'].map((each) => v1('GET', `/messages/${each}`, { token: tokens.patient })));
  expect([hidden?.status, { ...hidden?.json, request_id: '' }]).toEqual([404, { ...absent?.json, request_id: '' }]);
  const all = await v1('GET', '/messages', { token: tokens.patient });
  expect(new Set(all.json.data.map(({ patient_id: each }: { patient_id: string }) => each))).toEqual(new Set([patient]));
  expect(ids(await v1('GET', `/messages?patient_id=${other}`, { token: tokens.patient }))).toEqual([]);
  expect(ids(await v1('GET', `/messages?thread_id=${id}`, { token: tokens.patient }))).toEqual([]);
  expect(ids(await v1('GET', `/messages?thread_id=${id}`, { token: tokens.viewer }))).toEqual([id]);
  expect((await v1('GET', '/messages', { token: await server.token({ scope: 'appointment:*' }) })).status).toBe(403);
});

test('a message that is repeated under its key is sent once', async () => {
  const headers = { 'idempotency-key': 'once' };
  const body = { patient_id: house.patient, body: 'Once only.' };
  const answers = await Promise.all([1, 2, 3].map(() => v1('POST', '/messages', { body, headers })));
  expect(new Set(answers.map(({ json }) => json.message_id)).size).toBe(1);
});

test('a message comes back from FHIR as it was sent', () => {
  const person = (type: string) => fc.record({ type: fc.constant(type), id: fc.constantFrom('a', 'b') });
  const words = fc.stringMatching(/^[A-Za-z][A-Za-z \n]{0,60}[a-z.]$/);
  const draft = fc.record(
    {
      patient: fc.constant('p'),
      sender: fc.oneof(person('Patient'), person('Practitioner'), person('RelatedPerson')),
      recipient: fc.oneof(person('Patient'), person('Practitioner')),
      subject: words,
      body: words,
      sent: fc.constant('2026-03-04T08:15:00.000Z'),
      parent: fc.record({ id: fc.constant('m2'), thread: fc.constant('m1') }),
    },
    { requiredKeys: ['patient', 'sender', 'recipient', 'body', 'sent'] },
  ) as fc.Arbitrary<Draft>;
  fc.assert(
    fc.property(draft, ({ sender, recipient, parent, subject, ...rest }) => {
      const shown = messageView.toView(messageView.toResource({ sender, recipient, parent, subject, ...rest }));
      expect(shown).toEqual({
        message_id: '',
        patient_id: 'p',
        sender_kind: { Patient: 'patient', Practitioner: 'provider', RelatedPerson: 'related_person' }[sender.type],
        sender_id: sender.id,
        recipient_kind: recipient.type === 'Patient' ? 'patient' : 'provider',
        recipient_id: recipient.id,
        ...(subject === undefined ? {} : { subject }),
        body: rest.body,
        ...(parent === undefined ? {} : { in_response_to: 'm2' }),
        thread_id: parent === undefined ? '' : 'm1',
        sent_at: rest.sent,
        version: 1,
        updated_at: '1970-01-01T00:00:00.000Z',
      });
    }),
  );
});
