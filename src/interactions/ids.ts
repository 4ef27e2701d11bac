import { randomUUID } from 'node:crypto';
import { uuidv7 } from '../fhir/uuid.ts';

/** A new id: UUIDv7, so that indexes fill from one side; a Patient's is UUIDv4, because his id must not tell when he was registered. */
export function newId(type: string): string {
  return type === 'Patient' ? randomUUID() : uuidv7(Date.now());
}
