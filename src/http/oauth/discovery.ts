import { Hono } from 'hono';
import type { Config } from '../../config.ts';
import { FhirError, issue } from '../../fhir/error.ts';
import type { Env } from '../exchange.ts';
import type { Brands } from './brands.ts';

/** @see https://hl7.org/fhir/smart-app-launch/conformance.html#capability-sets */
const capabilities = [
  'launch-ehr',
  'launch-standalone',
  'authorize-post',
  'client-public',
  'client-confidential-symmetric',
  'client-confidential-asymmetric',
  'sso-openid-connect',
  'context-banner',
  'context-style',
  'context-ehr-patient',
  'context-ehr-encounter',
  'context-standalone-patient',
  'context-standalone-encounter',
  'permission-offline',
  'permission-online',
  'permission-patient',
  'permission-user',
  'permission-v1',
  'permission-v2',
];

/** Each works for whoever may have it; granular ones, `patient/Observation.rs?category=…`, are too many to list. */
const scopes = [
  'openid',
  'fhirUser',
  'profile',
  'launch',
  'launch/patient',
  'launch/encounter',
  'offline_access',
  'online_access',
  'patient/*.cruds',
  'patient/*.rs',
  'user/*.cruds',
  'user/*.rs',
  'system/*.cruds',
  'system/*.rs',
];

/** @see https://hl7.org/fhir/smart-app-launch/brands.html */
const brandsPath = '/.well-known/user-access-brands';

/** Where a client gets its tokens. Undefined: not here, the operator tells of another server. */
function smartConfiguration({ baseUrl, oauthRegistration }: Pick<Config, 'baseUrl' | 'oauthRegistration'>, brands: Brands): object {
  const issuer = `${new URL(baseUrl).origin}/oauth`;
  return {
    issuer,
    jwks_uri: `${issuer}/jwks`,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    introspection_endpoint: `${issuer}/introspect`,
    revocation_endpoint: `${issuer}/revoke`,
    management_endpoint: `${issuer}/apps`,
    ...(oauthRegistration === 'off' ? {} : { registration_endpoint: `${issuer}/register` }),
    grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: ['RS256', 'RS384', 'ES256', 'ES384'],
    user_access_brand_bundle: `${baseUrl}${brandsPath}`,
    user_access_brand_identifier: brands.identifier,
    scopes_supported: scopes,
    capabilities,
  };
}

/** What anybody may ask, from any page: how to get access. Below the FHIR base. */
export function discoveryApp(config: Pick<Config, 'baseUrl' | 'oauthRegistration'>, brands: Brands | undefined): Hono<Env> {
  const app = new Hono<Env>({ strict: false });
  const path = '/.well-known/smart-configuration';
  app.use('/metadata', async (c, next) => {
    c.header('access-control-allow-origin', '*');
    await next();
  });
  for (const each of [path, brandsPath])
    app.use(each, async (c, next) => {
      c.header('access-control-allow-origin', '*');
      await next();
    });
  if (brands === undefined) {
    app.get(path, () => {
      throw new FhirError(404, [issue('not-found', 'authorization-server-off', 'This server gives no tokens itself.')]);
    });
    return app;
  }
  const text = JSON.stringify(smartConfiguration(config, brands));
  const headers = { 'content-type': 'application/json; charset=utf-8', 'content-length': String(Buffer.byteLength(text)) };
  // Whatever is accepted: it is JSON.
  app.get(path, (c) => c.body(text, 200, headers));
  app.get(brandsPath, (c) => {
    c.header('cache-control', 'public, max-age=3600');
    c.header('etag', brands.etag);
    const known = c.req.header('if-none-match')?.split(',') ?? [];
    if (known.some((each) => each.trim() === brands.etag || each.trim() === '*')) return c.body(null, 304);
    return c.body(brands.text, 200, { 'content-type': 'application/fhir+json; charset=utf-8' });
  });
  return app;
}
