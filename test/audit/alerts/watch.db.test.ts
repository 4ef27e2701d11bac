import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openDetails } from '../../../src/audit/alerts/details.ts';
import { rulesOf, type RuleSettings } from '../../../src/audit/alerts/rules.ts';
import { type AlertWatch, watchAlerts } from '../../../src/audit/alerts/watch.ts';
import type { AuditedEvent } from '../../../src/audit/event.ts';
import { makeDataKey } from '../../../src/encryption/seal.ts';
import { makeTokenKey } from '../../../src/encryption/token.ts';
import { acknowledgeAlert, listAlerts } from '../../../src/storage/alerts.ts';
import { createLog } from '../../../src/telemetry/log.ts';
import { openStore, type Store } from '../../support/store.ts';

let store: Store;
beforeAll(async () => {
  store = await openStore();
});
afterAll(() => store?.close());
beforeEach(async () => {
  await store.sql('truncate audit_alert, alert_sighting');
});

const settings: RuleSettings = {
  manyPatients: 5,
  manyPatientsClient: 0,
  refusals: 4,
  failedLogins: 3,
  breakGlass: true,
  newExport: true,
  offHours: undefined,
  labelled: true,
};
const tokenKey = makeTokenKey(randomBytes(16), 'siphash');
const sealKey = makeDataKey(Buffer.alloc(16), randomBytes(32));
const start = Date.now();
const userNamed = (subject: string) => ({ user: { issuer: 'i', subject, roles: [] }, client: 'app', purposes: [], address: '192.0.2.1' });
const patientOf = (n: number) => ({ keyId: Buffer.alloc(16, n), owner: BigInt(n) });
let requests = 0;
const event = (subject: string, more: Partial<AuditedEvent>): AuditedEvent => ({
  kind: 'read',
  at: start,
  requestId: `r${requests++}`,
  agent: userNamed(subject),
  outcome: 0,
  ...more,
});
const reads = (subject: string, from: number, count: number, at = start): AuditedEvent[] =>
  Array.from({ length: count }, (_, n) => event(subject, { patient: patientOf(from + n), at }));

type Process = { readonly watch: AlertWatch; readonly recorded: AuditedEvent[]; readonly lines: string[]; refuse: boolean };
/** As one of several processes beside each other. */
function startProcess(): Process {
  const lines: string[] = [];
  const log = createLog({ logLevel: 'info' }, { write: (line: string) => void lines.push(line) });
  const recorded: AuditedEvent[] = [];
  const started: { refuse: boolean } = { refuse: false };
  const watch = watchAlerts({
    rules: rulesOf(settings),
    pool: store.pool,
    tokenKey,
    sealKey,
    labelled: (owners) => Promise.resolve(new Set(owners.filter((owner) => owner === 99n))),
    record: (events) => {
      if (started.refuse) return Promise.reject(new Error('no room'));
      recorded.push(...events);
      return Promise.resolve();
    },
    log,
    years: 6,
    everyMs: 3_600_000,
  });
  return Object.assign(started, { watch, recorded, lines });
}
async function inOne(work: (process: Process) => Promise<void> | void): Promise<void> {
  const process = startProcess();
  try {
    await work(process);
  } finally {
    await process.watch.stop();
  }
}
const opened = async () => (await listAlerts(store.pool, { all: true, limit: 100 })).map(({ rule, count }) => [rule, count]);

describe('many patients by one user', () => {
  test('bring one alert: a row, a log line, an audit event', () =>
    inOne(async ({ watch, recorded, lines }) => {
      watch.see(reads('a', 1, 4));
      await watch.turn();
      expect(await opened()).toEqual([]);
      watch.see(reads('a', 5, 1));
      await watch.turn();
      const [alert, ...others] = await listAlerts(store.pool, { all: false, limit: 10 });
      expect(others).toEqual([]);
      if (alert === undefined) throw new Error('an alert');
      expect(alert).toMatchObject({ rule: 'many-patients', count: 5, threshold: 5, acknowledgedAt: null });
      expect(openDetails(sealKey, alert, alert.details)).toMatchObject({ agent: userNamed('a'), kind: 'read' });
      expect(recorded).toMatchObject([
        { kind: 'security-alert', outcome: 4, agent: userNamed('a'), details: { rule: 'many-patients', alert: alert.id, count: '5' } },
      ]);
      const told = lines.map((line) => JSON.parse(line)).filter(({ message }) => message === 'a security alert was opened');
      expect(told).toMatchObject([{ alert: Number(alert.id), rule: 'many-patients', count: 5, threshold: 5 }]);
    }));

  test('are counted once each, and of each user apart', () =>
    inOne(async ({ watch }) => {
      for (let n = 0; n < 4; n++) watch.see(reads('a', 1, 4));
      watch.see(reads('b', 1, 4));
      await watch.turn();
      watch.see(reads('a', 1, 4, start + 400_000));
      await watch.turn();
      expect(await opened()).toEqual([]);
    }));

  test('are counted over all processes, and told by one', async () => {
    const processes = [startProcess(), startProcess(), startProcess()];
    for (const [n, { watch }] of processes.entries()) watch.see(reads('a', n * 3, 3));
    await Promise.all(processes.map(({ watch }) => watch.turn()));
    await Promise.all(processes.map(({ watch }) => watch.turn()));
    expect((await opened()).map(([rule]) => rule)).toEqual(['many-patients']);
    expect(processes.flatMap(({ recorded }) => recorded)).toHaveLength(1);
    await Promise.all(processes.map(({ watch }) => watch.stop()));
  });

  test('are counted over a restart', async () => {
    await inOne(({ watch }) => watch.see(reads('a', 1, 4)));
    await inOne(({ watch }) => watch.see(reads('a', 5, 2)));
    expect(await opened()).toEqual([['many-patients', 6]]);
  });

  test('are forgotten after an hour', () =>
    inOne(async ({ watch }) => {
      watch.see(reads('a', 1, 4, start - 3_700_000));
      watch.see(reads('a', 5, 2));
      await watch.turn();
      expect(await opened()).toEqual([]);
    }));

  test('bring no second alert within the hour, and one after it, whoever counts', async () => {
    await inOne(async ({ watch }) => {
      watch.see(reads('a', 1, 6));
      await watch.turn();
      watch.see(reads('a', 7, 6, start + 1_000));
    });
    await inOne(({ watch }) => watch.see(reads('a', 20, 6, start + 2_000)));
    expect(await opened()).toHaveLength(1);
    await inOne(({ watch }) => watch.see(reads('a', 30, 6, start + 3_601_000)));
    expect(await opened()).toHaveLength(2);
  });
});

describe('the other rules', () => {
  test.each<[string, number, (n: number) => AuditedEvent]>([
    ['refusals', 4, () => event('a', { outcome: 4, reason: 'scope-insufficient' })],
    ['failed-logins', 3, (n) => event(`u${n}`, { kind: 'login', outcome: 4 })],
    ['break-glass', 1, () => event('a', { kind: 'break-glass', patient: patientOf(1) })],
    ['new-export', 1, () => event('a', { kind: 'export' })],
    ['labelled', 1, () => event('a', { patient: patientOf(99) })],
  ])('%s: one less than %i brings none, so many one', (rule, threshold, one) =>
    inOne(async ({ watch, recorded }) => {
      watch.see(Array.from({ length: threshold - 1 }, (_, n) => one(n)));
      await watch.turn();
      expect(await opened()).toEqual([]);
      watch.see([one(threshold)]);
      await watch.turn();
      expect(await opened()).toEqual([[rule, threshold]]);
      expect(recorded).toHaveLength(1);
    }),
  );

  test('a client that exports is new once, ever', async () => {
    for (const at of [start, start + 8 * 86_400_000]) {
      await inOne(({ watch }) => watch.see([event('a', { kind: 'export', at })]));
    }
    expect(await opened()).toHaveLength(1);
    await inOne(({ watch }) => watch.see([event('b', { kind: 'export' })]));
    expect(await opened()).toHaveLength(2);
  });

  test('a patient without the label brings none', () =>
    inOne(async ({ watch }) => {
      watch.see([event('a', { patient: patientOf(98) })]);
      await watch.turn();
      expect(await opened()).toEqual([]);
    }));

  test('what concerns a patient says whom, under the seal alone', () =>
    inOne(async ({ watch, recorded }) => {
      watch.see([event('a', { kind: 'break-glass', patient: patientOf(7) })]);
      await watch.turn();
      expect(recorded[0]?.patient).toEqual(patientOf(7));
      const [{ found } = { found: true }] = await store.sql<{ found: boolean }>(
        `select bool_or(position($1::bytea in details) > 0) as found from audit_alert`,
        [patientOf(7).keyId],
      );
      expect(found).toBe(false);
    }));
});

describe('an alert', () => {
  test('that could not be recorded is told by the next that can', async () => {
    await inOne(async (process) => {
      process.refuse = true;
      process.watch.see(reads('a', 1, 5));
      await process.watch.turn();
      expect(process.recorded).toEqual([]);
    });
    await inOne(async ({ watch, recorded }) => {
      await watch.turn();
      expect(recorded).toMatchObject([{ kind: 'security-alert' }]);
      await watch.turn();
      expect(recorded).toHaveLength(1);
    });
    expect(await opened()).toHaveLength(1);
  });

  test('of what was seen while the database was away comes when it is back', () =>
    inOne(async ({ watch }) => {
      await store.sql('alter table alert_sighting rename to alert_sighting_away');
      watch.see(reads('a', 1, 5));
      await watch.turn();
      await store.sql('alter table alert_sighting_away rename to alert_sighting');
      await watch.turn();
      expect(await opened()).toEqual([['many-patients', 5]]);
    }));

  test('is acknowledged once, and then listed with all alone', () =>
    inOne(async ({ watch }) => {
      watch.see(reads('a', 1, 5));
      await watch.turn();
      const [alert] = await listAlerts(store.pool, { all: false, limit: 10 });
      expect(await acknowledgeAlert(store.pool, alert?.id ?? '', 'officer')).toBe(true);
      expect(await acknowledgeAlert(store.pool, alert?.id ?? '', 'another')).toBe(false);
      expect(await listAlerts(store.pool, { all: false, limit: 10 })).toEqual([]);
      expect(await listAlerts(store.pool, { all: true, limit: 10 })).toMatchObject([{ acknowledgedBy: 'officer' }]);
    }));
});

test('what counts no longer is swept, and what rules saw that are in force no more', async () => {
  await inOne(({ watch }) => watch.see([...reads('a', 1, 2), ...reads('a', 3, 2, start - 3_700_000)]));
  await store.sql(`insert into alert_sighting (rule, actor, item, at) values ('gone', 1, 1, now())`);
  await inOne(({ watch }) => watch.turn());
  expect(await store.sql('select rule, count(*)::int4 as count from alert_sighting group by rule')).toEqual([
    { rule: 'many-patients', count: 2 },
  ]);
});

test('of an actor who is a patient himself only the account is kept', () =>
  inOne(async ({ watch, recorded }) => {
    const agent = { ...userNamed('p'), user: { ...userNamed('p').user, fhirUser: 'Patient/p' } };
    watch.see([event('p', { kind: 'export', agent })]);
    await watch.turn();
    expect(recorded).toMatchObject([{ agent: { user: { subject: 'p' } } }]);
    expect(JSON.stringify(recorded[0]?.agent)).not.toContain('Patient/');
  }));

test('actors and items are pseudonyms: of one user another under each rule', () =>
  inOne(async ({ watch }) => {
    watch.see([...reads('a', 1, 1), event('a', { outcome: 4, reason: 'scope-insufficient' })]);
    await watch.turn();
    const rows = await store.sql<{ actor: string }>('select actor from alert_sighting');
    expect(new Set(rows.map(({ actor }) => actor)).size).toBe(2);
  }));

describe('alerts that are older than the audit trail is kept', () => {
  const insert = (rule: string, at: string) =>
    store.pool.query(
      `insert into audit_alert (rule, actor, opened_at, count, threshold, details, recorded_at) values ($1, 1, $2, 1, 1, '', now())`,
      [rule, at],
    );
  const now = new Date();
  const monthsAgo = (months: number, more = 0) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months) + more).toISOString();

  test('are removed with an event, and the others stay', () =>
    inOne(async ({ watch, recorded }) => {
      await insert('old', monthsAgo(72, -1));
      await insert('kept', monthsAgo(72));
      await watch.turn();
      const rules = (await listAlerts(store.pool, { all: true, limit: 100 })).map(({ rule }) => rule);
      expect([rules.includes('old'), rules.includes('kept')]).toEqual([false, true]);
      expect(recorded).toMatchObject([{ kind: 'maintenance', details: { action: 'alert-retention', alerts: '1' } }]);
    }));

  test('stay where that could not be recorded', () =>
    inOne(async (process) => {
      await insert('old', monthsAgo(73));
      process.refuse = true;
      await process.watch.turn();
      expect((await listAlerts(store.pool, { all: true, limit: 100 })).map(({ rule }) => rule)).toContain('old');
      process.refuse = false;
    }));
});
