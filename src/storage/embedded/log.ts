import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** Gives each line a head that `readLog` takes apart: `[4711|23505|client backend] ERROR:  …`. */
export const logLinePrefix = '[%p|%e|%b] ';

// PostgreSQL's own processes: what they say is of files, pages and relations. All others, background workers too, run statements of clients.
const ownBackends: ReadonlySet<string> = new Set([
  'postmaster',
  'startup',
  'checkpointer',
  'background writer',
  'walwriter',
  'walreceiver',
  'walsummarizer',
  'archiver',
  'io worker',
  'autovacuum launcher',
  'autovacuum worker',
  'logical replication launcher',
]);

/**
 * Reads a server's stderr line by line, for people, without anything a client sent.
 *
 * A client's own errors quote what it sent (`invalid input syntax for type date: "…"`). The client gets them whole; here only their
 * SQLSTATE is kept.
 *
 * @param onLine  `{ text: 'checkpointer 4711: LOG checkpoint starting: time', own: true }`; `own` if no client's statement stands behind it
 */
export function readLog(stderr: Readable, onLine: (line: { text: string; own: boolean }) => void): void {
  const lines = createInterface({ input: stderr, crlfDelay: Number.POSITIVE_INFINITY });
  let isKept = true;
  lines.on('line', (line) => {
    const head = /^\[(\d+)\|(\w{5})\|([^\]]*)\] (\w+): +(.*)$/.exec(line);
    if (head === null) {
      // A message goes on after a line end with a tab; without head or tab it is a word of the loader or of libc before the log is up.
      if (isKept || !line.startsWith('\t')) onLine({ text: line.trim(), own: true });
      return;
    }
    const [, pid, sqlState, backend = '', severity, message] = head;
    const own = ownBackends.has(backend);
    isKept = own || severity === 'LOG' || severity === 'PANIC';
    // Our own knocking while it starts.
    if (sqlState === '57P03' && !own) return;
    onLine({ text: `${backend} ${pid}: ${severity} ${isKept ? message : sqlState}`, own });
  });
}
