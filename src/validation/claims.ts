import type { JsonObject } from '../fhir/json.ts';
import type { Profile, Profiles } from './profile.ts';
import type { ValidationOptions } from './rules.ts';
import { isFault, note, type Walk } from './walk.ts';

/**
 * Checks a resource, which the walk is in, against the profiles it claims by `meta.profile`, those asked for, and, unless it stands
 * in another resource, those its type has to conform to; each once.
 */
export function checkProfiles(
  walk: Walk,
  resource: JsonObject,
  asked: readonly string[],
  profiles: Profiles,
  options: Pick<ValidationOptions, 'unknownProfiles' | 'requiredProfiles'>,
): void {
  const claimed = claimsOf(resource);
  const type = typeof resource.resourceType === 'string' ? resource.resourceType : '';
  const needed = walk.resources.length > 1 ? asked : [...asked, ...(options.requiredProfiles.get(type) ?? [])];
  if (claimed.length === 0 && needed.length === 0) return;
  const holder = { resource };
  for (const canonical of new Set([...claimed, ...needed])) {
    if (canonical === '') continue;
    const profile = profileOf(walk, profiles, canonical);
    if (profile === undefined) continue;
    if (profile !== 'absent') profile.check(walk, resource, holder, 'resource');
    else {
      const severity = needed.includes(canonical) ? 'error' : options.unknownProfiles;
      reportAbsent(walk, canonical, profiles.whyNot(canonical), claimed.indexOf(canonical), severity);
    }
    if (walk.full) return;
  }
}

/** What a walk can have of a profile now; what isn't loaded becomes one of its needs. */
export function profileOf(walk: Walk, profiles: Profiles, canonical: string): Profile | 'absent' | undefined {
  const profile = profiles.get(canonical);
  if (profile === undefined) walk.needs.set(`profile ${canonical}`, () => profiles.load(canonical));
  return profile;
}

/** `conformsTo()`: by the profile alone, tried without leaving findings; undefined if it isn't known. */
export function conformsTo(walk: Walk, profiles: Profiles, canonical: string, item: JsonObject): boolean | undefined {
  const profile = profileOf(walk, profiles, canonical);
  if (profile === undefined || profile === 'absent') return undefined;
  const { issues, full } = walk;
  walk.issues = [];
  walk.full = false;
  profile.check(walk, item, { item }, 'item');
  const conforms = !walk.issues.some(isFault);
  walk.issues = issues;
  walk.full = full;
  return conforms;
}

/** As they stand in the resource; what is no text there counts as a claim of nothing. */
function claimsOf(resource: JsonObject): readonly string[] {
  const { meta } = resource;
  if (typeof meta !== 'object' || meta === null || Array.isArray(meta) || !Array.isArray(meta.profile)) return [];
  return meta.profile.map((canonical) => (typeof canonical === 'string' ? canonical : ''));
}

/** A profile that was claimed is told of where it is claimed; one that was asked for or is required has to be known. */
function reportAbsent(walk: Walk, canonical: string, why: string | undefined, claim: number, severity: 'warning' | 'error'): void {
  const reason = why ?? 'is not known here: add the package it is from, or mend its url';
  if (claim === -1) {
    return note(walk, severity, 'not-found', 'profile-unknown', `has to conform to the profile ${canonical}, which ${reason}.`);
  }
  walk.path[walk.depth] = 'meta';
  walk.path[walk.depth + 1] = 'profile';
  walk.path[walk.depth + 2] = claim;
  walk.depth += 3;
  note(walk, severity, 'not-found', 'profile-unknown', `claims the profile ${canonical}, which ${reason}.`);
  walk.depth -= 3;
}
