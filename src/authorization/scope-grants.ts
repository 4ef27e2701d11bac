import type { Role } from './roles.ts';
import { type Letter, parseScopes, type Scope } from './scopes.ts';

/** Scopes that are no access to resources. */
export const identityScopes = ['openid', 'fhirUser', 'profile', 'offline_access', 'online_access'] as const;
export const launchScopes = ['launch', 'launch/patient', 'launch/encounter'] as const;

/** What only clients have whose operator gave it to them: an EHR that begins launches, a resource server that asks about tokens. */
const privilegedScopes = ['ehr-launch', 'introspect'] as const;

const plain = new Set<string>([...identityScopes, ...launchScopes]);
const privileged = new Set<string>(privilegedScopes);

/** For whom scopes are asked: a user, by an app, or a client for itself. */
export type GrantFlow = 'user' | 'client';

/** Longer and more are refused before anything is made of them. */
const scopeBytesMax = 16_384;
const scopeCountMax = 500;

/** The scopes of a request, each once. @returns undefined where the text breaks the syntax of RFC 6749 or is too much */
export function scopeList(text: string): readonly string[] | undefined {
  if (text.length > scopeBytesMax) return undefined;
  if (!/^[\x21\x23-\x5b\x5d-\x7e]*(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/.test(text)) return undefined;
  const list = [...new Set(text.split(' ').filter((each) => each !== ''))];
  return list.length > scopeCountMax ? undefined : list;
}

/** Levels that a list of scopes is about. */
function levelsOf(scopes: readonly string[], flow: GrantFlow): ReadonlySet<Scope['level']> {
  return new Set(scopes.flatMap((text) => scopesOf(text, flow).map(({ level }) => level)));
}

/**
 * What of a request a client may get: what it is registered for, of what it asked. Unknown words and letters are left out, and so is
 * `system/` of users and all else of clients that ask for themselves.
 *
 * @param registered  undefined: an app that was registered without scopes may ask its users for anything, and for itself nothing
 * @returns           in the words of the request, or in those of the registration where these are narrower
 */
export function grantable(asked: readonly string[], registered: readonly string[] | undefined, flow: GrantFlow): readonly string[] {
  const granted = asked.flatMap((text) => {
    if (plain.has(text)) return flow === 'user' && (registered === undefined || registered.includes(text)) ? [text] : [];
    if (privileged.has(text)) return flow === 'client' && registered?.includes(text) === true ? [text] : [];
    if (!isFor(text, flow)) return [];
    if (registered === undefined) return flow === 'user' ? [text] : [];
    if (isWithin(text, registered, flow)) return [text];
    return registered.filter((own) => isFor(own, flow) && isWithin(own, [text], flow));
  });
  return [...new Set(granted)];
}

/**
 * What a user of these roles may grant: who only views, what is read.
 *
 * @returns  scopes with fewer letters in place of those that have too many
 */
export function withinRoles(scopes: readonly string[], roles: readonly Role[]): readonly string[] {
  if (roles.some((role) => role !== 'viewer')) return scopes;
  const kept = scopes.flatMap((text) => {
    if (plain.has(text)) return [text];
    return scopesOf(text, 'user').flatMap((scope) => {
      const letters = [...scope.letters].filter((letter) => letter === 'r' || letter === 's');
      if (letters.length === scope.letters.size) return [text];
      return letters.length === 0 ? [] : [formatScope({ ...scope, letters: new Set(letters) })];
    });
  });
  return [...new Set(kept)];
}

/** Whether all that a scope permits is permitted by one of the others. */
export function isWithin(text: string, others: readonly string[], flow: GrantFlow): boolean {
  if (others.includes(text)) return true;
  const wide = others.flatMap((each) => scopesOf(each, flow));
  const narrow = scopesOf(text, flow);
  return narrow.length > 0 && narrow.every((scope) => wide.some((other) => isNarrower(scope, other)));
}

function isNarrower(scope: Scope, wide: Scope): boolean {
  return (
    scope.level === wide.level &&
    (wide.type === '*' || wide.type === scope.type) &&
    [...scope.letters].every((letter) => wide.letters.has(letter)) &&
    wide.params.every(([name, value]) => scope.params.some((param) => param[0] === name && param[1] === value))
  );
}

function isFor(text: string, flow: GrantFlow): boolean {
  const scopes = scopesOf(text, flow);
  return scopes.length > 0 && scopes.every(({ level }) => (level === 'system') === (flow === 'client'));
}

function scopesOf(text: string, flow: GrantFlow): readonly Scope[] {
  return parseScopes([text], flow === 'user' ? 'user' : 'system');
}

const order: readonly Letter[] = ['c', 'r', 'u', 'd', 's'];

function formatScope({ level, type, letters, params }: Scope): string {
  const query = params.length === 0 ? '' : `?${params.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')}`;
  return `${level}/${type}.${order.filter((letter) => letters.has(letter)).join('')}${query}`;
}

/** Whether a patient has to be in context. */
export function needsPatient(scopes: readonly string[]): boolean {
  return scopes.includes('launch/patient') || levelsOf(scopes, 'user').has('patient');
}
