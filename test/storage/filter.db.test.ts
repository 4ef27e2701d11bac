import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { int8ArrayOf } from '../../src/storage/binary.ts';
import {
  bothFilters,
  filterSql,
  type Group,
  leavesKept,
  noRows,
  passesFilter,
  type RowFilter,
  withoutRows,
} from '../../src/storage/filter.ts';
import { sqlValues } from '../../src/storage/sql.ts';
import { openStore, type Store } from '../support/store.ts';

let store: Store;
beforeAll(async () => {
  store = await openStore();
});
afterAll(() => store?.close());

const token = fc.bigInt({ min: 0n, max: 5n });
const group: fc.Arbitrary<Group> = fc.oneof(fc.array(token, { maxLength: 3 }), fc.record({ without: fc.array(token, { maxLength: 3 }) }));
const groups = fc.array(group, { maxLength: 3 });
const alternatives = fc.array(groups, { maxLength: 3 });
const filters: fc.Arbitrary<RowFilter> = fc.oneof(
  fc.constant<RowFilter>('all'),
  fc.constant(noRows),
  fc.record({ anyOf: alternatives, noneOf: alternatives }),
);
const rows = fc.uniqueArray(token, { maxLength: 5 });

function stored(tokens: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(tokens.length * 8);
  tokens.forEach((each, at) => void bytes.writeBigInt64BE(each, at * 8));
  return bytes;
}

async function passesInSql(filter: RowFilter, tokens: readonly bigint[]): Promise<boolean | undefined> {
  const values = sqlValues();
  const row = values.add(int8ArrayOf([stored(tokens)]));
  const text = `select ${filterSql(filter, 'row', values)} as passes from (select ${row}::int8[] as tokens) as row`;
  return (await store.pool.query<{ passes: boolean }>(text, values.list)).rows[0]?.passes;
}

describe('a filter of rows', () => {
  test('decides in SQL as it decides in memory', async () => {
    await fc.assert(
      fc.asyncProperty(filters, rows, async (filter, tokens) => {
        expect(await passesInSql(filter, tokens)).toBe(passesFilter(filter, stored(tokens)));
      }),
      { numRuns: 300 },
    );
  });

  test('joined with another one lets pass what both let pass', () => {
    fc.assert(
      fc.property(filters, filters, rows, (one, other, tokens) => {
        const row = stored(tokens);
        expect(passesFilter(bothFilters(one, other), row)).toBe(passesFilter(one, row) && passesFilter(other, row));
      }),
    );
  });

  test('takes rows away, from all rows too', () => {
    const secret = withoutRows('all', [[[1n], [2n]]]);
    expect([[1n], [2n], [1n, 2n], []].map((tokens) => passesFilter(secret, stored(tokens)))).toEqual([true, true, false, true]);
    expect(withoutRows('all', [])).toBe('all');
    expect(withoutRows(noRows, [[[1n]]])).toBe(noRows);
  });

  test('holds what a write has to leave', () => {
    const filter: RowFilter = { anyOf: [[]], kept: [1n, 2n] };
    const leaves = (before: readonly bigint[] | undefined, after: readonly bigint[], by: RowFilter = filter): boolean =>
      leavesKept(by, before === undefined ? undefined : stored(before), stored(after));
    expect(leaves([1n, 5n], [1n, 4n])).toBe(true);
    expect(leaves([1n], [])).toBe(false);
    expect(leaves([], [2n])).toBe(false);
    expect(leaves(undefined, [2n])).toBe(false);
    expect(leaves(undefined, [3n])).toBe(true);
    expect(leaves([1n], [], 'all')).toBe(true);
    expect(leaves([1n], [], bothFilters(filter, { anyOf: [[]], kept: [3n] }))).toBe(false);
    expect(leaves([3n], [], bothFilters(filter, { anyOf: [[]], kept: [3n] }))).toBe(false);
  });
});
