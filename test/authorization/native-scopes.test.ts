import { expect, test } from 'vitest';
import { parseScopes } from '../../src/authorization/scopes.ts';

const told = (text: string, level: 'user' | 'system' = 'system'): string[] =>
  parseScopes([text], level).map(({ level, type, letters }) => `${level}/${type}.${[...letters].join('')}`);

test.each([
  ['patient:read', ['system/Patient.rs']],
  ['patient:write', ['system/Patient.cud']],
  ['interaction:read', ['system/Encounter.rs']],
  ['interaction:write', ['system/Encounter.cud']],
  ['appointment:*', ['system/Appointment.cruds']],
  ['lab-result:*', ['system/Observation.cruds', 'system/DiagnosticReport.cruds']],
  ['medication:*', ['system/MedicationStatement.cruds']],
  ['message:*', ['system/Communication.cruds']],
  ['outcome:*', ['system/CodeSystem.cruds']],
  ['provider:*', ['system/Practitioner.cruds', 'system/PractitionerRole.cruds']],
  ['bulk:export', ['system/Patient.rs', 'system/Encounter.rs']],
  ['admin', ['system/*.cruds']],
])('%s is another name of %j', (name, scopes) => {
  expect(told(name)).toEqual(scopes);
});

test('a record is what its kinds are, and an import what its lines make', () => {
  expect(told('record:read')).toContain('system/DocumentReference.rs');
  expect(told('bulk:import')).toContain('system/Patient.c');
});

test('of a user a short name is a scope of his own, bound by his role', () => {
  expect(told('admin', 'user')).toEqual(['user/*.cruds']);
});

test.each(['admin:read', 'admin:*', 'Admin', 'administrator', 'patient', 'patient:delete', 'bulk:*', 'toString', 'constructor:read'])(
  '%s grants nothing',
  (name) => {
    expect(told(name)).toEqual([]);
  },
);
