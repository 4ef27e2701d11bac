import { randomUUID } from 'node:crypto';
import type { Conformance } from '../fhir/conformance.ts';
import type { Json, JsonObject } from '../fhir/json.ts';
import { isNode, type Node, textOf } from './code-system.ts';
import { contained, type Contained, nested } from './expansion-contents.ts';
import { implicitValueSet } from './implicit.ts';
import { type Entry, type Enumerating, membersOf, membersOfSet, NotEnumerable } from './members.ts';
import { misasked, unknown, untellable } from './refusals.ts';
import type { ExpandRequest } from './requests.ts';
import { type Needs, settled, type Stock } from './stock.ts';
import { matcher, wordsOf } from './text-filter.ts';
import { readValueSet } from './value-set.ts';
import { versionRules } from './version-rules.ts';

/** More codes than these are given page by page only. */
const codesMax = 10_000;
/** So far into a value set pages go, and so many codes are counted. */
const reachMax = 100_000;
const siftedMax = 1_000;

export type Expanding = { readonly stock: Stock; readonly conformance: Pick<Conformance, 'find'>; readonly now: () => Date };

/**
 * The codes of a value set: all of them, those that a text finds, or a page of them; flat, or nested as their code systems nest them.
 *
 * @throws FhirError 404 if the value set isn't known, 422 `too-costly` or what keeps it from being told
 * @see    https://hl7.org/fhir/R4/valueset-operation-expand.html
 */
export async function expand(request: ExpandRequest, { stock, conformance, now }: Expanding): Promise<JsonObject> {
  const { resource, canonical } = await valueSetAsked(request, conformance);
  const page = pageOf(request);
  const found = await settled(stock, (needs) => enumerate(request, { resource, canonical, page }, stock, needs));
  const shown =
    request.excludeNested === false && page.whole ? nested(found.entries, stock) : found.entries.map((entry) => ({ entry, contains: [] }));
  const write = (each: Contained): JsonObject => contained(each, request);
  const { offset = 0 } = request;
  const parameter = [...parametersOf(request), ...versionsOf(found.versions)];
  return {
    ...aboutOf(resource, request.includeDefinition === true),
    expansion: {
      identifier: `urn:uuid:${randomUUID()}`,
      timestamp: now().toISOString(),
      ...(found.total === undefined ? {} : { total: found.total }),
      ...(page.whole ? {} : { offset }),
      ...(parameter.length === 0 ? {} : { parameter }),
      ...(shown.length === 0 ? {} : { contains: shown.map(write) }),
    },
  };
}

async function valueSetAsked(
  { url, valueSet, valueSetVersion }: ExpandRequest,
  conformance: Pick<Conformance, 'find'>,
): Promise<{ readonly resource: Node; readonly canonical: string | undefined }> {
  if (isNode(valueSet)) return { resource: valueSet, canonical: undefined };
  if (url === undefined) throw misasked('Name the value set by "url", or give it as "valueSet".');
  const canonical = valueSetVersion === undefined || url.includes('|') ? url : `${url}|${valueSetVersion}`;
  const resource = (await conformance.find('ValueSet', canonical)) ?? implicitValueSet(canonical);
  if (!isNode(resource)) throw unknown(`The value set ${canonical} is not known here.`);
  return { resource, canonical };
}

type Page = { readonly from: number; readonly until: number; readonly whole: boolean };

function pageOf({ offset, count }: ExpandRequest): Page {
  for (const [name, value] of Object.entries({ offset, count }))
    if (value !== undefined && (!Number.isInteger(value) || value < 0)) throw misasked(`"${name}" must be a whole number, 0 or more.`);
  const from = offset ?? 0;
  const whole = offset === undefined && count === undefined;
  if (from > reachMax) throw untellable(`Pages end at the ${reachMax}th code: narrow the value set by "filter".`, 'too-costly');
  return { from, until: count === undefined ? Number.POSITIVE_INFINITY : from + count, whole };
}

type Asked = { readonly resource: Node; readonly canonical: string | undefined; readonly page: Page };
type Found = { readonly entries: readonly Entry[]; readonly total: number | undefined; readonly versions: ReadonlySet<string> };

function enumerate(request: ExpandRequest, { resource, canonical, page }: Asked, stock: Stock, needs: Needs): Found {
  const words = wordsOf(request.filter ?? '');
  const matches = matcher(words);
  const excluded = new Set(request['exclude-system'] ?? []);
  const cut = { happened: false };
  // What only groups others has its place in a nested expansion; a flat one is to choose from.
  const withoutGroups = request.excludeNotForUI ?? request.excludeNested !== false;
  const look: Enumerating = {
    stock,
    needs,
    // Of tables no more is read than the page takes, and some for what is sifted out of it.
    limit: page.whole ? codesMax : Math.min(reachMax, page.until + siftedMax),
    words,
    activeOnly: request.activeOnly === true,
    ...(page.whole ? {} : { cut }),
    versionOf: versionRules(request),
  };
  const entries: Entry[] = [];
  const versions = new Set<string>();
  let total = 0;
  try {
    const members = canonical === undefined ? membersOfSet(readValueSet(resource), nameOf(resource), look) : membersOf(canonical, look);
    for (const entry of members) {
      const { system, version, concept, listed } = entry;
      if (request.activeOnly === true && (concept?.inactive === true || listed?.inactive === true)) continue;
      if (withoutGroups && (concept?.abstract === true || listed?.abstract === true)) continue;
      if (excluded.has(system) || excluded.has(`${system}|${version ?? ''}`)) continue;
      if (!matches({ concept, listed, code: entry.code })) continue;
      if (version !== undefined) versions.add(`${system}|${version}`);
      if (total >= page.from && total < page.until) entries.push(entry);
      total++;
      if (entries.length > codesMax) throw tooMany(canonical ?? nameOf(resource), page);
      if (total > reachMax) return { entries, total: undefined, versions };
    }
  } catch (error) {
    if (!(error instanceof NotEnumerable)) throw error;
    throw error.tooMany ? tooMany(canonical ?? nameOf(resource), page) : untellable(error.message);
  }
  return { entries, total: cut.happened ? undefined : total, versions };
}

function tooMany(name: string, { whole }: Page): Error {
  const hint = whole
    ? 'Ask for pages by "offset" and "count", or for fewer by "filter".'
    : 'Ask for smaller pages, or for fewer by "filter".';
  return untellable(`The value set ${name} has more than ${codesMax} codes. ${hint}`, 'too-costly');
}

const nameOf = ({ url, name }: Node): string => textOf(url) ?? textOf(name) ?? 'that was sent';

/** The narrative tells of the definition. */
function aboutOf(resource: Node, withDefinition: boolean): JsonObject {
  const { text: _text, compose, expansion: _expansion, ...about } = resource as JsonObject;
  return { ...about, resourceType: 'ValueSet', ...(withDefinition && compose !== undefined ? { compose } : {}) };
}

const valueOf: Readonly<Record<string, string>> = {
  filter: 'valueString',
  displayLanguage: 'valueCode',
  designation: 'valueString',
  offset: 'valueInteger',
  count: 'valueInteger',
  date: 'valueDateTime',
};

/** All that bears on the contents, as it was asked. */
function parametersOf(request: ExpandRequest): JsonObject[] {
  return Object.entries(request).flatMap(([name, value]) => {
    if (name === 'valueSet' || name === 'url' || name === 'valueSetVersion' || value === undefined) return [];
    const element = valueOf[name] ?? (typeof value === 'boolean' ? 'valueBoolean' : 'valueUri');
    const values = (Array.isArray(value) ? value : [value]) as Json[];
    return values.filter((each) => typeof each !== 'object').map((each) => ({ name, [element]: each }));
  });
}

const versionsOf = (versions: ReadonlySet<string>): JsonObject[] => [...versions].sort().map((valueUri) => ({ name: 'version', valueUri }));
