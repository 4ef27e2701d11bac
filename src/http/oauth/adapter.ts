import type { Pool } from 'pg';
import type { Revocations } from '../../authorization/revocations.ts';
import type { SecurityEvents } from '../../authorization/security-events.ts';
import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';
import { findClient, putClient } from '../../storage/oauth-clients.ts';
import { lifetimes } from './lifetimes.ts';
import type { FoundItem, OauthItem, OauthItems } from '../../storage/oauth-items.ts';
import { revokeGrant, revokeToken } from '../../storage/oauth-revocations.ts';
import { clientOfMetadata, metadataOfClient } from './client-metadata.ts';

/** Access tokens are not stored: what is asked about one is read from the token itself, verified. */
export type ReadToken = (token: string) => Promise<AdapterPayload | undefined>;

export type AdapterOptions = {
  readonly pool: Pool;
  readonly items: OauthItems;
  readonly readToken: ReadToken;
  readonly revocations: Pick<Revocations, 'note'>;
  readonly events: SecurityEvents;
  /** What `consume` throws at those who come too late. */
  readonly lateError: () => Error;
  /** What is thrown at those whose session ended meanwhile. */
  readonly overError: () => Error;
};

/** The authorization server's storage on PostgreSQL. */
export function oauthAdapter(options: AdapterOptions): AdapterFactory {
  return (kind) => {
    if (kind === 'Client') return clientAdapter(options.pool);
    if (kind === 'Session') return sessionAdapter(options);
    if (kind === 'AccessToken' || kind === 'ClientCredentials') return tokenAdapter(options, kind);
    return itemAdapter(options, kind);
  };
}

function itemAdapter({ pool, items, revocations, events, lateError }: AdapterOptions, kind: string): Adapter {
  const endGrant = async (grantId: string): Promise<void> => {
    await revokeGrant(pool, grantId);
    revocations.note('grant', grantId);
  };
  return {
    upsert: (id, payload, expiresIn) => items.put(itemOf(kind, id, payload, expiresIn)),
    find: async (id) => payloadOf(await items.find(kind, id)),
    findByUid: async (uid) => payloadOf(await items.findByUid(kind, uid)),
    findByUserCode: () => Promise.resolve(undefined),
    async consume(id) {
      if (await items.consume(kind, id)) return;
      // Somebody was first with the same code or token: neither can be told from a thief.
      const payload: Partial<AdapterPayload> = (await items.find(kind, id))?.payload ?? {};
      if (payload.grantId !== undefined) await endGrant(payload.grantId);
      const { accountId: account, clientId: client } = payload;
      await events({
        kind: 'token-revoked',
        outcome: 0,
        detail: 'used-twice',
        ...(account === undefined ? {} : { account }),
        ...(client === undefined ? {} : { client }),
      });
      throw lateError();
    },
    async destroy(id) {
      if (kind === 'Grant') await endGrant(id);
      else await items.remove(kind, id);
    },
    revokeByGrantId: endGrant,
  };
}

/**
 * Sessions. One that has ended stays as a row until it expires, so that a request which has read it before can't write it back under its
 * own id or, as signing in does, under another one.
 */
function sessionAdapter(options: AdapterOptions): Adapter {
  const { items, overError } = options;
  const live = (found: FoundItem | undefined): AdapterPayload | undefined => {
    if (found === undefined || found.consumedAt !== undefined) return undefined;
    const { loginTs = Number.POSITIVE_INFINITY } = found.payload as AdapterPayload;
    return loginTs + lifetimes.session > Date.now() / 1000 ? found.payload : undefined;
  };
  return {
    ...itemAdapter(options, 'Session'),
    find: async (id) => live(await items.find('Session', id)),
    findByUid: async (uid) => live(await items.findByUid('Session', uid)),
    async destroy(id) {
      if (await items.consume('Session', id)) return;
      if ((await items.find('Session', id)) !== undefined) throw overError();
    },
  };
}

/** Tokens live a year at most here; what has no end of its own is bound to something that has. */
const longestSeconds = 31_536_000;

export function itemOf(kind: string, id: string, payload: AdapterPayload, expiresIn = longestSeconds): OauthItem {
  return {
    kind,
    id,
    payload,
    grantId: kind === 'Grant' ? id : payload.grantId,
    uid: kind === 'Session' ? payload.uid : payload.sessionUid,
    account: payload.accountId,
    client: payload.clientId,
    ttlSeconds: expiresIn,
  };
}

function payloadOf(found: FoundItem | undefined): AdapterPayload | undefined {
  if (found === undefined) return undefined;
  const { payload, consumedAt } = found;
  return consumedAt === undefined ? payload : { ...payload, consumed: Math.floor(consumedAt.getTime() / 1000) };
}

function tokenAdapter({ pool, readToken, revocations }: AdapterOptions, kind: string): Adapter {
  const never = () => Promise.resolve(undefined);
  return {
    upsert: () => Promise.reject(new Error('access tokens are JWTs and are not stored')),
    async find(token) {
      const payload = await readToken(token);
      return payload?.kind === kind ? payload : undefined;
    },
    findByUid: never,
    findByUserCode: never,
    consume: never,
    async destroy(id) {
      await revokeToken(pool, id);
      revocations.note('token', id);
    },
    // With the grant they end all together.
    revokeByGrantId: never,
  };
}

function clientAdapter(pool: Pool): Adapter {
  const never = () => Promise.resolve(undefined);
  return {
    async upsert(id, payload) {
      const { metadata, secret } = clientOfMetadata(payload);
      await putClient(pool, { id, metadata, ...(secret === undefined ? {} : { secret }), source: 'registration' });
    },
    async find(id) {
      const found = await findClient(pool, id);
      return found === undefined || found.client.disabled ? undefined : metadataOfClient(id, found.client.metadata, found.secretHash);
    },
    findByUid: never,
    findByUserCode: never,
    consume: never,
    destroy: never,
    revokeByGrantId: never,
  };
}
