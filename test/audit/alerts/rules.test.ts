import { describe, expect, test } from 'vitest';
import { makeOffHours } from '../../../src/audit/alerts/off-hours.ts';
import { type RuleName, rulesOf, type RuleSettings } from '../../../src/audit/alerts/rules.ts';
import type { AuditedEvent } from '../../../src/audit/event.ts';

const all: RuleSettings = {
  manyPatients: 10,
  manyPatientsClient: 10,
  refusals: 10,
  failedLogins: 10,
  breakGlass: true,
  newExport: true,
  offHours: makeOffHours('20:00-06:00', [], 'UTC'),
  labelled: true,
};
const night = Date.parse('2024-03-01T23:00:00Z');
const noon = Date.parse('2024-03-01T12:00:00Z');
const nurse = { user: { issuer: 'i', subject: 's', roles: [] }, client: 'app', purposes: [], address: '192.0.2.1' };
const backend = { client: 'app', purposes: [], address: '192.0.2.1' };
const nobody = { purposes: [], address: '192.0.2.1' };
const somePatient = { keyId: Buffer.alloc(16, 1), owner: 1n };
const event = (more: Partial<AuditedEvent>): AuditedEvent => ({
  kind: 'read',
  at: noon,
  requestId: 'r',
  agent: nurse,
  outcome: 0,
  ...more,
});
const seenBy = (settings: RuleSettings, of: AuditedEvent): RuleName[] =>
  rulesOf(settings).flatMap(({ name, sees }) => (sees(of) === undefined ? [] : [name]));

describe('what the rules see', () => {
  test.each<[string, Partial<AuditedEvent>, RuleName[]]>([
    ['a user reads of a patient', { patient: somePatient }, ['many-patients', 'labelled']],
    ['at night', { patient: somePatient, at: night }, ['many-patients', 'off-hours', 'labelled']],
    ['a client without a user', { patient: somePatient, agent: backend, at: night }, ['many-patients-client', 'labelled']],
    ['a user registers a patient', { kind: 'create', data: { type: 'Patient', id: '1' }, patient: somePatient }, ['labelled']],
    [
      'a user adds to a record',
      { kind: 'create', data: { type: 'Observation', id: '1' }, patient: somePatient },
      ['many-patients', 'labelled'],
    ],
    [
      'a user registers a patient unless criteria find him',
      {
        kind: 'create',
        data: { type: 'Patient', id: '1' },
        patient: somePatient,
        query: { line: 'identifier=1', parameters: 'identifier' },
      },
      ['many-patients', 'labelled'],
    ],
    ['a user reads of nobody', {}, []],
    ['in vain', { patient: somePatient, outcome: 4, reason: 'version-conflict' }, []],
    ['refused by scope', { outcome: 4, reason: 'scope-insufficient' }, ['refusals']],
    ['what is not there for him', { outcome: 4, reason: 'resource-not-found' }, ['refusals']],
    ['without a token', { outcome: 4, reason: 'token-missing', agent: nobody }, ['refusals']],
    ['an invalid resource', { kind: 'create', outcome: 4, reason: 'shape-required' }, []],
    ['a login', { kind: 'login' }, []],
    ['a login that fails', { kind: 'login', outcome: 4 }, ['failed-logins']],
    ['the glass broken', { kind: 'break-glass', patient: somePatient }, ['many-patients', 'break-glass', 'labelled']],
    ['an export', { kind: 'export', agent: backend }, ['new-export']],
    ['an export refused', { kind: 'export', agent: backend, outcome: 4, reason: 'scope-insufficient' }, ['refusals']],
    ['an alert of its own', { kind: 'security-alert', patient: somePatient, at: night }, []],
    [
      'a patient in his own record',
      { patient: somePatient, agent: { ...nurse, user: { ...nurse.user, fhirUser: 'Patient/1' } }, at: night },
      ['labelled'],
    ],
  ])('%s', (_, more, expected) => {
    expect(seenBy(all, event(more))).toEqual(expected);
  });

  test('is nothing where all are off', () => {
    const off = { manyPatients: 0, manyPatientsClient: 0, refusals: 0, failedLogins: 0 };
    expect(rulesOf({ ...all, ...off, breakGlass: false, newExport: false, offHours: undefined, labelled: false })).toEqual([]);
  });

  test('of the glass broken, and of labels, is another matter for each patient; of many patients for each user', () => {
    const other = { keyId: Buffer.alloc(16, 2), owner: 2n };
    const actors = (name: RuleName, kind: AuditedEvent['kind']) =>
      [somePatient, other].map((patient) =>
        rulesOf(all)
          .find((rule) => rule.name === name)
          ?.sees(event({ kind, patient }))
          ?.actor.join(' '),
      );
    expect(new Set(actors('break-glass', 'break-glass')).size).toBe(2);
    expect(new Set(actors('labelled', 'read')).size).toBe(2);
    expect(new Set(actors('many-patients', 'read')).size).toBe(1);
  });

  test('of failed logins are the accounts, at one address', () => {
    const rule = rulesOf(all).find(({ name }) => name === 'failed-logins');
    const of = (subject: string) =>
      rule?.sees(event({ kind: 'login', outcome: 4, agent: { ...nobody, user: { issuer: 'i', subject, roles: [] } } }));
    expect(of('a')?.actor).toEqual(of('b')?.actor);
    expect(of('a')?.item).not.toEqual(of('b')?.item);
    expect(of('a')?.item).toEqual(of('a')?.item);
  });
});

describe('off hours', () => {
  test.each<[string, string, string, boolean]>([
    ['20:00-06:00', 'UTC', '2024-03-01T19:59:59Z', false],
    ['20:00-06:00', 'UTC', '2024-03-01T20:00:00Z', true],
    ['20:00-06:00', 'UTC', '2024-03-01T05:59:00Z', true],
    ['20:00-06:00', 'UTC', '2024-03-01T06:00:00Z', false],
    ['01:00-05:00', 'UTC', '2024-03-01T00:59:00Z', false],
    ['01:00-05:00', 'UTC', '2024-03-01T04:00:00Z', true],
    ['20:00-06:00', 'Europe/Berlin', '2024-03-01T19:00:00Z', true],
    ['20:00-06:00', 'Europe/Berlin', '2024-07-01T18:00:00Z', true],
    ['20:00-06:00', 'Europe/Berlin', '2024-07-01T17:59:00Z', false],
    ['00:00-06:00', 'Asia/Kolkata', '2024-07-01T18:30:00Z', true],
  ])('%s %s at %s: %s', (hours, zone, at, expected) => {
    expect(makeOffHours(hours, [], zone).isOff(Date.parse(at))).toBe(expected);
  });

  test.each<[string | undefined, string, string, boolean]>([
    [undefined, 'UTC', '2024-03-01T23:59:59Z', false],
    [undefined, 'UTC', '2024-03-02T00:00:00Z', true],
    [undefined, 'UTC', '2024-03-03T23:59:59Z', true],
    [undefined, 'UTC', '2024-03-04T00:00:00Z', false],
    [undefined, 'Asia/Tokyo', '2024-03-01T15:00:00Z', true],
    [undefined, 'America/New_York', '2024-03-02T04:59:00Z', false],
    ['20:00-06:00', 'UTC', '2024-03-02T12:00:00Z', true],
    ['20:00-06:00', 'UTC', '2024-03-04T05:00:00Z', true],
    ['20:00-06:00', 'UTC', '2024-03-04T12:00:00Z', false],
  ])('with Saturdays and Sundays, %s %s at %s: %s', (hours, zone, at, expected) => {
    expect(makeOffHours(hours, ['sat', 'sun'], zone).isOff(Date.parse(at))).toBe(expected);
  });
});
