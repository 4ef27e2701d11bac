import { flushCompileCache } from 'node:module';
import { loadConfig } from '../config.ts';
import { prepareOutcomes } from '../native/interactions/prepare-outcomes.ts';
import { startServer } from '../server.ts';
import { openServices, type Services } from '../services.ts';
import { collectGarbage, holdYoungGeneration } from '../telemetry/heap-pace.ts';
import { createLog } from '../telemetry/log.ts';
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
  // What a start leaves is much, and without requests nothing would soon collect it.
  collectGarbage();
  holdYoungGeneration(false);
  log.info({ port: server.port }, 'listening');
  // By itself Node writes the compile cache at its end only, and a killed process has none.
  flushCompileCache();
  const signal = await stopAsked;
  log.info({ signal }, 'stopping: running requests may end');
  await demonstration?.stop().catch((error: unknown) => log.error({}, 'the demonstration was not ended', error));
  await server.stop();
  log.info({}, 'stopped');
  return 0;
}

/** What a server at work has to begin with. What can't be made now, as the database has just gone, is made by another start. */
async function prepared(services: Services): Promise<Demonstration | undefined> {
  const { config, context, log } = services;
  await prepareOutcomes(context).catch((error: unknown) => log.error({}, 'the outcomes of interactions were not made ready', error));
  if (config.nodeEnv !== 'development' || !config.authorizationServer) return undefined;
  const { prepareDemo } = await import('./demo.ts');
  return prepareDemo(services).catch((error: unknown) => {
    log.error({}, 'the demonstration was not made ready', error);
    return undefined;
  });
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
