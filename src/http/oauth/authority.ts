import type { JWTVerifyGetKey } from 'jose';
import type { Provider } from 'oidc-provider';
import type { Pool } from 'pg';
import type { Revocations } from '../../authorization/revocations.ts';
import type { Config } from '../../config.ts';
import type { DataKey } from '../../encryption/seal.ts';
import { loadOauthKeys } from '../../storage/oauth-keys.ts';
import type { OauthItems } from '../../storage/oauth-items.ts';
import type { Log } from '../../telemetry/log.ts';
import { publicKeys } from './access-tokens.ts';
import type { ClientKeys } from './client-keys.ts';
import type { Accounts, Views } from './interaction.ts';
import type { Launches } from './launch-context.ts';

export type AuthorityOptions = {
  /** `https://host/oauth`. */
  readonly issuer: string;
  /** The FHIR base: whom its tokens are for. */
  readonly base: string;
  readonly config: Config;
  readonly pool: Pool;
  readonly key: DataKey;
  readonly items: OauthItems;
  readonly accounts: Accounts;
  readonly views: Views;
  readonly launches: Launches;
  readonly clientKeys: ClientKeys;
  readonly revocations: Revocations;
  readonly makeSecret: () => string;
  readonly log: Log;
};

/** The authorization server, made when it is first needed: who never asks for a token pays nothing for it. */
export type Authority = {
  readonly provider: () => Promise<Provider>;
  /** Verifies what it signs, and what it signed until lately. */
  readonly keys: JWTVerifyGetKey;
  /** The keys were exchanged: both are made anew at their next use. */
  readonly renew: () => void;
};

export function makeAuthority(options: AuthorityOptions): Authority {
  let loading: ReturnType<typeof loadOauthKeys> | undefined;
  let verifying: Promise<JWTVerifyGetKey> | undefined;
  let making: Promise<Provider> | undefined;

  const keys = (): ReturnType<typeof loadOauthKeys> => {
    const begun = (loading ??= loadOauthKeys(options.pool, options.key));
    begun.catch(() => {
      if (loading === begun) loading = undefined;
    });
    return begun;
  };
  const make = async (): Promise<Provider> => {
    const [{ signing, cookies }, { makeProvider }] = await Promise.all([keys(), import('./provider.ts')]);
    return makeProvider({ ...options, signing, cookieKeys: cookies });
  };
  return {
    provider() {
      const begun = (making ??= make());
      begun.catch(() => {
        if (making === begun) making = undefined;
      });
      return begun;
    },
    async keys(header, token) {
      const begun = (verifying ??= keys().then(({ signing }) => publicKeys(signing)));
      begun.catch(() => {
        if (verifying === begun) verifying = undefined;
      });
      return (await begun)(header, token);
    },
    renew() {
      loading = verifying = making = undefined;
    },
  };
}
