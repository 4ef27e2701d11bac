import { describe, expect, test } from 'vitest';
import { FhirError } from '../../src/fhir/error.ts';
import type { Json } from '../../src/fhir/json.ts';
import { plainOf, readArguments } from '../../src/operations/arguments.ts';
import type { ParameterDef } from '../../src/operations/operation.ts';

const defs: readonly ParameterDef[] = [
  { name: 'url', min: 0, max: '1', type: 'uri' },
  { name: 'count', min: 0, max: '1', type: 'integer' },
  { name: 'active', min: 0, max: '1', type: 'boolean' },
  { name: 'property', min: 0, max: '*', type: 'code' },
  { name: 'coding', min: 0, max: '1', type: 'Coding' },
  { name: 'set', min: 0, max: '1', type: 'ValueSet' },
  {
    name: 'dependency',
    min: 0,
    max: '*',
    part: [
      { name: 'element', min: 1, max: '1', type: 'uri' },
      { name: 'concept', min: 0, max: '1', type: 'CodeableConcept' },
    ],
  },
];

type Asked = { pairs?: [string, string][]; body?: Json; lenient?: boolean; of?: readonly ParameterDef[] };

function read({ pairs = [], body, lenient = false, of = defs }: Asked): Json {
  return plainOf(readArguments('try', of, { pairs, lenient, ...(body === undefined ? {} : { body }) }), of);
}

function refusal(asked: Asked): { text: string; expression: readonly string[] | undefined } {
  try {
    read(asked);
  } catch (error) {
    if (error instanceof FhirError && error.status === 400) return { text: error.message, expression: error.issues[0]?.expression };
    throw error;
  }
  throw new Error('it was taken');
}

const parameters = (...parameter: Json[]): Json => ({ resourceType: 'Parameters', parameter });

describe('parameters in the URL', () => {
  test('become values of their types', () => {
    const pairs: [string, string][] = [
      ['url', 'http://example.org/vs'],
      ['count', '20'],
      ['active', 'true'],
      ['property', 'a'],
      ['property', 'b'],
      ['_format', 'json'],
    ];
    expect(read({ pairs })).toEqual({ url: 'http://example.org/vs', count: 20, active: true, property: ['a', 'b'] });
  });

  test.each<[string, [string, string][], RegExp]>([
    ['an unknown one, with the nearest', [['coutn', '1']], /"coutn" is no parameter of \$try\. Did you mean "count"\?/],
    ['a number that is none', [['count', 'many']], /"count" must be a whole number/],
    ['a number with a point', [['count', '1.5']], /"count" must be a whole number/],
    ['a boolean that is none', [['active', 'yes']], /"active" must be true or false/],
    [
      'one given twice',
      [
        ['url', 'a:b'],
        ['url', 'a:c'],
      ],
      /\$try takes "url" once/,
    ],
    ['one that is no simple value', [['coding', 'x']], /send it by POST/],
    ['one with parts', [['dependency', 'x']], /send it by POST/],
  ])('are refused: %s', (_, pairs, text) => {
    expect(refusal({ pairs }).text).toMatch(text);
  });

  test('are left out where they are unknown and the caller is lenient', () => {
    expect(
      read({
        pairs: [
          ['coutn', '1'],
          ['count', '2'],
        ],
        lenient: true,
      }),
    ).toEqual({ count: 2 });
  });
});

describe('parameters in the body', () => {
  test('are values, resources and parts', () => {
    const body = parameters(
      { name: 'url', valueString: 'http://example.org/vs' },
      { name: 'coding', valueCoding: { code: 'x' } },
      { name: 'set', resource: { resourceType: 'ValueSet' } },
      { name: 'dependency', part: [{ name: 'element', valueUri: 'http://example.org/e' }] },
    );
    expect(read({ body })).toEqual({
      url: 'http://example.org/vs',
      coding: { code: 'x' },
      set: { resourceType: 'ValueSet' },
      dependency: [{ element: 'http://example.org/e' }],
    });
  });

  test('may be beside some in the URL', () => {
    expect(read({ pairs: [['count', '3']], body: parameters({ name: 'url', valueUri: 'a:b' }) })).toEqual({ url: 'a:b', count: 3 });
  });

  test('are refused when one stands in URL and body', () => {
    expect(refusal({ pairs: [['url', 'a:b']], body: parameters({ name: 'url', valueUri: 'a:b' }) }).text).toMatch(/takes "url" once/);
  });

  test('may be the one resource that the operation takes', () => {
    expect(read({ body: { resourceType: 'ValueSet', status: 'active' } })).toEqual({ set: { resourceType: 'ValueSet', status: 'active' } });
  });

  test.each<[string, Json, RegExp, string | undefined]>([
    [
      'of another type',
      parameters({ name: 'count', valueString: '3' }),
      /"count" has the type integer: write it as valueInteger/,
      'Parameters.parameter[0].value',
    ],
    ['without a value', parameters({ name: 'url' }), /has one value: valueUri/, 'Parameters.parameter[0]'],
    ['with two values', parameters({ name: 'url', valueUri: 'a:b', valueString: 'c' }), /has one value/, 'Parameters.parameter[0]'],
    [
      'with a value that is malformed',
      parameters({ name: 'url', valueUri: 'a b' }),
      /"url" must be a URI/,
      'Parameters.parameter[0].value',
    ],
    ['without a name', parameters({ valueUri: 'a:b' }), /"name"/, 'Parameters.parameter[0]'],
    ['that lack a part', parameters({ name: 'dependency', part: [] }), /"dependency" needs "element"/, 'Parameters.parameter[0]'],
    [
      'with a resource of another type',
      parameters({ name: 'set', resource: { resourceType: 'Patient' } }),
      /of type ValueSet/,
      'Parameters.parameter[0].resource',
    ],
    ['with a value for a resource', parameters({ name: 'set', valueString: 'x' }), /has a resource/, 'Parameters.parameter[0]'],
    ['that are no array', { resourceType: 'Parameters', parameter: {} }, /is an array/, 'Parameters.parameter'],
    ['that are a resource of another type', { resourceType: 'Patient' }, /Parameters, or a ValueSet alone/, undefined],
    ['that are no object', [], /a JSON object/, undefined],
  ])('are refused: %s', (_, body, text, expression) => {
    const found = refusal({ body });
    expect(found.text).toMatch(text);
    expect(found.expression?.[0]).toBe(expression);
  });

  test('are refused when one that has to be there is missing', () => {
    expect(refusal({ of: [{ name: 'code', min: 1, max: '1', type: 'code' }] }).text).toBe('$try needs "code".');
  });
});
