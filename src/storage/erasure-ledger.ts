import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isId } from '../fhir/references.ts';
import { ifMissing, syncFolder } from './embedded/folders.ts';

/** One erasure that was ordered. `reason` is the operator's and not read again. */
export type LedgerEntry = { readonly at: string; readonly patient: string; readonly reason: string };

/**
 * Adds a line, on disk before anything is erased: whatever is interrupted afterwards, the next start finishes it, and whatever
 * backup is restored, the next start erases again. A line that a crash cut short ordered nothing and is cut off.
 */
export async function appendErasure(file: string, entry: LedgerEntry): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const handle = await open(file, 'a+', 0o600);
  try {
    const text = await handle.readFile();
    const whole = text.lastIndexOf(0x0a) + 1;
    if (whole < text.length) await handle.truncate(whole);
    const { at, patient, reason } = entry;
    await handle.write(`${JSON.stringify({ at, patient, reason })}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await syncFolder(dirname(file));
}

/** The erasures ordered so far; none if there is no file yet. @throws Error if a whole line is none of ours */
export async function readLedger(file: string): Promise<readonly LedgerEntry[]> {
  const text = (await readFile(file, 'utf8').catch(ifMissing)) ?? '';
  return text
    .split('\n')
    .slice(0, -1)
    .map((line, at) => parseEntry(line) ?? damaged(file, at + 1));
}

function parseEntry(line: string): LedgerEntry | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    if (typeof entry !== 'object' || entry === null) return undefined;
    const { at, patient, reason } = entry as Partial<Record<keyof LedgerEntry, unknown>>;
    if (typeof at !== 'string' || typeof patient !== 'string' || typeof reason !== 'string' || !isId(patient)) return undefined;
    return { at, patient, reason };
  } catch {
    return undefined; // the caller names the line
  }
}

function damaged(file: string, line: number): never {
  throw new Error(`Line ${line} of the erasure ledger ${file} can't be read: bring back a whole copy, or who was erased may come back.`);
}
