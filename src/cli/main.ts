import { developmentKeyFileOf, signDevelopmentToken } from '../authorization/development-issuer.ts';
import { loadConfig } from '../config.ts';
import { holdYoungGeneration } from '../telemetry/heap-pace.ts';
import type { CommandIo } from './io.ts';

type Command = { readonly run: (args: readonly string[], io: CommandIo) => Promise<number> };

/** Loaded only when named: a command doesn't pay for the others. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  serve() {
    // What is loaded stays: room for garbage isn't what a start lacks.
    holdYoungGeneration(true);
    return import('./serve.ts');
  },
  token: () => import('./token.ts'),
  load: () => import('./load.ts'),
  sample: () => import('./sample.ts'),
  examples: () => import('./examples.ts'),
  erase: () => import('./erase.ts'),
  reindex: () => import('./reindex.ts'),
  keys: () => import('./keys.ts'),
  ig: () => import('./ig.ts'),
  terminology: () => import('./terminology.ts'),
  user: () => import('./user.ts'),
  client: () => import('./client.ts'),
  oauth: () => import('./oauth.ts'),
  audit: () => import('./audit.ts'),
};

async function main([name = 'serve', ...args]: readonly string[]): Promise<number> {
  const command = commands[name];
  if (command === undefined) {
    process.stderr.write(`Unknown command "${name}". Known: ${Object.keys(commands).join(', ')}.\n`);
    return 2;
  }
  const { run } = await command();
  return run(args, { stdout: process.stdout, stderr: process.stderr, mintToken });
}

async function mintToken(scope: string): Promise<string> {
  const config = loadConfig();
  if (!config.devTokenIssuer) throw new Error('Development tokens are not accepted here. Give a token with --token.');
  return signDevelopmentToken(developmentKeyFileOf(config), { scope, audience: config.baseUrl, expiresIn: 86_400 });
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);
