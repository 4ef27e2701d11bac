import { timingSafeEqual } from 'node:crypto';
import type { AuthorizationServer, IDToken, JWKSCacheInput } from 'oauth4webapi';
import { isSafeAddress } from '../../../authorization/read-json.ts';
import { limitedFetch } from '../../../authorization/limited-fetch.ts';
import type { OutsideProvider } from './providers.ts';

/** What we keep to ourselves between sending somebody there and his return. */
export type Sent = { readonly state: string; readonly nonce: string; readonly verifier: string; readonly at: number };

/** Why nobody is signed in: the provider can't be reached, it (or who uses it) said no, or what it said is not to be believed. */
export type ConversationFault = 'away' | 'declined' | 'unbelievable';

export class ConversationFailed extends Error {
  readonly fault: ConversationFault;
  /** A word for the log. What the provider said is never repeated: it may tell of a person. */
  readonly reason: string;
  constructor(fault: ConversationFault, reason: string, cause?: unknown) {
    super('the sign-in at the outside provider failed', { cause });
    this.fault = fault;
    this.reason = reason;
  }
}

/** The authorization code flow of OpenID Connect with one provider. */
export type Conversation = {
  /** @param fresh  whether he has to prove anew who he is, though he is signed in there */
  readonly begin: (fresh: boolean) => Promise<{ readonly to: string; readonly sent: Sent }>;
  /**
   * What its id token says, once all of it is verified.
   *
   * @param back    the parameters that the browser came back with
   * @throws        ConversationFailed
   */
  readonly end: (back: URLSearchParams, sent: Sent, fresh: boolean) => Promise<IDToken>;
  /** Where one signs out there; undefined where it offers that not. */
  readonly signOutAt: () => Promise<string | undefined>;
};

const metadataKeptMs = 3_600_000;
/** After it could not be reached it is not asked again at once. */
const pauseMs = 10_000;
const skewSeconds = 30;

export function conversationWith(provider: OutsideProvider, redirectUri: string, afterSignOut: string): Conversation {
  let metadata: { readonly found: Promise<AuthorizationServer>; readonly until: number } | undefined;
  const keys: JWKSCacheInput = {};
  const client = { client_id: provider.clientId };

  function discovered(): Promise<AuthorizationServer> {
    if (metadata !== undefined && Date.now() < metadata.until) return metadata.found;
    const found = discover(provider);
    const begun = { found, until: Date.now() + metadataKeptMs };
    metadata = begun;
    found.catch(() => {
      if (metadata === begun) metadata = { found, until: Date.now() + pauseMs };
    });
    return found;
  }

  return {
    async begin(fresh) {
      const [oauth, server] = await Promise.all([import('oauth4webapi'), discovered()]);
      const sent: Sent = {
        state: oauth.generateRandomState(),
        nonce: oauth.generateRandomNonce(),
        verifier: oauth.generateRandomCodeVerifier(),
        at: Math.floor(Date.now() / 1000),
      };
      const to = new URL(server.authorization_endpoint ?? '');
      const asked = {
        response_type: 'code',
        client_id: provider.clientId,
        redirect_uri: redirectUri,
        scope: ['openid', ...provider.scopes].join(' '),
        state: sent.state,
        nonce: sent.nonce,
        code_challenge: await oauth.calculatePKCECodeChallenge(sent.verifier),
        code_challenge_method: 'S256',
        ...(fresh ? { prompt: 'login', max_age: '0' } : {}),
      };
      for (const [name, value] of Object.entries(asked)) to.searchParams.set(name, value);
      return { to: to.href, sent };
    },
    async end(back, sent, fresh) {
      const [oauth, server] = await Promise.all([import('oauth4webapi'), discovered()]);
      const options = requestOptions(oauth);
      try {
        const code = oauth.validateAuthResponse(server, client, back, sent.state);
        const proof = proofOf(oauth, provider, server);
        const answer = await oauth.authorizationCodeGrantRequest(server, client, proof, code, redirectUri, sent.verifier, options);
        const tokens = await oauth.processAuthorizationCodeResponse(server, { ...client, [oauth.clockTolerance]: skewSeconds }, answer, {
          expectedNonce: sent.nonce,
          requireIdToken: true,
        });
        // It came over TLS from the provider itself; its signature is looked at none the less.
        await oauth.validateApplicationLevelSignature(server, answer, { ...options, [oauth.jwksCache]: keys });
        const claims = oauth.getValidatedIdTokenClaims(tokens);
        if (claims === undefined) throw new ConversationFailed('unbelievable', 'no-id-token');
        if (fresh && !((claims.auth_time ?? 0) >= sent.at - skewSeconds)) throw new ConversationFailed('unbelievable', 'not-fresh');
        return claims;
      } catch (error) {
        throw failureOf(error, oauth.AuthorizationResponseError);
      }
    },
    async signOutAt() {
      const { end_session_endpoint: endpoint } = await discovered();
      if (typeof endpoint !== 'string') return undefined;
      const to = URL.parse(endpoint);
      if (to === null || !isSafeAddress(to)) return undefined;
      to.searchParams.set('client_id', provider.clientId);
      to.searchParams.set('post_logout_redirect_uri', afterSignOut);
      return to.href;
    },
  };
}

/** Whether the state is that of this sign-in; told without telling how much of it is right. */
export function isStateOf(sent: Sent, state: string | null): boolean {
  const [expected, given] = [Buffer.from(sent.state), Buffer.from(state ?? '')];
  return expected.length === given.length && timingSafeEqual(expected, given);
}

type Oauth = typeof import('oauth4webapi');

/** Where TLS may be missing is known to our own fetch: on this very machine alone. */
function requestOptions(oauth: Oauth) {
  // oxlint-disable-next-line typescript/no-deprecated -- so that one rule decides
  return { [oauth.customFetch]: (url: string, init: object) => limitedFetch(url, init), [oauth.allowInsecureRequests]: true };
}

/** Its metadata, with the signing algorithms that we take in place of those it says it has. */
async function discover(provider: OutsideProvider): Promise<AuthorizationServer> {
  const oauth = await import('oauth4webapi');
  try {
    const options = { algorithm: 'oidc', ...requestOptions(oauth) } as const;
    const server = await oauth.processDiscoveryResponse(provider.issuer, await oauth.discoveryRequest(provider.issuer, options));
    for (const endpoint of [server.authorization_endpoint, server.token_endpoint, server.jwks_uri]) {
      const address = URL.parse(endpoint ?? '');
      if (address === null || !isSafeAddress(address)) throw new Error('an endpoint of the outside provider is missing, or not https');
    }
    return { ...server, id_token_signing_alg_values_supported: [...provider.algorithms] };
  } catch (error) {
    throw new ConversationFailed('away', codeOf(error) ?? 'discovery', error);
  }
}

function proofOf(oauth: Oauth, { clientSecret }: OutsideProvider, { token_endpoint_auth_methods_supported: methods }: AuthorizationServer) {
  if (clientSecret === undefined) return oauth.None();
  // Basic is what a provider has that doesn't say.
  return methods === undefined || methods.includes('client_secret_basic')
    ? oauth.ClientSecretBasic(clientSecret)
    : oauth.ClientSecretPost(clientSecret);
}

function failureOf(error: unknown, Declined: Oauth['AuthorizationResponseError']): ConversationFailed {
  if (error instanceof ConversationFailed) return error;
  if (error instanceof Declined) return new ConversationFailed('declined', 'declined');
  const code = codeOf(error);
  // Without a code it is no finding of the protocol: it was the network, or our bounds.
  return code === undefined ? new ConversationFailed('away', 'unreachable', error) : new ConversationFailed('unbelievable', code, error);
}

function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^OAUTH_[A-Z_]+$/.test(code) ? code.slice('OAUTH_'.length).toLowerCase() : undefined;
}
