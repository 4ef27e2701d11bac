import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/**
 * Starts a script of ours as a Node process of its own.
 *
 * @returns  the process and its first line; null if it ends without one. `errors()` is what it wrote to stderr.
 */
export function startScript(path: string, args: readonly string[], command: readonly string[] = []) {
  const [program, ...rest] = [...command, process.execPath, path, ...args];
  const child = spawn(program ?? process.execPath, rest, { stdio: ['pipe', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const lines = createInterface({ input: child.stdout });
  const firstLine = new Promise<string | null>((resolve) => {
    lines.once('line', resolve);
    lines.once('close', () => resolve(null));
  });
  return { child, firstLine, errors: () => errors };
}

/** Ends a process as a power failure would, and waits until it is gone. */
export async function killHard(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
