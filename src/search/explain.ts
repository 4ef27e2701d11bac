import type { Issue } from '../fhir/error.ts';
import type { Queryable } from '../storage/database.ts';
import { relationOf } from '../storage/relations.ts';
import type { Statistics } from '../storage/statistics.ts';
import type { PlannedClause } from './clauses.ts';
import type { Condition } from './condition.ts';
import type { Plan } from './plan.ts';
import type { From } from './position.ts';
import type { Query } from './query.ts';
import { firstStatement, matchesStatement, type Statement } from './statements.ts';
import { wayOf } from './way.ts';

/**
 * Says how a search is answered: what each clause rides and how much it selects, what PostgreSQL expected of the page's statement and
 * what it found, and what would make it faster. The statement is run once more for it. Nothing of the search's values is told.
 */
export async function explainSearch(
  db: Queryable,
  plan: Plan,
  query: Query,
  page: { readonly from: From | undefined; readonly size: number },
  statistics: Statistics,
): Promise<Issue[]> {
  const relation = relationOf(plan.type);
  const known = statistics.of(relation);
  const all = await estimate(db, { ...plan, condition: { kind: 'and', of: [] }, filter: 'all' });
  const clauses: Issue[] = [];
  for (const [at, clause] of plan.clauses.entries()) {
    const matches = await estimate(db, { ...plan, condition: clause.condition, filter: 'all' });
    clauses.push(information('search-explain-clause', clauseText(nameOf(query, at), clause, relation, matches, all)));
  }
  const way = wayOf(plan, page.size + 1, known);
  const explained = await analyse(db, firstStatement(plan, page.from, page.size, statistics));
  const advice = [
    ...(known === undefined
      ? [`${relation} was never analysed: PostgreSQL doesn't know how frequent anything is in it. Run ANALYZE.`]
      : []),
    ...(plan.clauses.length > 0 && plan.clauses.every(({ condition }) => indexOf(condition, relation) === undefined)
      ? ['No parameter of this search has an index to begin with: rows are looked at one after the other. Add one that selects.']
      : []),
    ...(plan.rechecks.length > 0
      ? ['Some matches are decided by opening resources. A longer beginning of a text, or :exact, spares that.']
      : []),
  ];
  return [
    ...clauses,
    information(
      'search-explain-plan',
      `${wayText(way.kind)} Planned in ${explained.planningMs} ms, run in ${explained.executionMs} ms:\n${explained.lines.join('\n')}`,
    ),
    ...advice.map((text) => information('search-explain-advice', text)),
  ];
}

function wayText(kind: 'free' | 'gather' | 'walk'): string {
  if (kind === 'walk') return 'The page is looked for by walking the rows in its order, and gathered if that finds too few.';
  return kind === 'gather' ? 'What matches is gathered by its tokens and put in order then.' : 'PostgreSQL decides how to find the page.';
}

const information = (id: string, text: string): Issue => ({ severity: 'information', code: 'informational', id, text });

function nameOf({ clauses }: Query, at: number): string {
  const { param, modifier } = clauses[at] ?? {};
  return `${param?.code ?? 'what follows references'}${modifier === undefined ? '' : `:${modifier}`}`;
}

function clauseText(name: string, { condition, recheck }: PlannedClause, relation: string, matches: number, all: number): string {
  const index = indexOf(condition, relation);
  const share = all === 0 ? '' : ` (${((100 * matches) / all).toPrecision(2)} %)`;
  const opened = recheck === undefined ? '' : ' What it finds is opened to decide.';
  const rides = index === undefined ? 'has no index of its own and only filters' : `can ride ${index}`;
  return `"${name}" ${rides}; about ${matches} of ${all} rows are expected to match it${share}.${opened}`;
}

/** The index that can find what the condition asks; undefined where it can only be checked. */
function indexOf(condition: Condition, relation: string): string | undefined {
  switch (condition.kind) {
    case 'all-tokens':
    case 'any-token':
      return `${relation}_tokens`;
    case 'fact':
      return `${condition.table}_value`;
    case 'ids':
    case 'placed':
      return `the unique index on type and ref_key of ${relation}`;
    case 'updated':
      return `${relation}_updated`;
    case 'refers':
      return 'fact_reference_target or the key of fact_reference';
    case 'referred':
      return 'fact_reference_target';
    case 'among':
      return `${relation}_rid`;
    case 'and':
      return condition.of.map((part) => indexOf(part, relation)).find((index) => index !== undefined);
    case 'or': {
      const indexes = condition.of.map((part) => indexOf(part, relation));
      return indexes.some((index) => index === undefined) ? undefined : [...new Set(indexes)].join(' and ');
    }
    case 'not':
      return undefined;
  }
}

/** A node of EXPLAIN's answer: of all it tells only what holds no value. */
type Node = {
  readonly 'Node Type': string;
  readonly 'Index Name'?: string;
  readonly 'Relation Name'?: string;
  readonly 'Subplan Name'?: string;
  readonly 'Plan Rows': number;
  readonly 'Actual Rows'?: number;
  readonly 'Actual Loops'?: number;
  readonly 'Actual Total Time'?: number;
  readonly Plans?: readonly Node[];
};

type Explained = { readonly Plan: Node; readonly 'Planning Time'?: number; readonly 'Execution Time'?: number };
type Row = { readonly 'QUERY PLAN': readonly [Explained] };

async function estimate(db: Queryable, plan: Plan): Promise<number> {
  const { text, values } = matchesStatement(plan);
  const { rows } = await db.query<Row>(`explain (format json) ${text}`, values);
  return rows[0]?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0;
}

async function analyse(db: Queryable, { text, values }: Statement) {
  const { rows } = await db.query<Row>(`explain (analyze, format json) ${text}`, values);
  const explained = rows[0]?.['QUERY PLAN'][0];
  return {
    lines: explained === undefined ? [] : linesOf(explained.Plan, 0),
    planningMs: explained?.['Planning Time'] ?? 0,
    executionMs: explained?.['Execution Time'] ?? 0,
  };
}

function linesOf(node: Node, depth: number): string[] {
  const loops = node['Actual Loops'] ?? 0;
  const index = node['Index Name'] === undefined ? '' : ` by ${node['Index Name']}`;
  const relation = node['Relation Name'] === undefined ? '' : ` on ${node['Relation Name']}`;
  const part = node['Subplan Name'] === undefined ? '' : `${node['Subplan Name']}: `;
  const times = loops > 1 ? ` each of ${loops} times` : '';
  const found = loops === 0 ? 'never run' : `found ${node['Actual Rows']}${times} in ${node['Actual Total Time']} ms`;
  const line = `${'  '.repeat(depth)}${part}${node['Node Type']}${index}${relation}: expected ${node['Plan Rows']}, ${found}`;
  return [line, ...(node.Plans ?? []).flatMap((child) => linesOf(child, depth + 1))];
}
