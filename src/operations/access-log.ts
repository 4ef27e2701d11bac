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
import { readCurrent } from '../storage/read.ts';
import type { OpenedFound } from '../storage/sealing.ts';
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
  const { told, next } = await pageOf(ctx, call, planOf(ctx, id, asked), begin, asked.count);
  const entries = told.map(({ row, event }) => ({
    fullUrl: `${ctx.config.baseUrl}/AuditEvent/${row.id}`,
    resource: JSON.stringify(accessEntry(event, row)),
    rest: '"search":{"mode":"match"}',
  }));
  const cursor = next === undefined ? undefined : ctx.cursors.seal(next, scope, call.access.caller);
  const links: BundleLink[] = [{ relation: 'self', url: urlOf(ctx, path, asked, asked.page) }];
  if (cursor !== undefined) links.push({ relation: 'next', url: urlOf(ctx, path, asked, cursor) });
  const total = begin === undefined && next === undefined ? { total: told.length } : {};
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

type Told = { readonly row: OpenedFound; readonly event: object };

/** A page of what he is told of. What he isn't makes no page shorter, and none of its own: its number would tell of it. */
async function pageOf(ctx: Context, call: Call, plan: Plan, begin: From | undefined, count: number) {
  const ask = async (from: From | undefined, limit: number) => {
    const { rows, next } = await runSearch(ctx.searcher, plan, from, limit, ctx.open, ctx.statistics);
    const events = rows.map((row) => ({ row, event: JSON.parse(row.json.toString('utf8')) as object }));
    return { told: await toldOf(ctx, call, events), next };
  };
  const told: Told[] = [];
  let next = begin;
  do {
    const page = await ask(next, count - told.length);
    told.push(...page.told);
    next = page.next;
  } while (told.length < count && next !== undefined);
  for (let rest = next; rest !== undefined; ) {
    const page = await ask(rest, count);
    if (page.told.length > 0) return { told, next };
    rest = page.next;
  }
  return { told, next: undefined };
}

/** Without events that name what labels and consents hide from him: that it is there is part of what they hide. */
async function toldOf(ctx: Context, { access }: Call, events: readonly Told[]): Promise<readonly Told[]> {
  const named = events.map(({ event }) => localNames(event, ctx.config.baseUrl));
  const hidden = new Set<string>();
  const look = async (name: string): Promise<void> => {
    const [type = '', id = ''] = name.split('/');
    const filter = ctx.registry.isType(type) ? access.tells(type) : 'all';
    if (filter === 'all') return;
    const address = { type, id, refKey: ctx.refKeyOf(type, id) };
    if ((await readCurrent(ctx.reader, address, filter)) !== undefined) return;
    // What isn't there at all any more hides nothing.
    if ((await readCurrent(ctx.reader, address, 'all')) !== undefined) hidden.add(name);
  };
  await Promise.all(new Set(named.flat()).values().map(look));
  return events.filter((_, at) => named[at]?.every((name) => !hidden.has(name)));
}

/** `Type/id` of the resources of ours that an event is about. */
function localNames(event: object, base: string): string[] {
  return entitiesOf(event).flatMap((entity) => {
    const { what } = entity as { readonly what?: { readonly reference?: unknown } };
    const reference = typeof what?.reference === 'string' ? parseReference(what.reference, base) : undefined;
    return reference?.kind === 'local' ? [`${reference.type}/${reference.id}`] : [];
  });
}

function entitiesOf(event: object): readonly unknown[] {
  return 'entity' in event && Array.isArray(event.entity) ? event.entity : [];
}

function concernsOnly(event: object, id: string, base: string): boolean {
  return entitiesOf(event).every((entity) => {
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
