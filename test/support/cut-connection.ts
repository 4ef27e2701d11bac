import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** When the connection that writes under an Idempotency-Key breaks: before it commits, or when it has and nobody was told. */
export type Moment = 'before the commit' | 'before the answer to the commit';

export type CutConnections = {
  /** Leads to the same database. */
  readonly url: string;
  /** Breaks the next connection that comes to this moment, once. */
  readonly cutNext: (moment: Moment) => void;
  /** From now on nothing gets through, and nobody is told: as in a network that loses everything. */
  readonly fallSilent: () => void;
  readonly speakAgain: () => void;
  /** Whether it was broken. */
  readonly wasCut: () => boolean;
  readonly close: () => Promise<void>;
};

/** Stands between a server and PostgreSQL, and breaks connections at moments that no kill from outside would meet. */
export async function cutConnections(databaseUrl: string): Promise<CutConnections> {
  const upstream = new URL(databaseUrl);
  const host = decodeURIComponent(upstream.hostname);
  const port = Number(upstream.port || 5432);
  const open = new Set<Socket>();
  let next: Moment | undefined;
  let isSilent = false;
  const server = createServer((client) => {
    const database = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
    let isKeyed = false;
    const end = (): void => {
      client.destroy();
      database.destroy();
    };
    for (const socket of [client, database]) {
      open.add(socket);
      socket
        .setNoDelay(true)
        .on('error', end)
        .on('close', () => {
          open.delete(socket);
          end();
        });
    }
    client.on('data', (bytes) => {
      if (isSilent) return;
      isKeyed ||= bytes.includes('idempotency_written');
      if (isKeyed && next === 'before the commit' && bytes.includes('commit')) {
        next = undefined;
        end();
      } else database.write(bytes);
    });
    database.on('data', (bytes) => {
      if (isSilent) return;
      if (isKeyed && next === 'before the answer to the commit' && bytes.includes('COMMIT\0')) {
        next = undefined;
        end();
      } else client.write(bytes);
      if (bytes.includes('COMMIT\0')) isKeyed = false;
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as { port: number }).port);
  return {
    url: url.href,
    cutNext: (moment) => {
      next = moment;
    },
    fallSilent: () => {
      isSilent = true;
    },
    speakAgain: () => {
      isSilent = false;
      // What was lost doesn't come any more.
      for (const socket of open) socket.destroy();
    },
    wasCut: () => next === undefined,
    async close() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
