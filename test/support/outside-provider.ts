import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, importJWK, type JWK, type JWTHeaderParameters, SignJWT } from 'jose';
import { Provider } from 'oidc-provider';
import type { Browser, Shown } from './browser.ts';

/** Claims about who is signed in there; `sub` names him. */
export type OutsidePerson = Readonly<Record<string, unknown>> & { readonly sub: string };

export type OutsideProviderRunning = {
  readonly issuer: string;
  /** Who is signed in there: whoever comes is he. Undefined: he says no. */
  person: OutsidePerson | undefined;
  /** What its id tokens say in place of the truth: with its own key, unless the header says `none`. */
  falsify?: ((claims: Record<string, unknown>, header: JWTHeaderParameters) => void) | undefined;
  /** What its discovery document says in place of the truth. */
  misstate?: ((metadata: Record<string, unknown>) => void) | undefined;
  /** Parameters of the requests that came to its authorization endpoint. */
  readonly asked: URLSearchParams[];
  readonly tokenRequests: () => number;
  readonly stop: () => Promise<void>;
};

export const outsideSecret = 'a secret / of + the client: 0123456789';

/** Another OpenID provider, over real HTTP, whose people need no password. */
export async function startOutsideProvider(redirectUris: readonly string[]): Promise<OutsideProviderRunning> {
  const [own, foreign] = await Promise.all([rsaKey(), rsaKey()]);
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const asked: URLSearchParams[] = [];
  let tokenRequests = 0;
  const running: OutsideProviderRunning = {
    issuer,
    person: undefined,
    asked,
    tokenRequests: () => tokenRequests,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'anamnesis',
        client_secret: outsideSecret,
        redirect_uris: [...redirectUris],
        response_types: ['code'],
        grant_types: ['authorization_code'],
        post_logout_redirect_uris: redirectUris.map((uri) => `${new URL(uri).origin}/oauth/sign-in`),
      },
    ],
    jwks: { keys: [{ ...own, kid: 'outside', alg: 'RS256', use: 'sig' }] },
    // Cookies are of a host, whatever its port: these are others than those of the server under test.
    cookies: { keys: ['outside'], names: { session: 'there_session', interaction: 'there_interaction', resume: 'there_resume' } },
    pkce: { required: () => true },
    conformIdTokenClaims: false,
    claims: { openid: ['sub', 'email', 'email_verified', 'name', 'groups', 'record', 'staff_login'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_ctx, { uid }) => `/here/${uid}` },
    findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ ...running.person, sub: id }) }),
    async loadExistingGrant(ctx) {
      const { client, account } = ctx.oidc;
      const grant = new ctx.oidc.provider.Grant({ accountId: account?.accountId ?? '', clientId: client?.clientId ?? '' });
      grant.addOIDCScope('openid profile email');
      await grant.save();
      return grant;
    },
  });
  provider.use(async (ctx, next) => {
    if (ctx.path === '/auth') asked.push(new URLSearchParams(ctx.querystring));
    if (ctx.path.startsWith('/here/')) {
      const { person } = running;
      const result =
        person === undefined ? { error: 'access_denied', error_description: '<b>Canary</b>' } : { login: { accountId: person.sub } };
      await provider.interactionFinished(ctx.req, ctx.res, result);
      ctx.respond = false;
      return;
    }
    await next();
    const body = ctx.body as Record<string, unknown> | undefined;
    if (ctx.path === '/.well-known/openid-configuration' && body !== undefined) running.misstate?.(body);
    if (ctx.path !== '/token') return;
    tokenRequests++;
    const token = body?.['id_token'];
    if (typeof token === 'string' && body !== undefined && running.falsify !== undefined) {
      const [claims, header] = [{ ...decodeJwt(token) }, { ...decodeProtectedHeader(token) } as JWTHeaderParameters];
      running.falsify(claims, header);
      body['id_token'] =
        header.alg === 'none'
          ? `${encoded(header)}.${encoded(claims)}.`
          : await new SignJWT(claims).setProtectedHeader(header).sign(await keyFor(header));
    }
  });
  /** A header that says `forged` stands for a key that isn't the provider's. */
  async function keyFor(header: JWTHeaderParameters) {
    if (header.alg === 'HS256') return Buffer.from(outsideSecret);
    const { forged, alg } = header as { forged?: boolean; alg: string };
    delete (header as { forged?: boolean }).forged;
    return importJWK(forged === true ? foreign : own, alg);
  }
  const answer = provider.callback();
  server.on('request', (incoming, outgoing) => void answer(incoming, outgoing));
  return running;
}

async function rsaKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return exportJWK(privateKey);
}

const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');

/** Goes through its pages, as a browser that is sent from address to address, until it is back here. */
export async function throughOutside(browser: Browser, shown: Shown, provider: OutsideProviderRunning): Promise<Shown> {
  let now = shown;
  for (let hops = 0; now.left?.origin === provider.issuer && hops < 10; hops++) now = await browser.open(now.left.href);
  return now;
}
