import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Definitions, loadDefinitions } from '../../src/definitions/load.ts';
import { formatOf } from '../../src/validation/formats.ts';

let definitions: Definitions;

beforeAll(async () => {
  const cacheDir = mkdtempSync(join(tmpdir(), 'definitions-'));
  definitions = await loadDefinitions({ cacheDir });
  return () => rmSync(cacheDir, { recursive: true });
});

describe('formats agree with the regular expressions of the definitions', () => {
  /** What a regular expression lets through and the text of the standard does not. */
  const stricter: Readonly<Record<string, (value: string) => boolean>> = {
    string: hasControl,
    markdown: hasControl,
    code: (value) => /[\t\n\r\f\v]/.test(value) || hasControl(value),
    uri: (value) => hasControl(value) || /\s/.test(value),
    url: (value) => hasControl(value) || /\s/.test(value),
    canonical: (value) => hasControl(value) || /\s/.test(value),
    date: (value) => !isDay(value),
    dateTime: (value) => !isDay(value),
    instant: (value) => !isDay(value),
    base64Binary: (value) => !/^[^=]*={0,2}\s*$/.test(value),
  };
  const types = [
    'string',
    'markdown',
    'code',
    'id',
    'uri',
    'url',
    'canonical',
    'oid',
    'uuid',
    'date',
    'dateTime',
    'instant',
    'time',
    'base64Binary',
  ];

  test.each(types)('%s', (type) => {
    const regex = definitions.schema(type)?.regex ?? definitions.schema('uri')?.regex ?? '';
    const official = new RegExp(`^(?:${withSpacesOfXml(regex)})$`);
    const format = formatOf(type);
    const accepts = (value: string) => format?.accepts(value, {}, 'x', new Map()) === true;
    const strings = fc.stringMatching(official);
    fc.assert(
      fc.property(strings, (value) => {
        expect(accepts(value)).toBe(value !== '' && !(stricter[type]?.(value) ?? false));
      }),
      { numRuns: 500 },
    );
    const typo = fc.constantFrom('', '0', '9', ':', '-', '+', 'Z', 'T', '.', ' ', '\n', 'a', 'é', '=', '\u00a0', '\u0000', '60', 'urn:');
    fc.assert(
      fc.property(strings, fc.nat(40), fc.nat(2), typo, (value, at, cut, inserted) => {
        const mistyped = value.slice(0, at) + inserted + value.slice(at + cut);
        expect(accepts(mistyped) && !official.test(mistyped)).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });
});

function hasControl(value: string): boolean {
  return Array.from(value).some((character) => character < ' ' && !'\t\n\r'.includes(character));
}

function isDay(value: string): boolean {
  const [year = '', month, day] = value.slice(0, 10).split('-');
  if (day === undefined) return true;
  const date = new Date(`${year}-${month}-${day}T00:00:00Z`);
  return date.getUTCDate() === Number(day);
}

/** The white space of these expressions is that of XML, four characters; JavaScript's has more. */
function withSpacesOfXml(regex: string): string {
  return regex
    .replaceAll('[ \\r\\n\\t\\S]', '[^]')
    .replaceAll('[^\\s]', '\\S')
    .replaceAll('\\S', '[^ \\t\\n\\r]')
    .replaceAll('\\s', '[ \\t\\n\\r]');
}
