import { type Json, parseJson, writeJson } from '../fhir/json.ts';
import type { Schema } from '../fhir/schema.ts';
import { selectElements, summarise } from '../fhir/summary.ts';
import type { SummaryMode } from '../search/query.ts';

/** What part of each resource an answer holds: `_summary` and `_elements`. */
export type Part = { readonly summary: SummaryMode; readonly elements: readonly string[] };

/** The part of a rendered resource that was asked for; the same bytes when it is the whole. */
export function partOf(json: Buffer, part: Part, schema: Schema): Buffer {
  const { summary, elements } = part;
  if (summary === 'count' || (summary === 'false' && elements.length === 0)) return json;
  const limits = { depthMax: 1000, containerMax: Number.MAX_SAFE_INTEGER, stringBytesMax: Number.MAX_SAFE_INTEGER };
  const { value, decimals } = parseJson(json, limits);
  if (!isObject(value)) return json;
  const subset = summary === 'false' ? selectElements(value, decimals, elements, schema) : summarise(value, decimals, summary, schema);
  return Buffer.from(writeJson(subset.resource, subset.decimals));
}

const isObject = (value: Json): value is { [name: string]: Json } => typeof value === 'object' && value !== null && !Array.isArray(value);
