import { hkdfSync } from 'node:crypto';
import { type Alerts, openAlerts } from './audit/alerts/open-alerts.ts';
import { makeConcerned } from './audit/concerned.ts';
import { recordOwn } from './audit/operator.ts';
import type { Audit } from './audit/trail.ts';
import { auditModel } from './audit/model.ts';
import { auditRowIds, type AuditTrail, openTrail, recordingConnections } from './audit/open-trail.ts';
import { makeAuditSeal } from './audit/seal.ts';
import { type AccessOfGrant, accessOf } from './authorization/access.ts';
import { makeRights } from './authorization/rights/rights.ts';
import type { Config } from './config.ts';
import { loadDefinitions } from './definitions/load.ts';
import { makeCodec } from './encryption/codec.ts';
import { openBytes, sealBytes } from './encryption/seal-bytes.ts';
import { makeDataKey } from './encryption/seal.ts';
import { makeTokenKey, tokenSecretBytes } from './encryption/token.ts';
import { forbidden } from './fhir/error.ts';
import { type Callers, openCallers } from './http/callers.ts';
import { makeConformance } from './interactions/conformance/conformance.ts';
import type { Context } from './interactions/context.ts';
import { cursorCodec } from './interactions/cursor.ts';
import { type Erasing, replayErasures } from './interactions/erasure.ts';
import { makeRegistrar } from './interactions/parameters/registrar.ts';
import { openValidation } from './interactions/validation.ts';
import { watchParameters } from './interactions/parameters/watch.ts';
import { liveRegistry } from './search/live-registry.ts';
import { allElements, elementsEdition } from './search/registry.ts';
import { makeSigner, type Signer } from './native/signatures/signer.ts';
import { refKeyOf } from './search/types/reference.ts';
import { assertChoices } from './storage/choices.ts';
import type { FindOptions } from './storage/connections.ts';
import { makeResealer } from './storage/binary-owners.ts';
import { createBatch } from './storage/create-batch.ts';
import { updateBatch } from './storage/update-batch.ts';
import { loadElementNumbers } from './storage/elements.ts';
import { openAuditKeys } from './storage/audit-keys.ts';
import { ensureAuditPartitions, keepHouse } from './storage/housekeeping.ts';
import { openedTexts } from './storage/opened.ts';
import { rowIds } from './storage/row-ids.ts';
import { tokenStatistics } from './storage/statistics.ts';
import { codeTables } from './storage/terminology.ts';
import { type DayKeys, openDayKeys } from './storage/day-keys.ts';
import { openStorage } from './storage/open-storage.ts';
import { makeFiles } from './storage/files.ts';
import { makeOpener, makeSealer } from './storage/sealing.ts';
import { showingFiles } from './storage/shown-files.ts';
import type { Log } from './telemetry/log.ts';

/** Everything that is open while the server runs. */
export type Services = Callers & {
  readonly config: Config;
  readonly log: Log;
  readonly context: Context;
  readonly erasing: Erasing;
  readonly trail: AuditTrail;
  /** What looks like a misuse. */
  readonly alerts: Alerts;
  /** What idempotency keys are kept under. */
  readonly idempotencySecret: Buffer;
  /** Signs records for those who proved who they are. */
  readonly signer: Signer;
  /** What callers and addresses are named by where requests are counted outside of this process; 32 bytes. */
  readonly countersSecret: Buffer;
  /** What imports and exports are named by where they outlive their request. */
  readonly jobsSecret: Buffer;
  readonly dayKeys: DayKeys;
  readonly accessOfGrant: AccessOfGrant;
  /** Whether the databases answer. */
  readonly ready: () => Promise<boolean>;
  readonly close: () => Promise<void>;
};

/** Opens everything in order; `close` undoes it in reverse, and so does a failure half-way. */
export async function openServices(config: Config, log: Log, purpose: FindOptions['purpose'] = 'serve'): Promise<Services> {
  const opened: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (let undo = opened.pop(); undo !== undefined; undo = opened.pop())
      await undo().catch((error: unknown) => log.error({}, 'closing failed', error));
  };
  try {
    const [definitions, storage] = await Promise.all([
      loadDefinitions({ cacheDir: config.cacheDir }),
      openStorage(config, log, { purpose, recordingConnections, opened }),
    ]);
    const { urls, main, lanes, searching, counting, recording, keyDatabase, management, keys, applied } = storage;
    const tokenKey = makeTokenKey(keys.secretOf('token').subarray(0, tokenSecretBytes), config.tokenAlgorithm);
    const edition = `${definitions.version}-${elementsEdition}`;
    await assertChoices(main, {
      PHI_ENCRYPTION: config.phiEncryption ? 'on' : 'off',
      TOKEN_ALGORITHM: config.tokenAlgorithm,
      tokenKey: keys.tokenKeyId.toString('hex'),
    });
    const numbers = await loadElementNumbers(main, edition, () => allElements(definitions));
    const live = liveRegistry(definitions, numbers, { key: tokenKey, base: config.baseUrl, fullText: config.searchFullText });
    const statistics = tokenStatistics(main);
    await statistics.refresh();
    const codec = makeCodec({ encrypted: config.phiEncryption, textBytesMax: 2 * config.bodyLimitBytes });
    const texts = openedTexts(config.documentCacheMib * 2 ** 20);
    const seal = makeSealer(keys, codec, texts);
    // Asked for by transactions that hold a connection: from their own pool they might wait for each other for ever.
    const rids = rowIds(searching);
    const auditRids = auditRowIds(config, rids);
    const auditKeys = openAuditKeys(keyDatabase, management);
    const auditSecret = keys.secretOf('audit');
    const auditSeal = makeAuditSeal({ keys: auditKeys, secret: auditSecret });
    const auditEvents = auditModel({
      key: tokenKey,
      base: config.baseUrl,
      registry: live.standard,
      keys,
      seal: auditSeal,
      rowIds: auditRids,
      db: searching,
      documents: makeOpener(keys, codec, texts),
      cacheMax: config.keyCacheMax,
    });
    // Pieces of files are read while transactions hold connections: from a pool of others.
    const files = makeFiles(main, searching);
    const openStored = auditEvents.open;
    const opener = showingFiles(openStored, files, config.bodyLimitBytes);
    // Before the first event: what finds no month of its own stays in the partition for all others.
    await ensureAuditPartitions(main).catch((error: unknown) => log.error({}, 'the month of the audit trail was not made', error));
    const alerts = openAlerts({
      config,
      secret: auditSecret,
      pool: main,
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
      pool: main,
      recording: recording,
      ownerUrl: urls.main.migrationUrl,
      secret: auditSecret,
      keys: auditKeys,
      rowIds: auditRids,
      rows(events) {
        alerts.see(events);
        return auditEvents.rows(events);
      },
    });
    opened.push(trail.stop, alerts.stop);
    if (purpose === 'serve') await trail.recover();
    const plan = { key: tokenKey, base: config.baseUrl, standingFor: auditEvents.standingFor };
    const cursorKey = makeDataKey(Buffer.alloc(16), keys.secretOf('cursor'));
    const planContext = () => ({ ...plan, now: Date.now() });
    const conformance = makeConformance({
      definitions,
      db: searching,
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
    const tables = codeTables(searching);
    const deciding = {
      get registry() {
        return live.current();
      },
      limits: config,
      plan,
      policy: config,
      db: searching,
      open: opener,
      refKeyOf: (type: string, id: string) => refKeyOf(tokenKey, type, id),
    };
    const rights = makeRights(deciding, config);
    const by = purpose === 'serve' ? 'server' : 'cli';
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
      pool: main,
      reader: lanes,
      searcher: searching,
      counter: counting,
      statistics,
      rowIds: rids,
      updates: updateBatch({ pool: main, retriesMax: config.transactionRetriesMax, rowsMax: 50, inFlightMax: 3 }),
      creates: createBatch({ pool: main, retriesMax: config.transactionRetriesMax, rowsMax: 200, inFlightMax: 2 }),
      extract: live.extract,
      codeTables: tables,
      ...openValidation({ config, schema: definitions.schema, conformance, codeTables: tables }),
      audit,
      seal,
      open: opener,
      openStored,
      files,
      reseal: makeResealer(keys, openStored, seal),
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
      pool: main,
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
    if (repeated > 0) await recordOwn(audit, by, 'erasure', { step: 'repeated', patients: String(repeated) });
    if (repeated > 0) log.warn({ patients: repeated }, 'erasures were repeated: a backup was restored, or one had been interrupted');
    if (unlisted > 0) log.error({ patients: unlisted }, 'the erasure ledger lacks patients that were erased: bring back its newest copy');
    const callers = await openCallers({
      config,
      log,
      pool: main,
      url: urls.main.url,
      secret: keys.secretOf('oauth'),
      audit,
      rights,
      deciding,
      opened,
    });
    // The first start of an installation makes this cache, beside its first requests.
    if (purpose === 'serve')
      void definitions.published.prepare().catch((error: unknown) => log.error({}, "HL7's terminology can not be read", error));
    const house = keepHouse(main, statistics, log);
    opened.push(() => house.stop());
    const ready = async (): Promise<boolean> => {
      await Promise.all([main.query('select 1'), keyDatabase.query('select 1')]);
      if (!live.isKnown()) throw new Error('it is not known which search parameters are in force');
      return true;
    };
    if (applied.length > 0) await recordOwn(audit, by, 'maintenance', { migrations: applied.join(', ') });
    if (purpose === 'serve') {
      await recordOwn(audit, by, 'application-start');
      opened.push(() => recordOwn(audit, by, 'application-stop'));
    }
    const idempotencySecret = Buffer.from(hkdfSync('sha256', keys.secretOf('cursor'), '', 'idempotency', 32));
    const countersSecret = Buffer.from(hkdfSync('sha256', keys.secretOf('cursor'), '', 'counters', 32));
    const signer = makeSigner(keys.secretOf('audit'), config.signatureKey);
    const jobsSecret = Buffer.from(hkdfSync('sha256', keys.secretOf('cursor'), '', 'jobs', 32));
    const dayKeys = openDayKeys(keyDatabase, management);
    const accessOfGrant: AccessOfGrant = async (grant, since) => {
      if (!(await callers.isInForce(grant, since))) throw forbidden('grant-over', 'What the caller was given is ended.');
      return accessOf(grant, deciding, await rights.of(grant));
    };
    const secrets = { countersSecret, idempotencySecret, jobsSecret };
    return { ...callers, ...secrets, signer, dayKeys, accessOfGrant, config, log, context, erasing, trail, alerts, ready, close };
  } catch (error) {
    await close();
    throw error;
  }
}
