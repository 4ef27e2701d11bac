import type { IncomingMessage, ServerResponse } from 'node:http';
import { decodeJwt } from 'jose';
import type { Client, Provider } from 'oidc-provider';
import { scopeList } from '../../authorization/scope-grants.ts';
import { wrapToken } from './access-tokens.ts';
import { audienceOf, authorizeParameters } from './authorize-request.ts';
import type { ClientKeys } from './client-keys.ts';
import { readForm, readWhole, replaceBody } from './forms.ts';
import { scopeProperty } from './client-metadata.ts';
import { registrationFault } from './registration.ts';

export type RequestOptions = {
  readonly base: string;
  readonly clientKeys: ClientKeys;
  readonly registration: 'off' | 'token' | 'open';
  /** How many clients have registered by themselves and were never used. */
  readonly unusedClients: () => Promise<number>;
};

/** What an app asks is kept until its user has decided. */
const authorizeBytesMax = 65_536;
const registrationBytesMax = 32_768;
/** Of clients that anybody may register, so many may wait for their first use. */
const unusedClientsMax = 1_000;

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** What a request is refused for before the authorization server sees it. */
export type Refusal = { readonly status: 400 | 401 | 503; readonly error: string; readonly reason: string };

/**
 * Makes a request ready for the authorization server.
 *
 * @param path  below /oauth, without query
 */
export async function prepareRequest(
  provider: Provider,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  path: string,
  options: RequestOptions,
): Promise<Refusal | undefined> {
  if (path === '/authorize') {
    const asked = incoming.method === 'POST' ? await readForm(incoming, authorizeBytesMax) : new URLSearchParams(queryOf(incoming));
    if (incoming.method === 'POST') becomeGet(incoming);
    incoming.url = `/authorize?${authorizeParameters(asked, options.base).toString()}`;
    return undefined;
  }
  if (incoming.method !== 'POST') return undefined;
  if (path === '/token') return prepareToken(provider, incoming, outgoing, options);
  if (path === '/revoke' || path === '/introspect') {
    incoming.headers.accept = 'application/json';
    const form = await readForm(incoming);
    if (incoming.headers.authorization === undefined && !form.has('client_id') && !form.has('client_assertion')) {
      outgoing.setHeader('www-authenticate', 'Bearer');
      return { status: 401, error: 'invalid_client', reason: 'say who asks: by a client that is registered, or by a bearer token' };
    }
    const refusal = await assertionFault(provider, form, options);
    if (refusal !== undefined) return refusal;
    // Tokens that are JWTs are read by ourselves.
    const tokens = form.getAll('token');
    if (tokens.length === 1 && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(tokens[0] ?? '')) form.set('token', wrapToken(tokens[0] ?? ''));
    replaceBody(incoming, form.toString());
  }
  if (path === '/register') return prepareRegistration(incoming, options);
  return undefined;
}

/** The same parameters mean the same by GET and by POST: there is one way for both. */
function becomeGet(incoming: IncomingMessage): void {
  incoming.method = 'GET';
  delete incoming.headers['content-type'];
  delete incoming.headers['content-length'];
  delete incoming.headers['transfer-encoding'];
}

async function prepareToken(
  provider: Provider,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  options: RequestOptions,
): Promise<Refusal | undefined> {
  incoming.headers.accept = 'application/json';
  outgoing.setHeader('pragma', 'no-cache');
  const form = await readForm(incoming);
  const scopes = form.getAll('scope');
  if (scopes.length === 1 && scopeList(scopes[0] ?? '') === undefined)
    return { status: 400, error: 'invalid_scope', reason: 'the scope is too long, or no list of scopes' };
  const refusal = (await assertionFault(provider, form, options)) ?? (await namedByToken(provider, incoming, form));
  if (refusal !== undefined) return refusal;
  const [audience, ...more] = [...form.getAll('aud'), ...form.getAll('resource')];
  form.delete('aud');
  if (audience !== undefined && more.length === 0) form.set('resource', audienceOf(audience, options.base));
  replaceBody(incoming, form.toString());
  return undefined;
}

/** What is wrong with a client's assertion before its signature is looked at; and its keys are made fresh. */
async function assertionFault(provider: Provider, form: URLSearchParams, { clientKeys }: RequestOptions): Promise<Refusal | undefined> {
  const assertion = form.get('client_assertion');
  if (assertion === null) return undefined;
  const refuse = (reason: string): Refusal => ({ status: 401, error: 'invalid_client', reason });
  if (form.get('client_assertion_type') !== assertionType) return refuse(`client_assertion_type has to be ${assertionType}`);
  if (assertion.length > 16_384) return refuse('the client_assertion is too long');
  try {
    const { sub, iss } = decodeJwt(assertion);
    if (sub === undefined || iss !== sub) return refuse('iss and sub of the client_assertion have to be the client_id');
    const client: Client | undefined = await provider.Client.find(sub);
    if (client !== undefined) await clientKeys.refresh(client);
  } catch {
    return refuse("the client_assertion can't be read, or the client's keys can't be had");
  }
  return undefined;
}

const naming = ['client_id', 'client_secret', 'client_assertion', 'client_assertion_type'];

/**
 * Apps in browsers refresh without a word of who they are (fhirclient does). Of a client without credentials the token tells as much as its
 * id would; of any other the token alone is not enough.
 */
async function namedByToken(provider: Provider, { headers }: IncomingMessage, form: URLSearchParams): Promise<Refusal | undefined> {
  if (form.get('grant_type') !== 'refresh_token' || headers.authorization !== undefined || naming.some((name) => form.has(name)))
    return undefined;
  const [given = '', ...more] = form.getAll('refresh_token');
  if (given === '' || more.length > 0) return undefined;
  // Also one that was used before: it ends its family.
  const token = await provider.RefreshToken.find(given, { ignoreExpiration: true });
  const client = token?.clientId === undefined ? undefined : await provider.Client.find(token.clientId);
  if (client === undefined) return undefined;
  if (client.clientAuthMethod !== 'none') return { status: 401, error: 'invalid_client', reason: 'the client has to prove who it is' };
  form.set('client_id', client.clientId);
  return undefined;
}

async function prepareRegistration(incoming: IncomingMessage, options: RequestOptions): Promise<Refusal | undefined> {
  incoming.headers.accept = 'application/json';
  if (options.registration === 'off') return undefined;
  const text = (await readWhole(incoming, registrationBytesMax)).toString('utf8');
  let metadata: unknown;
  try {
    metadata = JSON.parse(text);
  } catch {
    metadata = undefined;
  }
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata))
    return { status: 400, error: 'invalid_client_metadata', reason: 'send a JSON object' };
  const { scope, [scopeProperty]: _reserved, ...others } = metadata as Record<string, unknown>;
  const fault = registrationFault(metadata as Record<string, unknown>, options.registration);
  if (fault !== undefined) return { status: 400, ...fault };
  if (options.registration === 'open' && (await options.unusedClients()) >= unusedClientsMax)
    return { status: 503, error: 'temporarily_unavailable', reason: 'too many clients were registered and never used' };
  const subject = others['application_type'] === undefined && isNative(others['redirect_uris']) ? { application_type: 'native' } : {};
  replaceBody(incoming, JSON.stringify({ ...others, ...subject, ...(scope === undefined ? {} : { [scopeProperty]: scope }) }));
  return undefined;
}

/** Whether any of the addresses has a scheme of its own, as apps on phones do. */
function isNative(redirectUris: unknown): boolean {
  return Array.isArray(redirectUris) && redirectUris.some((uri) => typeof uri === 'string' && !/^https?:/i.test(uri));
}

function queryOf({ url = '' }: IncomingMessage): string {
  const mark = url.indexOf('?');
  return mark === -1 ? '' : url.slice(mark + 1);
}
