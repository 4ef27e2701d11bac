import type { AuditedAgent, AuditedEvent } from '../../src/audit/event.ts';
import { kindShapes, isKind } from '../../src/audit/kinds.ts';
import type { AuditRecord } from '../../src/audit/record.ts';

export const kinds = Object.keys(kindShapes).filter(isKind);
export const outcomes: readonly AuditedEvent['outcome'][] = [0, 4, 8, 12];

export const clinician: AuditedAgent = {
  user: {
    issuer: 'https://login.example.org',
    subject: 'u-17',
    fhirUser: 'Practitioner/adam',
    name: 'Dr. Adam Careful',
    roles: ['provider'],
  },
  client: 'growth-chart',
  tokenId: 'jti-4711',
  address: '10.1.2.31',
  purposes: ['TREAT'],
};

export const system: AuditedAgent = { client: 'backend', tokenId: 'jti-1', address: '2001:db8::1', purposes: [] };
export const stranger: AuditedAgent = { address: '192.0.2.7', purposes: [] };
const nobody: AuditedAgent = { purposes: [] };

/** Every kind with every outcome and agent, with and without data, patient, query. */
export function* allRecords(): Generator<AuditRecord> {
  for (const kind of kinds) {
    for (const outcome of outcomes) {
      for (const agent of [clinician, system, stranger, nobody]) {
        for (const bits of [0, 1, 2, 3, 4, 5, 6, 7]) {
          yield {
            kind,
            outcome,
            requestId: 'request-1',
            agent,
            ...(outcome === 0 ? {} : { reason: 'scope-insufficient' }),
            ...((bits & 1) === 0 ? {} : { data: { type: 'Observation', id: 'o1', version: 3 } }),
            ...((bits & 2) === 0 ? {} : { patient: 'AAAAAAAAAAAAAAAAAAAAAA' }),
            ...((bits & 4) === 0 ? {} : { parameters: 'code,date', query: { by: 'month', bytes: Buffer.from('sealed') } as const }),
            ...(kind === 'operation' ? { operation: 'everything' } : {}),
            ...(bits === 7 ? { entry: 3, details: { count: '7' } } : {}),
          };
        }
      }
    }
  }
}
