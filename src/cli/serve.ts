import { flushCompileCache } from 'node:module';
import { loadConfig } from '../config.ts';
import { prepareOutcomes } from '../native/interactions/prepare-outcomes.ts';
import { startServer } from '../server.ts';
import { openServices, type Services } from '../services.ts';
import { createLog, type Log } from '../telemetry/log.ts';
import type { Demonstration } from './demo.ts';
import type { CommandIo } from './io.ts';
import { risksOf } from './risks.ts';

/** `npm start`: runs the server until SIGTERM or SIGINT. */
export async function run(_args: readonly string[], io: CommandIo): Promise<number> {
  const config = loadConfig();
  const log = createLog(config);
  const stopAsked = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve(signal));
  });
  for (const risk of risksOf(config, process.getuid?.())) log.warn({}, risk);
  const services = await openServices(config, log);
  const server = await startServer(services).catch(async (error: unknown) => {
    await services.close();
    throw error;
  });
  io.stderr.write(welcome(config.baseUrl, config.devTokenIssuer));
  // Whatever becomes of it, who asks the server to stop is heard.
  const demonstration = await Promise.race([prepared(services), stopAsked.then(() => undefined)]);
  io.stderr.write(demonstration?.told ?? '');
  log.info({ port: server.port }, 'listening');
  // By itself Node writes the compile cache at its end only, and a killed process has none.
  flushCompileCache();
  const signal = await stopAsked;
  log.info({ signal }, 'stopping: running requests may end');
  setTimeout(giveUp, 2 * config.shutdownTimeoutMs + closingMs, log).unref();
  await demonstration?.stop();
  await server.stop();
  log.info({}, 'stopped');
  return 0;
}

/** After the running requests have had their time. */
const closingMs = 20_000;

/** A connection that never answers must not keep the process for ever; what is on disk is whole at every moment. */
function giveUp(log: Log): void {
  log.error({}, 'stopping took too long and was given up');
  process.kill(process.pid, 'SIGKILL');
}

/** What a server at work has to begin with. */
async function prepared(services: Services): Promise<Demonstration | undefined> {
  const { config, context, log } = services;
  // It is asked for by the native API alone: without it the rest goes on.
  await prepareOutcomes(context).catch((error: unknown) => log.error({}, 'the outcomes of interactions were not made ready', error));
  if (config.nodeEnv !== 'development' || !config.authorizationServer) return undefined;
  const { prepareDemo } = await import('./demo.ts');
  return prepareDemo(services);
}

function welcome(baseUrl: string, developmentTokens: boolean): string {
  const token = developmentTokens
    ? `
  Get a token      TOKEN=$(npm run -s token -- --scope "system/*.cruds")
  Try it           curl -H "Authorization: Bearer $TOKEN" ${baseUrl}/Patient
  Load patients    npm run -s sample -- --patients 10 --out sample.ndjson && npm run load -- sample.ndjson`
    : '';
  return `
  Anamnesis is listening at ${baseUrl}
  What it does     curl ${baseUrl}/metadata${token}

`;
}
