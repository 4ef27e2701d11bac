import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { differences, parseWritten, withoutServerMeta } from '../../../src/cli/examples/compare.ts';

const between = (sent: string, got: string): string[] => differences(parseWritten(sent), parseWritten(got), 'X');

describe('differences', () => {
  test.each([
    ['{"a":1,"b":[true,null,"x"]}', '{ "b": [true, null, "x"], "a": 1 }'],
    ['{"a":"\\u00e9"}', '{"a":"é"}'],
    ['1.50', '1.50'],
  ])('are none between %s and %s', (sent, got) => {
    expect(between(sent, got)).toEqual([]);
  });

  test.each([
    ['{"a":1.0}', '{"a":1}', ['X.a: 1 in place of 1.0']],
    ['{"a":1e2}', '{"a":100}', ['X.a: 100 in place of 1e2']],
    ['{"a":0.12345678901234567890}', '{"a":0.12345678901234568}', ['X.a: 0.12345678901234568 in place of 0.12345678901234567890']],
    ['{"a":1}', '{"a":"1"}', ['X.a: string in place of number']],
    ['{"a":[1,2]}', '{"a":[2,1]}', ['X.a[0]: 2 in place of 1', 'X.a[1]: 1 in place of 2']],
    ['{"a":[1]}', '{"a":[1,2]}', ['X.a[1]: added']],
    ['{"a":{}}', '{"a":[]}', ['X.a: list in place of object']],
    ['{"a":{"b":1},"c":2}', '{"a":{}}', ['X.a.b: missing', 'X.c: missing']],
    ['{"a":null}', '{}', ['X.a: missing']],
  ])('between %s and %s are told with their place', (sent, got, told) => {
    expect(between(sent, got)).toEqual(told);
  });

  test('are told up to a limit', () => {
    expect(differences(parseWritten('[1,2,3,4,5]'), parseWritten('[]'), 'X', 3)).toHaveLength(3);
  });

  test('are none between a document and itself, and some when a string changes', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(between(text, text)).toEqual([]);
        expect(between(`{"a":${text},"b":"x"}`, `{"a":${text},"b":"y"}`)).toEqual(['X.b: "y" in place of "x"']);
      }),
    );
  });
});

describe('withoutServerMeta', () => {
  const without = (text: string) => withoutServerMeta(parseWritten(text));

  test('leaves what the client may set', () => {
    const got = '{"resourceType":"Patient","meta":{"versionId":"1","lastUpdated":"2026-01-01T00:00:00Z","profile":["p"]},"id":"1"}';
    expect(without(got)).toEqual(parseWritten('{"resourceType":"Patient","meta":{"profile":["p"]},"id":"1"}'));
  });

  test('drops a meta that holds nothing else', () => {
    expect(without('{"id":"1","meta":{"versionId":"1"}}')).toEqual(parseWritten('{"id":"1"}'));
  });

  test('touches no meta further in', () => {
    const bundle = '{"entry":[{"resource":{"meta":{"versionId":"1"}}}]}';
    expect(without(bundle)).toEqual(parseWritten(bundle));
  });
});
