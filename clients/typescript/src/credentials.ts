/** Headers that say who calls; asked for at each request. */
export type Credentials = () => Promise<Readonly<Record<string, string>>>;

export const bearer =
  (token: string): Credentials =>
  () =>
    Promise.resolve({ authorization: `Bearer ${token}` });

export const apiKey =
  (key: string): Credentials =>
  () =>
    Promise.resolve({ 'x-api-key': key });

export type BackendOptions = {
  /** `https://ehr.example/oauth/token` */
  readonly tokenUrl: string;
  readonly clientId: string;
  /** For signing: ES384 (P-384) or RS384. Its public half is registered with the server. */
  readonly privateKey: CryptoKey;
  /** `kid` of the registered key. */
  readonly keyId: string;
  readonly scope: string;
};

const earlyMs = 30_000;

/**
 * SMART Backend Services: a token by a signed assertion, kept until shortly before it ends.
 * @see https://hl7.org/fhir/smart-app-launch/backend-services.html
 */
export function backendServices(options: BackendOptions): Credentials {
  let known: { readonly token: Promise<Token>; endsAt: number } | undefined;
  return async () => {
    if (known === undefined || Date.now() > known.endsAt) {
      // Those who ask at the same time wait for one token.
      const asked = { token: askToken(options), endsAt: Infinity };
      known = asked;
      asked.token.then(
        ({ lifetimeMs }) => {
          asked.endsAt = Date.now() + lifetimeMs - earlyMs;
        },
        () => {
          if (known === asked) known = undefined;
        },
      );
    }
    const { token } = await known.token;
    return { authorization: `Bearer ${token}` };
  };
}

type Token = { readonly token: string; readonly lifetimeMs: number };

async function askToken(options: BackendOptions): Promise<Token> {
  const { tokenUrl, scope } = options;
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    scope,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await assertionOf(options),
  });
  const response = await fetch(tokenUrl, { method: 'POST', body, redirect: 'error' });
  const answer = (await response.json()) as { access_token?: string; expires_in?: number; error?: string };
  if (!response.ok || answer.access_token === undefined) throw new Error(`no token was given: ${response.status} ${answer.error ?? ''}`);
  return { token: answer.access_token, lifetimeMs: (answer.expires_in ?? 60) * 1000 };
}

async function assertionOf({ clientId, tokenUrl, privateKey, keyId }: BackendOptions): Promise<string> {
  const isElliptic = privateKey.algorithm.name === 'ECDSA';
  const now = Math.floor(Date.now() / 1000);
  const header = { alg: isElliptic ? 'ES384' : 'RS384', kid: keyId, typ: 'JWT' };
  const claims = { iss: clientId, sub: clientId, aud: tokenUrl, iat: now, exp: now + 240, jti: crypto.randomUUID() };
  const encoder = new TextEncoder();
  const signed = [header, claims].map((part) => base64url(encoder.encode(JSON.stringify(part)))).join('.');
  const algorithm = isElliptic ? { name: 'ECDSA', hash: 'SHA-384' } : { name: 'RSASSA-PKCS1-v1_5' };
  const signature = await crypto.subtle.sign(algorithm, privateKey, encoder.encode(signed));
  return `${signed}.${base64url(new Uint8Array(signature))}`;
}

const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
