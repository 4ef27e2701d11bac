import type { JWTPayload } from 'jose';
import type { Grant } from './grant.ts';
import type { ClaimMap } from './issuers.ts';
import { impliedRole, isRole, type Role } from './roles.ts';
import { parseScopes } from './scopes.ts';

/** Reads a verified token's claims, as its issuer writes them. */
export function grantOf(payload: JWTPayload, map: ClaimMap): Grant {
  const text = (name: string): string | undefined => {
    const value = claimOf(payload, name);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const patient = idOf(text(map.patient));
  const fhirUser = text(map.fhirUser);
  const roles = rolesOf(payload, map, fhirUser);
  const scopes = scopesOf(payload, map);
  return {
    issuer: payload.iss ?? '',
    subject: payload.sub ?? '',
    clientId: map.clientId.map(text).find((each) => each !== undefined) ?? '',
    scopes: parseScopes(scopes, roles.length === 0 ? 'system' : 'user'),
    roles,
    ...(patient === undefined ? {} : { patient }),
    ...(fhirUser === undefined ? {} : { fhirUser }),
    ...(scopes.includes('openid') && scopes.includes('fhirUser') ? { readsFhirUser: true } : {}),
    ...(payload.jti === undefined ? {} : { tokenId: payload.jti }),
    ...(payload.purpose_of_use === undefined ? {} : { purposes: textsOf(payload.purpose_of_use) }),
  };
}

/** Whether the claims are those of an access token there, and not of another token of the same issuer. */
export function isAccessToken(payload: JWTPayload, map: ClaimMap): boolean {
  return Object.entries(map.required).every(([name, value]) => claimOf(payload, name) === value);
}

/** A claim of that very name, else one that the name is the path of. */
export function claimOf(payload: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(payload, name)) return payload[name];
  let value: unknown = payload;
  for (const step of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[step];
  }
  return value;
}

function scopesOf(payload: JWTPayload, map: ClaimMap): string[] {
  const texts = map.scope.flatMap((name) => textsOf(claimOf(payload, name)));
  if (map.scopePrefix === '') return texts;
  return texts.map((text) => (text.startsWith(map.scopePrefix) ? text.slice(map.scopePrefix.length) : text));
}

function rolesOf(payload: JWTPayload, map: ClaimMap, fhirUser: string | undefined): readonly Role[] {
  const named = textsOf(claimOf(payload, map.roles)).map((text) =>
    Object.hasOwn(map.roleNames, text) ? (map.roleNames[text] ?? text) : text,
  );
  const given = [...new Set(named.filter(isRole))];
  const implied = given.length === 0 ? impliedRole(fhirUser) : undefined;
  return implied === undefined ? given : [implied];
}

export function textsOf(claim: unknown): string[] {
  if (typeof claim === 'string') return claim.split(' ').filter((text) => text !== '');
  return Array.isArray(claim) ? claim.filter((item): item is string => typeof item === 'string') : [];
}

/** `Patient/123` is how some write `123`. */
function idOf(patient: string | undefined): string | undefined {
  return patient?.startsWith('Patient/') === true ? patient.slice('Patient/'.length) : patient;
}
