import { createServer, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { Config } from './config.ts';
import { buildApp } from './http/app.ts';
import { knownOrigins } from './http/client-origins.ts';
import { type Listener, makeListener } from './http/listener.ts';
import { loadBrands } from './http/oauth/brands.ts';
import { isOauth, oauthListener } from './http/oauth/mount.ts';
import { oauthPages } from './http/oauth/pages-mount.ts';
import { countersInMemory, makeRateLimits, type RateLimits } from './http/rate-limits.ts';
import { countersInValkey } from './http/shared-counters.ts';
import { readTls, renewTls } from './http/tls.ts';
import { answerUnreadable } from './http/unreadable.ts';
import { nativeApp } from './http/v1.ts';
import { openBulk } from './native/bulk/open.ts';
import { loadContract } from './native/contract.ts';
import { nativeHandlers } from './native/handlers.ts';
import type { Services } from './services.ts';
import { clientOrigins } from './storage/oauth-clients.ts';
import type { Log } from './telemetry/log.ts';

export type RunningServer = {
  readonly port: number /** Ends what runs within the time allowed, then everything. */;
  readonly stop: () => Promise<void>;
};

/** All headers of a request together, its URL apart. */
const headerBytesMax = 16_384;

/** Listens with the services given; they are closed by `stop`, after the last request. */
export async function startServer(services: Services): Promise<RunningServer> {
  const { config, context, authenticate, log, oauth, ready } = services;
  let draining = false;
  const { limits, close: closeCounters } = await openLimits(services);
  const contract = await loadContract(config.cacheDir);
  const bulk = await openBulk({ ...services, contract });
  const app = buildApp({
    context,
    authenticate,
    limits,
    clientOrigins: knownOrigins(() => clientOrigins(context.pool)),
    log,
    ready,
    draining: () => draining,
    native: nativeApp({
      context,
      services: { ...services, jobs: bulk.jobs, confirmations: services.oauth?.confirmations },
      contract,
      handlers: nativeHandlers,
      authenticate,
      limits,
      secret: services.idempotencySecret,
      log,
    }),
    ...(oauth === undefined ? {} : { brands: await loadBrands(config) }),
    ...(oauth === undefined ? {} : { pages: oauthPages({ oauth, context, accessOfUser: services.accessOfUser, log }) }),
  });
  const atWork = new Set<Promise<unknown>>();
  const listener = makeListener({
    app,
    onWork(work) {
      const noted = work.finally(() => atWork.delete(noted));
      atWork.add(noted);
    },
    limits,
    baseUrl: config.baseUrl,
    ...(oauth === undefined ? {} : { oauth: { isOwn: isOauth, answer: oauthListener({ oauth, config, pool: context.pool, log }) } }),
  });
  const { server, close } = await createListening(config, listener, log);
  server.on('clientError', answerUnreadable);
  // Expectations that aren't known are ignored, as they may be; by itself Node answers them without a word.
  server.on('checkExpectation', listener);
  server.timeout = config.silenceTimeoutMs;
  server.maxConnections = config.connectionsMax;
  await listen(server, config).catch(async (error: unknown) => {
    closeCounters();
    await bulk.stop();
    throw error;
  });
  const { port } = server.address() as AddressInfo;
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    draining = true;
    close();
    const ended = bulk.stop();
    const deadline = wait(config.shutdownTimeoutMs, undefined, { ref: false });
    await drain(server, config.shutdownTimeoutMs);
    // Of clients that went away too: what they asked for uses the databases until its end.
    await Promise.race([Promise.allSettled(atWork), deadline]);
    await ended;
    closeCounters();
    await services.close();
  };
  return { port, stop: () => (stopping ??= stop()) };
}

/** Counters in Valkey where it is configured, and otherwise in this process. */
async function openLimits({ config, countersSecret, log }: Services): Promise<{ limits: RateLimits; close: () => void }> {
  const { valkeyUrl: url } = config;
  if (url === undefined) return { limits: makeRateLimits(config, await countersInMemory()), close: () => {} };
  const { makeCounter, close } = await countersInValkey({ url, secret: countersSecret, log });
  return { limits: makeRateLimits(config, makeCounter, countersSecret), close };
}

/** A server that speaks TLS where a certificate is configured; `close` ends what watches that. */
async function createListening(config: Config, listener: Listener, log: Log): Promise<{ server: Server; close: () => void }> {
  const options: ServerOptions = {
    headersTimeout: config.headersTimeoutMs,
    requestTimeout: config.requestTimeoutMs,
    keepAliveTimeout: 65_000,
    // How often those two are looked after: by itself Node does it twice a minute.
    connectionsCheckingInterval: Math.min(config.headersTimeoutMs, 5_000),
    // Node counts the URL among the headers: a long one must get as far as our own refusal.
    maxHeaderSize: config.urlBytesMax + headerBytesMax,
    // Who names no host is told so by us.
    requireHostHeader: false,
  };
  const { tlsCertFile: certFile, tlsKeyFile: keyFile } = config;
  if (certFile === undefined || keyFile === undefined) return { server: createServer(options, listener), close: () => {} };
  const files = { certFile, keyFile };
  const server = createTlsServer({ ...options, ...(await readTls(files)), handshakeTimeout: config.headersTimeoutMs }, listener);
  return { server, close: renewTls(server, files, log) };
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
