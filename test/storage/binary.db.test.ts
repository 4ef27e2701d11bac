import fc from 'fast-check';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  byteaArray,
  charArray,
  float8Array,
  int2Array,
  int4Array,
  int8Array,
  int8ArrayOf,
  textArray,
  timestamptzArray,
} from '../../src/storage/binary.ts';
import { createDatabase } from '../support/cluster.ts';

let client: Client;
let drop: () => Promise<void>;
beforeAll(async () => {
  const database = await createDatabase();
  drop = database.drop;
  client = new Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await drop();
});

const int8 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
// PostgreSQL's text has no NUL, and UTF-8 no lone surrogates.
const text = fc.string({ unit: 'binary' }).map((value) => value.replaceAll('\0', '').toWellFormed());
const whole = (bits: number) => fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 });

/** What PostgreSQL reads out of the bytes, each value printed by `shown`. */
async function read(bytes: Buffer, type: string, shown = 'v::text'): Promise<(string | null)[]> {
  const { rows } = await client.query<{ values: (string | null)[] }>(
    `select coalesce(array_agg(${shown} order by n), '{}') as values from unnest($1::${type}[]) with ordinality as t(v, n)`,
    [bytes],
  );
  return rows[0]?.values ?? [];
}

const property = <T>(values: fc.Arbitrary<T>, check: (value: T) => Promise<void>) =>
  fc.assert(fc.asyncProperty(values, check), { numRuns: 60 });

describe('PostgreSQL reads a binary array as the values it was made of', () => {
  test('int8, with nulls', () =>
    property(fc.array(fc.option(int8)), async (list) => {
      expect(await read(int8Array(list), 'int8')).toEqual(list.map((value) => value?.toString() ?? null));
    }));
  test('int8 from eight-byte values back to back', () =>
    property(fc.array(fc.array(int8)), async (lists) => {
      const parts = lists.map((list) =>
        Buffer.concat(
          list.map((value) => {
            const bytes = Buffer.alloc(8);
            bytes.writeBigInt64BE(value);
            return bytes;
          }),
        ),
      );
      expect(await read(int8ArrayOf(parts), 'int8')).toEqual(lists.flat().map(String));
    }));
  test('int4, with nulls', () =>
    property(fc.array(fc.option(whole(32))), async (list) => {
      expect(await read(int4Array(list), 'int4')).toEqual(list.map((value) => value?.toString() ?? null));
    }));
  test('int2', () =>
    property(fc.array(whole(16)), async (list) => {
      expect(await read(int2Array(list), 'int2')).toEqual(list.map(String));
    }));
  test('float8, infinities and signed zero too', () =>
    property(fc.array(fc.double({ noNaN: true })), async (list) => {
      const shown = await read(float8Array(list), 'float8');
      expect(shown.map(Number)).toEqual(list);
    }));
  test('"char"', () =>
    property(fc.array(fc.constantFrom('c', 'u', 'p', 'd', 'e')), async (list) => {
      expect(await read(charArray(list), '"char"')).toEqual(list);
    }));
  test('timestamptz from epoch milliseconds, with nulls and infinities', () =>
    property(
      fc.array(fc.option(fc.oneof(fc.integer({ min: Date.UTC(-4000, 0), max: 8.64e15 }), fc.constantFrom(Infinity, -Infinity)))),
      async (list) => {
        const shown = `case when isfinite(v) then (extract(epoch from v) * 1000)::numeric::text else v::text end`;
        const expected = list.map((ms) => (ms === null ? null : ms === Infinity ? 'infinity' : ms === -Infinity ? '-infinity' : ms));
        const found = await read(timestamptzArray(list), 'timestamptz', shown);
        expect(found.map((value) => (value === null || value.endsWith('infinity') ? value : Number(value)))).toEqual(expected);
      },
    ));
  test('text of any length and script', () =>
    property(fc.array(text), async (list) => {
      expect(await read(textArray(list), 'text')).toEqual(list);
    }));
  test('bytea, with nulls', () =>
    property(fc.array(fc.option(fc.uint8Array().map((bytes) => Buffer.from(bytes)))), async (list) => {
      expect(await read(byteaArray(list), 'bytea', `encode(v, 'hex')`)).toEqual(list.map((bytes) => bytes?.toString('hex') ?? null));
    }));
});

test('a value that does not fit its type is refused before it is sent', () => {
  expect(() => int8Array([2n ** 63n])).toThrow(RangeError);
  expect(() => int4Array([2 ** 31])).toThrow(RangeError);
  expect(() => int2Array([2 ** 15])).toThrow(RangeError);
});
