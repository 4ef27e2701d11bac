import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Issue } from '../../src/fhir/error.ts';
import type { Json, JsonObject } from '../../src/fhir/json.ts';
import type { ConformanceResource } from '../support/validation.ts';

/**
 * test/cases/validation/*.json: resources, and what the standard says of them. A case starts from a base of its file, or has a resource or
 * a text of its own, and changes it.
 */
export type CaseFile = {
  readonly name: string;
  readonly spec: string;
  readonly bases?: Readonly<Record<string, JsonObject>>;
  /** Conformance resources that the file's cases need, beside R4's and our own. */
  readonly definitions?: readonly ConformanceResource[];
  readonly cases: readonly Case[];
};

export type Case = {
  readonly title: string;
  /** The name of a base. */
  readonly of?: string;
  readonly resource?: JsonObject;
  readonly text?: string;
  /** By path, `name.0.given`, after `drop`; what is missing on the way is made. */
  readonly set?: Readonly<Record<string, Json>>;
  readonly drop?: readonly string[];
  /** A JSON literal that JSON.stringify wouldn't write: `1.50`. */
  readonly raw?: Readonly<Record<string, string>>;
  /** A string of so many letters. */
  readonly long?: Readonly<Record<string, number>>;
  /** What is inside the narrative's div. */
  readonly div?: string;
  /** The end of the url of one of the file's definitions, or a whole url. */
  readonly profile?: string;

  /** No error at all. */
  readonly valid?: true;
  /** Each of these is found and no other error: see `Expected`. */
  readonly error?: string | readonly string[];
  /** Each of these is found; an empty list: none is. */
  readonly warning?: string | readonly string[];
  readonly information?: string;
  /** An error or a warning. */
  readonly notice?: string;
  /** Words in the text of the first issue that is expected. */
  readonly says?: readonly string[];
  /** Why it fails, while it does. */
  readonly pending?: string;
};

/**
 * `code expression rule`, of which only the expression must be given: `invariant Patient.contact[0] pat-1`. An expression that ends with
 * `…` stands for all places within too. `?` before it: such an error may be there or not.
 */
type Expected = {
  readonly code: string | undefined;
  readonly path: string;
  readonly within: boolean;
  readonly rule: string | undefined;
  readonly optional: boolean;
};

const folder = join(import.meta.dirname, '../cases/validation');

export function caseFiles(): CaseFile[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => ({
      name: basename(name, '.json'),
      ...(JSON.parse(readFileSync(join(folder, name), 'utf8')) as Omit<CaseFile, 'name'>),
    }));
}

/** The text that is sent. */
export function textOf(file: CaseFile, asked: Case): string {
  if (asked.text !== undefined) return asked.text;
  const base = asked.resource ?? file.bases?.[asked.of ?? ''];
  if (base === undefined) throw new Error(`${file.name}: ${asked.title}: no resource`);
  const resource = structuredClone(base);
  for (const path of asked.drop ?? []) drop(resource, path.split('.'));
  for (const [path, value] of Object.entries(asked.set ?? {})) put(resource, path.split('.'), value);
  for (const [path, length] of Object.entries(asked.long ?? {})) put(resource, path.split('.'), 'a'.repeat(length));
  if (asked.div !== undefined) put(resource, ['text', 'div'], `<div xmlns="http://www.w3.org/1999/xhtml">${asked.div}</div>`);
  const raws = Object.entries(asked.raw ?? {});
  raws.forEach(([path], at) => {
    put(resource, path.split('.'), `raw literal ${at}`);
  });
  return raws.reduce((text, [, literal], at) => text.replace(`"raw literal ${at}"`, literal), JSON.stringify(resource));
}

export function profilesOf(file: CaseFile, { profile }: Case): readonly string[] {
  if (profile === undefined) return [];
  if (profile.includes(':')) return [profile];
  const [end = '', version] = profile.split('|');
  const found = file.definitions?.find(({ url }) => url.endsWith(`/${end}`));
  if (found === undefined) throw new Error(`${file.name} has no definition ${profile}`);
  return [version === undefined ? found.url : `${found.url}|${version}`];
}

/** What is wrong with the issues that were found, in words; empty if they are as expected. */
export function faultsOf(asked: Case, issues: readonly Issue[]): string[] {
  const faults: string[] = [];
  const errors = issues.filter(({ severity }) => severity === 'error' || severity === 'fatal');
  const warnings = issues.filter(({ severity }) => severity === 'warning');
  const expected = listOf(asked.error).map(parse);
  for (const each of expected) {
    if (!each.optional && !errors.some((issue) => fits(each, issue))) faults.push(`no error ${wordsOf(each)}`);
  }
  for (const issue of errors) {
    if (!expected.some((each) => isAt(each, issue))) faults.push(`an error that is none: ${told(issue)}`);
  }
  if (asked.warning !== undefined) {
    const awaited = listOf(asked.warning).map(parse);
    for (const each of awaited) if (!warnings.some((issue) => fits(each, issue))) faults.push(`no warning ${wordsOf(each)}`);
    if (awaited.length === 0) faults.push(...warnings.map((issue) => `a warning that is none: ${told(issue)}`));
  }
  if (asked.information !== undefined) {
    const awaited = parse(asked.information);
    if (!issues.some((issue) => issue.severity === 'information' && fits(awaited, issue)))
      faults.push(`no information ${wordsOf(awaited)}`);
  }
  if (asked.notice !== undefined) {
    const awaited = parse(asked.notice);
    if (![...errors, ...warnings].some((issue) => fits(awaited, issue))) faults.push(`no error or warning ${wordsOf(awaited)}`);
  }
  if (asked.says !== undefined && faults.length === 0) {
    const text = issues
      .filter((issue) => [...expected, ...listOf(asked.warning).map(parse)].some((each) => isAt(each, issue)))
      .map((issue) => issue.text)
      .join(' ');
    for (const word of asked.says) if (!text.includes(word)) faults.push(`${word} isn't in: ${text}`);
  }
  if (faults.length > 0 && issues.length > 0) faults.push(`found: ${issues.map(told).join(' | ')}`);
  return faults;
}

export function listOf(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === 'string' ? [value] : value;
}

function parse(text: string): Expected {
  const optional = text.startsWith('?');
  const words = (optional ? text.slice(1) : text).split(' ');
  const code = /^[a-z-]+$/.test(words[0] ?? '') ? words.shift() : undefined;
  const [place = '', rule] = words;
  return { code, path: place.replace('…', ''), within: place.endsWith('…'), rule, optional };
}

function fits(expected: Expected, issue: Issue): boolean {
  if (expected.code !== undefined && issue.code !== expected.code) return false;
  return isAt(expected, issue) && (expected.rule === undefined || issue.rule?.key === expected.rule);
}

function isAt({ path, within }: Expected, { expression }: Issue): boolean {
  return (expression ?? ['']).some((at) => at === path || (within && (at.startsWith(`${path}.`) || at.startsWith(`${path}[`))));
}

function wordsOf({ code, path, within, rule }: Expected): string {
  return [code, `at ${within ? 'or in ' : ''}${path}`, rule && `by ${rule}`].filter((word) => word !== undefined).join(' ');
}

function told({ severity, code, id, expression, rule, text }: Issue): string {
  return `${severity} ${code} ${id} ${expression?.[0]} ${rule?.key ?? ''}: ${text.slice(0, 160)}`;
}

type Container = Record<string, Json>;

function containerAt(root: JsonObject, steps: readonly string[], make: boolean): Container | undefined {
  let at: Container = root;
  for (const [index, step] of steps.slice(0, -1).entries()) {
    if (at[step] === undefined) {
      if (!make) return undefined;
      at[step] = /^\d+$/.test(steps[index + 1] ?? '') ? [] : {};
    }
    at = at[step] as Container;
  }
  return at;
}

function put(root: JsonObject, steps: readonly string[], value: Json): void {
  const holder = containerAt(root, steps, true);
  if (holder !== undefined) holder[steps.at(-1) ?? ''] = value;
}

function drop(root: JsonObject, steps: readonly string[]): void {
  const holder = containerAt(root, steps, false);
  const last = steps.at(-1) ?? '';
  if (holder === undefined || holder[last] === undefined) throw new Error(`there is no ${steps.join('.')} to drop`);
  if (!Array.isArray(holder)) delete holder[last];
  else holder.splice(Number(last), 1);
}
