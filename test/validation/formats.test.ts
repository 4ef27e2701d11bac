import { describe, expect, test } from 'vitest';
import { formatOf } from '../../src/validation/formats.ts';

const accepts = (type: string, value: unknown): boolean => {
  const format = formatOf(type);
  if (format === undefined) throw new Error(`no format of ${type}`);
  return format.accepts(value as never, {}, 'key', new Map());
};

const VALID: Readonly<Record<string, readonly unknown[]>> = {
  boolean: [true, false],
  integer: [0, -1, 2_147_483_647, -2_147_483_648],
  unsignedInt: [0, 2_147_483_647],
  positiveInt: [1, 2_147_483_647],
  decimal: [0, -0.5, 1e21, 5e-324, 0.1],
  string: ['a', ' a\t\r\n', ' ', 'é😀\u00a0', 'x'.repeat(1_048_576)],
  markdown: ['# a\n\nb'],
  code: ['a', 'a b', 'a b c', '\u00a0', 'é'],
  id: ['a', '-.', 'A'.repeat(64), '0'],
  uri: ['a', 'http://example.org/é', 'urn:oid:1.2', '#x'],
  url: ['mailto:a@example.org'],
  canonical: ['http://example.org/a|1.0#b'],
  oid: ['urn:oid:1.2.3', 'urn:oid:0.0', 'urn:oid:2.16.840.1'],
  uuid: ['urn:uuid:c757873d-ec9a-4326-a141-556f43239520'],
  date: ['2024', '2024-02', '2024-02-29', '0001-01-01', '9999-12-31', '2000-02-29'],
  dateTime: ['2024', '2024-02', '2024-02-29', '2024-02-29T23:59:60Z', '2024-01-01T00:00:00.123456789+14:00', '2024-01-01T10:00:00-05:00'],
  instant: ['2024-01-01T00:00:00Z', '2024-01-01T00:00:00.1-13:59'],
  time: ['00:00:00', '23:59:60', '10:30:00.25'],
  base64Binary: ['AAAA', 'AA==', 'AAA=', ' AAAA\r\nBB== ', '+/9z'],
  xhtml: [
    '<div xmlns="http://www.w3.org/1999/xhtml">a</div>',
    "<div class='x' xmlns='http://www.w3.org/1999/xhtml'>a</div>\n",
    '\n<div\nxmlns = "http://www.w3.org/1999/xhtml" lang="en"><p/></div >',
  ],
};

const INVALID: Readonly<Record<string, readonly unknown[]>> = {
  boolean: ['true', 1, 0, null],
  integer: ['1', 1.5, 2_147_483_648, -2_147_483_649, Number.NaN, Number.POSITIVE_INFINITY, null],
  unsignedInt: [-1, 2_147_483_648, 0.5, true],
  positiveInt: [0, -1, '1'],
  decimal: ['1', null, true],
  string: ['', 'a\u0000', '\u0001', 'a\u000b', '\u001f', 'x'.repeat(1_048_577), 5, null],
  markdown: ['', '\u0007'],
  code: ['', ' ', ' a', 'a ', 'a  b', 'a\tb', 'a\n', 'a\u0000'],
  id: ['', 'a_b', 'a/b', 'A'.repeat(65), 'é', 'a b', '[', '`', '{', '@'],
  uri: ['', ' ', 'a b', ' a', 'a\n', 'é\u00a0', 'é b'],
  url: [''],
  canonical: ['a b'],
  oid: ['1.2.3', 'urn:oid:3.1', 'urn:oid:1', 'urn:oid:1.02', 'urn:oid:1.2.', 'urn:oid:1.2\n'],
  uuid: ['c757873d-ec9a-4326-a141-556f43239520', 'urn:uuid:C757873D-EC9A-4326-A141-556F43239520', 'urn:uuid:c757873d'],
  date: [
    '',
    '24',
    '2024-2',
    '2024-13',
    '2024-00',
    '2023-02-29',
    '1900-02-29',
    '2024-04-31',
    '0000',
    '2024-01-01T00:00:00Z',
    '2024-01-01Z',
    ' 2024',
  ],
  dateTime: [
    '2024-01-01T10:00Z',
    '2024-01-01T10:00:00',
    '2024-01-01T10',
    '2024-01-01T24:00:00Z',
    '2024-02-30T10:00:00Z',
    '2024-01-01 10:00:00Z',
    '2024-01-01T10:00:00z',
    '2024-01-01T10:00:00.Z',
    '2024-01-01T10:00:00+14:01',
    '2024-01-01T10:00:00+0100',
    '2024-01-01T10:00+01:00',
    '2024-01-01T10:00:61Z',
  ],
  instant: ['2024-01-01', '2024-01-01T10:00Z', '2024', '2024-01-01T10:00:00'],
  time: ['24:00:00', '10:00', '10:00:61', '10:00:00Z', '1:00:00', '10:00:00.'],
  base64Binary: ['', ' ', 'A', 'AA', 'AAA', 'A===', '=AAA', 'AA=A', 'AA==AAAA', 'AAA-', 'AA AA', 'AA_A', 'é###'],
  xhtml: [
    '',
    'a',
    '<div>a</div>',
    '<p xmlns="http://www.w3.org/1999/xhtml">a</p>',
    '<divx xmlns="http://www.w3.org/1999/xhtml">a</div>',
    '<div xmlns="http://www.w3.org/2000/svg">a</div>',
    '<div><p xmlns="http://www.w3.org/1999/xhtml">a</p></div>',
    '<div xmlns="http://www.w3.org/1999/xhtml">a',
    '<div xmlns="http://www.w3.org/1999/xhtml">a</div>b',
    '<div xmlns="http://www.w3.org/1999/xhtml">\u0000</div>',
  ],
};

describe.each(Object.keys(VALID))('%s', (type) => {
  test.each(VALID[type] ?? [])('accepts %j', (value) => expect(accepts(type, value)).toBe(true));
  test.each(INVALID[type] ?? [])('refuses %j', (value) => expect(accepts(type, value)).toBe(false));
});

test('long hostile values take linear time', () => {
  const many = 200_000;
  const hostile: [string, string][] = [
    ['xhtml', `<div ${' '.repeat(many)}`],
    ['xhtml', `<div ${'xmlns '.repeat(many)}`],
    ['xhtml', `<div xmlns="http://www.w3.org/1999/xhtml">${'</div '.repeat(many)}`],
    ['xhtml', `<div xmlns="http://www.w3.org/1999/xhtml">${'</div> '.repeat(many)}x`],
    ['xhtml', `<div xmlns="http://www.w3.org/1999/xhtml"></div>${' '.repeat(many)}x`],
    ['oid', `urn:oid:1${'.1'.repeat(many)}.`],
    ['uri', `é${'a'.repeat(many)} `],
    ['time', `10:00:00.${'1'.repeat(many)}x`],
    ['dateTime', `2024-01-01T10:00:00.${'1'.repeat(many)}x`],
    ['code', `${'a '.repeat(many)} `],
    ['base64Binary', `${' '.repeat(many)}=`],
  ];
  for (const [type, value] of hostile) {
    const start = performance.now();
    expect(accepts(type, value)).toBe(false);
    expect([type, value.slice(0, 40), performance.now() - start < 200]).toEqual([type, value.slice(0, 40), true]);
  }
});
