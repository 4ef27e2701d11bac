import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import type { AuditedAgent } from './event.ts';
import type { Asked, Trail } from './trail.ts';

/** Who runs a command: the operating system vouches for him. */
export function operator(): AuditedAgent {
  return { user: { issuer: 'urn:anamnesis:os', subject: userName(), roles: [] }, client: 'cli', purposes: [] };
}

/** The trail of what a command does, or the server of its own accord. */
export function operatorTrail(asked: Asked): Trail {
  return { requestId: randomUUID(), agent: operator(), asked };
}

/** In containers a user may have a number and no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}
