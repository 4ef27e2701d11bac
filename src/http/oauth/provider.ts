import { timingSafeEqual } from 'node:crypto';
import type { JWK as SigningJwk } from 'jose';
import { type Client, Provider, type Configuration, errors, interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider';
import { grantedScopes, registeredScopes, scopeProperty } from './client-metadata.ts';
import { grantable, identityScopes, launchScopes, scopeList } from '../../authorization/scope-grants.ts';
import { clientSecretHash } from '../../storage/oauth-clients.ts';
import { signingAlgorithm } from '../../storage/oauth-keys.ts';
import { oauthAdapter } from './adapter.ts';
import { assertAssertion, claimAssertion } from './client-assertions.ts';
import type { Accounts } from './interaction.ts';
import { type LaunchContext, launchProperty } from './launch-context.ts';
import { grantSeconds, lifetimes } from './lifetimes.ts';
import type { AuthorityOptions } from './authority-options.ts';
import { readAccessToken } from './access-tokens.ts';

export type ProviderOptions = AuthorityOptions & {
  readonly accounts: Accounts;
  readonly signing: readonly SigningJwk[];
  readonly cookieKeys: readonly string[];
};

const clientAlgorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const;

/** The authorization server, as SMART wants it. What it can't do is added around it: requests.ts, answers.ts. */
export function makeProvider(options: ProviderOptions): Provider {
  const provider = new Provider(options.issuer, configuration(options));
  // Its addresses come from our own issuer: server.ts sets these headers, whatever the client sent.
  provider.proxy = true;
  const client = provider.Client.prototype as unknown as { clientSecret?: string; compareClientSecret: (actual: string) => boolean };
  client.compareClientSecret = function compareHashes(this: { clientSecret?: string }, actual) {
    const [expected, given] = [Buffer.from(this.clientSecret ?? ''), Buffer.from(clientSecretHash(actual))];
    return expected.length === given.length && timingSafeEqual(expected, given);
  };
  const { ReplayDetection, Grant } = provider as unknown as {
    ReplayDetection: { unique: unknown };
    Grant: { readonly IN_PAYLOAD: readonly string[] };
  };
  ReplayDetection.unique = claimAssertion(options.items);
  const payload = [...Grant.IN_PAYLOAD, launchProperty];
  Object.defineProperty(Grant, 'IN_PAYLOAD', { get: () => payload });
  provider.on('server_error', (_ctx: unknown, error: unknown) => options.log.error({}, 'the authorization server failed', error));
  return provider;
}

function configuration(options: ProviderOptions): Configuration {
  const { base, issuer, accounts, views, items, pool, config } = options;
  const secure = issuer.startsWith('https:');
  const cookie = { httpOnly: true, sameSite: 'lax', signed: true, secure } as const;
  return {
    adapter: oauthAdapter({
      pool,
      items,
      readToken: readAccessToken(options),
      revocations: options.revocations,
      events: options.events,
      lateError: () => new errors.InvalidGrant('it was used before'),
      overError: () => new errors.SessionNotFound('the session is over'),
    }),
    jwks: { keys: [...options.signing] as never },
    cookies: {
      keys: [...options.cookieKeys],
      names: secure
        ? { session: '__Host-session', interaction: '__Secure-interaction', resume: '__Secure-resume' }
        : { session: 'session', interaction: 'interaction', resume: 'resume' },
      long: { ...cookie, path: '/' },
      short: cookie,
    },
    routes: {
      authorization: '/authorize',
      token: '/token',
      jwks: '/jwks',
      revocation: '/revoke',
      introspection: '/introspect',
      registration: '/register',
      end_session: '/logout',
    },
    scopes: [...identityScopes, ...launchScopes],
    claims: { openid: ['sub'], fhirUser: ['fhirUser'], profile: ['name'] },
    responseTypes: ['code'],
    subjectTypes: ['public'],
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    enabledJWA: { clientAuthSigningAlgValues: [...clientAlgorithms], idTokenSigningAlgValues: [signingAlgorithm] },
    clientDefaults: { id_token_signed_response_alg: signingAlgorithm },
    extraClientMetadata: { properties: [scopeProperty] },
    clockTolerance: 15,
    pkce: { required: () => true },
    allowOmittingSingleRegisteredRedirectUri: false,
    extraParams: {
      launch: async (ctx, launch, client) => {
        assertLevels(ctx);
        const refusal = (): Error => new errors.InvalidRequest('the launch is unknown, was used or has expired');
        await options.launches.assertFor(launch, client.clientId, refusal);
      },
    },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: (_ctx, client, token) => mayAskAbout(client, token) },
      revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => client.clientId === token.clientId },
      registration: {
        enabled: config.oauthRegistration !== 'off',
        initialAccessToken: config.oauthRegistration === 'token' ? (config.oauthRegistrationToken ?? false) : false,
        issueRegistrationAccessToken: false,
        secretFactory: options.makeSecret,
      },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => page(ctx, views.signOut(form)),
        postLogoutSuccessSource: (ctx) => page(ctx, views.signedOut()),
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: (ctx) => {
          if (ctx.oidc.route === 'authorization') throw new errors.InvalidRequest(`aud has to be ${base}`);
          return base;
        },
        useGrantedResource: () => true,
        getResourceServerInfo: (ctx, resource, client) => {
          if (resource !== base) throw new errors.InvalidTarget(`aud has to be ${base}`);
          const ttl = ctx.oidc.params?.['grant_type'] === 'client_credentials' ? lifetimes.clientToken : lifetimes.accessToken;
          return {
            audience: base,
            scope: scopesFor(ctx, client).join(' '),
            accessTokenTTL: ttl,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: signingAlgorithm } },
          };
        },
      },
    },
    interactions: { policy: interactionSteps(), url: (_ctx, interaction) => `${issuer}/interaction/${interaction.uid}` },
    // Each launch is a grant of its own, with a patient of its own.
    loadExistingGrant: async (ctx) => {
      const grantId = ctx.oidc.result?.consent?.grantId;
      return grantId === undefined ? undefined : ctx.oidc.provider.Grant.find(grantId);
    },
    findAccount: async (ctx, id, token) => {
      const account = await accounts.find(id);
      if (account === undefined || !(await isSessionAlive(ctx, token))) return undefined;
      return {
        accountId: id,
        claims: () => ({
          sub: id,
          ...(account.fhirUser === undefined ? {} : { fhirUser: `${base}/${account.fhirUser}` }),
          ...(account.name === undefined ? {} : { name: account.name }),
        }),
      };
    },
    // Bound to the session by `isSessionAlive`: an app may be open in two windows, with a patient in each.
    expiresWithSession: () => false,
    issueRefreshToken: (_ctx, client, source) =>
      client.grantTypeAllowed('refresh_token') && (source.scopes.has('offline_access') || source.scopes.has('online_access')),
    rotateRefreshToken: true,
    extraTokenClaims: async (ctx, token) => {
      if (token.kind !== 'AccessToken') return undefined;
      const account = await accounts.find(token.accountId);
      const launched = (ctx.oidc.entities.Grant as unknown as { [launchProperty]?: LaunchContext } | undefined)?.[launchProperty];
      return {
        gid: token.grantId,
        roles: account?.roles ?? [],
        ...(account?.fhirUser === undefined ? {} : { fhirUser: account.fhirUser }),
        ...(launched?.patient === undefined ? {} : { patient: launched.patient }),
        ...(launched?.encounter === undefined ? {} : { encounter: launched.encounter }),
      };
    },
    ttl: {
      AccessToken: lifetimes.accessToken,
      AuthorizationCode: lifetimes.code,
      ClientCredentials: lifetimes.clientToken,
      IdToken: lifetimes.accessToken,
      Interaction: lifetimes.interaction,
      Grant: (_ctx, grant) => grantSeconds(grantedScopes({ resources: grant.resources }, base)),
      RefreshToken: lifetimes.refreshToken,
      Session: (_ctx, session) => {
        const sinceLogin = Math.floor(Date.now() / 1000) - (session.loginTs ?? Math.floor(Date.now() / 1000));
        return Math.max(1, Math.min(config.sessionIdleSeconds, lifetimes.session - sinceLogin));
      },
    },
    clientBasedCORS: (_ctx, origin, client) => (client.redirectUris ?? []).some((uri) => URL.parse(uri)?.origin === origin),
    assertJwtClientAuthClaimsAndHeader: (ctx, claims, header, client) =>
      assertAssertion(`${issuer}/token`, ctx, { claims, header, client }),
    fetch: options.clientKeys.fetch as never,
    renderError: (ctx, out) => {
      page(ctx, views.error(reasonOf(out.error), String(ctx.req.headers['x-request-id'] ?? '')));
    },
  };
}

/** Asked for by a user's app: no mixture with `system/`, which is never a user's to give. */
function assertLevels(ctx: KoaContextWithOIDC): void {
  const asked = scopeList(textOf(ctx.oidc.params?.['scope']) ?? '') ?? [];
  if (asked.some((text) => /^system[/.]/.test(text)))
    throw new errors.InvalidScope('system/ scopes are for clients that act for themselves', 'system/');
}

/**
 * What may be granted in this request: scopes are a grammar, so it is worked out each time from what was asked, or from what was granted
 * before, and the client's registration as it is now.
 */
function scopesFor(ctx: KoaContextWithOIDC, client: Client): readonly string[] {
  const { params, entities } = ctx.oidc;
  const registered = registeredScopes(client);
  if (params?.['grant_type'] === 'client_credentials') {
    // Its id alone would be all that it takes.
    if (client.clientAuthMethod === 'none') throw new errors.UnauthorizedClient('a public client does not act for itself');
    const asked = scopeList(textOf(params['scope']) ?? '') ?? [];
    const granted = grantable(asked, registered, 'client');
    const foreign = asked.find((text) =>
      /^(?:user|patient)[/.]|^(?:openid|fhirUser|profile|launch|offline_access|online_access)\b/.test(text),
    );
    if (foreign !== undefined || granted.length === 0)
      throw new errors.InvalidScope('the client may not ask for this on its own behalf', foreign ?? asked.join(' '));
    // Narrower ones of the registration come in place of what was asked.
    params['scope'] = granted.join(' ');
    return granted;
  }
  const before = entities.AuthorizationCode?.scope ?? entities.RotatedRefreshToken?.scope ?? entities.RefreshToken?.scope;
  const asked = scopeList(before ?? textOf(params?.['scope']) ?? '') ?? [];
  return grantable(asked, registered, 'user');
}

/** What is bound to a session lives as long as it does: refresh tokens of apps without `offline_access`. */
async function isSessionAlive(ctx: KoaContextWithOIDC, token: unknown): Promise<boolean> {
  if (typeof token !== 'object' || token === null || !('kind' in token) || token.kind !== 'RefreshToken') return true;
  const { scope, sessionUid, accountId } = token as { scope?: string; sessionUid?: string; accountId?: string };
  if (scope?.split(' ').includes('offline_access') === true) return true;
  if (sessionUid === undefined) return false;
  const session = await ctx.oidc.provider.Session.findByUid(sessionUid);
  return session?.accountId !== undefined && session.accountId === accountId;
}

/** Signing in where nobody is, and then a choice for each launch: nothing is granted silently. */
function interactionSteps(): interactionPolicy.DefaultPolicy {
  const steps = interactionPolicy.base();
  const consent = steps.get('consent');
  if (consent === undefined) throw new Error('the authorization server has no consent step');
  consent.checks.clear();
  consent.checks.add(
    new interactionPolicy.Check(
      'choice',
      'the user has to choose',
      'consent_required',
      (ctx) => ctx.oidc.result?.consent?.grantId === undefined,
    ),
  );
  return steps;
}

/** A client may ask about its own tokens; about those of others, who was registered for it. */
function mayAskAbout(client: { readonly clientId: string }, token: { readonly clientId?: string | undefined }): boolean {
  return client.clientId === token.clientId || registeredScopes(client)?.includes('introspect') === true;
}

function page(ctx: KoaContextWithOIDC, html: string): void {
  ctx.type = 'html';
  ctx.body = html;
}

const reasons: Readonly<Record<string, string>> = {
  invalid_client: 'The app that sent you here is not registered with this server.',
  invalid_redirect_uri: 'The app asked to be sent to an address that it did not register.',
  access_denied: 'Access was denied.',
  server_error: 'The server failed. Try again later.',
};

function reasonOf(error: string): string {
  return reasons[error] ?? 'The request that the app made is not valid, or it is too old. Go back to the app and begin again.';
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
