import { expect, test } from 'vitest';
import { openHospital } from '../support/native.ts';

const { server, house, v1 } = await openHospital('patient');

const url = (type: string): string => `https://example.org/StructureDefinition/strict-${type.toLowerCase()}`;

/** A profile that asks for more than a resource has that claimed it before it was known. */
async function defines(type: string, element: string): Promise<void> {
  const { status, text } = await server.request('POST', '/StructureDefinition', {
    body: {
      resourceType: 'StructureDefinition',
      url: url(type),
      name: `Strict${type}`,
      status: 'active',
      kind: 'resource',
      abstract: false,
      type,
      baseDefinition: `http://hl7.org/fhir/StructureDefinition/${type}`,
      derivation: 'constraint',
      differential: { element: [{ id: `${type}.${element}`, path: `${type}.${element}`, min: 1 }] },
    },
  });
  expect([status, text]).toEqual([201, expect.anything()]);
}

test('what can not be written by the profile that it claims is neither cancelled nor marked as read', async () => {
  const patient = { reference: `Patient/${house.patient}` };
  const times = { start: '2026-03-04T09:30:00Z', end: '2026-03-04T10:00:00Z' };
  const bodies = [
    { resourceType: 'Appointment', status: 'booked', ...times, participant: [{ actor: patient, status: 'accepted' }] },
    { resourceType: 'Communication', status: 'completed', subject: patient, recipient: [patient], payload: [{ contentString: 'x' }] },
  ];
  const [appointment, message] = await Promise.all(
    bodies.map(async (body) => {
      const made = await server.request('POST', `/${body.resourceType}`, {
        body: { ...body, meta: { profile: [url(body.resourceType)] } },
      });
      return made.json.id as string;
    }),
  );
  await defines('Appointment', 'description');
  await defines('Communication', 'about');
  const cancelled = await v1('DELETE', `/appointments/${appointment}`);
  expect([cancelled.status, cancelled.json.code]).toEqual([422, 'validation_failed']);
  const read = await v1('POST', `/messages/${message}:read`);
  expect([read.status, read.json.code]).toEqual([422, 'validation_failed']);
  expect((await v1('GET', `/appointments/${appointment}`)).json.status).toBe('scheduled');
});
