import type { TokenSet } from '../encryption/token-set.ts';
import type { TokenKey } from '../encryption/token.ts';
import type { Restriction } from '../storage/filter.ts';
import type { Facts } from '../storage/rows.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer I)[] ? I[] : T[K] };

/** Where extraction puts what it finds in one resource. */
export type Sink = {
  readonly tokens: TokenSet;
  readonly facts: Mutable<Facts>;
  readonly key: TokenKey;
  /** The server's own base URL: absolute references to it are local. */
  readonly base: string;
};

/** Where a fact belongs: the element's number, and the token of the other component where it is one of a pair, else 0. */
export type FactPlace = { readonly param: number; readonly pair: bigint };

/** What planning needs to turn a search value into tokens. */
export type PlanContext = {
  readonly key: TokenKey;
  readonly base: string;
  /** Epoch ms, for `ap`. */
  readonly now: number;
  /**
   * For an ordinary token of a type, tokens that stand for it: a row that holds one of them is found as if it held the token itself. Absent
   * where each row holds all of its own.
   */
  readonly standingFor?: (type: string) => ReadonlyMap<bigint, readonly bigint[]> | undefined;
  /** What the caller may see of other types. Absent where only resources in hand are asked: no other row counts then. */
  readonly restriction?: Restriction;
};

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
