import { profileUrl, securitySource } from '../codes.ts';
import { kindShapes } from '../kinds.ts';
import type { AuditRecord } from '../record.ts';
import { purposeOf, renderAgents, serverReference } from './agents.ts';
import { hasDataEntity, hasQuery, renderEntities } from './entities.ts';
import type { Surroundings } from './surroundings.ts';

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
    entity: renderEntities(record, about, kind.closed === true && ownProfileOf(record) !== undefined),
  });
}

const applicationServer = securitySource('4', 'Application Server');

/** The profiles that the event meets: that of what was done, and that of the token it was done with. */
export function profilesOf(record: AuditRecord): readonly string[] {
  const own = ownProfileOf(record);
  const { user, tokenId } = record.agent;
  const token = user !== undefined && tokenId !== undefined;
  return [...(own === undefined ? [] : [own]), ...(token ? [tokenUse] : [])];
}

const tokenUse = profileUrl('IHE.BasicAudit.OAUTHaccessTokenUse.Minimal');

/** That of what was done. They are of successes, and want the client's address. */
export function ownProfileOf(record: AuditRecord): string | undefined {
  const { profile } = kindShapes[record.kind];
  if (profile === undefined || record.outcome !== 0 || record.agent.address === undefined) return undefined;
  const has = { data: hasDataEntity(record), query: hasQuery(record), patient: record.patient !== undefined };
  if (!profile.needs.every((need) => has[need])) return undefined;
  if (!has.patient || profile.needs.includes('patient')) return profileUrl(profile.id);
  return profile.patient === undefined ? undefined : profileUrl(profile.patient);
}
