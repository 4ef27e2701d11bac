import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import type { AuditedAgent, AuditKind } from './event.ts';
import { type Asked, type Audit, eventsOf, type Trail } from './trail.ts';

/** What was run: a command, or the server. */
export type Program = 'cli' | 'server';

/** Who runs it: the operating system vouches for him. */
export function operator(client: Program = 'cli'): AuditedAgent {
  return { user: { issuer: 'urn:anamnesis:os', subject: userName(), roles: [] }, client, purposes: [] };
}

/** The trail of what a command does, or the server of its own accord. */
export function operatorTrail(asked: Asked, client?: Program): Trail {
  return { requestId: randomUUID(), agent: operator(client), asked };
}

/** Records what a program does of its own accord. @param details  no secrets: they can be searched */
export async function recordOwn(audit: Audit, by: Program, kind: AuditKind, details: Readonly<Record<string, string>> = {}): Promise<void> {
  await audit.record(await eventsOf(audit, operatorTrail({ kind }, by), { code: 0, details }));
}

/** In containers a user may have a number and no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}
