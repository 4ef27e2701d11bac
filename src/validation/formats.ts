import { parseFhirDate } from '../fhir/dates.ts';
import { type Decimals, type Json, literalOf } from '../fhir/json.ts';

/** How one primitive type is written in JSON. */
export type Format = {
  readonly json: 'string' | 'number' | 'boolean';
  /** What it has to be, as it follows `must be`: `true or false`. */
  readonly rule: string;
  /** Whether holder[key], which is `value`, is written so. Reads no more of the holder than the literal of a number. */
  readonly accepts: (value: Json, holder: object, key: string | number, decimals: Decimals) => boolean;
};

/**
 * The formats of R4's primitive types; each accepts what the type's regular expression and its text in the standard allow.
 *
 * @see  https://hl7.org/fhir/R4/datatypes.html#primitive
 */
export function formatOf(type: string): Format | undefined {
  return FORMATS.get(type);
}

/** The logical id of a resource, which the definitions declare a mere string. @see https://hl7.org/fhir/R4/resource.html#id */
export const RESOURCE_ID: Format = text('an id of 1 to 64 letters, digits, "-" and "."', isId);

/** The id of an element within a resource. @see https://hl7.org/fhir/R4/element.html */
export const ELEMENT_ID: Format = text('an id without white space', isUri);

const STRING_LENGTH_MAX = 1024 * 1024;
const INT_MAX = 2_147_483_647;
const INTEGER = /^-?(?:0|[1-9][0-9]*)$/;
const TIME = /^(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?$/;
const OID = /^urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+$/;
const UUID = /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const DIV_START = /^\s*<div\s(?:[^<>]*\s)?xmlns\s*=\s*(?:"http:\/\/www\.w3\.org\/1999\/xhtml"|'http:\/\/www\.w3\.org\/1999\/xhtml')/;
const DIV_END = /<\/div\s*>\s*$/;

const FORMATS: ReadonlyMap<string, Format> = new Map<string, Format>([
  ['boolean', { json: 'boolean', rule: 'true or false', accepts: (value) => typeof value === 'boolean' }],
  ['integer', integer('a whole number from -2147483648 to 2147483647, without point or exponent', -INT_MAX - 1)],
  ['unsignedInt', integer('a whole number from 0 to 2147483647, without point or exponent', 0)],
  ['positiveInt', integer('a whole number from 1 to 2147483647, without point or exponent', 1)],
  ['decimal', { json: 'number', rule: 'a number', accepts: (value) => typeof value === 'number' }],
  ['string', text('text of at most 1048576 characters, without control characters other than tab and line break', isString)],
  ['markdown', text('Markdown of at most 1048576 characters, without control characters other than tab and line break', isString)],
  ['code', text('a code: no white space around it and none but single spaces inside', isCode)],
  ['id', RESOURCE_ID],
  ['uri', text('a URI, without white space', isUri)],
  ['url', text('a URL, without white space', isUri)],
  ['canonical', text('a canonical URL, without white space', isUri)],
  ['oid', text('an OID written urn:oid:1.2.3', (value) => OID.test(value))],
  ['uuid', text('a UUID written urn:uuid: and 36 characters in lower case', (value) => UUID.test(value))],
  ['date', text('a date of the calendar written YYYY, YYYY-MM or YYYY-MM-DD', isDate)],
  [
    'dateTime',
    text(
      'a date of the calendar written YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with seconds and a zone (Z or +hh:mm)',
      isDateTime,
    ),
  ],
  ['instant', text('a date and time of the calendar written YYYY-MM-DDThh:mm:ss with seconds and a zone (Z or +hh:mm)', isInstant)],
  ['time', text('a time of day written hh:mm:ss', (value) => TIME.test(value))],
  ['base64Binary', text('base64 (RFC 4648) with its padding', isBase64)],
  ['xhtml', text('one <div> element with xmlns="http://www.w3.org/1999/xhtml"', isDiv)],
]);

function text(rule: string, accepts: (value: string) => boolean): Format {
  return { json: 'string', rule, accepts: (value) => typeof value === 'string' && accepts(value) };
}

function integer(rule: string, least: number): Format {
  return {
    json: 'number',
    rule,
    accepts: (value, holder, key, decimals) => {
      if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > INT_MAX) return false;
      return decimals.size === 0 || isIntegerLiteral(literalOf(decimals, holder, key, value), least);
    },
  };
}

/** `1.0` and `1e2` are decimals though their value is whole; `-0` is an integer, but neither positive nor unsigned. */
function isIntegerLiteral(literal: string, least: number): boolean {
  return INTEGER.test(literal) && (least < 0 || !literal.startsWith('-'));
}

function isString(value: string): boolean {
  return value.length > 0 && value.length <= STRING_LENGTH_MAX && !hasControl(value);
}

function hasControl(value: string): boolean {
  for (let at = 0; at < value.length; at++) {
    const unit = value.charCodeAt(at);
    if (unit < 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return true;
  }
  return false;
}

/** White space is ASCII's, as in XML: HL7's own CodeSystem/v2-0550 has a code that is one no-break space. */
function isCode(value: string): boolean {
  let before = 0x20;
  for (let at = 0; at < value.length; at++) {
    const unit = value.charCodeAt(at);
    if (unit < 0x20 || (unit === 0x20 && before === 0x20)) return false;
    before = unit;
  }
  return before !== 0x20;
}

function isId(value: string): boolean {
  for (let at = 0; at < value.length; at++) {
    const unit = value.charCodeAt(at);
    const letter = (unit | 0x20) >= 0x61 && (unit | 0x20) <= 0x7a;
    const digit = unit >= 0x30 && unit <= 0x39;
    if (!letter && !digit && unit !== 0x2d && unit !== 0x2e) return false;
  }
  return value.length > 0 && value.length <= 64;
}

function isUri(value: string): boolean {
  for (let at = 0; at < value.length; at++) {
    const unit = value.charCodeAt(at);
    if (unit <= 0x20) return false;
    if (unit > 0x7f) return !/\s/.test(value);
  }
  return value.length > 0;
}

function isDate(value: string): boolean {
  return value.length <= 10 && parseFhirDate(value) !== undefined;
}

function isDateTime(value: string): boolean {
  return value.length <= 10 ? parseFhirDate(value) !== undefined : isInstant(value);
}

/** `parseFhirDate` reads search values too, which may lack the seconds and the zone. */
function isInstant(value: string): boolean {
  const end = value.length - 1;
  const zone = value.charCodeAt(end) === 0x5a || value.charCodeAt(end - 2) === 0x3a;
  if (end < 19 || value.charCodeAt(16) !== 0x3a || !zone) return false;
  const sign = value.charCodeAt(end - 5);
  if (value.charCodeAt(end) !== 0x5a && sign !== 0x2b && sign !== 0x2d) return false;
  return parseFhirDate(value) !== undefined;
}

/** White space may stand between groups of four characters, padding only at the end. */
function isBase64(value: string): boolean {
  let count = 0;
  let padding = 0;
  for (let at = 0; at < value.length; at++) {
    const unit = value.charCodeAt(at);
    if (count % 4 === 0 && (unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09)) continue;
    count++;
    if (unit === 0x3d) padding++;
    else if (padding > 0 || !isBase64Unit(unit)) return false;
  }
  return count > 0 && count % 4 === 0 && padding <= 2;
}

function isBase64Unit(unit: number): boolean {
  return (
    (unit >= 0x61 && unit <= 0x7a) || (unit >= 0x41 && unit <= 0x5a) || (unit >= 0x30 && unit <= 0x39) || unit === 0x2b || unit === 0x2f
  );
}

/** That it is well-formed and free of active content is for the narrative's own check. */
function isDiv(value: string): boolean {
  return DIV_START.test(value) && DIV_END.test(value) && !hasControl(value);
}
