import { beforeAll, describe, expect, test } from 'vitest';
import { type NativeAnswered, openHospital } from '../support/native.ts';

const { server, house, v1 } = await openHospital('admin');

const brief = ({ status, json }: NativeAnswered) => [status, json.code];
const gone = [410, 'deleted'];

describe('of a patient who was deleted', () => {
  let patient: string;
  beforeAll(async () => {
    const made = await v1('POST', '/patients', { body: { given_name: 'Ada', family_name: 'Gone', date_of_birth: '1985-12-10' } });
    patient = made.json.patient_id as string;
    const headers = { 'if-match': 'W/"1"' };
    await v1('DELETE', `/patients/${patient}`, { headers });
  });

  test.each([
    ['POST', '', () => ({ provider_id: house.doctor, diagnosis: 'Asthma' })],
    ['POST', '/records', () => ({ kind: 'note', text: 'Feels better' })],
    ['POST', '/shares', () => ({ provider_id: house.doctor, decision: 'grant' })],
    ['PUT', '/restrictions', () => ({ records: 'all' })],
  ])('nothing is written by %s /patients/{id}%s, and who may not read patients is told of none', async (method, path, body) => {
    expect(brief(await v1(method, `/patients/${patient}${path}`, { body: body() }))).toEqual(gone);
    expect(brief(await v1(method, `/patients/nobody${path}`, { body: body() }))).toEqual([404, 'not_found']);
    const blind = await server.token({ scope: 'system/Condition.cud system/Observation.cud system/Consent.c' });
    const [ofHim, ofNobody] = await Promise.all(
      [patient, 'nobody'].map((id) => v1(method, `/patients/${id}${path}`, { body: body(), token: blind })),
    );
    expect(brief(ofHim as NativeAnswered)).toEqual(brief(ofNobody as NativeAnswered));
    expect(brief(ofHim as NativeAnswered)).not.toEqual(gone);
  });

  test('his own audit trail is answered as he is', async () => {
    const listed = async (id: string) =>
      brief(
        await v1('GET', `/audit?patient_id=${id}`, {
          token: await server.token({ scope: 'user/*.rs', user: `Patient/${id}`, roles: ['patient'] }),
        }),
      );
    expect(await listed(patient)).toEqual(gone);
    expect(await listed('nobody')).toEqual([404, 'not_found']);
    expect(await listed(house.patient)).toEqual([200, undefined]);
  });
});

test('a record that was deleted is not replaced', async () => {
  const records = `/patients/${house.patient}/records`;
  const body = { kind: 'note', text: 'Feels better' };
  const { record_id: id } = (await v1('POST', records, { body })).json;
  expect(await v1('DELETE', `${records}/${id}`)).toMatchObject({ status: 204 });
  expect(brief(await v1('PUT', `${records}/${id}`, { body }))).toEqual(gone);
});

test('a record is not deleted, and gets no file, at another version than the one that is known', async () => {
  const records = `/patients/${house.patient}/records`;
  const { record_id: id } = (
    await v1('POST', records, { body: { kind: 'document', attachment: { content_type: 'text/plain', data: 'SGVsbG8=' } } })
  ).json;
  const headers = { 'if-match': 'W/"99"' };
  expect(brief(await v1('DELETE', `${records}/${id}`, { headers }))).toEqual([412, 'version_mismatch']);
  const file = {
    method: 'POST',
    body: 'Hello',
    headers: { ...headers, 'content-type': 'text/plain', authorization: `Bearer ${house.tokens.admin}` },
  };
  expect((await fetch(`${server.origin}/api/v1${records}/${id}/attachment`, file)).status).toBe(412);
  expect(await v1('GET', `${records}/${id}`)).toMatchObject({ status: 200, json: { version: 1 } });
});

test('a laboratory result that was deleted has no trend and is not explained', async () => {
  const body = {
    patient_id: house.patient,
    test_name: 'Glucose',
    result_value: 98,
    result_unit: 'mg/dL',
    collected_at: '2026-03-04T08:15:00Z',
  };
  const { lab_result_id: id } = (await v1('POST', '/lab-results', { body })).json;
  const paths = [
    ['GET', `/lab-results/${id}/trends`],
    ['POST', `/lab-results/${id}/explanation`],
  ] as const;
  for (const [method, path] of paths) expect((await v1(method, path)).status).toBe(200);
  expect(await server.request('DELETE', `/Observation/${id}`)).toMatchObject({ status: 200 });
  for (const [method, path] of paths) expect(brief(await v1(method, path))).toEqual(gone);
});
