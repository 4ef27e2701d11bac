import { beforeAll, describe, expect, test } from 'vitest';
import { eventTokens, type TokensOfEvents } from '../../src/audit/event-tokens.ts';
import type { AuditedEvent } from '../../src/audit/event.ts';
import { type Facets, makeFacets } from '../../src/audit/facets.ts';
import { type AuditRecord, type RecordedAgent, same } from '../../src/audit/record.ts';
import { renderEvent } from '../../src/audit/render/event.ts';
import { makeTokenKey, token } from '../../src/encryption/token.ts';
import { type Extractor, makeExtractor, ownerParts } from '../../src/search/extract.ts';
import { tokensOf } from '../../src/search/holds.ts';
import { buildRegistry } from '../../src/search/registry.ts';
import { refKeyOf } from '../../src/search/types/reference.ts';
import { openTestValidator } from '../support/validation.ts';
import { allRecords } from './events.ts';

const base = 'https://fhir.example.org/fhir/R4';
const key = makeTokenKey(Buffer.alloc(16, 7), 'siphash');
const patient = { keyId: Buffer.alloc(16), owner: refKeyOf(key, 'Patient', 'p1') };

let extract: Extractor;
let facets: Facets;
let tokens: TokensOfEvents;
beforeAll(async () => {
  const { definitions } = await openTestValidator();
  extract = makeExtractor({ registry: buildRegistry(definitions, () => 0), key, base });
  facets = makeFacets({ key, base, extract });
  tokens = eventTokens({ key, base, extract, facets });
});

type Case = { readonly record: AuditRecord; readonly data: AuditedEvent['data'] };

function* cases(): Generator<Case> {
  let n = 0;
  for (const record of allRecords()) {
    if (record.outcome === 4 || record.outcome === 12) continue;
    const requestId = `request-${n++ % 17}`;
    yield { record: { ...record, requestId }, data: record.data === undefined ? undefined : { type: 'Observation', id: 'o1', version: 3 } };
    if (record.data === undefined) continue;
    yield { record: { ...record, requestId, data: { type: 'Observation' } }, data: { type: 'Observation' } };
    if (record.patient !== undefined)
      yield {
        record: { ...record, requestId, data: { type: 'Patient', version: 2, patient: same } },
        data: { type: 'Patient', id: 'p1', version: 2 },
      };
    yield { record: { ...record, requestId, data: { type: 'Patient', id: 'unknown' } }, data: { type: 'Patient', id: 'unknown' } };
  }
}

/** What is extracted from the event as it is told; who owns it is asked of no event. */
function ordinary(record: AuditRecord): ReadonlySet<bigint> {
  const text = renderEvent(record, { id: 'e', at: 0 }, { base, patientId: () => 'p1', query: Buffer.from('q') });
  const found = new Set(tokensOf(extract(JSON.parse(text) as Record<string, unknown>, 'AuditEvent', 'e').tokens));
  for (const id of ['p1', 'unknown']) found.delete(token(key, ...ownerParts(id)));
  // Whether there is a reference to these types is asked by no parameter.
  for (const type of ['Observation', 'Practitioner'])
    for (const path of ['agent.who', 'entity.what']) found.delete(token(key, 'p', `AuditEvent.${path}`, type));
  return found;
}

describe('a row is found by what an event told as it is would be found by', () => {
  test('by all of that and by nothing else, whatever the kind, outcome, agent, data, patient and query', () => {
    const agents = new Map<RecordedAgent, readonly bigint[]>();
    const all = [...cases()].map(({ record, data }) => {
      const agent = agents.get(record.agent) ?? tokens.ofAgent(record.agent, undefined);
      agents.set(record.agent, agent);
      const row = tokensOf(tokens.of(record, data, agent, record.patient === undefined ? undefined : patient));
      return { record, row, ordinary: ordinary(record) };
    });
    const asked = new Set(all.flatMap((each) => [...each.ordinary]));
    const implied = new Map<bigint, bigint[]>();
    for (const [one, facetsOfOne] of facets.standingFor())
      for (const facet of facetsOfOne) implied.set(facet, [...(implied.get(facet) ?? []), one]);
    const faults = new Set<string>();
    for (const { record, row, ordinary: said } of all) {
      const found = new Set([...row].flatMap((each) => [each, ...(implied.get(each) ?? [])]).filter((each) => asked.has(each)));
      for (const each of found.difference(said)) faults.add(`${record.kind} ${record.outcome}: found by ${each}`);
      for (const each of said.difference(found)) faults.add(`${record.kind} ${record.outcome}: not found by ${each}`);
    }
    expect([...faults].slice(0, 20)).toEqual([]);
    expect(asked.size).toBeGreaterThan(150);
  });

  test('few tokens are kept of an event, and few are asked for one', () => {
    const sizes = [...cases()]
      .filter((_, at) => at % 100 === 0)
      .map(({ record, data }) => tokens.of(record, data, tokens.ofAgent(record.agent, undefined), patient).length / 8);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(29);
    expect(Math.max(...[...facets.standingFor().values()].map((list) => list.length))).toBeLessThanOrEqual(200);
  });

  test('a user who is a patient here is found by what he is called', () => {
    const agent = { user: { issuer: 'https://i', subject: 's', roles: ['patient'], patient: 'AAAA' }, purposes: [] };
    const record: AuditRecord = { kind: 'read', outcome: 0, requestId: 'r', agent, data: { type: 'Basic', id: 'b' } };
    const row = tokensOf(tokens.of(record, { type: 'Basic', id: 'b' }, tokens.ofAgent(agent, 'p1'), undefined));
    expect(row.has(token(key, 'r', 'AuditEvent.agent.who', 'Patient/p1'))).toBe(true);
    expect(row.has(token(key, ...ownerParts('p1')))).toBe(false);
  });
});
