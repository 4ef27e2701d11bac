import { algorithmsAllowed } from '../../../authorization/issuers.ts';
import { assertKnown, isRecord, isSafeAddress, isTexts, parsedJson } from '../../../authorization/read-json.ts';
import { isRole, type Role } from '../../../authorization/roles.ts';

/** An OpenID provider outside, by which users sign in here. */
export type OutsideProvider = {
  /** Its word in our addresses: `hospital`. */
  readonly id: string;
  /** What the page to sign in calls it. */
  readonly name: string;
  readonly issuer: URL;
  readonly clientId: string;
  readonly clientSecret?: string;
  /** What is asked of it beside `openid`. */
  readonly scopes: readonly string[];
  /** Of its id tokens; asymmetric ones only. */
  readonly algorithms: readonly string[];
  /** Only accounts that are here already, or new ones as well. */
  readonly accounts: 'link' | 'create';
  /** The claim that names the account which a person gets when he comes first: its login name. */
  readonly linkBy: string;
  /** Who signs in by it has none but these: neither an account that it leads to, nor one that is made. */
  readonly roles: readonly Role[];
  readonly claims: {
    readonly roles: string;
    /** What it calls our roles. */
    readonly roleNames: Readonly<Record<string, string>>;
    readonly name: string;
    /** Undefined: it doesn't say whose record somebody is. */
    readonly fhirUser?: string;
  };
  /** What in `acr` or `amr` stands for a second factor; nothing, unless it is said here. */
  readonly secondFactor: { readonly acr: readonly string[]; readonly amr: readonly string[] };
};

const known = ['id', 'name', 'issuer', 'clientId', 'scopes', 'algorithms', 'accounts', 'linkBy', 'roles', 'claims', 'secondFactor'];

/**
 * Reads the file of outside providers: `{"providers":[{"id":…,"name":…,"issuer":…,"clientId":…,"roles":[…]}]}`.
 *
 * @param secrets  of the clients that we are there, by the id of the provider
 * @throws         Error that names the place in the file and what is wrong with it
 */
export function readProviders(text: string, secrets: ReadonlyMap<string, string>): readonly OutsideProvider[] {
  const file = parsedJson(text);
  const list = isRecord(file) ? file['providers'] : undefined;
  if (!Array.isArray(list)) throw new Error('expected {"providers": [ … ]}');
  const providers = list.map((each: unknown, at) => providerOf(each, `providers[${at}]`, secrets));
  for (const [at, { id, issuer }] of providers.entries()) {
    const isTwice = providers.slice(0, at).some((other) => other.id === id || other.issuer.href === issuer.href);
    if (isTwice) throw new Error(`providers[${at}]: its id or issuer stands in the list twice`);
  }
  const unknown = secrets.keys().find((id) => providers.every((provider) => provider.id !== id));
  if (unknown !== undefined) throw new Error(`FEDERATION_SECRETS has a secret for ${JSON.stringify(unknown)}, which is no provider's id`);
  return providers;
}

function providerOf(value: unknown, at: string, secrets: ReadonlyMap<string, string>): OutsideProvider {
  if (!isRecord(value)) throw new Error(`${at}: expected an object`);
  assertKnown(value, known, at);
  const expected = (key: string, what: string): Error => new Error(`${at}.${key}: expected ${what}`);
  const text = (key: string, fallback?: string): string => {
    const given = value[key] ?? fallback;
    if (typeof given !== 'string' || given === '') throw expected(key, 'a text');
    return given;
  };
  const texts = (key: string, fallback: readonly string[]): readonly string[] => {
    const given = value[key] ?? fallback;
    if (!isTexts(given) || !given.every((each) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(each))) throw expected(key, 'a list of words');
    return given;
  };
  const id = text('id');
  if (!/^[a-z][a-z\d-]{0,31}$/.test(id)) throw expected('id', 'at most 32 small letters, digits and hyphens');
  const issuer = URL.parse(text('issuer'));
  if (issuer === null || !isSafeAddress(issuer) || issuer.search !== '' || issuer.hash !== '')
    throw expected('issuer', 'its https address');
  const algorithms = texts('algorithms', ['RS256']);
  if (algorithms.length === 0 || !algorithms.every((each) => algorithmsAllowed.includes(each)))
    throw expected('algorithms', `some of ${algorithmsAllowed.join(', ')}`);
  const accounts = text('accounts', 'link');
  if (accounts !== 'link' && accounts !== 'create') throw expected('accounts', 'link or create');
  const roles = texts('roles', []);
  if (roles.length === 0 || !roles.every(isRole)) throw expected('roles', 'some of patient, viewer, provider, admin');
  const clientSecret = secrets.get(id);
  return {
    id,
    name: text('name'),
    issuer,
    clientId: text('clientId'),
    ...(clientSecret === undefined ? {} : { clientSecret }),
    scopes: texts('scopes', ['profile', 'email']),
    algorithms,
    accounts,
    linkBy: text('linkBy', 'email'),
    roles,
    claims: claimsOf(value['claims'] ?? {}, `${at}.claims`),
    secondFactor: secondFactorOf(value['secondFactor'] ?? {}, `${at}.secondFactor`),
  };
}

function claimsOf(value: unknown, at: string): OutsideProvider['claims'] {
  if (!isRecord(value)) throw new Error(`${at}: expected an object`);
  assertKnown(value, ['roles', 'roleNames', 'name', 'fhirUser'], at);
  const { roles = 'roles', roleNames = {}, name = 'name', fhirUser } = value;
  if (typeof roles !== 'string' || typeof name !== 'string' || !(fhirUser === undefined || typeof fhirUser === 'string'))
    throw new Error(`${at}: expected names of claims`);
  if (!isRecord(roleNames) || !Object.values(roleNames).every((role) => typeof role === 'string' && isRole(role)))
    throw new Error(`${at}.roleNames: expected our roles by what they are called there`);
  return { roles, roleNames: roleNames as Record<string, string>, name, ...(fhirUser === undefined ? {} : { fhirUser }) };
}

function secondFactorOf(value: unknown, at: string): OutsideProvider['secondFactor'] {
  if (!isRecord(value)) throw new Error(`${at}: expected an object`);
  assertKnown(value, ['acr', 'amr'], at);
  const { acr = [], amr = [] } = value;
  if (!isTexts(acr) || !isTexts(amr)) throw new Error(`${at}: expected lists of texts`);
  return { acr, amr };
}
