import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { AuditBlock } from '../storage/audit-blocks.ts';

/** What the chain said at a time, kept where whoever changes the database doesn't get at it. */
export type Anchor = { readonly n: number; readonly h: string; readonly at: string };

export type Anchors = {
  readonly write: (anchor: Anchor) => Promise<void>;
  /** In the order they were written; none if there is no file yet. */
  readonly read: () => Promise<readonly Anchor[]>;
  readonly last: () => Promise<Anchor | undefined>;
};

export function anchorOf({ n, h }: Pick<AuditBlock, 'n' | 'h'>, now: Date): Anchor {
  return { n, h: h.toString('hex'), at: now.toISOString() };
}

export type AnchorOptions = { readonly file: string; readonly url?: string | undefined; readonly timeoutMs: number };

/** Appends to a file, on disk before it returns, and posts to an address if there is one. */
export function makeAnchors({ file, url, timeoutMs }: AnchorOptions): Anchors {
  return {
    async write(anchor) {
      const sent = await Promise.allSettled([append(file, anchor), ...(url === undefined ? [] : [post(url, anchor, timeoutMs)])]);
      for (const one of sent) if (one.status === 'rejected') throw one.reason;
    },
    read: async () => parseAnchors(await readText(file, 0)),
    last: async () => parseAnchors(await readText(file, tailBytes)).at(-1),
  };
}

/** A line that a crash cut short is ended, and left out when the file is read. */
async function append(file: string, anchor: Anchor): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const handle = await open(file, 'a+', 0o600);
  try {
    const { size } = await handle.stat();
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(1), position: Math.max(0, size - 1) });
    const broken = bytesRead === 1 && buffer[0] !== 0x0a;
    await handle.write(`${broken ? '\n' : ''}${JSON.stringify(anchor)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function post(url: string, anchor: Anchor, timeoutMs: number): Promise<void> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(anchor),
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  });
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`the anchor was answered with ${answer.status}`);
}

/** Room for more than one line, though a crash cut several short. */
const tailBytes = 65_536;

/** @param tail  so many bytes at the end; 0: all */
async function readText(file: string, tail: number): Promise<string> {
  try {
    const handle = await open(file, 'r');
    try {
      if (tail === 0) return await handle.readFile('utf8');
      const { size } = await handle.stat();
      const start = Math.max(0, size - tail);
      const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(size - start), position: start });
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return '';
    throw error;
  }
}

const parseAnchors = (text: string): readonly Anchor[] => text.split('\n').flatMap((line) => parseAnchor(line) ?? []);

function parseAnchor(line: string): Anchor | undefined {
  try {
    const { n, h, at } = JSON.parse(line) as Partial<Record<keyof Anchor, unknown>>;
    return typeof n === 'number' && typeof h === 'string' && typeof at === 'string' ? { n, h, at } : undefined;
  } catch {
    return undefined; // an empty line, or one that a crash cut short
  }
}
