import type { AuditedAgent, AuditedEvent, AuditKind } from './event.ts';
import { isKind } from './kinds.ts';

/**
 * What a row of our own holds, before it is sealed: an event without what follows from its kind, and without any Patient's id. Members are
 * short because there are billions of them:
 *
 *     length of the JSON(4) ‖ JSON ‖ the query's text, sealed apart
 */
export type AuditRecord = {
  readonly kind: AuditKind;
  readonly outcome: AuditedEvent['outcome'];
  readonly requestId: string;
  readonly agent: RecordedAgent;
  readonly reason?: string;
  readonly data?: RecordedData;
  /** Whom it concerns. */
  readonly patient?: KeyId;
  /** Names of the query's parameters; there is a query where this is not undefined. */
  readonly parameters?: string;
  /** The query's text; of a broken glass the reason. */
  readonly query?: SealedQuery;
  readonly operation?: string;
  readonly entry?: number;
  readonly details?: Readonly<Record<string, string>>;
};

/** The id of a patient's key in base64url: it stands for him. */
export type KeyId = string;

/** In place of a key's id, where data are the patient whom the event concerns: no key's id, as it is shorter. */
export const same = '=';

/** Of a Patient his key id stands in place of his id; none at all where he is the patient that the event concerns. */
export type RecordedData = {
  readonly type: string;
  readonly id?: string;
  readonly patient?: KeyId;
  readonly version?: number;
};

export type RecordedUser = Omit<NonNullable<AuditedAgent['user']>, 'fhirUser'> & {
  readonly fhirUser?: string;
  /** He is a patient here. */
  readonly patient?: KeyId;
};

/** Why the glass was broken may tell of the patient: it is sealed apart. */
export type RecordedAgent = Omit<AuditedAgent, 'user' | 'emergency'> & { readonly user?: RecordedUser };

/** Sealed with the patient's own key, or with the month's. */
export type SealedQuery = { readonly by: 'patient' | 'month'; readonly bytes: Buffer };

type Written = {
  readonly k: string;
  readonly o: number;
  readonly q: string;
  readonly a: WrittenAgent;
  readonly r?: string;
  readonly d?: readonly [type: string, id: string | null, version: number | null, patient?: string];
  readonly p?: string;
  readonly n?: string;
  /** How the query's text is sealed. */
  readonly s?: 'p' | 'm';
  readonly f?: string;
  readonly e?: number;
  readonly x?: Readonly<Record<string, string>>;
};

type WrittenAgent = {
  readonly i?: string;
  readonly s?: string;
  readonly f?: string;
  readonly p?: string;
  readonly n?: string;
  readonly r?: readonly string[];
  readonly c?: string;
  readonly t?: string;
  readonly a?: string;
  readonly u?: readonly string[];
};

/** The agent's part of the JSON: the same for all that he does. */
export function writeAgent({ user, client, tokenId, address, purposes }: RecordedAgent): string {
  const written: WrittenAgent = {
    ...(user === undefined ? {} : { i: user.issuer, s: user.subject }),
    ...(user?.fhirUser === undefined ? {} : { f: user.fhirUser }),
    ...(user?.patient === undefined ? {} : { p: user.patient }),
    ...(user?.name === undefined ? {} : { n: user.name }),
    ...(user === undefined || user.roles.length === 0 ? {} : { r: user.roles }),
    ...(client === undefined ? {} : { c: client }),
    ...(tokenId === undefined ? {} : { t: tokenId }),
    ...(address === undefined ? {} : { a: address }),
    ...(purposes.length === 0 ? {} : { u: purposes }),
  };
  return JSON.stringify(written);
}

/** @param agent  as `writeAgent` wrote it */
export function writeRecord(record: Omit<AuditRecord, 'agent'>, agent: string): Buffer {
  const { kind, outcome, requestId, reason, data, patient, parameters, query, operation, entry, details } = record;
  let json = `{"k":"${kind}","o":${outcome},"q":${JSON.stringify(requestId)},"a":${agent}`;
  if (reason !== undefined) json += `,"r":${JSON.stringify(reason)}`;
  if (data !== undefined) json += `,"d":${dataText(data)}`;
  if (patient !== undefined) json += `,"p":"${patient}"`;
  if (parameters !== undefined) json += `,"n":${JSON.stringify(parameters)}`;
  if (query !== undefined) json += `,"s":"${query.by === 'patient' ? 'p' : 'm'}"`;
  if (operation !== undefined) json += `,"f":${JSON.stringify(operation)}`;
  if (entry !== undefined) json += `,"e":${entry}`;
  if (details !== undefined) json += `,"x":${JSON.stringify(details)}`;
  json += '}';
  const length = Buffer.byteLength(json);
  const out = Buffer.allocUnsafe(lengthBytes + length + (query?.bytes.length ?? 0));
  out.writeUInt32BE(length);
  out.write(json, lengthBytes);
  if (query !== undefined) out.set(query.bytes, lengthBytes + length);
  return out;
}

function dataText({ type, id, version, patient }: RecordedData): string {
  const parts = [type, id ?? null, version ?? null];
  return JSON.stringify(patient === undefined ? parts : [...parts, patient]);
}

const lengthBytes = 4;

/** @throws Error if the bytes are no record: they were sealed by us, so that is a fault of ours */
export function readRecord(bytes: Buffer): AuditRecord {
  const end = lengthBytes + bytes.readUInt32BE(0);
  const { k, o, q, a, r, d, p, n, s, f, e, x } = JSON.parse(bytes.toString('utf8', lengthBytes, end)) as Written;
  if (!isKind(k)) throw new Error('an audit record is of no kind that is known');
  return {
    kind: k,
    outcome: o as AuditedEvent['outcome'],
    requestId: q,
    agent: readAgent(a),
    ...(r === undefined ? {} : { reason: r }),
    ...(d === undefined ? {} : { data: readData(d) }),
    ...(p === undefined ? {} : { patient: p }),
    ...(n === undefined ? {} : { parameters: n }),
    ...(s === undefined ? {} : { query: { by: s === 'p' ? 'patient' : 'month', bytes: bytes.subarray(end) } as const }),
    ...(f === undefined ? {} : { operation: f }),
    ...(e === undefined ? {} : { entry: e }),
    ...(x === undefined ? {} : { details: x }),
  };
}

function readData([type, id, version, patient]: NonNullable<Written['d']>): RecordedData {
  return {
    type,
    ...(id === null ? {} : { id }),
    ...(version === null ? {} : { version }),
    ...(patient === undefined ? {} : { patient }),
  };
}

function readAgent({ i, s, f, p, n, r, c, t, a, u }: WrittenAgent): RecordedAgent {
  const user =
    i === undefined || s === undefined
      ? undefined
      : {
          issuer: i,
          subject: s,
          roles: r ?? [],
          ...(f === undefined ? {} : { fhirUser: f }),
          ...(p === undefined ? {} : { patient: p }),
          ...(n === undefined ? {} : { name: n }),
        };
  return {
    purposes: u ?? [],
    ...(user === undefined ? {} : { user }),
    ...(c === undefined ? {} : { client: c }),
    ...(t === undefined ? {} : { tokenId: t }),
    ...(a === undefined ? {} : { address: a }),
  };
}
