import type { Client } from 'oidc-provider';
import { fetchOutside } from './outside-fetch.ts';

/** Keys of a client, as the authorization server holds them. */
type KeyStore = Iterable<{ readonly kid?: string }> & { freshUntil?: number | undefined; refresh: () => Promise<void> };

type Fetch = (url: string, options: { readonly headers?: ConstructorParameters<typeof Headers>[0] }) => Promise<Response>;

export type ClientKeys = {
  /** How the authorization server fetches what clients name. */
  readonly fetch: Fetch;
  /** Fetches a client's keys anew, unless its server said that those at hand may be kept. Rejects where they can't be had. */
  readonly refresh: (client: Client) => Promise<void>;
};

/** What the server doesn't say is kept so long, and never longer than an hour. */
const keptMs = 60_000;
const keptMsMax = 3_600_000;
const answerMs = 2_500;
const keysBytesMax = 262_144;

/**
 * Keys that clients publish. They come over https from outside, but for hosts that are named here; redirects are not followed, and 2.5 s
 * is the time allowed.
 *
 * @param hosts  names or addresses, with or without port
 */
export function clientKeys(hosts: readonly string[]): ClientKeys {
  const freshUntil = new Map<string, number>();
  return {
    async fetch(url, options) {
      const address = new URL(url);
      const anywhere = hosts.includes(address.host) || hosts.includes(address.hostname);
      const signal = AbortSignal.timeout(answerMs);
      const response = await fetchOutside(address, new Headers(options.headers), { anywhere, bytesMax: keysBytesMax, signal });
      freshUntil.set(url, Date.now() + keptMsOf(response.headers.get('cache-control')));
      if (freshUntil.size > 10_000) freshUntil.clear();
      return response;
    },
    async refresh(client) {
      const { jwksUri } = client;
      if (jwksUri === undefined) return;
      const keys = keysOf(client);
      if (keys.freshUntil !== undefined && Date.now() < (freshUntil.get(new URL(jwksUri).href) ?? 0)) return;
      // Its own idea of freshness is a minute at least.
      keys.freshUntil = undefined;
      await keys.refresh();
    },
  };
}

function keptMsOf(cacheControl: string | null): number {
  if (cacheControl === null) return keptMs;
  if (/\bno-(?:store|cache)\b/i.test(cacheControl)) return 0;
  const maxAge = /\bmax-age\s*=\s*"?(\d{1,9})/i.exec(cacheControl)?.[1];
  return maxAge === undefined ? keptMs : Math.min(Number(maxAge) * 1000, keptMsMax);
}

export function keysOf(client: Client): KeyStore {
  return (client as unknown as { asymmetricKeyStore: KeyStore }).asymmetricKeyStore;
}
