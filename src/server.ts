import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Config } from './config.ts';
import { buildApp } from './http/app.ts';
import { answerUnreadable } from './http/unreadable.ts';
import type { Services } from './services.ts';

export type RunningServer = {
  readonly port: number /** Ends what runs within the time allowed, then everything. */;
  readonly stop: () => Promise<void>;
};

/** All headers of a request together, its URL apart. */
const headerBytesMax = 16_384;

/** Listens with the services given; they are closed by `stop`, after the last request. */
export async function startServer(services: Services): Promise<RunningServer> {
  const { config, context, authenticate, log, ready } = services;
  let draining = false;
  const app = buildApp({ context, authenticate, log, ready, draining: () => draining });
  const answer = getRequestListener(app.fetch);
  const server = createServer(
    {
      headersTimeout: config.headersTimeoutMs,
      requestTimeout: config.requestTimeoutMs,
      keepAliveTimeout: 65_000,
      // Node counts the URL among the headers: a long one must get as far as our own refusal.
      maxHeaderSize: config.urlBytesMax + headerBytesMax,
    },
    // Its promise never rejects: the app answers every error.
    (incoming, outgoing) => void answer(incoming, outgoing),
  );
  server.on('clientError', answerUnreadable);
  await listen(server, config);
  const { port } = server.address() as AddressInfo;
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    draining = true;
    await drain(server, config.shutdownTimeoutMs);
    await services.close();
  };
  return { port, stop: () => (stopping ??= stop()) };
}

function listen(server: Server, { host, port }: Config): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** A keep-alive client would hold its socket for ever: idle ones are closed again and again, all of them at the deadline. */
async function drain(server: Server, limitMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  const deadline = setTimeout(() => server.closeAllConnections(), limitMs);
  server.closeIdleConnections();
  await closed;
  clearInterval(idle);
  clearTimeout(deadline);
}
