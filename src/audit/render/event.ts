import { securitySource } from '../codes.ts';
import { kindShapes } from '../kinds.ts';
import type { AuditRecord } from '../record.ts';
import { purposeOf, renderAgents, serverReference } from './agents.ts';
import { renderEntities } from './entities.ts';
import type { Surroundings } from './surroundings.ts';
import { profilesOf } from './told.ts';

export type EventPlace = { readonly id: string; readonly at: number };

/**
 * An event as AuditEvent, by IHE's Basic Audit Log Patterns: the text that a document of its own would have been stored as, without
 * versionId and lastUpdated.
 *
 * @see https://hl7.org/fhir/R4/auditevent.html
 * @see https://profiles.ihe.net/ITI/BALP/
 */
export function renderEvent(record: AuditRecord, { id, at }: EventPlace, about: Surroundings): string {
  const kind = kindShapes[record.kind];
  const profiles = profilesOf(record);
  const { outcome, reason, agent } = record;
  return JSON.stringify({
    resourceType: 'AuditEvent',
    id,
    meta: profiles.length === 0 ? {} : { profile: profiles },
    type: kind.type,
    ...(kind.subtypes.length === 0 ? {} : { subtype: kind.subtypes }),
    action: kind.action,
    recorded: new Date(at).toISOString(),
    outcome: String(outcome),
    ...(reason === undefined ? {} : { outcomeDesc: reason }),
    ...(agent.purposes.length === 0 ? {} : { purposeOfEvent: agent.purposes.map(purposeOf) }),
    agent: renderAgents(agent, kind, about),
    source: { site: about.base, observer: serverReference(about), type: [applicationServer] },
    entity: renderEntities(record, about),
  });
}

const applicationServer = securitySource('4', 'Application Server');
