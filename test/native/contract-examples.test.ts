import { describe, expect, test } from 'vitest';
import { described, type Schema } from '../support/contract.ts';

const { operations, faultsOfValue, schemaAt } = await described();

type Content = Readonly<
  Record<
    string,
    { readonly schema?: Schema; readonly example?: unknown; readonly examples?: Readonly<Record<string, { readonly value: unknown }>> }
  >
>;
type Told = { readonly name: string; readonly schema: Schema; readonly values: readonly unknown[] };

/** A body in each of its types; files of any type are nothing to show. */
const bodies = (name: string, content: Content = {}): Told[] =>
  Object.entries(content)
    .filter(([, { schema }]) => schema?.format !== 'binary')
    .map(([type, { schema = {}, example, examples = {} }]) => ({
      name: `${name} ${type}`,
      schema,
      values: [...(example === undefined ? [] : [example]), ...Object.values(examples).map(({ value }) => value)],
    }));

const all = operations.flatMap(({ id, body, responses }) => [
  ...bodies(`${id} request`, body?.content),
  ...Object.entries(responses).flatMap(([status, { content }]) => bodies(`${id} ${status}`, content)),
]);

describe('the contract shows by example', () => {
  test('every body of a request and of an answer', () => {
    expect(all.length).toBeGreaterThan(600);
    expect(all.filter(({ values }) => values.length === 0).map(({ name }) => name)).toEqual([]);
  });

  test('what the schemas take', () => {
    expect(all.flatMap(({ name, schema, values }) => values.flatMap((value) => faultsOfValue(name, schema, value)))).toEqual([]);
  });

  test('the status and code that each error has', () => {
    const codes = new Map<string, Set<unknown>>();
    for (const { name, schema, values } of all)
      if (schema.$ref === '#/components/schemas/Error') {
        const status = name.split(' ')[1] ?? '';
        codes.set(status, new Set([...(codes.get(status) ?? []), ...values.map((value) => (value as { code: unknown }).code)]));
      }
    expect(Object.fromEntries([...codes].map(([status, found]) => [status, [...found]]))).toEqual({
      400: ['invalid_request'],
      401: ['unauthenticated'],
      403: ['forbidden'],
      404: ['not_found'],
      409: ['conflict'],
      410: ['deleted'],
      412: ['version_mismatch'],
      413: ['too_large'],
      415: ['unsupported_media_type'],
      422: ['validation_failed'],
      428: ['precondition_required'],
      429: ['rate_limited'],
      503: ['unavailable'],
    });
    expect(schemaAt('#/components/schemas/Error').type).toBe('object');
  });
});
