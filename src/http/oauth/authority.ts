import type { JWTVerifyGetKey } from 'jose';
import type { Provider } from 'oidc-provider';
import { loadOauthKeys } from '../../storage/oauth-keys.ts';
import { publicKeys } from './access-tokens.ts';
import type { AuthorityOptions } from './authority-options.ts';

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
