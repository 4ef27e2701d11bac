import { eventsOf } from '../audit/trail.ts';
import { badRequest, forbidden } from '../fhir/error.ts';
import { parseReference } from '../fhir/references.ts';
import type { Answer } from '../interactions/answer.ts';
import { type BundleLink, writeBundle } from '../interactions/bundle.ts';
import type { Call, Context } from '../interactions/context.ts';
import { assertCompartment } from '../interactions/search-address.ts';
import { parseSearch } from '../search/parse.ts';
import { planSearch, type Plan } from '../search/plan.ts';
import type { From } from '../search/position.ts';
import { runSearch } from '../search/run.ts';
import { noRows } from '../storage/filter.ts';
import { accessEntry } from './access-entry.ts';
import { type Arguments, type Invocation, type Operation, textOf } from './operation.ts';

/**
 * Who has seen or changed a patient's record: the events of the audit trail that concern him, newest first, each told in plain words. It is
 * for the patient and for who may read his record; of an event it shows who, what, when and why, and nothing of the request itself.
 */
export const accessLogOperation: Operation = {
  code: 'access-log',
  definition: 'https://anamnesis.health/fhir/OperationDefinition/patient-access-log',
  type: 'Patient',
  levels: ['instance'],
  run: accessLog,
};

async function accessLog(ctx: Context, { call, id = '', args }: Invocation): Promise<Answer> {
  assertScope(call);
  await assertCompartment(ctx, call, { type: 'Patient', id });
  const asked = askedOf(ctx, args);
  const path = `Patient/${id}/$access-log`;
  const scope = JSON.stringify([path, asked.count, asked.from, asked.to]);
  const begin = asked.page === undefined ? undefined : (ctx.cursors.open(asked.page, scope, call.access.caller) as From);
  const { rows, next } = await runSearch(ctx.searcher, planOf(ctx, id, asked), begin, asked.count, ctx.open, ctx.statistics);
  const entries = rows.map((row) => ({
    fullUrl: `${ctx.config.baseUrl}/AuditEvent/${row.id}`,
    resource: JSON.stringify(accessEntry(JSON.parse(row.json.toString('utf8')) as object, row)),
    rest: '"search":{"mode":"match"}',
  }));
  const cursor = next === undefined ? undefined : ctx.cursors.seal(next, scope, call.access.caller);
  const links: BundleLink[] = [{ relation: 'self', url: urlOf(ctx, path, asked, asked.page) }];
  if (cursor !== undefined) links.push({ relation: 'next', url: urlOf(ctx, path, asked, cursor) });
  const total = begin === undefined && next === undefined ? { total: rows.length } : {};
  await recordUse(ctx, call, id);
  const head = { type: 'searchset', id: crypto.randomUUID(), lastUpdated: new Date().toISOString(), ...total, links };
  return { status: 200, body: writeBundle(head, entries), disclosed: [] };
}

/** Looking at the trail is an event of its own. */
async function recordUse({ audit }: Context, { trail }: Call, id: string): Promise<void> {
  const asked = { kind: 'audit-log-used', data: { type: 'Patient', id } } as const;
  await audit.record(await eventsOf(audit, { ...trail, asked }, { code: 0 }));
}

/** The trail tells of those who looked as well: an app needs to have been granted it by name or with all else. */
function assertScope({ access }: Call): void {
  if (access.hasScope('r', 'AuditEvent')) return;
  throw forbidden('scope-insufficient', "The token's scopes don't permit to read AuditEvents: patient/AuditEvent.r, user/AuditEvent.r …");
}

type Asked = { readonly count: number; readonly from?: string; readonly to?: string; readonly page?: string };

function askedOf({ config }: Context, args: Arguments): Asked {
  const [from, to, page] = ['from', 'to', '_page'].map((name) => textOf(args, name));
  const given = args.get('_count')?.[0]?.value;
  if (typeof given === 'number' && given < 1) throw badRequest('access-log-invalid-count', '"_count" takes a whole number from 1.');
  return {
    count: Math.min(typeof given === 'number' ? given : config.pageSizeDefault, config.pageSizeMax),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(page === undefined ? {} : { page }),
  };
}

/** What names him as data or as the patient concerned; never what names another one as well. */
function planOf(ctx: Context, id: string, { from, to }: Asked): Plan {
  const pairs: [string, string][] = [
    ['entity', `Patient/${id}`],
    ['_sort', '-date'],
    ...(from === undefined ? [] : [['date', `ge${from}`] as [string, string]]),
    ...(to === undefined ? [] : [['date', `le${to}`] as [string, string]]),
  ];
  const { query } = parseSearch('AuditEvent', pairs, ctx.registry, ctx.config, false);
  const plan = planSearch(query, (type) => (type === 'AuditEvent' ? 'all' : noRows), ctx.registry, ctx.planContext());
  return { ...plan, rechecks: [...plan.rechecks, (event) => concernsOnly(event, id, ctx.config.baseUrl)] };
}

function concernsOnly(event: object, id: string, base: string): boolean {
  const entities: readonly unknown[] = 'entity' in event && Array.isArray(event.entity) ? event.entity : [];
  return entities.every((entity) => {
    const { what } = entity as { readonly what?: { readonly reference?: unknown; readonly type?: unknown } };
    if (typeof what?.reference !== 'string') return what?.type !== 'Patient';
    const reference = parseReference(what.reference, base);
    return !('type' in reference) || reference.type !== 'Patient' || (reference.kind === 'local' && reference.id === id);
  });
}

function urlOf({ config }: Context, path: string, { count, from, to }: Asked, page: string | undefined): string {
  const params = new URLSearchParams({ _count: String(count) });
  for (const [name, value] of [
    ['from', from],
    ['to', to],
    ['_page', page],
  ] as const)
    if (value !== undefined) params.set(name, value);
  return `${config.baseUrl}/${path}?${params.toString()}`;
}
