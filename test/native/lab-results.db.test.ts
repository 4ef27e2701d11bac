import { expect, test } from 'vitest';
import { openHospital } from '../support/native.ts';

const { server, house, v1 } = await openHospital('provider');

const glucose = (collected_at: string, result_value: number, more: object = {}) => ({
  patient_id: house.patient,
  test_name: 'Glucose',
  test_code: '2345-7',
  result_value,
  result_unit: 'mg/dL',
  collected_at,
  ...more,
});
const category = [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory' }] }];

test('a lab result written by v1 is an Observation for FHIR, by our profile', async () => {
  const body = glucose('2026-03-04T08:15:00Z', 98, {
    reference_range: { low: 70, high: 99 },
    interpretation: 'normal',
    provider_id: house.doctor,
    notes: 'Fasting.',
    patient_id: house.other,
  });
  const made = await v1('POST', '/lab-results', { body });
  expect([made.status, made.json]).toMatchObject([
    201,
    { ...body, collected_at: '2026-03-04T08:15:00.000Z', status: 'final', reference_range: { low: 70, high: 99, unit: 'mg/dL' } },
  ]);
  const resource = (await server.request('GET', `/Observation/${made.json.lab_result_id}`)).json;
  expect(resource).toMatchObject({
    status: 'final',
    category,
    code: { coding: [{ system: 'http://loinc.org', code: '2345-7' }], text: 'Glucose' },
    valueQuantity: { value: 98, unit: 'mg/dL', system: 'http://unitsofmeasure.org', code: 'mg/dL' },
    interpretation: [{ coding: [{ code: 'N' }] }],
  });
  const profile = 'https://anamnesis.health/fhir/StructureDefinition/anamnesis-observation';
  const checked = await server.request('POST', `/Observation/$validate?profile=${profile}`, { body: resource });
  expect(checked.json.issue.filter(({ severity }: { severity: string }) => severity === 'error')).toEqual([]);
});

test('an Observation written by FHIR is read and listed if it is of the laboratory, and is no lab result otherwise', async () => {
  const observation = {
    resourceType: 'Observation',
    status: 'final',
    category,
    code: { coding: [{ system: 'http://loinc.org', code: '600-7', display: 'Blood culture' }] },
    subject: { reference: `Patient/${house.other}` },
    effectivePeriod: { start: '2026-02-01T09:00:00+01:00' },
    valueCodeableConcept: { text: 'No growth' },
  };
  const { id } = (await server.request('POST', '/Observation', { body: observation })).json;
  const shown = {
    lab_result_id: id,
    test_name: 'Blood culture',
    test_code: '600-7',
    result_text: 'No growth',
    collected_at: '2026-02-01T08:00:00.000Z',
  };
  expect((await v1('GET', `/lab-results/${id}`)).json).toMatchObject(shown);
  const list = await v1(
    'GET',
    `/lab-results?patient_id=${house.other}&test_code=600-7&from=2026-02-01T00:00:00Z&to=2026-03-01T00:00:00Z&status=final`,
  );
  expect(list.json.data).toMatchObject([shown]);
  const { category: _, ...note } = observation;
  const other = (await server.request('POST', '/Observation', { body: note })).json.id;
  expect((await v1('GET', `/lab-results/${other}`)).status).toBe(404);
  expect((await v1('GET', `/lab-results/${other}/trends`)).status).toBe(404);
  expect((await v1('GET', `/lab-results?patient_id=${house.other}&test_code=600-7`)).json.data).toHaveLength(1);
});

test('trends are of the same test of the same patient, in the unit of the newest, with what is left out', async () => {
  const post = async (body: object) => (await v1('POST', '/lab-results', { body })).json.lab_result_id as string;
  await post(glucose('2026-01-01T00:00:00Z', 1, { result_unit: 'g/L' }));
  await post(glucose('2026-01-03T00:00:00Z', 104));
  const newest = await post(glucose('2026-01-05T00:00:00Z', 108, { reference_range: { low: 70, high: 99 } }));
  const molar = await post(glucose('2026-01-02T00:00:00Z', 5.5, { result_unit: 'mmol/L' }));
  const wrong = await post(glucose('2026-01-04T00:00:00Z', 999, { status: 'entered_in_error' }));
  await post(glucose('2026-01-03T00:00:00Z', 500, { patient_id: house.other }));
  await post(glucose('2026-01-03T00:00:00Z', 7, { test_name: 'Sodium', test_code: '2951-2', result_unit: 'mmol/L' }));
  const all = await v1('GET', `/lab-results/${newest}/trends`);
  expect([all.status, all.json]).toMatchObject([
    200,
    {
      unit: 'mg/dL',
      count: 3,
      min: 100,
      max: 108,
      mean: 104,
      slope_per_day: 2,
      reference_range: { low: 70, high: 99 },
      left_out: [{ lab_result_id: molar, reason: 'unit', unit: 'mmol/L' }],
      is_truncated: false,
    },
  ]);
  expect(all.text).not.toContain(wrong);
  const part = await v1('GET', `/lab-results/${newest}/trends?from=2026-01-03T00:00:00Z&to=2026-01-05T00:00:00Z`);
  expect(part.json).toMatchObject({ count: 1, min: 104, slope_per_day: null });
  const explained = await v1('POST', `/lab-results/${newest}/explanation`);
  expect([explained.status, explained.json]).toMatchObject([
    200,
    { findings: ['above_range', 'rising'], source: 'rules', is_fallback: false, disclaimer: expect.stringContaining('no medical advice') },
  ]);
  expect(explained.json.explanation).toContain('rose by 4 mg/dL (4 %) since the one 2 days before');
});

test('a series without a code is that of the same words', async () => {
  const body = { patient_id: house.patient, test_name: 'House test', result_unit: '{score}' };
  for (const day of [1, 2, 3])
    await v1('POST', '/lab-results', { body: { ...body, result_value: day, collected_at: `2026-06-0${day}T00:00:00Z` } });
  const last = await v1('POST', '/lab-results', { body: { ...body, result_value: 4, collected_at: '2026-06-04T00:00:00Z' } });
  const trends = await v1('GET', `/lab-results/${last.json.lab_result_id}/trends`);
  expect(trends.json).toMatchObject({ unit: '{score}', count: 4, mean: 2.5, slope_per_day: 1, left_out: [] });
});

test('a patient sees his own results and explanations; others are answered as if there were none; viewers and strangers write none', async () => {
  const { tokens } = house;
  const id = (await v1('POST', '/lab-results', { body: glucose('2026-07-01T00:00:00Z', 90) })).json.lab_result_id as string;
  const mine = await v1('GET', '/patients/me/lab-results?from=2026-07-01T00:00:00Z', { token: tokens.patient });
  expect(mine.json.data).toMatchObject([{ lab_result_id: id }]);
  expect((await v1('GET', '/patients/me/lab-results')).status).toBe(404);
  const paths = [
    ['GET', ''],
    ['GET', '/trends'],
    ['POST', '/explanation'],
  ] as const;
  for (const [method, path] of paths) {
    expect((await v1(method, `/lab-results/${id}${path}`, { token: tokens.patient })).status).toBe(200);
    expect((await v1(method, `/lab-results/${id}${path}`, { token: tokens.viewer })).status).toBe(200);
    expect((await v1(method, `/lab-results/${id}${path}`, { token: null })).status).toBe(401);
    const [hidden, absent] = await Promise.all(
      [id, 'absent'].map((each) => v1(method, `/lab-results/${each}${path}`, { token: tokens.other })),
    );
    expect([hidden?.status, { ...hidden?.json, request_id: '' }]).toEqual([404, { ...absent?.json, request_id: '' }]);
  }
  for (const token of [tokens.viewer, tokens.other])
    expect((await v1('POST', '/lab-results', { token, body: glucose('2026-07-02T00:00:00Z', 90) })).status).toBe(403);
  const narrow = await server.token({ scope: 'medication:*' });
  expect((await v1('GET', '/lab-results', { token: narrow })).status).toBe(403);
});
