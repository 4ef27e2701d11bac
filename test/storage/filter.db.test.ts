import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { int8ArrayOf } from '../../src/storage/binary.ts';
import { bothFilters, filterSql, noRows, passesFilter, type RowFilter, withoutRows } from '../../src/storage/filter.ts';
import { sqlValues } from '../../src/storage/sql.ts';
import { openStore, type Store } from '../support/store.ts';

let store: Store;
beforeAll(async () => {
  store = await openStore();
});
afterAll(() => store?.close());

const token = fc.bigInt({ min: 0n, max: 5n });
const groups = fc.array(fc.array(token, { minLength: 1, maxLength: 3 }), { maxLength: 3 });
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
});
