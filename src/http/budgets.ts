import type { ParsedJson } from '../fhir/json.ts';
import type { Exchange } from './exchange.ts';
import type { CallerBudget } from './rate-limits.ts';

/** What a request is taken from: how dear it is follows from that. */
export function budgetOf(c: Exchange): CallerBudget {
  const { method, path } = c.req;
  if (path.endsWith('/_search') || c.req.param('operation') !== undefined) return 'searches';
  if (method !== 'GET' && method !== 'HEAD') return 'writes';
  return c.req.param('id') !== undefined && c.req.param('member') === undefined && !path.endsWith('/_history') ? 'reads' : 'searches';
}

/** Of a Bundle that isn't checked yet. */
export function entriesOf({ value }: ParsedJson): number {
  const entry: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'entry') : undefined;
  return Array.isArray(entry) ? entry.length : 0;
}
