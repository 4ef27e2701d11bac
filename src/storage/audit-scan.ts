import type { Position } from './audit-blocks.ts';
import type { Queryable } from './database.ts';

/** An audit event as it lies in the database, every column of it. */
export type ScannedEvent = {
  readonly xid: bigint;
  readonly rid: bigint;
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly interaction: string;
  readonly deleted: boolean;
  readonly refKey: bigint;
  readonly patient: bigint | null;
  /** Microseconds since 1970. */
  readonly at: bigint;
  readonly clinicalAt: bigint | null;
  readonly tokens: Buffer;
  readonly content: Buffer;
  readonly mac: Buffer | null;
};

const columns = [
  'xid',
  'rid',
  'id',
  'type',
  'version',
  'interaction',
  'deleted',
  'ref_key',
  'patient',
  'last_updated',
  'clinical_at',
  'tokens',
  'content',
  'mac',
];
const eventsPerRound = 4_000;
/** PostgreSQL counts from 2000-01-01. */
const epoch2000Micros = 946_684_800_000_000n;

/** The order of sealing: rides (xid, rid) of each partition. */
export async function* scanEvents(db: Queryable, after: Position, until: Position | undefined): AsyncGenerator<readonly ScannedEvent[]> {
  let [xid, rid] = [after.xid, after.rid];
  for (;;) {
    // One value for all of them, in PostgreSQL's binary form: a column each would be read as text.
    const { rows } = await db.query<{ events: Buffer | null; last: string | null }>(
      `with part as materialized (
         select ${columns.join(', ')} from audit_event where (xid, rid) > ($1::xid8, $2::int8) ${until === undefined ? '' : 'and (xid, rid) <= ($4::xid8, $5::int8)'}
         order by xid, rid limit $3::int4
       )
       select string_agg(record_send(row(${columns.join(', ')})), ''::bytea order by xid, rid) as events from part`,
      [xid, rid, eventsPerRound, ...(until === undefined ? [] : [until.xid, until.rid])],
    );
    const bytes = rows[0]?.events;
    if (bytes === null || bytes === undefined) return;
    const events = readRecords(bytes);
    yield events;
    const last = events.at(-1);
    if (last === undefined || events.length < eventsPerRound) return;
    [xid, rid] = [last.xid.toString(), last.rid.toString()];
  }
}

/** Row ids that stand more than once among the events of a month, by any of its times. Rides (rid) of its partition. */
export async function repeatedRids(db: Queryable, limit: number): Promise<readonly string[]> {
  const { rows } = await db.query<{ rid: string }>('select rid from audit_event group by rid having count(*) > 1 order by rid limit $1', [
    limit,
  ]);
  return rows.map(({ rid }) => rid);
}

/** Fields as record_send writes them: how many, then type, length and bytes of each. */
function readRecords(bytes: Buffer): ScannedEvent[] {
  const events: ScannedEvent[] = [];
  for (let at = 0; at < bytes.length; ) {
    const count = bytes.readInt32BE(at);
    at += 4;
    const fields: (Buffer | null)[] = [];
    for (let field = 0; field < count; field++) {
      const length = bytes.readInt32BE(at + 4);
      at += 8;
      fields.push(length < 0 ? null : bytes.subarray(at, at + length));
      at += Math.max(0, length);
    }
    events.push(eventOf(fields));
  }
  return events;
}

function eventOf(fields: readonly (Buffer | null)[]): ScannedEvent {
  const bytes = (name: string): Buffer => fields[columns.indexOf(name)] ?? Buffer.alloc(0);
  const text = (name: string): string => bytes(name).toString('utf8');
  const nullable = (name: string): bigint | null => fields[columns.indexOf(name)]?.readBigInt64BE(0) ?? null;
  const clinical = nullable('clinical_at');
  return {
    xid: bytes('xid').readBigUInt64BE(0),
    rid: bytes('rid').readBigInt64BE(0),
    id: text('id'),
    type: text('type'),
    version: bytes('version').readInt32BE(0),
    interaction: text('interaction'),
    deleted: bytes('deleted')[0] !== 0,
    refKey: bytes('ref_key').readBigInt64BE(0),
    patient: nullable('patient'),
    at: bytes('last_updated').readBigInt64BE(0) + epoch2000Micros,
    clinicalAt: clinical === null ? null : clinical + epoch2000Micros,
    tokens: tokensOf(bytes('tokens')),
    content: bytes('content'),
    mac: fields[columns.indexOf('mac')] ?? null,
  };
}

/** The eight-byte elements of a binary int8[]; an element that is null becomes zeros, which no event has. */
function tokensOf(array: Buffer): Buffer {
  const count = array.readInt32BE(0) === 0 ? 0 : array.readInt32BE(12);
  const out = Buffer.alloc(count * 8);
  for (let n = 0, at = 20; n < count; n++) {
    const length = array.readInt32BE(at);
    if (length === 8) array.copy(out, n * 8, at + 4, at + 12);
    at += 4 + Math.max(0, length);
  }
  return out;
}
