import { hkdfSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { JWTPayload } from 'jose';
import type { Pool } from 'pg';
import { type Revocations, watchRevocations } from '../../authorization/revocations.ts';
import { makeSignatureConfirmations, type SignatureConfirmations } from '../../authorization/signature-confirmations.ts';
import type { SecurityEvents } from '../../authorization/security-events.ts';
import type { Users } from '../../authorization/users.ts';
import type { VerifyingIssuer } from '../../authorization/verify.ts';
import type { Config } from '../../config.ts';
import { makeDataKey } from '../../encryption/seal.ts';
import { makeClientSecret } from '../../storage/oauth-clients.ts';
import { rotateOauthKeys } from '../../storage/oauth-keys.ts';
import { type OauthItems, oauthItems } from '../../storage/oauth-items.ts';
import type { Log } from '../../telemetry/log.ts';
import { makeTokenReader, ownIssuer } from './access-tokens.ts';
import { type Authority, makeAuthority } from './authority.ts';
import { type ClientKeys, clientKeys } from './client-keys.ts';
import { type Launches, makeLaunches } from './launch-context.ts';
import { type Federation, type FederationOptions, makeFederation } from './federation/federation.ts';
import { readProviders } from './federation/providers.ts';
import { accountsOf } from './pages/context.ts';
import { english } from './pages/texts.ts';
import { viewsIn } from './pages/views.ts';

/** The authorization server's parts, open as long as the server runs. */
export type OauthServices = {
  /** `https://host/oauth`. */
  readonly issuer: string;
  readonly authority: Authority;
  readonly items: OauthItems;
  readonly launches: Launches;
  readonly users: Users;
  readonly events: SecurityEvents;
  readonly confirmations: SignatureConfirmations;
  /** Undefined where nobody signs in elsewhere. */
  readonly federation: Federation | undefined;
  readonly clientKeys: ClientKeys;
  readonly revocations: Revocations;
  /** For whoever takes tokens: how ours are verified. */
  readonly own: VerifyingIssuer;
  /** The claims of a token of ours that is in force. */
  readonly claimsOf: (token: string) => Promise<JWTPayload | undefined>;
  /** Signs with a new key from now on, in all processes; the old one is published until its tokens have ended. */
  readonly rotateKeys: () => Promise<void>;
  /** What else these parts keep secret: 32 bytes for each purpose. */
  readonly secretFor: (purpose: string) => Buffer;
  readonly close: () => Promise<void>;
};

export type OauthOptions = {
  readonly config: Config;
  readonly url: string;
  readonly pool: Pool;
  readonly users: Users;
  readonly events: SecurityEvents;
  /** 32 bytes that the main database doesn't hold. */
  readonly secret: Buffer;
  readonly log: Log;
};

/** Opens what tokens need to be judged by; what gives them is made at its first use. */
export async function openOauth({ config, url, pool, users, events, secret, log }: OauthOptions): Promise<OauthServices> {
  const base = config.baseUrl;
  const issuer = `${new URL(base).origin}/oauth`;
  const secretFor = (purpose: string): Buffer => Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), `oauth ${purpose}`, 32));
  const key = makeDataKey(Buffer.alloc(16), secretFor('items'));
  const items = oauthItems(pool, key);
  const launches = makeLaunches(items);
  const federation = await openFederation({
    config,
    origin: new URL(base).origin,
    pool,
    items,
    users,
    key: secretFor('federation'),
    events,
    log,
  });
  let renew = (): void => {};
  const revocations = await watchRevocations({ url, pool, log, onKeys: () => renew() });
  const fetching = clientKeys(config.oauthKeyHosts);
  const authority = makeAuthority({
    issuer,
    base,
    config,
    pool,
    key,
    items,
    accounts: accountsOf(users),
    views: viewsIn(english),
    launches,
    clientKeys: fetching,
    revocations,
    events,
    makeSecret: makeClientSecret,
    log,
  });
  renew = authority.renew;
  const own = ownIssuer({ issuer, base }, authority.keys);
  return {
    issuer,
    authority,
    items,
    launches,
    users,
    events,
    confirmations: makeSignatureConfirmations(items),
    federation,
    clientKeys: fetching,
    revocations,
    own,
    claimsOf: makeTokenReader(own, revocations),
    async rotateKeys() {
      await rotateOauthKeys(pool, key);
      await events({ kind: 'keys-rotated', outcome: 0 });
    },
    secretFor,
    close: () => revocations.stop(),
  };
}

async function openFederation({
  config,
  ...options
}: Omit<FederationOptions, 'providers'> & Pick<OauthOptions, 'config'>): Promise<Federation | undefined> {
  const { federationFile: file, federationSecrets } = config;
  if (file === undefined) return undefined;
  try {
    return makeFederation({ ...options, providers: readProviders(await readFile(file, 'utf8'), federationSecrets) });
  } catch (error) {
    throw new Error(`FEDERATION_FILE, ${file}: ${error instanceof Error ? error.message : 'it cannot be read'}`, { cause: error });
  }
}
