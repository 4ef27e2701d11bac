import type { Pool, PoolClient, QueryConfig, QueryResult, QueryResultRow } from 'pg';
import { holdBack, type Queryable } from './database.ts';

/** Connections that many requests share for short reads. */
export type Lanes = Queryable & { readonly close: () => void };

/** So many statements go to a connection that is at work anyway before another is woken, which costs more than a short read. */
const sharedMax = 8;

type Lane = { client: PoolClient | undefined; connecting: Promise<PoolClient> | undefined; inFlight: number; held: boolean };

/**
 * Sends short statements over a few pipelined connections instead of one connection each: what requests ask in the same turn of
 * the event loop leaves in one system call and wakes one backend, one that is awake where it can. Answers come in the order asked, so a lane is no place for
 * slow statements or transactions. A connection that is lost fails what is under way on it; the next statement opens another.
 */
export function openLanes(pool: Pool, count: number): Lanes {
  const lanes: Lane[] = Array.from({ length: count }, () => ({ client: undefined, connecting: undefined, inFlight: 0, held: false }));
  let closed = false;

  async function connect(lane: Lane): Promise<PoolClient> {
    const client = await pool.connect();
    const lost = (): void => {
      if (lane.client !== client) return;
      lane.client = undefined;
      client.release(true);
    };
    client.once('error', lost);
    client.once('end', lost);
    lane.client = client;
    return client;
  }

  function isBetter(one: Lane, other: Lane): boolean {
    const shares = ({ inFlight }: Lane): boolean => inFlight > 0 && inFlight < sharedMax;
    if (shares(one) !== shares(other)) return shares(one);
    return shares(one) ? one.inFlight > other.inFlight : one.inFlight < other.inFlight;
  }

  function clientOf(lane: Lane): Promise<PoolClient> | PoolClient {
    if (lane.client !== undefined) return lane.client;
    lane.connecting ??= connect(lane).finally(() => {
      lane.connecting = undefined;
    });
    return lane.connecting;
  }

  /** Everything that is queued until this turn ends goes out together. */
  function gather(lane: Lane, client: PoolClient): void {
    if (lane.held) return;
    lane.held = true;
    const send = holdBack(client);
    setImmediate(() => {
      lane.held = false;
      send();
    });
  }

  async function query<R extends QueryResultRow>(config: QueryConfig | string, values?: unknown[]): Promise<QueryResult<R>> {
    if (closed) throw new Error('Connection terminated');
    const lane = lanes.reduce((best, each) => (isBetter(each, best) ? each : best));
    lane.inFlight++;
    try {
      const client = await clientOf(lane);
      gather(lane, client);
      return await (typeof config === 'string' ? client.query<R>(config, values) : client.query<R>(config));
    } finally {
      lane.inFlight--;
    }
  }

  function close(): void {
    closed = true;
    for (const lane of lanes) {
      const { client } = lane;
      lane.client = undefined;
      client?.release();
    }
  }

  return { query: query as Queryable['query'], close };
}
