import { profileUrl } from '../codes.ts';
import { kindShapes } from '../kinds.ts';
import type { AuditRecord } from '../record.ts';

/** Which parts of a record an event tells, and by which profile. */
export type Told = {
  /** The profile of what was done, if the event meets it. */
  readonly profile?: string;
  /** Of a search the type is part of the query: it has no entity of its own. */
  readonly data: boolean;
  readonly patient: boolean;
  readonly query: boolean;
  /** The query is the only entity: the profile takes no other. */
  readonly queryAlone: boolean;
};

export function toldOf(record: AuditRecord): Told {
  const { kind, outcome, agent, data, patient, parameters, query } = record;
  const { profile, closed } = kindShapes[kind];
  const has = {
    data: data !== undefined && kind !== 'search-type' && kind !== 'search-system',
    patient: patient !== undefined,
    query: kind !== 'break-glass' && (parameters !== undefined || query !== undefined),
  };
  // Profiles are of successes, and want the client's address.
  const meets = profile !== undefined && outcome === 0 && agent.address !== undefined && profile.needs.every((need) => has[need]);
  const id = !meets ? undefined : !has.patient || profile.needs.includes('patient') ? profile.id : profile.patient;
  const queryAlone = closed === true && id !== undefined;
  return { ...has, data: has.data && !queryAlone, queryAlone, ...(id === undefined ? {} : { profile: profileUrl(id) }) };
}

const tokenUse = profileUrl('IHE.BasicAudit.OAUTHaccessTokenUse.Minimal');

/** The profiles that the event meets: that of what was done, and that of the token it was done with. */
export function profilesOf(record: AuditRecord): readonly string[] {
  const { profile } = toldOf(record);
  const { user, tokenId } = record.agent;
  return [...(profile === undefined ? [] : [profile]), ...(user === undefined || tokenId === undefined ? [] : [tokenUse])];
}
