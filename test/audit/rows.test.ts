import { beforeAll, describe, expect, test } from 'vitest';
import type { AuditedAgent, AuditedEvent } from '../../src/audit/event.ts';
import { makeFacets } from '../../src/audit/facets.ts';
import { readRecord } from '../../src/audit/record.ts';
import { auditRows, type MakeAuditRows } from '../../src/audit/rows.ts';
import { makeAuditSeal } from '../../src/audit/seal.ts';
import { makeDataKey } from '../../src/encryption/seal.ts';
import { makeTokenKey } from '../../src/encryption/token.ts';
import { makeExtractor } from '../../src/search/extract.ts';
import { buildRegistry } from '../../src/search/registry.ts';
import { refKeyOf } from '../../src/search/types/reference.ts';
import { openTestValidator } from '../support/validation.ts';

const base = 'https://fhir.example.org/fhir/R4';
const key = makeTokenKey(Buffer.alloc(16, 7), 'siphash');
const keyOf = (byte: number) => makeDataKey(Buffer.alloc(16, byte), Buffer.alloc(32, byte));
const patientKeys = new Map(['kept', 'other'].map((id, at) => [refKeyOf(key, 'Patient', id), keyOf(at + 1)]));
const seal = makeAuditSeal({
  keys: {
    ofMonth: (purpose) => Promise.resolve(keyOf(purpose === 'audit-month' ? 11 : 12)),
    byId: (id) => Promise.resolve(keyOf(id[0] ?? 0)),
    destroyBefore: () => Promise.resolve([]),
  },
  secret: Buffer.alloc(32, 5),
});

let rows: MakeAuditRows;
beforeAll(async () => {
  const { definitions } = await openTestValidator();
  const extract = makeExtractor({ registry: buildRegistry(definitions, () => 0), key, base });
  let next = 0;
  rows = auditRows({
    key,
    base,
    seal,
    extract,
    facets: makeFacets({ key, base, extract }),
    rowIds: { take: (count) => Promise.resolve(Array.from({ length: count }, () => next++)) },
    keys: {
      idsOf: (owners) =>
        Promise.resolve(
          owners.flatMap((owner) =>
            patientKeys.has(owner) ? [{ owner, id: patientKeys.get(owner)?.id ?? Buffer.alloc(0), erased: false }] : [],
          ),
        ),
      ofOwners: (owners) => Promise.resolve(owners.flatMap((owner) => patientKeys.get(owner) ?? [])),
    },
    cacheMax: 100,
  });
});

const user = (fhirUser: string): AuditedAgent => ({
  user: { issuer: 'https://login', subject: 'sub', fhirUser, roles: [] },
  client: 'app',
  address: '192.0.2.1',
  purposes: [],
});
const patient = (id: string) => {
  const owner = refKeyOf(key, 'Patient', id);
  return { owner, keyId: patientKeys.get(owner)?.id ?? Buffer.alloc(16) };
};
const event = (more: Partial<AuditedEvent> = {}): AuditedEvent => ({
  kind: 'read',
  at: Date.parse('2026-03-01T00:00:00Z'),
  requestId: 'r',
  agent: user('Practitioner/x'),
  outcome: 0,
  ...more,
});
const opened = async (one: AuditedEvent): Promise<string> => {
  const [row] = await rows([one]);
  if (row === undefined) throw new Error('no row');
  const bytes = await seal.openRecord(row.content, { id: row.id, at: row.at });
  readRecord(bytes);
  return bytes.toString('utf8');
};

describe('no id of a patient stands in a record', () => {
  const secretId = 'kept';

  test.each<[string, Partial<AuditedEvent>]>([
    ['who is read', { data: { type: 'Patient', id: secretId, version: 1 }, patient: patient(secretId) }],
    ['who is asked for in vain', { data: { type: 'Patient', id: secretId }, outcome: 4 }],
    ['who is read beside another, whom the event concerns', { data: { type: 'Patient', id: secretId }, patient: patient('other') }],
    ['who reads', { agent: user(`Patient/${secretId}`) }],
    ['who reads, told by a URL', { agent: user(`${base}/Patient/${secretId}`) }],
    [
      'in the text of a query of his own',
      { kind: 'search-type', patient: patient(secretId), query: { line: `GET /Observation?patient=${secretId}`, parameters: 'patient' } },
    ],
    [
      'in the text of a query of nobody',
      { kind: 'search-type', query: { line: `GET /Observation?patient=${secretId}`, parameters: 'patient' } },
    ],
  ])('%s', async (_, more) => {
    expect(await opened(event(more))).not.toContain(secretId);
  });

  test('what is nobody here is told as it was asked for', async () => {
    expect(await opened(event({ data: { type: 'Patient', id: 'unknown' }, outcome: 4 }))).toContain('unknown');
  });
});

describe('the text of a query', () => {
  const query = { line: 'GET /Observation?patient=x', parameters: 'patient' };
  const sealedBy = async (...events: AuditedEvent[]) => {
    const made = await rows(events);
    return Promise.all(made.map(async (row) => readRecord(await seal.openRecord(row.content, { id: row.id, at: row.at })).query?.by));
  };

  test('is sealed with the key of the one patient whom all that is told of it concerns', async () => {
    expect(await sealedBy(event({ kind: 'search-type', query, patient: patient('kept') }))).toEqual(['patient']);
  });

  test("is sealed with the month's key where it concerns several, or nobody", async () => {
    const of = (id: string) => event({ kind: 'search-type', query, patient: patient(id) });
    expect(await sealedBy(of('kept'), of('other'))).toEqual(['month', 'month']);
    expect(await sealedBy(event({ kind: 'search-type', query }))).toEqual(['month']);
  });
});

test('rows have ids in the order of time, the time they tell, and macs over all they are', async () => {
  const [first, second] = await rows([event(), event({ at: Date.parse('2026-03-01T00:00:00.001Z') })]);
  if (first === undefined || second === undefined) throw new Error('no rows');
  expect(first.id < second.id).toBe(true);
  expect(first.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(first.refKey).toBe(refKeyOf(key, 'AuditEvent', first.id));
  const { mac, ...rest } = first;
  expect(seal.mac(rest)).toEqual(mac);
  expect(seal.mac({ ...rest, patient: 1n })).not.toEqual(mac);
});
