import type { Call, Context } from '../interactions/context.ts';
import { assertTypes, membersOf, onlyNamed } from '../interactions/search-address.ts';
import { type Source, sourceOf } from '../interactions/search-types.ts';
import { parseSearch } from '../search/parse.ts';
import { compartmentToken } from '../search/plan.ts';
import type { Compartment, Criterion, Query } from '../search/query.ts';
import type { SearchParam } from '../search/registry.ts';
import { typesHolding } from '../search/types-holding.ts';
import { noRows } from '../storage/filter.ts';
import { type Arguments, textOf } from './operation.ts';

export type RecordType = 'Patient' | 'Encounter';

/** What was asked of a record. */
export type Asked = {
  /** Dates of care. */
  readonly start?: string;
  readonly end?: string;
  /** Instant of the last change. */
  readonly since?: string;
  readonly types?: ReadonlySet<string>;
  readonly count?: number;
  readonly page?: string;
  /** The same but for the page, for the links of the answer. */
  readonly understood: readonly (readonly [string, string])[];
};

/** What refers on to what is needed to understand it: the organization of a role, the maker of a medication. */
export const supportingTypes = ['HealthcareService', 'Location', 'Medication', 'Organization', 'PractitionerRole'] as const;

/** Where types that are listed by no main date tell when care was given, the first that a type has. */
const careDates = [
  'date',
  'period',
  'occurrence',
  'collected',
  'authored',
  'authored-on',
  'datetime',
  'datewritten',
  'identified',
  'created',
];

/** @throws FhirError 400 where a type is none, 403 where one is named that the caller may not see */
export function askedOf(ctx: Context, call: Call, record: RecordType, args: Arguments): Asked {
  const [start, end, since, page] = ['start', 'end', '_since', '_page'].map((name) => textOf(args, name));
  const names = args.get('_type')?.flatMap(({ value }) => (typeof value === 'string' ? value.split(',') : []));
  const members = new Set(membersOf(ctx, record));
  if (names !== undefined) {
    assertTypes(ctx, names);
    for (const each of names) call.access.permit(members.has(each) ? 's' : 'r', each);
  }
  const count = args.get('_count')?.[0]?.value;
  const given: [string, string | undefined][] = [
    ['start', start],
    ['end', end],
    ['_since', since],
    ['_type', names?.join(',')],
    ['_count', typeof count === 'number' ? String(count) : undefined],
  ];
  return {
    ...(start === undefined ? {} : { start }),
    ...(end === undefined ? {} : { end }),
    ...(since === undefined ? {} : { since }),
    ...(names === undefined ? {} : { types: new Set(names) }),
    ...(typeof count === 'number' ? { count } : {}),
    ...(page === undefined ? {} : { page }),
    understood: given.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  };
}

/** The searches that a record consists of, its own type's first: of those types that have something in it. */
export async function recordSources(
  ctx: Context,
  call: Call,
  record: { readonly type: RecordType; readonly id: string },
  asked: Asked,
): Promise<readonly Source[]> {
  const types = membersOf(ctx, record.type)
    .filter((type) => (asked.types === undefined ? !onlyNamed.has(type) : asked.types.has(type)))
    .filter((type) => call.access.filter('s', type) !== noRows);
  const plan = ctx.planContext();
  const held = await typesHolding(ctx.searcher, (type) => compartmentToken(record, type, plan), types);
  const sourceIn = (type: string): Source => sourceOf(ctx, call, queryOf(ctx, type, record, asked));
  return [
    ...(held.has(record.type) ? [{ ...sourceIn(record.type), key: beforeAll }] : []),
    ...types.filter((type) => held.has(type) && type !== record.type).map(sourceIn),
  ];
}

/** Before all types' names. */
const beforeAll = '!';

function queryOf(ctx: Context, type: string, compartment: Compartment, { start, end, since }: Asked): Query {
  const pairs = since === undefined ? [] : [['_lastUpdated', `ge${since}`] as const];
  const query = { ...parseSearch(type, pairs, ctx.registry, ctx.config, false).query, compartment };
  const param = type === 'Patient' ? undefined : careDateOf(ctx, type);
  if (param === undefined || (start ?? end) === undefined) return query;
  const bounds = [...(start === undefined ? [] : [`ge${start}`]), ...(end === undefined ? [] : [`le${end}`])];
  const within = bounds.map((bound) => asCriterion({ param, values: [bound] }));
  // What tells no date may be of any.
  const missing = asCriterion({ param, modifier: 'missing', values: ['true'] });
  return { ...query, criteria: [{ kind: 'or', of: [{ kind: 'and', of: within }, missing] }] };
}

const asCriterion = (clause: Query['clauses'][number]): Criterion => ({ kind: 'clause', clause });

function careDateOf(ctx: Context, type: string): SearchParam | undefined {
  const { mainDate, params } = ctx.live.standard.of(type);
  return mainDate ?? careDates.flatMap((code) => params.get(code) ?? []).find((param) => param.type === 'date');
}
