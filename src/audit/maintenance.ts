import { randomUUID } from 'node:crypto';
import type { AuditedEvent } from './event.ts';

/** What the server does by itself. */
export function maintenance(details: Readonly<Record<string, string>>): AuditedEvent {
  return { kind: 'maintenance', at: Date.now(), requestId: randomUUID(), agent: { purposes: [] }, outcome: 0, details };
}
