import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FhirError } from '../../../src/fhir/error.ts';
import { type Json, type JsonObject, parseJson, writeJson } from '../../../src/fhir/json.ts';
import { applyJsonPatch } from '../../../src/interactions/patch/json-patch.ts';
import { patchSchema } from './patch-schema.ts';
import cases from '../../cases/patch/json-patch.json' with { type: 'json' };
import { cpuTimeMs } from '../../support/cpu-time.ts';

const limits = { depthMax: 200, containerMax: 1_000_000, stringBytesMax: 10_000_000 };

/** Applies a patch, both as text; gives the result as text and checks that the input is as it was. */
function patched(resource: string, patch: string, limitsOfPatch = { depthMax: 64, copiesMax: 20_000_000 }): string {
  const [before, change] = [parseJson(resource, limits), parseJson(patch, limits)];
  try {
    const result = applyJsonPatch(before.value as JsonObject, before.decimals, change.value, change.decimals, {
      schema: patchSchema,
      limits: limitsOfPatch,
    });
    return writeJson(result.resource, result.decimals);
  } finally {
    expect(writeJson(before.value, before.decimals)).toBe(before.text);
    expect(writeJson(change.value, change.decimals)).toBe(change.text);
  }
}

function refusal(run: () => unknown): FhirError {
  try {
    run();
  } catch (error) {
    if (error instanceof FhirError) return error;
    throw error;
  }
  throw new Error('the patch was applied');
}

type Case = { spec: string; title: string; resource: Json; patch: Json; result?: Json; status?: number };

describe('applyJsonPatch', () => {
  test.each(cases as Case[])('$spec › $title', ({ resource, patch, result, status }) => {
    const run = (): string => patched(JSON.stringify(resource), JSON.stringify(patch));
    if (status === undefined) expect(JSON.parse(run())).toEqual(result);
    else expect(refusal(run)).toMatchObject({ status, issues: [{ severity: 'error', code: status === 422 ? 'processing' : 'invalid' }] });
  });

  test('names the operation and the path, and no value', () => {
    const error = refusal(() =>
      patched(
        '{"name":[{"family":"Xyzzy"}]}',
        '[{"op":"test","path":"/name","value":[{"family":"Xyzzy"}]},{"op":"test","path":"/name/0/family","value":"Plugh"}]',
      ),
    );
    expect(error.message).toContain('Operation 1 ');
    expect(error.message).toContain('test');
    expect(error.message).toContain('"/name/0/family"');
    expect(error.message).not.toMatch(/Xyzzy|Plugh/);
  });

  test('a long path is not repeated in full', () => {
    expect(refusal(() => patched('{}', JSON.stringify([{ op: 'remove', path: `/${'x'.repeat(10_000)}` }]))).message.length).toBeLessThan(
      400,
    );
  });

  test('leaves objects alone that everyone inherits from', () => {
    for (const path of ['/__proto__/polluted', '/constructor/prototype/polluted', '/a/__proto__/polluted']) {
      refusal(() => patched('{"a":{}}', JSON.stringify([{ op: 'add', path, value: 1 }])));
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(patched('{}', '[{"op":"add","path":"/constructor","value":1}]')).toBe('{"constructor":1}');
  });
});

describe('numbers keep their literals', () => {
  test.each([
    [
      'those not touched',
      '{"a":1.0,"b":[1.00,2,3.50],"c":{"d":1e2}}',
      '[{"op":"add","path":"/e","value":1}]',
      '{"a":1.0,"b":[1.00,2,3.50],"c":{"d":1e2},"e":1}',
    ],
    [
      'those added',
      '{"a":1}',
      '[{"op":"add","path":"/a","value":2.50},{"op":"add","path":"/b","value":[1.0,{"c":-0.0}]}]',
      '{"a":2.50,"b":[1.0,{"c":-0.0}]}',
    ],
    [
      'those replaced by a plain number',
      '{"a":1.0,"b":1.0}',
      '[{"op":"replace","path":"/a","value":1},{"op":"replace","path":"/b","value":2}]',
      '{"a":1,"b":2}',
    ],
    [
      'those moved',
      '{"a":1.0,"b":{}}',
      '[{"op":"move","from":"/a","path":"/b/c"},{"op":"add","path":"/a","value":1}]',
      '{"b":{"c":1.0},"a":1}',
    ],
    [
      'those copied',
      '{"a":[1.0,{"x":2.0}]}',
      '[{"op":"copy","from":"/a/0","path":"/b"},{"op":"copy","from":"/a","path":"/c"}]',
      '{"a":[1.0,{"x":2.0}],"b":1.0,"c":[1.0,{"x":2.0}]}',
    ],
    ['those behind an inserted item', '{"a":[1.0,2.00,3]}', '[{"op":"add","path":"/a/1","value":9.0}]', '{"a":[1.0,9.0,2.00,3]}'],
    ['those behind a removed item', '{"a":[1.0,2.00,3,4.0]}', '[{"op":"remove","path":"/a/1"}]', '{"a":[1.0,3,4.0]}'],
    [
      'those of a removed item are gone',
      '{"a":[1.0,2.00]}',
      '[{"op":"remove","path":"/a/0"},{"op":"add","path":"/a/0","value":1}]',
      '{"a":[1,2.00]}',
    ],
    ['those of the whole document', '{"a":1.0}', '[{"op":"replace","path":"","value":{"b":2.0}}]', '{"b":2.0}'],
  ])('%s', (_, resource, patch, result) => expect(patched(resource, patch)).toBe(result));

  test('under a name that objects inherit, too', () => {
    expect(
      patched(
        '{"a":1.0,"constructor":2}',
        '[{"op":"move","from":"/constructor","path":"/toString"},{"op":"copy","from":"/toString","path":"/b"}]',
      ),
    ).toBe('{"a":1.0,"toString":2,"b":2}');
  });

  test('and a test compares their values, as RFC 6902 asks', () => {
    expect(
      patched('{"a":1.0,"b":{"c":[2.50]}}', '[{"op":"test","path":"/a","value":1},{"op":"test","path":"/b","value":{"c":[2.5]}}]'),
    ).toBe('{"a":1.0,"b":{"c":[2.50]}}');
  });
});

describe('limits', () => {
  test('a thousand operations, not one more', () => {
    const patch = (count: number): string => JSON.stringify(Array.from({ length: count }, () => ({ op: 'add', path: '/a', value: 1 })));
    expect(patched('{}', patch(1_000))).toBe('{"a":1}');
    expect(refusal(() => patched('{}', patch(1_001))).status).toBe(413);
  });

  test('copies that double a value are ended in time', () => {
    const patch = JSON.stringify(Array.from({ length: 900 }, (_, index) => ({ op: 'copy', from: '', path: `/a${index}` })));
    const begin = cpuTimeMs();
    expect(refusal(() => patched('{"a":1}', patch, { depthMax: 2_000, copiesMax: 100_000 }))).toMatchObject({ status: 413 });
    expect(
      refusal(() =>
        patched(`{"a":"${'x'.repeat(60_000)}"}`, '[{"op":"copy","from":"/a","path":"/b"},{"op":"copy","from":"/a","path":"/c"}]', {
          depthMax: 9,
          copiesMax: 100_000,
        }),
      ).status,
    ).toBe(413);
    expect(cpuTimeMs() - begin).toBeLessThan(2_000);
  });

  test('a resource that was stored deeper than is taken now can be patched, but not made deeper', () => {
    const two = { depthMax: 2, copiesMax: 1_000 };
    expect(patched('{"a":{"b":{"c":{}}},"d":1}', '[{"op":"remove","path":"/d"}]', two)).toBe('{"a":{"b":{"c":{}}}}');
    expect(refusal(() => patched('{"a":{"b":{}}}', '[{"op":"add","path":"/a/b/c","value":{}}]', two))).toMatchObject({ status: 422 });
  });

  test('no operation makes the resource deeper than the reader would take', () => {
    const four = { depthMax: 4, copiesMax: 1_000 };
    const resource = '{"a":{"b":{"c":1}},"x":{"y":{"z":{}}}}';
    expect(patched(resource, '[{"op":"add","path":"/a/b/c","value":[1]}]', four)).toContain('"c":[1]');
    for (const operation of [
      { op: 'add', path: '/a/b/c', value: [[]] },
      { op: 'replace', path: '/a/b', value: { c: { d: {} } } },
      { op: 'copy', from: '/x', path: '/a/b' },
      { op: 'move', from: '/x', path: '/a/x' },
    ]) {
      expect(refusal(() => patched(resource, JSON.stringify([operation]), four))).toMatchObject({
        status: 422,
        issues: [{ id: 'patch-depth' }],
      });
    }
  });
});

const json = fc.jsonValue({ maxDepth: 3 }).filter((value) => !JSON.stringify(value).includes('__proto__'));
const object = fc.dictionary(fc.constantFrom('a', 'b', 'c', '', '/', '~'), json, { minKeys: 1 });

describe('for any resource', () => {
  test('what is added, tested and removed again leaves it as it was', () => {
    fc.assert(
      fc.property(object, json, (resource, value) => {
        const patch = [
          { op: 'add', path: '/new', value },
          { op: 'test', path: '/new', value },
          { op: 'remove', path: '/new' },
        ];
        expect(JSON.parse(patched(JSON.stringify(resource), JSON.stringify(patch)))).toEqual(JSON.parse(JSON.stringify(resource)));
      }),
    );
  });

  test('a patch of random operations is applied or refused, never anything else', () => {
    const pointer = fc
      .array(fc.constantFrom('a', 'b', '0', '1', '-', '', '~0', '~1', '01', 'constructor'), { maxLength: 3 })
      .map((list) => list.map((token) => `/${token}`).join(''));
    const operation = fc.record({
      op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test'),
      path: pointer,
      from: pointer,
      value: json,
    });
    fc.assert(
      fc.property(object, fc.array(operation, { maxLength: 6 }), (resource, patch) => {
        try {
          patched(JSON.stringify(resource), JSON.stringify(patch));
        } catch (error) {
          if (!(error instanceof FhirError)) throw error;
          expect([400, 422]).toContain(error.status);
        }
      }),
      { numRuns: 500 },
    );
  });
});
