import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type Random, randomOf } from '../src/cli/sample/random.ts';
import { type Client, must } from './client.ts';
import type { Step } from './drive.ts';

/** About what a sealed Observation with its row takes. */
export const ROW_BYTES = 1500;
export const TABLE_ROWS = 10_000;
/** As many as the resources of one of our Bundles. */
export const ROWS_PER_INSERT = 50;

/** What bench/ceilings.ts is asked for, and answers. */
export type Command =
  | { readonly open: { readonly databaseUrl: string | undefined } }
  | { readonly insert: { readonly seconds: number; readonly connections: number } };
export type Reply =
  | { readonly opened: { readonly fixed: string; readonly select: string | undefined } }
  | { readonly inserted: { readonly rowsPerSecond: number } }
  | { readonly failed: string };

/** The ceilings' process, of the same Node as the driver and the server. `select` is absent without a database. */
export type Ceilings = {
  readonly fixed: string;
  readonly select: string | undefined;
  /** Rows/s of a bare INSERT; undefined without a database. */
  insert(seconds: number, connections: number): Promise<number | undefined>;
  stop(): Promise<void>;
};

export async function startCeilings(databaseUrl: string | undefined): Promise<Ceilings> {
  const child = fork(new URL('ceilings.ts', import.meta.url), { stdio: 'inherit' });
  const opened = await ask(child, { open: { databaseUrl } });
  if (!('opened' in opened)) throw new Error('the ceilings did not start');
  return {
    ...opened.opened,
    insert: async (seconds, connections) => {
      if (opened.opened.select === undefined) return undefined;
      const done = await ask(child, { insert: { seconds, connections } });
      return 'inserted' in done ? done.inserted.rowsPerSecond : undefined;
    },
    stop: async () => {
      if (child.exitCode !== null) return;
      child.disconnect();
      await once(child, 'exit');
    },
  };
}

/** Commands go one by one, so the next message is the reply. */
async function ask(child: ChildProcess, command: Command): Promise<Reply> {
  const reply = new Promise<Reply>((resolve, reject) => {
    child.once('message', (message) => resolve(message as Reply));
    child.once('exit', (code) => reject(new Error(`the ceilings' process ended with ${code}`)));
  });
  child.send(command);
  const answer = await reply;
  child.removeAllListeners('exit');
  if ('failed' in answer) throw new Error(`ceilings: ${answer.failed}`);
  return answer;
}

/** A request to the fixed answer, or to the one that reads a row by its key. */
export function ceilingStep(client: Client, random: Random = randomOf(11)): Step {
  return async () => {
    const answer = await client.request('GET', `/${random.int(0, TABLE_ROWS - 1)}`);
    must(answer.status === 200 && answer.headers['content-length'] === String(ROW_BYTES), `ceiling: status ${answer.status}`);
    return { resources: 1, bytes: ROW_BYTES };
  };
}
