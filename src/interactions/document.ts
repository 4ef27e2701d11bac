import type { Config } from '../config.ts';
import { badRequest, type Issue } from '../fhir/error.ts';
import {
  type Decimals,
  type JsonLimits,
  type JsonObject,
  type Link,
  type Member,
  type ParsedJson,
  parseJson,
  writeJson,
} from '../fhir/json.ts';
import type { StoredFile } from '../storage/stored-file.ts';

/**
 * One resource of a request: its value, and the received text it came as, where there is one. What is stored is the
 * received text, so that decimals keep their digits; what has no text (a patch) is written by our serialiser.
 */
export type Document = {
  readonly type: string;
  readonly value: JsonObject;
  readonly decimals: Decimals;
  readonly source?: {
    readonly text: string;
    readonly members: readonly Member[];
    readonly meta: readonly Member[];
    readonly links: readonly Link[];
  };
  /** Of a Binary: its bytes, which were stored before it and lie beside it. No client's JSON has one. */
  readonly file?: StoredFile;
  /** What validation had to say of it that refuses nothing: warnings and information. */
  readonly findings?: readonly Issue[];
};

/** Whether a write's answer may show what was written: where the bytes lie beside it, it would be without them. */
export const isShown = ({ file }: Document): boolean => file === undefined;

/** Text to put in place of a span of the source. */
export type Edit = { readonly start: number; readonly end: number; readonly text: string };

/** What limits the JSON of requests. */
export function limitsOf({ config }: { readonly config: Config }): JsonLimits {
  const { jsonDepthMax: depthMax, jsonContainerMax: containerMax, jsonStringBytesMax: stringBytesMax } = config;
  return { depthMax, containerMax, stringBytesMax };
}

/** Reads a text of ours: what limits bodies now need not have limited those that were stored before. */
export function parseStored(json: Buffer): ParsedJson {
  return parseJson(json, { depthMax: 1_000, containerMax: Number.MAX_SAFE_INTEGER, stringBytesMax: Number.MAX_SAFE_INTEGER });
}

/** The document that `value`, an object of the parsed request, is. */
export function documentOf(parsed: ParsedJson, value: unknown, expression: string): Document {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badRequest('resource-not-object', 'A resource is a JSON object.', expression, 'structure');
  }
  const resource = value as JsonObject;
  const type = resource.resourceType;
  if (typeof type !== 'string') {
    throw badRequest(
      'resource-without-type',
      'A resource needs the member "resourceType" with the name of its type.',
      expression,
      'structure',
    );
  }
  const members = parsed.members.get(resource) ?? [];
  const first = members[0]?.start ?? 0;
  const last = members.at(-1)?.end ?? 0;
  const meta = typeof resource.meta === 'object' && resource.meta !== null ? (parsed.members.get(resource.meta) ?? []) : [];
  const links = parsed.links.length === 0 ? [] : parsed.links.slice(lowerBound(parsed.links, first), lowerBound(parsed.links, last));
  return { type, value: resource, decimals: parsed.decimals, source: { text: parsed.text, members, meta, links } };
}

function lowerBound(links: readonly Link[], position: number): number {
  let low = 0;
  let high = links.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((links[middle]?.start ?? 0) < position) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Set by the server in every answer, from columns, and so never kept in the stored text. */
const setByServer = new Set(['versionId', 'lastUpdated']);
/** They lead the stored text. */
const leading = new Set(['resourceType', 'id', 'meta']);

/**
 * The text that is sealed: `{"resourceType":…,"id":…,"meta":{…},…}` with the client's meta but for versionId and lastUpdated.
 * Where they go follows from type and id alone: right after `"meta":{`.
 *
 * @param edits  replacements inside the source, ordered by start
 */
export function storedText(document: Document, id: string, edits: readonly Edit[] = []): string {
  const { source } = document;
  if (source === undefined) return writtenText(document, id);
  const rest = source.members.filter(({ name }) => !leading.has(name)).map((member) => sliceWith(source.text, member, edits));
  const meta = source.meta.filter(({ name }) => !setByServer.has(name)).map((member) => sliceWith(source.text, member, edits));
  return `${prefixOf(document.type, id)}${meta.join(',')}}${rest.length === 0 ? '' : ','}${rest.join(',')}}`;
}

/** The value that `storedText` is the text of. */
export function storedValue({ value, decimals }: Document, id: string): JsonObject {
  const { meta } = value;
  const kept = typeof meta === 'object' && meta !== null && !Array.isArray(meta) ? without(meta, setByServer) : {};
  const stored: JsonObject = { ...value, id, meta: kept };
  const literals = decimals.get(value);
  if (literals !== undefined) decimals.set(stored, literals);
  return stored;
}

function without(object: JsonObject, names: ReadonlySet<string>): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.has(name)));
}

function writtenText({ type, value, decimals }: Document, id: string): string {
  const members = (object: JsonObject, names: ReadonlySet<string>): string => {
    const kept = without(object, names);
    const literals = decimals.get(object);
    if (literals !== undefined) decimals.set(kept, literals);
    return writeJson(kept, decimals).slice(1, -1);
  };
  const { meta } = value;
  const kept = typeof meta === 'object' && meta !== null && !Array.isArray(meta) ? members(meta, setByServer) : '';
  const rest = members(value, leading);
  return `${prefixOf(type, id)}${kept}}${rest === '' ? '' : ','}${rest}}`;
}

function prefixOf(type: string, id: string): string {
  return `{"resourceType":"${type}","id":"${id}","meta":{`;
}

function sliceWith(text: string, { start, end }: Member, edits: readonly Edit[]): string {
  let out = '';
  let at = start;
  for (const edit of edits) {
    if (edit.start < start || edit.end > end) continue;
    out += text.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return out + text.slice(at, end);
}

/** What a stored text is rendered with. */
export type VersionStamp = { readonly type: string; readonly id: string; readonly version: number; readonly lastUpdated: string };

const closingBrace = 0x7d;

/** The resource as answered: versionId and lastUpdated put into its meta. */
export function render(json: Buffer, stamp: VersionStamp): Buffer {
  const { start, rest } = renderInTwo(json, stamp);
  return Buffer.concat([Buffer.from(start), rest]);
}

/** The same as two pieces, for whoever copies them into something larger. */
export function renderInTwo(json: Buffer, stamp: VersionStamp): { readonly start: string; readonly rest: Buffer } {
  const prefix = prefixOf(stamp.type, stamp.id);
  const bare = json[prefix.length] === closingBrace;
  return { start: `${prefix}${stampText(stamp)}${bare ? '' : ','}`, rest: json.subarray(prefix.length) };
}

export function renderText(json: string, stamp: VersionStamp): string {
  const at = prefixOf(stamp.type, stamp.id).length;
  const bare = json.charCodeAt(at) === closingBrace;
  return `${json.slice(0, at)}${stampText(stamp)}${bare ? '' : ','}${json.slice(at)}`;
}

const stampText = ({ version, lastUpdated }: VersionStamp): string => `"versionId":"${version}","lastUpdated":"${lastUpdated}"`;
