import { badRequest, type FhirError } from '../fhir/error.ts';
import type { Facts } from '../storage/rows.ts';
import { type Condition, type Fact, holdsBound, type Rows } from './condition.ts';

/** A row that isn't stored: what was extracted from a resource in hand, or from a part of it. */
export type HeldRow = {
  readonly id: string;
  /** Of a whole resource. */
  readonly resource?: object;
  readonly tokens: ReadonlySet<bigint>;
  readonly facts: Facts;
  /** Epoch ms: when it would be written. */
  readonly now: number;
  /** Of a whole resource, its main date. */
  readonly clinicalAt?: number | null;
};

/**
 * Decides a condition on a row in hand as the database would on the stored one.
 *
 * @throws FhirError 400 where other resources have a say, by a chain or `_has`: only the database knows them
 */
export function holds(condition: Condition, row: HeldRow): boolean {
  switch (condition.kind) {
    case 'all-tokens':
      return condition.tokens.every((token) => row.tokens.has(token));
    case 'any-token':
      return condition.tokens.some((token) => row.tokens.has(token));
    case 'fact':
      return holdsFact(condition, row);
    case 'ids':
      return condition.ids.includes(row.id);
    case 'updated':
      return holdsTime(condition.column === 'last_updated' ? row.now : row.clinicalAt, condition);
    case 'refers':
    case 'referred':
    case 'placed':
      throw undecidable();
    case 'among':
      return holdsOpened(condition.rows, row);
    case 'and':
      return condition.of.every((part) => holds(part, row));
    case 'or':
      return condition.of.some((part) => holds(part, row));
    case 'not':
      return !holds(condition.of, row);
  }
}

function holdsTime(time: number | null | undefined, { operator, ms }: Extract<Condition, { kind: 'updated' }>): boolean {
  return typeof time === 'number' && holdsBound({ lo: time, hi: time }, { column: 'lo', operator, value: ms });
}

function holdsFact({ table, params, bounds, unit, pairs = noPair }: Fact, { facts: { dates, quantities } }: HeldRow): boolean {
  const facts = table === 'fact_date' ? dates : quantities.filter((fact) => unit === undefined || fact.unit === unit);
  return facts.some((fact) => params.includes(fact.param) && pairs.includes(fact.pair) && bounds.every((bound) => holdsBound(fact, bound)));
}

const noPair = [0n];

function holdsOpened(rows: Rows, row: HeldRow): boolean {
  const { resource } = row;
  if ('rids' in rows || resource === undefined) throw new Error('a resource in hand is not among rows that were found');
  return holds(rows.where, row) && rows.rechecks.every((recheck) => recheck(resource));
}

export function undecidable(): FhirError {
  return badRequest(
    'criteria-follow-references',
    "These criteria follow references, by a chain or _has, which can't be decided among resources that are being written. Use parameters of the resource itself.",
    undefined,
    'not-supported',
  );
}

/** The tokens that extraction gives: 8 bytes each, back to back. */
export function tokensOf(bytes: Buffer): ReadonlySet<bigint> {
  const tokens = new Set<bigint>();
  for (let at = 0; at < bytes.length; at += 8) tokens.add(bytes.readBigInt64BE(at));
  return tokens;
}
