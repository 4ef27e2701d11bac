import { parseScopes } from '../../authorization/scopes.ts';
import { identityScopes, launchScopes, scopeList } from '../../authorization/scope-grants.ts';

export type RegistrationFault = { readonly error: 'invalid_redirect_uri' | 'invalid_client_metadata'; readonly reason: string };

const plain = new Set<string>([...identityScopes, ...launchScopes]);
const textBytesMax = 2_000;
const listMax = 20;

/**
 * What is wrong with the metadata of an app that registers itself, beyond what the authorization server looks at. Who registers openly
 * gets nothing without a user's consent: no access of its own, no right to ask about others' tokens.
 */
export function registrationFault(metadata: Readonly<Record<string, unknown>>, policy: 'token' | 'open'): RegistrationFault | undefined {
  const uris = metadata['redirect_uris'];
  const grants = metadata['grant_types'];
  const isClients = Array.isArray(grants) && grants.includes('client_credentials');
  if (!isClients && !(Array.isArray(uris) && uris.length > 0)) return redirect('redirect_uris has to name one address at least');
  const others = metadata['post_logout_redirect_uris'];
  for (const uri of [uris, others].flatMap((list: unknown) => (Array.isArray(list) ? (list as unknown[]) : []))) {
    const reason = typeof uri === 'string' ? redirectUriFault(uri) : 'redirect_uris has to be a list of texts';
    if (reason !== undefined) return redirect(reason);
  }
  const { scope, jwks_uri: jwksUri } = metadata;
  if (scope !== undefined && (typeof scope !== 'string' || scopeList(scope) === undefined))
    return invalid('scope has to be a list of scopes');
  if (jwksUri !== undefined && (typeof jwksUri !== 'string' || URL.parse(jwksUri)?.protocol !== 'https:'))
    return invalid('jwks_uri has to be an https address');
  if (metadata['id_token_signed_response_alg'] !== undefined && metadata['id_token_signed_response_alg'] !== 'RS256')
    return invalid('id_token_signed_response_alg has to be RS256');
  const tooLong = Object.entries(metadata).find(([name, value]) => name !== 'scope' && isTooLong(value));
  if (tooLong !== undefined) return invalid('a text or a list is too long');
  const { jwks } = metadata;
  if (typeof jwks === 'object' && jwks !== null && 'keys' in jwks && isTooLong(jwks.keys)) return invalid('jwks has too many keys');
  if (isClients && metadata['token_endpoint_auth_method'] === 'none') return invalid('client_credentials is not for public clients');
  if (policy === 'open') {
    if (isClients) return invalid('clients that act for themselves are registered by the operator');
    const foreign = (scopeList(typeof scope === 'string' ? scope : '') ?? []).find((text) => !plain.has(text) && !isUsers(text));
    if (foreign !== undefined) return invalid('scope has to be of user/ and patient/ scopes');
  }
  return undefined;
}

function isTooLong(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > listMax || value.some((each) => isTooLong(each));
  return typeof value === 'string' && value.length > textBytesMax;
}

/** Absolute, without fragment and wildcard; over https, or to this very machine, or with a scheme that is the app's own. */
export function redirectUriFault(uri: string): string | undefined {
  const url = URL.parse(uri);
  if (url === null) return 'a redirect URI is not absolute';
  if (uri.includes('#')) return 'a redirect URI has a fragment';
  if (uri.includes('*')) return 'a redirect URI has a wildcard';
  if (/[\s\\]|[^\x21-\x7e]/.test(uri)) return 'a redirect URI has characters that it may not have';
  if (url.username !== '' || url.password !== '') return 'a redirect URI names a user';
  if (url.protocol === 'https:') return undefined;
  if (url.protocol === 'http:') return isLoopback(url.hostname) ? undefined : 'a redirect URI goes over http to another machine';
  // RFC 8252: a domain name turned around, so that nobody else's scheme is taken, and none that a browser runs.
  return /^[a-z][a-z\d+-]*\.[a-z\d+.-]*:$/.test(url.protocol)
    ? undefined
    : 'a redirect URI has a scheme that is not an app\'s own, such as "org.example.app:"';
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

function isUsers(text: string): boolean {
  const scopes = parseScopes([text], 'user');
  return scopes.length > 0 && scopes.every(({ level }) => level !== 'system');
}

const redirect = (reason: string): RegistrationFault => ({ error: 'invalid_redirect_uri', reason });
const invalid = (reason: string): RegistrationFault => ({ error: 'invalid_client_metadata', reason });
