import { FhirError, issue } from '../../fhir/error.ts';
import { int8Array } from '../../storage/binary.ts';
import { storedVersion, versionColumns, type VersionRow } from '../../storage/rows.ts';
import { consentOf, type ConsentRule, type PatientConsent } from './consent.ts';
import { type Fresh, keepFresh } from './keep-fresh.ts';
import type { RightsStore } from './store.ts';
import { groupsOfParams } from './token-groups.ts';

/** All consents in force. `edition` changes when they do. */
export type Consents = {
  readonly all: readonly PatientConsent[];
  /** When provisions begin or end, in ascending order: epoch ms. */
  readonly turns: readonly number[];
  readonly edition: number;
};

const pageRows = 500;
/** A transaction may last half a minute: what it wrote may be older than what was seen since. */
const overlapSeconds = 40;

/**
 * Holds the consents in force: all are read once, then what has changed.
 *
 * @param ms   how old the answer may be
 * @param max  more than these in force are not held: then nobody whom they might bind is let in
 */
export function holdConsents(store: RightsStore, ms: number, max: number): Fresh<Consents> {
  const held = new Map<string, { readonly version: number; readonly consent: PatientConsent }>();
  let since: string | undefined;
  let now: Consents = { all: [], turns: [], edition: 0 };

  async function load(): Promise<Consents> {
    const { rows: clock } = await store.db.query<{ readonly at: string }>('select clock_timestamp()::text as at');
    const [first] = groupsOfParams('Consent', [['status', 'active']], store);
    let isChanged = since === undefined;
    for (let after = 0; ; ) {
      // The first look rides the tokens, the others (type, last_updated, rid).
      const { rows } = await store.db.query<VersionRow>(
        `select ${versionColumns('r')} from resource_other r where r.type = 'Consent' and r.rid > $1::int8 and ${
          since === undefined
            ? 'not r.deleted and r.tokens && $2::int8[]'
            : `r.last_updated > $2::timestamptz - interval '${overlapSeconds} seconds'`
        } order by r.rid limit ${pageRows}`,
        [after, since ?? int8Array(first ?? [])],
      );
      const versions = rows.map(storedVersion);
      const news = versions.filter(({ id, version }) => held.get(id)?.version !== version);
      for (const { id, version, json, erased } of await store.open(news)) {
        const consent = erased || json.length === 0 ? undefined : consentOf({ ...JSON.parse(json.toString('utf8')), id }, store.plan.base);
        isChanged ||= consent !== undefined || held.has(id);
        if (consent === undefined) held.delete(id);
        else held.set(id, { version, consent });
      }
      after = versions.at(-1)?.rid ?? after;
      if (versions.length < pageRows || held.size > max) break;
    }
    if (held.size > max) {
      held.clear();
      since = undefined;
      throw tooMany();
    }
    since = clock[0]?.at;
    if (isChanged) {
      const all = [...held.values()].map(({ consent }) => consent);
      const turns = all.flatMap(({ rule }) => turnsOf(rule)).sort((a, b) => a - b);
      now = { all, turns: [...new Set(turns)], edition: now.edition + 1 };
    }
    return now;
  }

  // One after the other: they change the same map.
  let last: Promise<unknown> = Promise.resolve();
  return keepFresh(ms, () => {
    const next = last.then(load, load);
    last = next;
    return next;
  });
}

function turnsOf({ period, rules }: ConsentRule): number[] {
  const own = period === undefined || period === 'unreadable' ? [] : [period.from, period.until].filter(Number.isFinite);
  return [...own, ...rules.flatMap(turnsOf)];
}

function tooMany(): FhirError {
  return new FhirError(
    503,
    [issue('too-costly', 'consents-too-many', 'More consents are in force than this server is configured to apply.')],
    { headers: { 'retry-after': '60' } },
  );
}
