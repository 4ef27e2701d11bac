import { readFile } from 'node:fs/promises';
import { assertKnown, isRecord, isSafeAddress, isTexts, parsedJson } from './read-json.ts';

/** Someone whose access tokens are taken, and how they are read. */
export type TrustedIssuer = {
  /** As tokens name it in `iss`. */
  readonly issuer: string;
  /** Of which a token's `aud` has to name one. */
  readonly audience: readonly string[];
  readonly jwksUri: URL;
  /** Asymmetric ones only. */
  readonly algorithms: readonly string[];
  readonly claims: ClaimMap;
};

/** Where a token says what. A name is that of a claim, or a path to one: `realm_access.roles`. */
export type ClaimMap = {
  readonly scope: readonly string[];
  readonly clientId: readonly string[];
  readonly patient: string;
  readonly fhirUser: string;
  readonly roles: string;
  /** What the issuer calls our roles. */
  readonly roleNames: Readonly<Record<string, string>>;
  /** What precedes each scope there, such as the name of a resource server: `fhir/`. */
  readonly scopePrefix: string;
  /** Claims that an access token has there, which other tokens of the same issuer have not: `token_use` is `access`. */
  readonly required: Readonly<Record<string, string>>;
  /** Some issuers name the client where others name the audience. */
  readonly audience: 'aud' | 'client_id';
};

/** Asymmetric ones: who verifies a signature can't make one. */
export const algorithmsAllowed: readonly string[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
];

const generic: ClaimMap = {
  scope: ['scope', 'scp'],
  clientId: ['client_id', 'azp'],
  patient: 'patient',
  fhirUser: 'fhirUser',
  roles: 'roles',
  roleNames: {},
  scopePrefix: '',
  required: {},
  audience: 'aud',
};

/** How we write our own tokens. */
export const ourClaims: ClaimMap = { ...generic, scope: ['scope'], clientId: ['client_id'] };

/** What is known of products; everything can be said otherwise in the file. */
const products: Readonly<Record<string, Partial<ClaimMap>>> = {
  generic: {},
  keycloak: { clientId: ['azp', 'client_id'], roles: 'realm_access.roles', required: { typ: 'Bearer' } },
  cognito: { clientId: ['client_id'], roles: 'cognito:groups', required: { token_use: 'access' }, audience: 'client_id' },
  auth0: { clientId: ['azp', 'client_id'], roles: 'permissions' },
  entra: { scope: ['scp'], clientId: ['azp', 'appid'], roles: 'roles' },
};

const known = ['issuer', 'product', 'audience', 'jwksUri', 'algorithms', 'claims'];

/** Reads the file of trusted issuers, where there is one. @throws Error that names the file and what is wrong with it */
export async function loadIssuers(file: string | undefined, audience: string): Promise<readonly TrustedIssuer[]> {
  if (file === undefined) return [];
  try {
    return readIssuers(await readFile(file, 'utf8'), audience);
  } catch (error) {
    throw new Error(`TRUSTED_ISSUERS, ${file}: ${error instanceof Error ? error.message : 'it cannot be read'}`, { cause: error });
  }
}

/**
 * Reads the file of trusted issuers: `{"issuers":[{"issuer":…,"product":…,"audience":…,"jwksUri":…,"algorithms":…,"claims":{…}}]}`.
 *
 * @param audience  whom tokens are for where an issuer names nobody else: the base URL of the FHIR API
 * @throws          Error that names the place in the file and what is wrong with it
 */
export function readIssuers(text: string, audience: string): readonly TrustedIssuer[] {
  const file = parsedJson(text);
  const list = isRecord(file) ? file['issuers'] : undefined;
  if (!Array.isArray(list)) throw new Error('expected {"issuers": [ … ]}');
  const issuers = list.map((each: unknown, at) => issuerOf(each, `issuers[${at}]`, audience));
  const twice = issuers.find(({ issuer }, at) => issuers.findIndex((other) => other.issuer === issuer) !== at);
  if (twice !== undefined) throw new Error(`${twice.issuer} stands in the list twice`);
  return issuers;
}

function issuerOf(value: unknown, at: string, audience: string): TrustedIssuer {
  if (!isRecord(value)) throw new Error(`${at}: expected an object`);
  assertKnown(value, known, at);
  const issuer = value['issuer'];
  if (typeof issuer !== 'string' || issuer === '') throw new Error(`${at}.issuer: expected the text that tokens have as "iss"`);
  const product = value['product'] ?? 'generic';
  if (typeof product !== 'string' || !Object.hasOwn(products, product))
    throw new Error(`${at}.product: expected one of ${Object.keys(products).join(', ')}`);
  const { algorithms = ['RS256'] } = value;
  if (!isTexts(algorithms) || algorithms.length === 0 || !algorithms.every((each) => algorithmsAllowed.includes(each)))
    throw new Error(`${at}.algorithms: expected some of ${algorithmsAllowed.join(', ')}`);
  return {
    issuer,
    audience: audienceOf(value['audience'] ?? audience, `${at}.audience`),
    jwksUri: addressOf(value['jwksUri'], `${at}.jwksUri`),
    algorithms,
    claims: claimsOf(value['claims'] ?? {}, { ...generic, ...products[product] }, `${at}.claims`),
  };
}

function audienceOf(value: unknown, at: string): readonly string[] {
  const list = typeof value === 'string' ? [value] : value;
  if (!isTexts(list) || list.length === 0 || list.includes('')) throw new Error(`${at}: expected a text or a list of texts`);
  return list;
}

/** Keys come over TLS, but for a provider on this very machine. */
function addressOf(value: unknown, at: string): URL {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !isSafeAddress(url)) throw new Error(`${at}: expected the https address of the issuer's JSON Web Key Set`);
  return url;
}

function claimsOf(value: unknown, from: ClaimMap, at: string): ClaimMap {
  if (!isRecord(value)) throw new Error(`${at}: expected an object`);
  assertKnown(value, Object.keys(generic), at);
  const read: Record<keyof ClaimMap, (given: unknown) => unknown> = {
    scope: names,
    clientId: names,
    patient: name,
    fhirUser: name,
    roles: name,
    roleNames: nameMap,
    scopePrefix: name,
    required: nameMap,
    audience: (given) => (given === 'aud' || given === 'client_id' ? given : undefined),
  };
  const map: Record<string, unknown> = { ...from };
  for (const [key, given] of Object.entries(value)) {
    const taken = read[key as keyof ClaimMap](given);
    if (taken === undefined) throw new Error(`${at}.${key}: not what is expected there; docs/access.md tells what is`);
    map[key] = taken;
  }
  return map as ClaimMap;
}

const name = (given: unknown): string | undefined => (typeof given === 'string' ? given : undefined);
const names = (given: unknown): readonly string[] | undefined => (typeof given === 'string' ? [given] : isTexts(given) ? given : undefined);
const nameMap = (given: unknown): unknown => (isRecord(given) && isTexts(Object.values(given)) ? given : undefined);
