import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FhirError } from '../../src/fhir/error.ts';
import {
  type Json,
  type JsonLimits,
  type JsonObject,
  literalOf,
  type ParsedJson,
  parseJson,
  sameValue,
  writeJson,
} from '../../src/fhir/json.ts';
import { cpuTimeMs } from '../support/cpu-time.ts';

const limits: JsonLimits = { depthMax: 64, containerMax: 2_000_000, stringBytesMax: 1_000_000 };

function refusal(
  input: Buffer | string,
  over: Partial<JsonLimits> = {},
): { status: number; id: string | undefined; code: string | undefined; text: string } {
  try {
    parseJson(input, { ...limits, ...over });
  } catch (error) {
    if (!(error instanceof FhirError)) throw error;
    return { status: error.status, id: error.issues[0]?.id, code: error.issues[0]?.code, text: error.message };
  }
  throw new Error('the text was accepted');
}

function read(input: Buffer | string, options?: { links?: boolean }): ParsedJson {
  return parseJson(input, limits, options);
}

describe('parseJson refuses, with line and column,', () => {
  test.each([
    ['nothing', '', 'json-empty', 'line 1, column 1'],
    ['white space alone', ' \n\t ', 'json-empty', 'line 1, column 1'],
    ['a byte order mark alone', '\ufeff', 'json-empty', 'line 1, column 1'],
    ['an unknown word', 'nul', 'json-syntax', 'line 1, column 1'],
    ['a word cut short', '[true,fals]', 'json-syntax', 'line 1, column 7'],
    ['a missing value', '{"a":}', 'json-syntax', 'line 1, column 6'],
    ['a missing colon', '{"a" 1}', 'json-syntax', 'line 1, column 6'],
    ['a missing comma', '{"a":1\n "b":2}', 'json-syntax', 'line 2, column 2'],
    ['a comma before the end of an object', '{"a":1,}', 'json-syntax', 'line 1, column 8'],
    ['a comma before the end of an array', '[1,]', 'json-syntax', 'line 1, column 4'],
    ['a name without quotes', '{a:1}', 'json-syntax', 'line 1, column 2'],
    ['single quotes', "{'a':1}", 'json-syntax', 'line 1, column 2'],
    ['a comment', '[1 /* one */]', 'json-syntax', 'line 1, column 4'],
    ['an object closed as an array', '{"a":1]', 'json-syntax', 'line 1, column 7'],
    ['an object that does not end', '{"a":[1,2', 'json-syntax', 'line 1, column 10'],
    ['a string that does not end', '["abc', 'json-syntax', 'line 1, column 6'],
    ['a string that ends in a backslash', '["abc\\', 'json-syntax', 'line 1, column 6'],
    ['an unknown escape', '["a\\x"]', 'json-syntax', 'line 1, column 4'],
    ['an escape of three digits', '["\\u12"]', 'json-syntax', 'line 1, column 3'],
    ['an escape with a letter beyond f', '["\\u00g0"]', 'json-syntax', 'line 1, column 3'],
    ['a leading zero', '[01]', 'json-syntax', 'line 1, column 3'],
    ['a plus sign', '[+1]', 'json-syntax', 'line 1, column 2'],
    ['a minus sign alone', '[-]', 'json-syntax', 'line 1, column 2'],
    ['a point without digits', '[1.]', 'json-syntax', 'line 1, column 2'],
    ['a point at the start', '[.5]', 'json-syntax', 'line 1, column 2'],
    ['an exponent without digits', '[1e+]', 'json-syntax', 'line 1, column 3'],
    ['NaN', '[NaN]', 'json-syntax', 'line 1, column 2'],
    ['Infinity', '[-Infinity]', 'json-syntax', 'line 1, column 2'],
    ['a no-break space between tokens', '[1,\u00a02]', 'json-syntax', 'line 1, column 4'],
    ['a form feed between tokens', '[1,\f2]', 'json-syntax', 'line 1, column 4'],
    ['content behind the value', '{} {}', 'json-trailing', 'line 1, column 4'],
    ['a NUL behind the value', '{}\u0000', 'json-trailing', 'line 1, column 3'],
    ['a NUL in a string', '["a\u0000"]', 'json-nul', 'line 1, column 4'],
    ['an escaped NUL', '["a\\u0000"]', 'json-nul', 'line 1, column 4'],
    ['a raw line feed in a string', '["a\nb"]', 'json-control-character', 'line 1, column 4'],
    ['a raw tab behind an escape', '["\\na\tb"]', 'json-control-character', 'line 1, column 6'],
    ['a byte order mark in a string', '{\n"a":"\ufeff"}', 'json-bom', 'line 2, column 6'],
    ['a second byte order mark', '\ufeff\ufeff{}', 'json-bom', 'line 1, column 1'],
    ['an escaped byte order mark', '["\\uFEFF"]', 'json-bom', 'line 1, column 3'],
    ['a high surrogate escape alone', '["\\ud83d"]', 'json-surrogate', 'line 1, column 3'],
    ['a high surrogate escape before another', '["\\ud83d\\ud83d"]', 'json-surrogate', 'line 1, column 3'],
    ['the last low surrogate escape alone', '["\\udfff"]', 'json-surrogate', 'line 1, column 3'],
    ['a low surrogate escape alone', '["\\ude00"]', 'json-surrogate', 'line 1, column 3'],
    ['a high surrogate escape before a letter escape', '["\\ud83d\\u0041"]', 'json-surrogate', 'line 1, column 3'],
    ['half a surrogate pair in a string that is no bytes', '["ab\ud83d"]', 'json-surrogate', 'line 1, column 5'],
    ['a number beyond the range', '[1e309]', 'json-number', 'line 1, column 2'],
    ['a number that would become zero', '[0.1e-400]', 'json-number', 'line 1, column 2'],
    ['a number of 65 characters', `[0.${'1'.repeat(63)}]`, 'json-number', 'line 1, column 2'],
    ['the name __proto__', '{"a":{"__proto__":1}}', 'json-member-name', 'line 1, column 7'],
    ['the name __proto__ in escapes', '{"\\u005f_proto__":1}', 'json-member-name', 'line 1, column 2'],
    ['a member twice', '{"a":1,"b":2,\n "a":3}', 'json-duplicate-member', 'line 2, column 2'],
    ['a member twice, once in escapes', '{"ab":1,"\\u0061b":2}', 'json-duplicate-member', 'line 1, column 9'],
    ['a member twice whose name objects inherit', '{"constructor":1,"constructor":2}', 'json-duplicate-member', 'line 1, column 18'],
    ['a member twice that is null', '{"a":null,"a":null}', 'json-duplicate-member', 'line 1, column 11'],
  ])('%s', (_, text, id, place) => {
    const found = refusal(text);
    expect(found).toMatchObject({ status: 400, code: 'structure', id });
    expect(found.text.endsWith(` at ${place}.`), found.text).toBe(true);
    if (text.isWellFormed()) expect(refusal(Buffer.from(text))).toEqual(found);
  });

  test('a depth beyond the limit, and not the depth of the limit', () => {
    expect(refusal('[[[1]]]', { depthMax: 2 })).toMatchObject({ status: 400, id: 'json-depth' });
    expect(refusal('[[{"a":1}]]', { depthMax: 2 }).text).toContain('line 1, column 3');
    expect(parseJson('[[1],[{}]]', { ...limits, depthMax: 3 }).value).toEqual([[1], [{}]]);
  });

  test('a million open brackets without a fault of the stack, even where no limit is set', () => {
    expect(refusal('['.repeat(1_000_000)).id).toBe('json-depth');
    expect(refusal('{"a":'.repeat(1_000_000), { depthMax: Number.POSITIVE_INFINITY }).id).toBe('json-depth');
  });

  test.each([
    ['an invalid byte', [0x5b, 0x0a, 0x22, 0x61, 0xff, 0x22, 0x5d], 'line 2, column 3'],
    ['an overlong form', [0x22, 0xc0, 0xaf, 0x22], 'line 1, column 2'],
    ['a surrogate in UTF-8', [0x22, 0xed, 0xa0, 0x80, 0x22], 'line 1, column 2'],
    ['a character cut short behind a true U+FFFD', [0x22, 0xef, 0xbf, 0xbd, 0x61, 0xe2, 0x82], 'line 1, column 4'],
    ['UTF-16', [0xff, 0xfe, 0x5b, 0x00, 0x5d, 0x00], 'line 1, column 1'],
  ])('bytes that are not UTF-8: %s', (_, bytes, place) => {
    const found = refusal(Buffer.from(bytes));
    expect(found).toMatchObject({ status: 400, id: 'json-encoding' });
    expect(found.text).toContain(place);
  });

  test('says what is expected', () => {
    expect(refusal('{"a":1]').text).toContain('a comma or } is expected');
    expect(refusal('[1}').text).toContain('a comma or ] is expected');
  });

  test('names a member that occurs twice, unless its name is no name of FHIR', () => {
    expect(refusal('{"birthDate":1,"birthDate":2}').text).toContain('"birthDate"');
    expect(refusal('{"Jane Doe, 1970":1,"Jane Doe, 1970":2}').text).not.toContain('Jane');
  });

  test('never quotes a value', () => {
    for (const text of ['{"a":"Xyzzy","a":1}', '["Xyzzy\\q"]', '["Xyzzy" "Plugh"]', '{"a":"Xyzzy'])
      expect(refusal(text).text).not.toMatch(/Xyzzy|Plugh/);
  });
});

describe('parseJson answers 413', () => {
  test('for a container beyond the limit, of either kind', () => {
    expect(parseJson('[1,2]', { ...limits, containerMax: 2 }).value).toEqual([1, 2]);
    expect(refusal('[1,2,3]', { containerMax: 2 })).toMatchObject({ status: 413, code: 'too-long', id: 'json-container-size' });
    expect(refusal('{"a":1,"b":2,\n"c":3}', { containerMax: 2 })).toMatchObject({
      status: 413,
      text: expect.stringContaining('line 2, column 1'),
    });
  });

  test('for a string beyond the limit in bytes of UTF-8, decoded', () => {
    const over = { stringBytesMax: 6 };
    expect(parseJson('["abcdef","\\u0061bcdef","€€"]', { ...limits, ...over }).value).toEqual(['abcdef', 'abcdef', '€€']);
    expect(refusal('["abcdefg"]', over)).toMatchObject({ status: 413, code: 'too-long', id: 'json-string-length' });
    expect(refusal('["€€a"]', over).status).toBe(413);
    expect(refusal('["\\u20ac\\u20aca"]', over).status).toBe(413);
    expect(refusal('{"abcdefg":1}', over).status).toBe(413);
  });

  test('but not for the base64 of `data`', () => {
    expect(parseJson('{"data":"abcdefgh"}', { ...limits, stringBytesMax: 6 }).value).toEqual({ data: 'abcdefgh' });
  });
});

describe('parseJson accepts', () => {
  test('one byte order mark at the start, which is no part of the text', () => {
    const { value, text } = read(Buffer.from('\ufeff{"a":1}'));
    expect(value).toEqual({ a: 1 });
    expect(text).toBe('{"a":1}');
  });

  test('every escape, and keeps it in the text', () => {
    const text = '["\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00😀\\u2028"]';
    expect(read(text).value).toEqual(['"\\/\b\f\n\r\té😀😀\u2028']);
    expect(read(text).text).toBe(text);
  });

  test('the escapes around the surrogates, and the first and last pair of them', () => {
    expect(read('["\\ud7ff\\ue000\\ud800\\udc00\\udbff\\udfff"]').value).toEqual(['\ud7ff\ue000\u{10000}\u{10ffff}']);
  });

  test('names that objects inherit', () => {
    const { value } = read('{"constructor":1,"toString":{"hasOwnProperty":2},"valueOf":null}');
    expect(Object.entries(value as JsonObject)).toEqual([
      ['constructor', 1],
      ['toString', { hasOwnProperty: 2 }],
      ['valueOf', null],
    ]);
  });

  test('values that are no containers', () => {
    for (const text of ['null', 'true', 'false', '0', '-1.5', '"x"']) expect(read(text).value).toBe(JSON.parse(text));
  });
});

describe('the compacted text', () => {
  test('is the received text itself when there is no white space', () => {
    const text = '{"a":[1,{"b":" c d "}],"e":""}';
    expect(read(text).text).toBe(text);
  });

  test('loses white space between tokens and nothing in strings', () => {
    expect(read(' \t{ "a" :\r\n [ 1 , { } , [ ] , " x\\n " ] , "b":1.50e+1 }\n').text).toBe('{"a":[1,{},[]," x\\n "],"b":1.50e+1}');
  });

  test('holds with more pieces than are joined at once', () => {
    const list = Array.from({ length: 20_000 }, (_, index) => index);
    expect(read(JSON.stringify(list, null, 1)).text).toBe(JSON.stringify(list));
  });
});

describe('literals', () => {
  test.each([
    '1.0',
    '5.40',
    '-0',
    '-0.0',
    '0.0',
    '1e2',
    '1E2',
    '12.5e-1',
    '0.0000001',
    '100000000000000000000000',
    '0.12345678901234567890',
    '9007199254740993',
  ])('%s is kept as written', (literal) => {
    const { value, decimals } = read(`{"a":${literal},"b":[7,${literal}]}`);
    const object = value as { a: number; b: number[] };
    expect(decimals.get(object)).toEqual({ a: literal });
    expect(literalOf(decimals, object, 'a', object.a)).toBe(literal);
    expect(literalOf(decimals, object.b, 1, object.b[1] ?? 0)).toBe(literal);
    expect(literalOf(decimals, object.b, 0, 7)).toBe('7');
  });

  test.each([
    '0',
    '5',
    '-17',
    '1.5',
    '-0.25',
    '0.000001',
    '123456789012345',
    '0.1234567890123',
    '9007199254740992',
    '1e+21',
    '5e-324',
    '1.7976931348623157e+308',
  ])('%s is what JavaScript writes and takes no place', (literal) => {
    const { value, decimals } = read(`[${literal}]`);
    expect(decimals.size).toBe(0);
    expect(literalOf(decimals, value as Json[], 0, Number(literal))).toBe(literal);
  });

  test('are not used for a number that was put in later, nor for an inherited name', () => {
    const { value, decimals } = read('{"a":1.0}');
    const object = value as { a: number };
    object.a = 2;
    expect(literalOf(decimals, object, 'a', 2)).toBe('2');
    expect(literalOf(decimals, object, 'constructor', 3)).toBe('3');
  });
});

describe('the spans of members', () => {
  test('are given for every resource and every meta, nested ones too, wherever `resourceType` stands', () => {
    const { value, text, members } = read(
      '{ "entry": [ { "resource": { "id": "1", "m\\u0065ta": { "tag": [ ] }, "resourceType": "Patient" } } ], "resourceType": "Bundle" }',
    );
    const bundle = value as { entry: { resource: JsonObject }[] };
    const resource = bundle.entry[0]?.resource ?? {};
    expect([...members.keys()]).toEqual([resource['meta'], resource, bundle]);
    const slices = members
      .get(resource)
      ?.map(({ name, start, valueStart, end }) => [name, text.slice(start, valueStart), text.slice(valueStart, end)]);
    expect(slices).toEqual([
      ['id', '"id":', '"1"'],
      ['meta', '"m\\u0065ta":', '{"tag":[]}'],
      ['resourceType', '"resourceType":', '"Patient"'],
    ]);
    expect(members.get(bundle)?.map(({ name }) => name)).toEqual(['entry', 'resourceType']);
  });
});

describe('links', () => {
  const text = `{ "reference" : "Patient/1", "a": ["urn:uuid:4", "urn:oid:1.2", "http://x", "https://x", "ftp://x", "urn:x"], "display": "href=",
    "div": "<div><a href=\\"#a\\"/></div>", "b": { "div": "<div>src</div>", "reference": ["#x", 1] }, "c": {"div": "<img src='y'/>"} }`;

  test('are references, URIs and narrative with links, with their place in the compacted text', () => {
    const { links, text: compact } = read(text, { links: true });
    expect(links.map(({ name, value }) => [name, value])).toEqual([
      ['reference', 'Patient/1'],
      ['a', 'urn:uuid:4'],
      ['a', 'urn:oid:1.2'],
      ['a', 'http://x'],
      ['a', 'https://x'],
      ['div', '<div><a href="#a"/></div>'],
      ['reference', '#x'],
      ['div', "<img src='y'/>"],
    ]);
    for (const { start, end, value } of links) expect(JSON.parse(compact.slice(start, end))).toBe(value);
  });

  test('are not gathered unless asked for', () => {
    expect(read(text).links).toEqual([]);
  });
});

describe('writeJson', () => {
  test('keeps literals, leaves out undefined members and white space', () => {
    const { value, decimals } = read('{ "a": 1.0, "b": [ 2.50, "é\\u0007", null, true, { "c": 1e2 } ], "d": 3 }');
    expect(writeJson(value, decimals)).toBe('{"a":1.0,"b":[2.50,"é\\u0007",null,true,{"c":1e2}],"d":3}');
    const open = value as { a?: number; d?: number | undefined };
    open.d = undefined;
    expect(writeJson(value, decimals)).toBe('{"a":1.0,"b":[2.50,"é\\u0007",null,true,{"c":1e2}]}');
    delete open.a;
    expect(writeJson(value, new Map())).toBe('{"b":[2.5,"é\\u0007",null,true,{"c":100}]}');
  });
});

describe('sameValue', () => {
  const same = (a: string, b: string): boolean => {
    const [x, y] = [read(a), read(b)];
    return sameValue(x.value, x.decimals, y.value, y.decimals);
  };

  test.each([
    ['{"a":1,"b":[1.0,{}]}', '{ "b": [1.0, {}], "a": 1 }', true],
    ['{"a":"é"}', '{"\\u0061":"\\u00e9"}', true],
    ['[1.0]', '[1.00]', false],
    ['[1.0]', '[1]', false],
    ['{"a":1.0}', '{"a":1.0}', true],
    ['[1,2]', '[2,1]', false],
    ['[1]', '[1,2]', false],
    ['{"a":1}', '{"a":1,"b":2}', false],
    ['{"a":1,"c":2}', '{"a":1,"b":2}', false],
    ['{"a":null}', '{}', false],
    ['{}', '{"toString":1}', false],
    ['[]', '{}', false],
    ['{"0":1}', '[1]', false],
    ['"1"', '1', false],
    ['null', '{}', false],
  ])('%s and %s: %s', (a, b, expected) => {
    expect(same(a, b)).toBe(expected);
    expect(same(b, a)).toBe(expected);
  });

  test('takes an undefined member for an absent one', () => {
    expect(sameValue({ a: 1, b: undefined } as unknown as Json, new Map(), { a: 1 }, new Map())).toBe(true);
    expect(sameValue({ a: 1 }, new Map(), { a: 1, b: undefined } as unknown as Json, new Map())).toBe(true);
  });
});

/** Any JSON text this reader accepts, with its white space, escapes and number forms varied. */
const jsonText = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.constantFrom('null', 'true', 'false', '[]', '{ }', '""'),
    numberText(),
    stringText(),
    fc.array(spaced(tie('value')), { maxLength: 6 }).map((items) => `[${items.join(',')}]`),
    fc
      .uniqueArray(fc.tuple(spaced(nameText()), spaced(tie('value'))), { maxLength: 10, selector: ([name]) => JSON.parse(name) as string })
      .map((list) => `{${list.map(([name, value]) => `${name}:${value}`).join(',')}}`),
  ),
})).value;

function numberText(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.integer().map(String),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
    fc.stringMatching(/^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,2})?$/),
  );
}

function stringText(): fc.Arbitrary<string> {
  const units = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\\u0041', '\\n', '\\ud83d\\ude00', '\\/', 'http://x'),
  );
  return fc
    .array(units, { maxLength: 4 })
    .map(
      (list) => `"${list.map((unit) => (unit.startsWith('\\') && unit.length > 1 ? unit : JSON.stringify(unit).slice(1, -1))).join('')}"`,
    )
    .filter((text) => !text.includes('\ufeff') && !text.includes('\\u0000') && isJson(text));
}

function nameText(): fc.Arbitrary<string> {
  return fc
    .oneof(fc.constantFrom('"resourceType"', '"meta"', '"id"', '"reference"', '"div"', '"1"', '"valueOf"', '"m\\u0065ta"'), stringText())
    .filter((text) => JSON.parse(text) !== '__proto__');
}

function spaced(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const space = fc.constantFrom('', '', ' ', '\n\t', ' \r\n ');
  return fc.tuple(space, text, space).map((parts) => parts.join(''));
}

function isJson(text: string): boolean {
  try {
    return JSON.parse(text) !== undefined;
  } catch {
    return false;
  }
}

describe('for any text', () => {
  test('the value is what JSON.parse gives, for strings and for bytes', () => {
    fc.assert(
      fc.property(jsonText, (text) => {
        expect(read(text).value).toStrictEqual(JSON.parse(text));
        expect(read(Buffer.from(text)).value).toStrictEqual(JSON.parse(text));
      }),
      { numRuns: 500 },
    );
  });

  test('what JSON.parse refuses is refused', () => {
    const broken = fc
      .tuple(jsonText, fc.nat(), fc.constantFrom('', '"', '\\', ',', ':', '{', ']', '-', '.', 'e', '0', 'n', '\u0001', 'x'))
      .map(([text, at, put]) => {
        const place = at % (text.length + 1);
        return text.slice(0, place) + put + text.slice(place + 1);
      });
    fc.assert(
      fc.property(broken, (text) => {
        if (!isJson(text)) expect(refusal(text).status).toBe(400);
      }),
      { numRuns: 1_000 },
    );
  });

  test('its compacted form reads as the same value, has no white space left, and written out again is equal', () => {
    fc.assert(
      fc.property(jsonText, (text) => {
        const first = read(text);
        const second = read(first.text);
        expect(second.text).toBe(first.text);
        expect(sameValue(first.value, first.decimals, second.value, second.decimals)).toBe(true);
        expect(first.text.length).toBeLessThanOrEqual(text.length);
        const third = read(writeJson(first.value, first.decimals));
        expect(sameValue(first.value, first.decimals, third.value, third.decimals)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('every span holds its member, and every link its value', () => {
    fc.assert(
      fc.property(jsonText, (text) => {
        const { text: compact, members, links } = read(text, { links: true });
        for (const [object, list] of members) {
          expect(list.map(({ name }) => name).toSorted()).toEqual(Object.keys(object).toSorted());
          for (const { name, start, valueStart, end } of list) {
            expect(JSON.parse(compact.slice(start, valueStart - 1))).toBe(name);
            expect(compact[valueStart - 1]).toBe(':');
            expect(JSON.parse(compact.slice(valueStart, end))).toStrictEqual((object as JsonObject)[name]);
          }
        }
        for (const { start, end, value } of links) expect(JSON.parse(compact.slice(start, end))).toBe(value);
        expect(links.map(({ start }) => start)).toEqual(links.map(({ start }) => start).toSorted((a, b) => a - b));
      }),
      { numRuns: 500 },
    );
  });

  test('numbers keep their literal through reading and writing', () => {
    fc.assert(
      fc.property(fc.array(numberText(), { minLength: 1 }), (literals) => {
        const text = `[${literals.join(',')}]`;
        const { value, decimals } = read(text);
        expect(writeJson(value, decimals)).toBe(text);
        expect(writeJson({ a: value }, decimals)).toBe(`{"a":${text}}`);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a long text takes time in proportion, not its square:', () => {
  // Each takes 0.05 to 0.5 s of CPU; a reader that looks back over 300,000 parts at each of them takes minutes.
  test.each([
    ['members of one object', (size: number) => `{${Array.from({ length: size }, (_, index) => `"k${index}":${index}`).join(',')}}`],
    ['members named by numbers', (size: number) => `{${Array.from({ length: size }, (_, index) => `"${index * 7_919}":1`).join(',')}}`],
    ['items apart by white space', (size: number) => `[${Array.from({ length: size }, () => '1').join(' , ')}]`],
    ['escapes in one string', (size: number) => `["${'\\u0061\\n'.repeat(size)}"]`],
    ['decimals with a literal', (size: number) => `[${Array.from({ length: size }, () => '1.0').join(',')}]`],
    ['objects inside arrays', (size: number) => `[${Array.from({ length: size / 2 }, () => '{"resourceType":"X","meta":{}}').join(',')}]`],
    ['lines before a fault', (size: number) => `[${'1,\n'.repeat(size)}x]`],
  ])('%s', (name, make) => {
    const text = Buffer.from(make(300_000));
    const begin = cpuTimeMs();
    if (name.endsWith('fault')) expect(refusal(text).text).toContain('line 300001, column 1');
    else expect(read(text).text.length).toBeGreaterThan(300_000);
    expect(cpuTimeMs() - begin).toBeLessThan(5_000);
  });
});
