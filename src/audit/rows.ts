import { LRUCache } from 'lru-cache';
import { sealBytes } from '../encryption/seal-bytes.ts';
import type { DataKey } from '../encryption/seal.ts';
import { token, type TokenKey } from '../encryption/token.ts';
import { atMost } from '../fhir/at-most.ts';
import { parseReference } from '../fhir/references.ts';
import { uuidv7 } from '../fhir/uuid.ts';
import type { Extractor } from '../search/extract.ts';
import { refKeyOf } from '../search/types/reference.ts';
import type { AuditRow } from '../storage/audit-rows.ts';
import { KeyErased, type KeyStore } from '../storage/keys.ts';
import type { RowIds } from '../storage/row-ids.ts';
import { type EventTokens, eventTokens } from './event-tokens.ts';
import type { AuditedAgent, AuditedEvent, AuditedQuery } from './event.ts';
import type { Facets } from './facets.ts';
import { type AuditRecord, type RecordedAgent, type RecordedData, same, writeAgent, writeRecord } from './record.ts';
import type { AuditSeal } from './seal.ts';

export type AuditRowsOptions = {
  readonly key: TokenKey;
  /** The server's own base URL. */
  readonly base: string;
  readonly seal: AuditSeal;
  readonly keys: Pick<KeyStore, 'idsOf' | 'ofOwners'>;
  readonly rowIds: RowIds;
  readonly extract: Extractor;
  readonly facets: Facets;
  /** How many agents and patients are remembered. */
  readonly cacheMax: number;
};

export type MakeAuditRows = (events: readonly AuditedEvent[]) => Promise<readonly AuditRow[]>;

/** Makes the function that turns events into rows: sealed, with the tokens they are found by. */
export function auditRows(options: AuditRowsOptions): MakeAuditRows {
  const { key, base, seal, keys, rowIds } = options;
  const tokens = eventTokens(options);
  const agents = new WeakMap<AuditedAgent, Agent>();
  const agentsByText = new LRUCache<string, Agent>(atMost(options.cacheMax));
  const patients = new LRUCache<bigint, string>(atMost(options.cacheMax));

  async function agentOf(whole: AuditedAgent): Promise<Agent> {
    const { emergency: _, ...agent } = whole;
    const text = JSON.stringify(agent);
    const known = agentsByText.get(text);
    if (known !== undefined) return known;
    const { user, ...rest } = agent;
    const [recorded, fhirUser] = user === undefined ? [rest] : await recordedUser(rest, user);
    const made = { text: writeAgent(recorded), recorded, tokens: tokens.ofAgent(recorded, fhirUser) };
    agentsByText.set(text, made);
    return made;
  }

  /** Of who is a patient here, his key's id stands in place of his own. */
  async function recordedUser(
    rest: Omit<AuditedAgent, 'user' | 'emergency'>,
    { fhirUser, ...user }: NonNullable<AuditedAgent['user']>,
  ): Promise<[RecordedAgent, string?]> {
    const reference = fhirUser === undefined ? undefined : parseReference(fhirUser, base);
    if (reference?.kind !== 'local') return [{ ...rest, user: { ...user, ...(fhirUser === undefined ? {} : { fhirUser }) } }];
    if (reference.type !== 'Patient') return [{ ...rest, user: { ...user, fhirUser: `${reference.type}/${reference.id}` } }];
    const patient = await keyIdOf(reference.id);
    if (patient === undefined) return [{ ...rest, user: { ...user, fhirUser: `Patient/${reference.id}` } }];
    return [{ ...rest, user: { ...user, patient } }, reference.id];
  }

  /** The id of a patient's key, destroyed or not; undefined where there never was one: then the id is nobody's. */
  async function keyIdOf(id: string): Promise<string | undefined> {
    const owner = refKeyOf(key, 'Patient', id);
    const known = patients.get(owner);
    if (known !== undefined) return known;
    const [found] = await keys.idsOf([owner]);
    if (found === undefined) return undefined;
    const text = found.id.toString('base64url');
    patients.set(owner, text);
    return text;
  }

  function dataOf({ data, patient }: AuditedEvent): RecordedData | undefined | Promise<RecordedData> {
    if (data?.type !== 'Patient' || data.id === undefined) return data;
    const { type, id, version } = data;
    const rest = version === undefined ? { type } : { type, version };
    if (patient !== undefined && patient.owner === refKeyOf(key, 'Patient', id)) return { ...rest, patient: same };
    return keyIdOf(id).then((keyId) => (keyId === undefined ? data : { ...rest, patient: keyId }));
  }

  return async (events) => {
    const [rids] = await Promise.all([
      rowIds.take(events.length),
      ...new Set(events.map(({ at }) => at)).values().map((at) => seal.ready(at)),
    ]);
    for (const { agent } of events) if (!agents.has(agent)) agents.set(agent, await agentOf(agent));
    const texts = events.map(textOf);
    const sealing = texts.some((text) => text !== undefined) ? await queryKeys(events, texts, keys) : noKeys;
    const rows: AuditRow[] = [];
    for (const [at, event] of events.entries()) {
      const told = dataOf(event);
      const data = told instanceof Promise ? await told : told;
      rows.push(rowOf(event, texts[at], data, rids[at] ?? 0, sealing));
    }
    return rows;
  };

  function rowOf(
    event: AuditedEvent,
    text: AuditedQuery | undefined,
    data: RecordedData | undefined,
    rid: number,
    sealing: QueryKeys,
  ): AuditRow {
    const { kind, at, requestId, outcome, reason, patient, query, operation, entry, details } = event;
    const agent = agents.get(event.agent);
    if (agent === undefined) throw new Error('an agent was lost');
    const id = uuidv7(at);
    const address = { id, at };
    const record: AuditRecord = {
      kind,
      outcome,
      requestId,
      agent: agent.recorded,
      ...(reason === undefined ? {} : { reason }),
      ...(data === undefined ? {} : { data }),
      ...(patient === undefined ? {} : { patient: patient.keyId.toString('base64url') }),
      ...(query === undefined ? {} : { parameters: query.parameters }),
      ...(operation === undefined ? {} : { operation }),
      ...(entry === undefined ? {} : { entry }),
      ...(details === undefined ? {} : { details }),
    };
    const sealed = text === undefined ? undefined : sealQuery(text, sealing, address);
    const content = seal.sealRecord(writeRecord(sealed === undefined ? record : { ...record, query: sealed }, agent.text), address);
    const row = {
      rid,
      id,
      refKey: token(key, 'ref', 'AuditEvent', id),
      at,
      patient: patient?.owner ?? null,
      tokens: tokens.of(record, event.data, agent.tokens, patient),
      content,
    };
    return { ...row, mac: seal.mac(row) };
  }

  function sealQuery(query: AuditedQuery, sealing: QueryKeys, address: { readonly id: string; readonly at: number }): AuditRecord['query'] {
    const text = Buffer.from(query.line);
    const own = sealing.get(query);
    if (own === 'erased') return undefined;
    if (own === undefined) return { by: 'month', bytes: seal.sealQuery(text, address) };
    return { by: 'patient', bytes: sealBytes(own, queryPurpose(address.id), text) };
  }
}

/**
 * What of an event may tell of the patient in words: the text of a query, and why the glass was broken. That is told once for a request, by
 * the event that says so.
 */
function textOf({ kind, query, agent: { emergency } }: AuditedEvent): AuditedQuery | undefined {
  return kind === 'break-glass' && emergency !== undefined ? { line: emergency, parameters: '' } : query;
}

/** What a query's text is sealed for. */
export const queryPurpose = (id: string): string => `audit-query/${id}`;

type Agent = { readonly text: string; readonly recorded: RecordedAgent; readonly tokens: EventTokens };

/** The keys that the texts of queries are sealed with: of the one patient whom all that is told of the query concerns. */
type QueryKeys = ReadonlyMap<AuditedQuery, DataKey | 'erased'>;

const noKeys: QueryKeys = new Map();

async function queryKeys(
  events: readonly AuditedEvent[],
  texts: readonly (AuditedQuery | undefined)[],
  keys: Pick<KeyStore, 'ofOwners'>,
): Promise<QueryKeys> {
  const owners = new Map<AuditedQuery, Set<bigint>>();
  for (const [at, { patient }] of events.entries()) {
    const query = texts[at];
    if (query === undefined || patient === undefined) continue;
    const known = owners.get(query);
    if (known === undefined) owners.set(query, new Set([patient.owner]));
    else known.add(patient.owner);
  }
  const found = new Map<AuditedQuery, DataKey | 'erased'>();
  for (const [query, [owner, ...others]] of owners) {
    if (owner === undefined || others.length > 0) continue;
    try {
      const [own] = await keys.ofOwners([owner]);
      if (own !== undefined) found.set(query, own);
    } catch (error) {
      if (!(error instanceof KeyErased)) throw error;
      found.set(query, 'erased');
    }
  }
  return found;
}
