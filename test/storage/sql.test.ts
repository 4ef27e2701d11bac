import { expect, test } from 'vitest';
import { sqlValues, statement } from '../../src/storage/sql.ts';

test('values are bound in their order', () => {
  const values = sqlValues();
  expect([values.add('a'), values.add(1)]).toEqual(['$1', '$2']);
  expect(values.list).toEqual(['a', 1]);
});

test('a text has a name once it has come again', () => {
  expect(statement('select $1', [1])).not.toHaveProperty('name');
  const { name } = statement('select $1', [2]);
  expect(name).toMatch(/^s[\w-]{20}$/);
  expect(statement('select $1', [3])).toEqual({ name, text: 'select $1', values: [3] });
});

test('names are bounded, and those given are kept', () => {
  const { name } = statement('select $1', []);
  const texts = Array.from({ length: 1100 }, (_, at) => `select ${at}`);
  for (const text of texts) statement(text, []);
  const named = texts.filter((text) => statement(text, []).name !== undefined);
  expect(named.length).toBeGreaterThan(900);
  expect(named.length).toBeLessThan(1000);
  expect(statement('select $1', []).name).toBe(name);
});
