import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hospital, type NativeClient, nativeClient } from '../support/native.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let v1: NativeClient;
let house: Awaited<ReturnType<typeof hospital>>;
let metformin: { patient_id: string; medication_name: string; prescriber_id: string };
beforeAll(async () => {
  server = await startTestServer({ CARE_RELATIONSHIPS: 'all' });
  house = await hospital(server);
  v1 = nativeClient(server, house.tokens.provider);
  metformin = {
    patient_id: house.patient,
    medication_name: 'Metformin 500 mg',
    dosage: '500 mg',
    frequency: 'twice a day',
    instructions: 'With meals.',
    start_date: '2026-01-10',
    prescriber_id: house.doctor,
  } as typeof metformin;
});
afterAll(() => server?.stop());

const profile = 'https://anamnesis.health/fhir/StructureDefinition/anamnesis-medication-statement';

test('a medication written by v1 is a MedicationStatement for FHIR, by our profile', async () => {
  const made = await v1('POST', '/medications', { body: metformin });
  const { medication_id: id } = made.json;
  expect([made.status, made.json]).toMatchObject([201, { ...metformin, status: 'active', version: 1 }]);
  const resource = (await server.request('GET', `/MedicationStatement/${id}`)).json;
  expect(resource).toMatchObject({
    status: 'active',
    medicationCodeableConcept: { text: 'Metformin 500 mg' },
    subject: { reference: `Patient/${house.patient}` },
    effectivePeriod: { start: '2026-01-10' },
    dosage: [{ text: '500 mg, twice a day', timing: { code: { text: 'twice a day' } }, patientInstruction: 'With meals.' }],
  });
  const checked = await server.request('POST', `/MedicationStatement/$validate?profile=${profile}`, { body: resource });
  expect(checked.json.issue.filter(({ severity }: { severity: string }) => severity === 'error')).toEqual([]);
  const replaced = await v1('PUT', `/medications/${id}`, {
    body: { ...metformin, status: 'on_hold', end_date: '2026-02-10', dosage: null },
  });
  expect([replaced.status, replaced.json]).toMatchObject([200, { status: 'on_hold', end_date: '2026-02-10', version: 2 }]);
  expect(replaced.json).not.toHaveProperty('dosage');
  expect((await v1('GET', `/medications/${id}`)).json).toEqual(replaced.json);
});

test('a MedicationStatement written by FHIR is read by v1 and keeps what it does not know', async () => {
  const statement = {
    resourceType: 'MedicationStatement',
    identifier: [{ system: 'urn:ehr', value: '1' }],
    status: 'active',
    medicationCodeableConcept: {
      coding: [{ system: 'http://www.nlm.nih.gov/research/umls/rxnorm', code: '861007', display: 'Metformin' }],
    },
    subject: { reference: `Patient/${house.patient}` },
    effectiveDateTime: '2026-01-10T08:00:00+01:00',
    dosage: [
      { timing: { repeat: { frequency: 2, period: 1, periodUnit: 'd' } }, doseAndRate: [{ doseQuantity: { value: 500, unit: 'mg' } }] },
    ],
  };
  const { id } = (await server.request('POST', '/MedicationStatement', { body: statement })).json;
  const shown = await v1('GET', `/medications/${id}`);
  expect(shown.json).toMatchObject({ medication_name: 'Metformin', dosage: '500 mg', frequency: '2 per 1 d', start_date: '2026-01-10' });
  const { medication_name, dosage, frequency, start_date } = shown.json;
  const body = { patient_id: house.patient, medication_name, dosage, frequency, start_date, status: 'completed' };
  expect((await v1('PUT', `/medications/${id}`, { body })).status).toBe(200);
  expect((await server.request('GET', `/MedicationStatement/${id}`)).json).toMatchObject({
    identifier: statement.identifier,
    status: 'completed',
    medicationCodeableConcept: statement.medicationCodeableConcept,
    effectivePeriod: { start: '2026-01-10T08:00:00+01:00' },
    dosage: statement.dosage,
  });
});

test('a medication is refused that ends before it starts, of nobody, by nobody, or moved to another patient', async () => {
  const fields = async (method: string, path: string, body: object) => {
    const { status, json } = await v1(method, path, { body });
    return [status, json.details?.map(({ field, code }: { field: string; code: string }) => `${field} ${code}`)];
  };
  expect(await fields('POST', '/medications', { ...metformin, end_date: '2026-01-09' })).toEqual([422, ['end_date too_early']]);
  expect(await fields('POST', '/medications', { ...metformin, prescriber_id: 'nobody' })).toEqual([422, ['prescriber_id not_found']]);
  expect(await fields('POST', '/medications', { ...metformin, patient_id: 'nobody' })).toEqual([422, ['patient_id not_found']]);
  expect(await fields('POST', '/medications', { ...metformin, status: 'gone' })).toEqual([422, ['status not_one_of']]);
  const { medication_id: id } = (await v1('POST', '/medications', { body: metformin })).json;
  expect(await fields('PUT', `/medications/${id}`, { ...metformin, patient_id: house.other })).toEqual([422, ['patient_id fixed']]);
});

describe('rights to medications', () => {
  let id: string;
  beforeAll(async () => {
    const body = { ...metformin, medication_name: 'Ramipril' };
    id = (await v1('POST', '/medications', { body })).json.medication_id;
    await v1('POST', '/medications', { body: { ...body, patient_id: house.other, medication_name: 'Aspirin' } });
  });

  test('a patient lists his own by his token, and another one none of them', async () => {
    const names = async (token: string, path: string) =>
      (await v1('GET', path, { token })).json.data.map(({ medication_name: name }: { medication_name: string }) => name);
    expect(await names(house.tokens.patient, '/patients/me/medications')).toContain('Ramipril');
    expect(await names(house.tokens.other, '/patients/me/medications')).toEqual(['Aspirin']);
    expect(await names(house.tokens.other, `/medications?patient_id=${house.patient}`)).toEqual([]);
    expect(await names(house.tokens.viewer, `/medications?patient_id=${house.patient}&status=active`)).toContain('Ramipril');
  });

  test('another patient is answered as if it did not exist', async () => {
    const { tokens } = house;
    const hidden = await v1('GET', `/medications/${id}`, { token: tokens.other });
    const absent = await v1('GET', '/medications/absent', { token: tokens.other });
    const without = ({ json }: typeof hidden) => ({ ...json, request_id: undefined });
    expect([hidden.status, without(hidden)]).toEqual([404, without(absent)]);
    expect((await v1('PUT', `/medications/${id}`, { token: tokens.other, body: metformin })).status).toBe(404);
    // Whether a patient exists isn't told to who may not write his record.
    const ofOther = await v1('POST', '/medications', { token: tokens.other, body: metformin });
    const ofNobody = await v1('POST', '/medications', { token: tokens.other, body: { ...metformin, patient_id: 'nobody' } });
    expect([ofOther.status, without(ofOther)]).toEqual([403, without(ofNobody)]);
  });

  test('a viewer reads and does not write; without a token nothing is told; who is no patient has no list of his own', async () => {
    const { viewer, provider } = house.tokens;
    expect((await v1('GET', `/medications/${id}`, { token: viewer })).status).toBe(200);
    expect((await v1('POST', '/medications', { token: viewer, body: metformin })).status).toBe(403);
    expect((await v1('PUT', `/medications/${id}`, { token: viewer, body: metformin })).status).toBe(403);
    expect((await v1('GET', `/medications/${id}`, { token: null })).status).toBe(401);
    expect((await v1('GET', '/patients/me/medications', { token: provider })).status).toBe(404);
    const token = await server.token({ scope: 'appointment:read' });
    expect((await v1('GET', '/medications', { token })).status).toBe(403);
  });
});
