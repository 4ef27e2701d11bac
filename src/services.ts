import { hkdfSync } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import type { Pool } from 'pg';
import { type Alerts, openAlerts } from './audit/alerts/open-alerts.ts';
import { makeConcerned } from './audit/concerned.ts';
import { recordOwn } from './audit/operator.ts';
import type { Audit } from './audit/trail.ts';
import { auditModel } from './audit/model.ts';
import { type AuditTrail, openTrail, recordingConnections } from './audit/open-trail.ts';
import { makeAuditSeal } from './audit/seal.ts';
import type { Access } from './authorization/access.ts';
import { type Authenticate, type AuthenticationOptions, makeAuthenticate } from './authorization/authenticate.ts';
import { loadIssuers } from './authorization/issuers.ts';
import { makeRights } from './authorization/rights/rights.ts';
import { withRights } from './authorization/rights/with-rights.ts';
import { type SecurityEvents, securityEvents, securityLines } from './authorization/security-events.ts';
import { type Signed, userAccess } from './authorization/user-access.ts';
import { makeUsers, type Users } from './authorization/users.ts';
import type { Config } from './config.ts';
import { loadDefinitions } from './definitions/load.ts';
import { makeCodec } from './encryption/codec.ts';
import { openKeyFile } from './encryption/key-file.ts';
import { openBytes, sealBytes } from './encryption/seal-bytes.ts';
import { makeDataKey } from './encryption/seal.ts';
import { makeTokenKey, tokenSecretBytes } from './encryption/token.ts';
import { type OauthServices, openOauth } from './http/oauth/open.ts';
import { makeConformance } from './interactions/conformance/conformance.ts';
import type { Context } from './interactions/context.ts';
import { cursorCodec } from './interactions/cursor.ts';
import { type Erasing, replayErasures } from './interactions/erasure.ts';
import { makeRegistrar } from './interactions/parameters/registrar.ts';
import { securityTrail } from './interactions/security-trail.ts';
import { openValidation } from './interactions/validation.ts';
import { watchParameters } from './interactions/parameters/watch.ts';
import { liveRegistry } from './search/live-registry.ts';
import { allElements, elementsEdition } from './search/registry.ts';
import { refKeyOf } from './search/types/reference.ts';
import { findApiKey, touchApiKey } from './storage/api-keys.ts';
import { assertChoices } from './storage/choices.ts';
import { assertServers, findDatabases, type FindOptions } from './storage/connections.ts';
import { makeResealer } from './storage/binary-owners.ts';
import { createBatch } from './storage/create-batch.ts';
import { updateBatch } from './storage/update-batch.ts';
import { type Database, openDatabase } from './storage/database.ts';
import { openLanes } from './storage/lanes.ts';
import { loadElementNumbers } from './storage/elements.ts';
import { openAuditKeys } from './storage/audit-keys.ts';
import { openKeyStore } from './storage/keys.ts';
import { ensureAuditPartitions, keepHouse } from './storage/housekeeping.ts';
import { migrate } from './storage/migrate.ts';
import { holdsKeys } from './storage/own-keys.ts';
import { openedTexts } from './storage/opened.ts';
import { rowIds } from './storage/row-ids.ts';
import { tokenStatistics } from './storage/statistics.ts';
import { codeTables } from './storage/terminology.ts';
import { makeOpener, makeSealer } from './storage/sealing.ts';
import type { Log } from './telemetry/log.ts';

/** Everything that is open while the server runs. */
export type Services = {
  readonly config: Config;
  readonly log: Log;
  readonly context: Context;
  readonly authenticate: Authenticate;
  /** Undefined where this is no authorization server. */
  readonly oauth?: OauthServices;
  readonly erasing: Erasing;
  readonly trail: AuditTrail;
  /** What looks like a misuse. */
  readonly alerts: Alerts;
  /** What idempotency keys are kept under. */
  readonly idempotencySecret: Buffer;
  /** What callers and addresses are named by where requests are counted outside of this process; 32 bytes. */
  readonly countersSecret: Buffer;
  /** Local accounts. */
  readonly users: Users;
  /** Notes who got access and who changed it. */
  readonly events: SecurityEvents;
  /** What a user may read himself, whatever app he uses. */
  readonly accessOfUser: (user: Signed) => Promise<Access>;
  /** Whether the databases answer. */
  readonly ready: () => Promise<boolean>;
  readonly close: () => Promise<void>;
};

/** Connections for short reads: as many as there are cores, and one, so that a slower read holds up few others. */
const readLanes = availableParallelism() + 1;

/** Counting goes through a table, so only so many do it at a time. */
const countConnections = 4;

const migrationsFolder = join(import.meta.dirname, '..', 'migrations');

/** Opens everything in order; `close` undoes it in reverse, and so does a failure half-way. */
export async function openServices(config: Config, log: Log, purpose: FindOptions['purpose'] = 'serve'): Promise<Services> {
  const opened: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (let undo = opened.pop(); undo !== undefined; undo = opened.pop())
      await undo().catch((error: unknown) => log.error({}, 'closing failed', error));
  };
  try {
    const [definitions, urls] = await Promise.all([
      loadDefinitions({ cacheDir: config.cacheDir }),
      findDatabases(config, log, { purpose, opened }),
    ]);
    const [, ...migrated] = await Promise.all([
      assertServers(urls, config, log),
      migrate(urls.main.migrationUrl, join(migrationsFolder, 'main'), urls.main.serverRole),
      migrate(urls.keys.migrationUrl, join(migrationsFolder, 'keys'), urls.keys.serverRole),
    ]);
    const applied = migrated.flat();
    const open = async (
      url: string,
      poolSize: number,
      applicationName: string,
      plans: 'generic' | 'custom' = 'generic',
      statementTimeoutMs = config.transactionTimeoutMs,
    ): Promise<Database> => {
      const onWarning = (message: string): void =>
        log.debug({ applicationName, length: message.length }, 'the database connection pool reported');
      const database = await openDatabase({ url, poolSize, applicationName, statementTimeoutMs, plans, onWarning });
      opened.push(() => database.close());
      return database;
    };
    const [main, searching, counting, reading, recording, keyDatabase] = await Promise.all([
      open(urls.main.url, config.databasePoolSize, 'anamnesis'),
      open(urls.main.url, config.databasePoolSize, 'anamnesis search', 'custom', config.searchTimeoutMs),
      open(urls.main.url, countConnections, 'anamnesis count', 'custom', config.searchTotalTimeoutMs),
      open(urls.main.url, readLanes, 'anamnesis read', 'generic', config.searchTimeoutMs),
      open(urls.main.url, recordingConnections, 'anamnesis audit', 'generic', config.auditTimeoutMs),
      open(urls.keys.url, 4, 'anamnesis keys'),
    ]);
    const lanes = openLanes(reading.pool, readLanes);
    opened.push(() => Promise.resolve(lanes.close()));
    const management = await openKeyFile({ file: config.keyFile, mayCreate: !(await holdsKeys(keyDatabase.pool)), now: new Date() });
    const keys = await openKeyStore({
      pool: keyDatabase.pool,
      management,
      cacheMax: config.keyCacheMax,
      cacheMs: config.keyCacheSeconds * 1000,
    });
    const tokenKey = makeTokenKey(keys.secretOf('token').subarray(0, tokenSecretBytes), config.tokenAlgorithm);
    const edition = `${definitions.version}-${elementsEdition}`;
    await assertChoices(main.pool, {
      PHI_ENCRYPTION: config.phiEncryption ? 'on' : 'off',
      TOKEN_ALGORITHM: config.tokenAlgorithm,
      tokenKey: keys.tokenKeyId.toString('hex'),
    });
    const numbers = await loadElementNumbers(main.pool, edition, () => allElements(definitions));
    const live = liveRegistry(definitions, numbers, { key: tokenKey, base: config.baseUrl, fullText: config.searchFullText });
    const statistics = tokenStatistics(main.pool);
    await statistics.refresh();
    const codec = makeCodec({ encrypted: config.phiEncryption, textBytesMax: 2 * config.bodyLimitBytes });
    const texts = openedTexts(config.documentCacheMib * 2 ** 20);
    const seal = makeSealer(keys, codec, texts);
    // Asked for by transactions that hold a connection: from their own pool they might wait for each other for ever.
    const rids = rowIds(searching.pool);
    const auditKeys = openAuditKeys(keyDatabase.pool, management);
    const auditSecret = keys.secretOf('audit');
    const auditSeal = makeAuditSeal({ keys: auditKeys, secret: auditSecret });
    const auditEvents = auditModel({
      key: tokenKey,
      base: config.baseUrl,
      registry: live.standard,
      keys,
      seal: auditSeal,
      rowIds: rids,
      db: searching.pool,
      documents: makeOpener(keys, codec, texts),
      cacheMax: config.keyCacheMax,
    });
    const opener = auditEvents.open;
    // Before the first event: what finds no month of its own stays in the partition for all others.
    await ensureAuditPartitions(main.pool).catch((error: unknown) => log.error({}, 'the month of the audit trail was not made', error));
    const alerts = openAlerts({
      config,
      secret: auditSecret,
      pool: main.pool,
      tokenKey,
      extract: live.extract,
      record: (events) => trail.record(events),
      log,
      purpose,
    });
    const trail: AuditTrail = openTrail({
      config,
      log,
      purpose,
      pool: main.pool,
      recording: recording.pool,
      ownerUrl: urls.main.migrationUrl,
      secret: auditSecret,
      keys: auditKeys,
      rows(events) {
        alerts.see(events);
        return auditEvents.rows(events);
      },
    });
    opened.push(trail.stop, alerts.stop);
    const plan = { key: tokenKey, base: config.baseUrl, standingFor: auditEvents.standingFor };
    const cursorKey = makeDataKey(Buffer.alloc(16), keys.secretOf('cursor'));
    const planContext = () => ({ ...plan, now: Date.now() });
    const conformance = makeConformance({
      definitions,
      db: searching.pool,
      stored: {
        config,
        get registry() {
          return live.current();
        },
        planContext,
        open: opener,
        statistics,
      },
    });
    const tables = codeTables(searching.pool);
    const deciding = {
      get registry() {
        return live.current();
      },
      limits: config,
      plan,
      policy: config,
      db: searching.pool,
      open: opener,
      refKeyOf: (type: string, id: string) => refKeyOf(tokenKey, type, id),
    };
    const rights = makeRights(deciding, config);
    const { rows, record } = trail;
    const audit: Audit = { rows, record, concerned: makeConcerned(keys, config.keyCacheMax), refKeyOf: deciding.refKeyOf };
    const context: Context = {
      config,
      definitions,
      conformance,
      rightsWritten: rights.written,
      get registry() {
        return live.current();
      },
      live,
      pool: main.pool,
      reader: lanes,
      searcher: searching.pool,
      counter: counting.pool,
      statistics,
      rowIds: rids,
      updates: updateBatch({ pool: main.pool, retriesMax: config.transactionRetriesMax, rowsMax: 50, inFlightMax: 3 }),
      creates: createBatch({ pool: main.pool, retriesMax: config.transactionRetriesMax, rowsMax: 200, inFlightMax: 2 }),
      extract: live.extract,
      codeTables: tables,
      ...openValidation({ config, schema: definitions.schema, conformance, codeTables: tables }),
      audit,
      seal,
      open: opener,
      reseal: makeResealer(keys, opener, seal),
      cursors: cursorCodec({
        seal: (purpose, bytes) => sealBytes(cursorKey, purpose, bytes),
        open: (purpose, sealed) => openBytes(cursorKey, purpose, sealed),
      }),
      refKeyOf: (type, id) => refKeyOf(tokenKey, type, id),
      planContext,
    };
    const registrar = purpose === 'serve' ? makeRegistrar(context, log) : undefined;
    opened.push(() => registrar?.stop() ?? Promise.resolve());
    const watch = await watchParameters({
      url: urls.main.url,
      pool: main.pool,
      live,
      open: opener,
      refKeyOf: context.refKeyOf,
      log,
      onConformance: conformance.changed,
      ...(registrar === undefined ? {} : { onTurn: registrar.turn }),
    });
    opened.push(() => watch.stop());
    const erasing = { context, keys };
    const { repeated, unlisted } = await replayErasures(erasing);
    if (repeated > 0) log.warn({ patients: repeated }, 'erasures were repeated: a backup was restored, or one had been interrupted');
    if (unlisted > 0) log.error({ patients: unlisted }, 'the erasure ledger lacks patients that were erased: bring back its newest copy');
    const developmentKeyFile = config.devTokenIssuer ? developmentKeyFileOf(config) : undefined;
    const recorded = securityTrail(audit, `${new URL(config.baseUrl).origin}/oauth`);
    const told = securityLines(log);
    const events = securityEvents(async (event) => {
      await recorded(event);
      await told(event);
    });
    const users = makeUsers({ pool: main.pool, secret: keys.secretOf('oauth'), events });
    const oauth = config.authorizationServer
      ? await openOauth({ config, url: urls.main.url, pool: main.pool, users, events, secret: keys.secretOf('oauth'), log })
      : undefined;
    if (oauth !== undefined) opened.push(() => oauth.close());
    const known = await makeAuthenticate(
      {
        audience: config.baseUrl,
        developmentKeyFile,
        issuers: await loadIssuers(config.trustedIssuers, config.baseUrl),
        apiKeys: storedKeys(main.pool, log),
        ...(oauth === undefined ? {} : { own: oauth }),
      },
      deciding,
    );
    const authenticate = withRights(known, {
      rights,
      context: deciding,
      breakers: config.breakGlass,
      // The reason and the patient are the audit's: a log line tells neither.
      onBreakGlass: ({ clientId }) => log.warn({ clientId }, 'the glass was broken'),
    });
    // The first start of an installation makes this cache, beside its first requests.
    if (purpose === 'serve')
      void definitions.published.prepare().catch((error: unknown) => log.error({}, "HL7's terminology can not be read", error));
    const house = keepHouse(main.pool, statistics, log);
    opened.push(() => house.stop());
    const ready = async (): Promise<boolean> => {
      await Promise.all([main.pool.query('select 1'), keyDatabase.pool.query('select 1')]);
      if (!live.isKnown()) throw new Error('it is not known which search parameters are in force');
      return true;
    };
    const by = purpose === 'serve' ? 'server' : 'cli';
    if (applied.length > 0) await recordOwn(audit, by, 'maintenance', { migrations: applied.join(', ') });
    if (purpose === 'serve') {
      await recordOwn(audit, by, 'application-start');
      opened.push(() => recordOwn(audit, by, 'application-stop'));
    }
    const accessOfUser = userAccess(rights, deciding);
    const idempotencySecret = Buffer.from(hkdfSync('sha256', keys.secretOf('cursor'), '', 'idempotency', 32));
    const countersSecret = Buffer.from(hkdfSync('sha256', keys.secretOf('cursor'), '', 'counters', 32));
    const common = {
      countersSecret,
      idempotencySecret,
      config,
      log,
      context,
      authenticate,
      erasing,
      trail,
      alerts,
      users,
      events,
      accessOfUser,
      ready,
      close,
    };
    return oauth === undefined ? common : { ...common, oauth };
  } catch (error) {
    await close();
    throw error;
  }
}

function storedKeys(pool: Pool, log: Log): AuthenticationOptions['apiKeys'] {
  return {
    find: (id) => findApiKey(pool, id),
    touch: (id) => void touchApiKey(pool, id).catch((error: unknown) => log.warn({}, 'the use of an API key was not noted', error)),
  };
}

/** Beside the root key's file: outside DATA_DIR too. */
export function developmentKeyFileOf(config: Config): string {
  return join(dirname(config.keyFile), 'development-issuer.json');
}
