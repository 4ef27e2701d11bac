import type { Selection } from '../storage/terminology.ts';
import { type Ecl, parseEcl } from './ecl.ts';
import type { Filter } from './value-set.ts';

/**
 * What else narrows a selection: words of letters and digits only, each of which has to begin a word of the display, or a single one the code.
 */
export type Narrowed = {
  readonly words?: readonly string[];
  readonly activeOnly?: boolean;
  /** Whether so many are a kind of a code that a page of them is found sooner by looking up from each code. */
  readonly isBroad?: (code: string) => boolean;
};

/**
 * Filters as an SQL condition on a row `c` of `concept`; all values are parameters. Hierarchies are walked by `concept_link`,
 * properties ride the index on `concept.properties`.
 *
 * @returns the filter that isn't answered, if there is one
 */
export function selectionOf(
  filters: readonly Filter[],
  { words = [], activeOnly = false, isBroad = () => false }: Narrowed = {},
): Selection | { readonly unanswered: Filter } {
  const values: unknown[] = [];
  const add = (value: unknown): string => `$${values.push(value) + parametersBefore}`;
  const conditions: string[] = [];
  for (const filter of filters) {
    const condition = (isBroad(filter.value) ? broadSql(filter, add) : undefined) ?? conditionOf(filter, add);
    if (condition === undefined) return { unanswered: filter };
    conditions.push(condition);
  }
  if (activeOnly) conditions.push('c.active');
  if (words.length > 0) {
    const query = words.map((word) => `${word}:*`).join(' & ');
    const begun = words.length === 1 ? ` or c.code ilike ${add(`${words[0]}%`)}::text` : '';
    conditions.push(`(to_tsvector('simple', coalesce(c.display, '')) @@ to_tsquery('simple', ${add(query)}::text)${begun})`);
  }
  return { text: conditions.length === 0 ? 'true' : conditions.join(' and '), values };
}

/** `$1` is the code system, `$2` the limit. */
const parametersBefore = 2;

type Add = (value: unknown) => string;

function conditionOf({ property, op, value }: Filter, add: Add): string | undefined {
  switch (op) {
    case 'is-a':
      return belowSql(add(value), 'self');
    case 'descendent-of':
      return belowSql(add(value), 'others');
    case 'is-not-a':
      return `not ${belowSql(add(value), 'self')}`;
    case 'generalizes':
      return aboveSql(add(value), 'self');
    case '=':
      if (property === 'constraint') return constraintSql(parseEcl(value), add);
      return equalsSql(property, [value], add);
    case 'in':
    case 'not-in': {
      const listed = value.split(',').map((each) => each.trim());
      const found = equalsSql(property, listed, add);
      return op === 'in' ? found : `not (${found})`;
    }
    case 'exists':
      return existsSql(property, value === 'true', add);
    default:
      return undefined;
  }
}

function equalsSql(property: string, listed: readonly string[], add: Add): string {
  switch (property) {
    case 'concept':
    case 'code':
      return `c.code = any(${add(listed)}::text[])`;
    case 'display':
      return `c.display = any(${add(listed)}::text[])`;
    case 'parent':
      return `c.code in (select l.child from concept_link l where l.system = $1 and l.parent = any(${add(listed)}::text[]))`;
    case 'child':
      return `c.code in (select l.parent from concept_link l where l.system = $1 and l.child = any(${add(listed)}::text[]))`;
    case 'ancestor':
      return `(${listed.map((each) => belowSql(add(each), 'others')).join(' or ')})`;
    case 'inactive':
      return `(not c.active)::text = any(${add(listed)}::text[])`;
    case 'notSelectable':
      return `c.abstract::text = any(${add(listed)}::text[])`;
    default:
      return `(${listed.map((each) => `c.properties @> ${add(JSON.stringify({ [property]: [each] }))}::jsonb`).join(' or ')})`;
  }
}

function existsSql(property: string, wanted: boolean, add: Add): string | undefined {
  if (['concept', 'code', 'parent', 'child', 'ancestor'].includes(property)) return undefined;
  const has = property === 'display' ? 'c.display is not null' : `jsonb_exists(c.properties, ${add(property)}::text)`;
  return wanted ? has : `not (${has})`;
}

function belowSql(code: string, from: 'self' | 'others'): string {
  const start =
    from === 'self'
      ? `select ${code}::text collate "C"`
      : `select l.child from concept_link l where l.system = $1 and l.parent = ${code}::text`;
  return `c.code in (with recursive below (code) as (${start}
    union select l.child from below b join concept_link l on l.system = $1 and l.parent = b.code) select code from below)`;
}

/** Walks up from a row until it meets the code: some ten steps, where going down from it would be a hundred thousand. */
function broadSql({ op, value }: Filter, add: Add): string | undefined {
  if (op !== 'is-a' && op !== 'descendent-of') return undefined;
  const code = add(value);
  const found = `exists (with recursive above (code) as (select c.code
    union select l.parent from above a join concept_link l on l.system = $1 and l.child = a.code) select from above where code = ${code}::text)`;
  return op === 'is-a' ? found : `(${found} and c.code <> ${code}::text)`;
}

function aboveSql(code: string, from: 'self' | 'others'): string {
  const start =
    from === 'self'
      ? `select ${code}::text collate "C"`
      : `select l.parent from concept_link l where l.system = $1 and l.child = ${code}::text`;
  return `c.code in (with recursive above (code) as (${start}
    union select l.parent from above a join concept_link l on l.system = $1 and l.child = a.code) select code from above)`;
}

function constraintSql(constraint: Ecl | undefined, add: Add): string | undefined {
  if (constraint === undefined) return undefined;
  if ('left' in constraint) {
    const left = constraintSql(constraint.left, add);
    const right = constraintSql(constraint.right, add);
    const operator = { and: 'and', or: 'or', minus: 'and not' }[constraint.kind];
    return left === undefined || right === undefined ? undefined : `((${left}) ${operator} (${right}))`;
  }
  switch (constraint.kind) {
    case 'all':
      return 'true';
    case 'self':
      return `c.code = ${add(constraint.code)}::text`;
    case 'below':
      return belowSql(add(constraint.code), 'others');
    case 'below-or-self':
      return belowSql(add(constraint.code), 'self');
    case 'above':
      return aboveSql(add(constraint.code), 'others');
    case 'above-or-self':
      return aboveSql(add(constraint.code), 'self');
    case 'children':
      return equalsSql('parent', [constraint.code], add);
    default:
      return equalsSql('child', [constraint.code], add);
  }
}
