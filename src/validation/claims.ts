import type { JsonObject } from '../fhir/json.ts';
import type { Profile, Profiles } from './profile.ts';
import type { ValidationOptions } from './rules.ts';
import { isFault, note, type Walk } from './walk.ts';

/**
 * Checks a resource, which the walk is in, against the profiles it claims by `meta.profile`, those asked for and those its type
 * has to conform to; each once.
 */
export function checkProfiles(
  walk: Walk,
  resource: JsonObject,
  asked: readonly string[],
  profiles: Profiles,
  options: Pick<ValidationOptions, 'unknownProfiles' | 'requiredProfiles'>,
): void {
  const claimed = claimsOf(resource);
  const required = typeof resource.resourceType === 'string' ? (options.requiredProfiles.get(resource.resourceType) ?? []) : [];
  if (claimed.length === 0 && asked.length === 0 && required.length === 0) return;
  const holder = { resource };
  for (const canonical of new Set([...claimed, ...asked, ...required])) {
    const profile = profileOf(walk, profiles, canonical);
    if (profile === undefined) continue;
    if (profile !== 'absent') profile.check(walk, resource, holder, 'resource');
    else reportAbsent(walk, canonical, profiles.whyNot(canonical), claimed.includes(canonical) ? options.unknownProfiles : 'error');
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

function claimsOf(resource: JsonObject): readonly string[] {
  const { meta } = resource;
  if (typeof meta !== 'object' || meta === null || Array.isArray(meta) || !Array.isArray(meta.profile)) return [];
  return meta.profile.filter((canonical) => typeof canonical === 'string');
}

function reportAbsent(walk: Walk, canonical: string, why: string | undefined, severity: 'warning' | 'error'): void {
  const sentence = `has to conform to the profile ${canonical}, which ${why ?? 'is not known here: add the package it is from, or mend its url'}.`;
  note(walk, severity, 'not-found', 'profile-unknown', sentence);
}
