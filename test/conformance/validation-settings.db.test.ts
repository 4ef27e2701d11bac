import { afterEach, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { observation, patient } from './samples.ts';

/** docs/validation.md: what the server is told of validation when it starts. */
let server: TestServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

const vitalSigns = 'http://hl7.org/fhir/StructureDefinition/vitalsigns';
const height = observation({
  category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' }] }],
  code: { coding: [{ system: 'http://loinc.org', code: '8302-2' }] },
  subject: { reference: 'Patient/1' },
  effectiveDateTime: '2020-01-01',
  valueQuantity: { value: 180, unit: 'cm', system: 'http://unitsofmeasure.org', code: 'cm' },
});

test('REQUIRED_PROFILES are in force for every write of their type, by name in the capability statement', async () => {
  server = await startTestServer({ REQUIRED_PROFILES: `Observation=${vitalSigns}` });
  const refused = await server.request('POST', '/Observation', { body: observation() });
  expect(refused.status).toBe(422);
  expect(refused.text).toContain(vitalSigns);
  expect((await server.request('POST', '/Observation', { body: height })).status).toBe(201);
  expect((await server.request('POST', '/Patient', { body: patient() })).status).toBe(201);
  const { json } = await server.request('GET', '/metadata', { token: null });
  const of = (name: string) => json.rest[0].resource.find(({ type }: { type: string }) => type === name);
  expect(of('Observation').supportedProfile).toContain(vitalSigns);
  expect(of('Account')).not.toHaveProperty('supportedProfile');
});

test('UNKNOWN_PROFILES=refuse takes nothing that claims a profile which is not known', async () => {
  server = await startTestServer({ UNKNOWN_PROFILES: 'refuse' });
  const claims = (url: string) => ({ ...height, meta: { profile: [url] } });
  const refused = await server.request('POST', '/Observation', { body: claims('http://example.org/StructureDefinition/none') });
  expect([refused.status, refused.json.issue[0].details.coding[0].code]).toEqual([422, 'profile-unknown']);
  expect((await server.request('POST', '/Observation', { body: claims(vitalSigns) })).status).toBe(201);
});

test('BEST_PRACTICE=error refuses what is only recommended, ignore does not speak of it', async () => {
  server = await startTestServer({ BEST_PRACTICE: 'error' });
  expect((await server.request('POST', '/Patient', { body: patient() })).status).toBe(422);
  const text = { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">x</div>' };
  expect((await server.request('POST', '/Patient', { body: patient({ text }) })).status).toBe(201);
  await server.stop();
  server = await startTestServer({ BEST_PRACTICE: 'ignore' });
  expect((await server.request('POST', '/Patient/$validate', { body: patient() })).text).not.toContain('dom-6');
});
