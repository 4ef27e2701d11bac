import type { AuditedEvent, AuditedQuery } from '../audit/event.ts';
import { type Asked, eventsOf, type Outcome, type Trail } from '../audit/trail.ts';
import type { Registry } from '../search/registry.ts';
import type { Answer } from './answer.ts';
import type { Call, Context } from './context.ts';
import type { Entry } from './entries.ts';
import { databaseUnavailable, faultOf } from './faults.ts';

/**
 * Asks an interaction for somebody, and answers once what happened is recorded.
 *
 * @throws FhirError 503 where it can't be
 */
export async function settled<A extends Answer>(ctx: Context, call: Call, asked: Asked, work: (call: Call) => Promise<A>): Promise<A> {
  const trail = { ...call.trail, asked };
  let answer: A;
  try {
    answer = await work({ ...call, trail });
  } catch (error) {
    await recordFault(ctx, trail, error);
    throw error;
  }
  await recordAnswer(ctx, trail, answer);
  return answer;
}

export async function recordAnswer(ctx: Context, trail: Trail, answer: Answer): Promise<void> {
  await ctx.audit.record(await eventsAfter(ctx, trail, answer));
}

/** Records what was asked for in vain. Who asks too often is counted, not recorded. */
export async function recordFault(ctx: Context, trail: Trail, error: unknown): Promise<void> {
  const { status, reason } = faultOf(error);
  if (error instanceof Error) recorded.add(error);
  if (status === 429) return;
  try {
    await ctx.audit.record(await eventsOf(ctx.audit, trail, failure(status, reason)));
  } catch (unrecorded) {
    // Nothing was shown, and only this answer tells that a write may have taken effect all the same.
    if (reason !== databaseUnavailable) throw unrecorded;
  }
}

const recorded = new WeakSet<Error>();

/** Whoever passes an error on needn't record it again. */
export const isRecorded = (error: unknown): boolean => error instanceof Error && recorded.has(error);

/** The events that an answer leaves to be written: none where they were written with what it tells of. */
export function eventsAfter(ctx: Context, trail: Trail, answer: Answer): Promise<readonly AuditedEvent[]> {
  return answer.recorded ? none : eventsOf(ctx.audit, trail, outcomeOf(trail.asked, answer));
}

const none = Promise.resolve<readonly AuditedEvent[]>([]);

/** What names a version in its answer: the others are asked for by what their events tell already. */
const writing: ReadonlySet<string> = new Set(['create', 'update', 'patch', 'delete']);

function outcomeOf({ kind }: Asked, { status, stamp, issues, disclosed = [] }: Answer): Outcome {
  if (status >= 400) return failure(status, issues?.[0]?.id);
  const data = stamp !== undefined && writing.has(kind) ? { type: stamp.type, id: stamp.id, version: stamp.version } : undefined;
  return { code: 0, disclosed, ...(data === undefined ? {} : { data }) };
}

/** @param reason  the id of the issue that is answered */
function failure(status: number, reason: string | undefined): Outcome {
  return { code: status < 500 ? 4 : 8, ...(reason === undefined ? {} : { reason }) };
}

/** @param names  of the parameters; what can't be one is what was meant to be a value */
export function queryAsked(line: string, names: Iterable<string>): AuditedQuery {
  const known = [...new Set(names)].filter((name) => /^[\w.:-]{1,64}$/.test(name));
  return { line, parameters: known.join(', ') };
}

/** The trail of one entry of a Bundle. */
export function entryTrail({ registry }: Context, trail: Trail, entry: Entry): Trail {
  return { ...trail, asked: { ...askedBy(entry, registry), entry: entry.index } };
}

/** The trail of an entry that could not be read. */
export function unreadTrail(trail: Trail, index: number): Trail {
  return { ...trail, asked: { kind: 'unknown-interaction', entry: index } };
}

const kinds = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' } as const;

function askedBy(entry: Entry, registry: Registry): Asked {
  const { method, url, type, id, query, ifNoneExist } = entry;
  if (method === 'GET' || method === 'HEAD') return askedByGet(entry, registry);
  const criteria = id === undefined ? query : undefined;
  const condition = ifNoneExist === undefined ? '' : `\nIf-None-Exist: ${ifNoneExist}`;
  const text = ifNoneExist ?? criteria;
  return {
    kind: kinds[method],
    data: id === undefined ? { type } : { type, id },
    ...(text === undefined ? {} : { query: queryAsked(`${method} ${url}${condition}`, namesIn(text)) }),
  };
}

function askedByGet({ method, url, query = '' }: Entry, registry: Registry): Asked {
  const [type = '', id = '', third, version] = (url.split('?', 1)[0] ?? '').split('/');
  const listed = (kind: Asked['kind'], data: Asked['data']): Asked => ({
    kind,
    query: queryAsked(`${method} ${url}`, namesIn(query)),
    ...(data === undefined ? {} : { data }),
  });
  if (type === '') return listed('search-system', undefined);
  if (id === '') return listed('search-type', { type });
  if (id === '_history') return listed('history-type', { type });
  if (third === undefined) return { kind: 'read', data: { type, id } };
  if (third !== '_history') return listed('search-type', registry.isType(third) ? { type: third } : undefined);
  return version === undefined ? listed('history-instance', { type, id }) : { kind: 'vread', data: versionAsked(type, id, version) };
}

/** As far as it can be one. */
export function versionAsked(type: string, id: string, version: string): NonNullable<Asked['data']> {
  return /^[1-9]\d{0,8}$/.test(version) ? { type, id, version: Number(version) } : { type, id };
}

export const namesIn = (query: string): Iterable<string> => new URLSearchParams(query.slice(query.indexOf('?') + 1)).keys();
