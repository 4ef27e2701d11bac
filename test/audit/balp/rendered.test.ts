import { beforeAll, describe, expect, test } from 'vitest';
import type { AuditRecord } from '../../../src/audit/record.ts';
import { renderEvent } from '../../../src/audit/render/event.ts';
import { renderText } from '../../../src/interactions/document.ts';
import { openTestValidator, type TestValidator } from '../../support/validation.ts';
import { allRecords, clinician, kinds } from '../events.ts';
import { balpFaults } from './check.ts';

const base = 'https://fhir.example.org/fhir/R4';
const place = { id: '01981f6e-7a00-7000-8000-000000000001', at: Date.parse('2026-11-22T10:20:30.456Z') };

type Event = Readonly<Record<string, unknown>> & { readonly meta: { readonly profile?: readonly string[] } };

function rendered(
  record: AuditRecord,
  known: { readonly patient: boolean; readonly query: boolean } = { patient: true, query: true },
): Event {
  const text = renderEvent(record, place, {
    base,
    patientId: () => (known.patient ? 'p1' : undefined),
    query: known.query ? Buffer.from('GET /Observation?code=1') : undefined,
  });
  const stamp = { type: 'AuditEvent', id: place.id, version: 1, lastUpdated: new Date(place.at).toISOString() };
  return JSON.parse(renderText(text, stamp)) as Event;
}

const records = [...allRecords()];
let validator: TestValidator;
beforeAll(async () => {
  validator = await openTestValidator();
});

describe('every kind of event, with every outcome and agent', () => {
  test.each(kinds)('%s is valid R4', async (kind) => {
    const faults = new Set<string>();
    for (const record of records.filter((each) => each.kind === kind)) {
      const found = await validator.validate(JSON.stringify(rendered(record)));
      for (const { severity, id, text } of found) if (severity === 'error' || severity === 'fatal') faults.add(`${id}: ${text}`);
    }
    expect([...faults]).toEqual([]);
  });

  test.each(kinds)('%s meets the profiles that it names, and what all have in common', (kind) => {
    const faults = new Set(records.filter((each) => each.kind === kind).flatMap((record) => balpFaults(rendered(record))));
    expect([...faults]).toEqual([]);
  });

  test.each(kinds)('%s is the same kind of event when the keys of patient and query are destroyed', async (kind) => {
    for (const record of records.filter((each) => each.kind === kind && each.outcome === 0)) {
      const event = rendered(record, { patient: false, query: false });
      const text = JSON.stringify(event);
      expect(text).not.toContain('Patient/');
      expect(balpFaults(event)).toEqual([]);
      const issues = await validator.validate(text);
      expect(issues.filter(({ severity }) => severity === 'error')).toEqual([]);
    }
  });
});

describe('which profile an event names', () => {
  const whole: Omit<AuditRecord, 'kind'> = {
    outcome: 0,
    requestId: 'r',
    agent: clinician,
    data: { type: 'Observation', id: 'o1', version: 3 },
    parameters: 'code',
  };
  const short = (event: Event) => (event.meta.profile ?? []).map((url) => url.split('/').at(-1));
  const tokenUse = 'IHE.BasicAudit.OAUTHaccessTokenUse.Minimal';

  test.each([
    ['read', 'Read'],
    ['vread', 'Read'],
    ['create', 'Create'],
    ['update', 'Update'],
    ['patch', 'Update'],
    ['delete', 'Delete'],
    ['search-type', 'Query'],
    ['search-system', 'Query'],
  ] as const)('%s: %s, of a patient that of patients, and that of the token', (kind, profile) => {
    expect(short(rendered({ ...whole, kind }))).toEqual([`IHE.BasicAudit.${profile}`, tokenUse]);
    expect(short(rendered({ ...whole, kind, patient: 'AAAAAAAAAAAAAAAAAAAAAA' }))).toEqual([`IHE.BasicAudit.Patient${profile}`, tokenUse]);
  });

  test('a token that was issued: that of IUA', () => {
    const event = rendered({ ...whole, kind: 'token-issued' });
    expect(short(event)).toEqual(['IHE.IUA.71', tokenUse]);
  });

  test('a failure names none but that of the token: the profiles are of successes', () => {
    for (const kind of kinds) expect(short(rendered({ ...whole, kind, outcome: 4 }))).toEqual([tokenUse]);
  });

  test('without the address of the client none that wants it', () => {
    const { address: _, ...agent } = clinician;
    for (const kind of kinds) expect(short(rendered({ ...whole, kind, agent }))).toEqual([tokenUse]);
  });

  test('who was refused is told with what he asked for, and why', () => {
    const event = rendered({ ...whole, kind: 'read', outcome: 4, reason: 'scope-insufficient' });
    expect(event).toMatchObject({
      outcome: '4',
      outcomeDesc: 'scope-insufficient',
      entity: [{ what: { reference: 'Observation/o1/_history/3' } }, {}, {}],
    });
  });
});

describe('an erased patient', () => {
  test('is told by a pseudonym that is the same in all his events', () => {
    const record: AuditRecord = {
      kind: 'read',
      outcome: 0,
      requestId: 'r',
      agent: clinician,
      data: { type: 'Patient', patient: '=', version: 2 },
      patient: 'AAECAwQFBgcICQoLDA0ODw',
    };
    const pseudonym = {
      type: 'Patient',
      identifier: { system: 'urn:ietf:rfc:3986', value: 'urn:uuid:00010203-0405-0607-0809-0a0b0c0d0e0f' },
    };
    expect(rendered(record, { patient: false, query: true })).toMatchObject({ entity: [{ what: pseudonym }, { what: pseudonym }, {}] });
    expect(rendered(record)).toMatchObject({
      entity: [{ what: { reference: 'Patient/p1/_history/2' } }, { what: { reference: 'Patient/p1' } }, {}],
    });
  });
});
