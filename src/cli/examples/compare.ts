/** Marks a number's text; a symbol, so that no member of a document can be taken for it. */
const LITERAL = Symbol('number literal');

/** A JSON document as it was written: numbers as their text, so that `1.0` and `1` differ. */
export type Written = null | boolean | string | NumberText | readonly Written[] | WrittenObject;
export type WrittenObject = { readonly [name: string]: Written; readonly [LITERAL]?: never };
export type NumberText = { readonly [LITERAL]: string };

/** Parses JSON and keeps each number's text. @throws SyntaxError */
export function parseWritten(text: string): Written {
  const value: unknown = JSON.parse(text, keepNumber);
  return value as Written;
}

function keepNumber(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === 'number' ? { [LITERAL]: context?.source ?? String(value) } : value;
}

export function isWrittenObject(value: Written | undefined): value is WrittenObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isNumber(value);
}

function isList(value: Written): value is readonly Written[] {
  return Array.isArray(value);
}

function isNumber(value: Written): value is NumberText {
  return typeof value === 'object' && value !== null && LITERAL in value;
}

/** The resource without what the server sets itself: `meta.versionId`, `meta.lastUpdated`, and a `meta` left empty by that. */
export function withoutServerMeta(resource: Written): Written {
  if (!isWrittenObject(resource) || !isWrittenObject(resource['meta'])) return resource;
  const { versionId: _version, lastUpdated: _updated, ...meta } = resource['meta'];
  const { meta: _meta, ...rest } = resource;
  return Object.keys(meta).length === 0 ? rest : { ...rest, meta };
}

/**
 * Where two documents differ, as paths with what is wrong there: `Patient.name[0].given: missing`. The order of members doesn't
 * count, that of items does. At most `max` differences.
 */
export function differences(sent: Written, got: Written, path: string, max = 10): string[] {
  const found: string[] = [];
  collect(sent, got, path, found, max);
  return found;
}

function collect(sent: Written | undefined, got: Written | undefined, path: string, found: string[], max: number): void {
  if (found.length >= max) return;
  if (sent === undefined || got === undefined) {
    if (sent !== got) found.push(`${path}: ${got === undefined ? 'missing' : 'added'}`);
  } else if (isList(sent) && isList(got)) {
    for (let i = 0; i < Math.max(sent.length, got.length); i++) collect(sent[i], got[i], `${path}[${i}]`, found, max);
  } else if (isWrittenObject(sent) && isWrittenObject(got)) {
    for (const name of new Set([...Object.keys(sent), ...Object.keys(got)])) collect(sent[name], got[name], `${path}.${name}`, found, max);
  } else if (kindOf(sent) !== kindOf(got)) {
    found.push(`${path}: ${kindOf(got)} in place of ${kindOf(sent)}`);
  } else if (textOf(sent) !== textOf(got)) {
    found.push(`${path}: ${textOf(got).slice(0, 60)} in place of ${textOf(sent).slice(0, 60)}`);
  }
}

function kindOf(value: Written): string {
  if (value === null) return 'null';
  if (isList(value)) return 'list';
  if (typeof value === 'object') return isNumber(value) ? 'number' : 'object';
  return typeof value;
}

function textOf(value: Written): string {
  return typeof value === 'object' && value !== null && isNumber(value) ? value[LITERAL] : JSON.stringify(value);
}
