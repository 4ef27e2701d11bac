import { Client } from 'pg';
import type { Queryable } from '../storage/database.ts';
import { listRevocations, parseNotice, revocableName, revocationChannel } from '../storage/oauth-revocations.ts';
import { keysChannel } from '../storage/oauth-keys.ts';
import { clientsChannel } from '../storage/oauth-clients.ts';
import type { Log } from '../telemetry/log.ts';

/** Which tokens of ours are over before their time, as all processes know it. */
export type Revocations = {
  /**
   * Whether a token is over.
   *
   * @param names     what it can be ended by, see `namesOf`
   * @param issuedAt  its `iat`, seconds
   */
  readonly isOver: (names: readonly string[], issuedAt: number) => boolean;
  /** This process has ended a token or a grant itself: it needn't wait to hear of it. */
  readonly note: (kind: 'token' | 'grant', id: string) => void;
  /** False while it is not known what others ended: then `refresh` before asking. */
  readonly isKnown: () => boolean;
  readonly refresh: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

export type RevocationsOptions = {
  readonly url: string;
  readonly pool: Queryable;
  readonly log: Log;
  /** The keys of the authorization server were exchanged. */
  readonly onKeys?: () => void;
  /** Clients were added, changed or removed. */
  readonly onClients?: () => void;
};

/** A listening connection that hasn't answered for so long is not believed. */
const trustMs = 1_000;
const beatMs = 500;
const reconnectMs = 200;
/** Longer than any token of ours lives. */
const notedMs = 3_700_000;

/** The names by which tokens with these claims can be ended. */
export function namesOf(claims: { readonly [claim: string]: unknown }): readonly string[] {
  const named = [
    ['token', claims['jti']],
    ['grant', claims['gid']],
    ['client', claims['client_id']],
    ['account', claims['sub']],
  ] as const;
  return named.flatMap(([kind, id]) => (typeof id === 'string' ? [revocableName(kind, id)] : []));
}

/**
 * Keeps the set of what was ended in memory: filled at the start, told by NOTIFY since. The connection is asked twice a second whether
 * it lives; when it doesn't answer, the database is asked for each token.
 */
export async function watchRevocations(options: RevocationsOptions): Promise<Revocations> {
  const { log } = options;
  const over = new Map<string, { readonly untilMs: number; readonly expiresMs: number }>();
  let client: Client | undefined;
  let heardAt = Number.NEGATIVE_INFINITY;
  let stopped = false;
  let connecting: Promise<void> | undefined;

  async function refresh(): Promise<void> {
    const found = await listRevocations(options.pool);
    for (const { name, untilMs, expiresMs } of found) over.set(name, { untilMs, expiresMs });
  }

  async function connect(): Promise<void> {
    const fresh = new Client({
      connectionString: options.url,
      application_name: 'anamnesis revocations',
      connectionTimeoutMillis: 5_000,
      query_timeout: 5_000,
    });
    const lost = (): void => {
      if (client === fresh) disconnected();
    };
    fresh.on('error', lost);
    fresh.on('end', lost);
    fresh.on('notification', ({ channel, payload }) => {
      if (channel === keysChannel) options.onKeys?.();
      else if (channel === clientsChannel) options.onClients?.();
      else {
        const revocation = parseNotice(payload);
        if (revocation !== undefined) over.set(revocation.name, revocation);
      }
    });
    try {
      await fresh.connect();
      await fresh.query(`listen ${revocationChannel}; listen ${keysChannel}; listen ${clientsChannel}`);
      // What was said before one listened is in the table.
      await refresh();
    } catch (error) {
      await fresh.end().catch(() => {});
      throw error;
    }
    client = fresh;
    heardAt = performance.now();
    options.onKeys?.();
    options.onClients?.();
  }

  function disconnected(): void {
    client = undefined;
    heardAt = Number.NEGATIVE_INFINITY;
    if (!stopped) setTimeout(reconnect, reconnectMs);
  }

  function reconnect(): void {
    if (stopped || client !== undefined) return;
    connecting ??= connect()
      .catch((error: unknown) => {
        log.warn({}, 'listening for revoked tokens failed', error);
        disconnected();
      })
      .finally(() => {
        connecting = undefined;
      });
  }

  async function beat(): Promise<void> {
    const asked = client;
    if (asked === undefined) return;
    const at = performance.now();
    try {
      await asked.query('select 1');
    } catch {
      // One that says nothing any more is let go, and another is opened.
      await asked.end();
      return;
    }
    if (client === asked) heardAt = at;
    for (const [name, { expiresMs }] of over) if (expiresMs < Date.now()) over.delete(name);
  }

  await connect();
  let beating = false;
  const timer = setInterval(() => {
    if (beating) return;
    beating = true;
    void beat()
      .catch(() => {})
      .finally(() => {
        beating = false;
      });
  }, beatMs);
  timer.unref();

  return {
    isOver(names, issuedAt) {
      if (over.size === 0) return false;
      return names.some((name) => {
        const found = over.get(name);
        return found !== undefined && issuedAt * 1000 <= found.untilMs;
      });
    },
    note(kind, id) {
      over.set(revocableName(kind, id), { untilMs: Number.POSITIVE_INFINITY, expiresMs: Date.now() + notedMs });
    },
    isKnown: () => performance.now() - heardAt < trustMs,
    refresh,
    async stop() {
      stopped = true;
      clearInterval(timer);
      await connecting;
      const last = client;
      client = undefined;
      await last?.end();
    },
  };
}
