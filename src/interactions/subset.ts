import { type Json, parseJson, writeJson } from '../fhir/json.ts';
import type { Schema } from '../fhir/schema.ts';
import { badRequest } from '../fhir/error.ts';
import { selectElements, summarise } from '../fhir/summary.ts';
import type { SummaryMode } from '../search/query.ts';
import type { Answer } from './answer.ts';

/** What part of each resource an answer holds: `_summary` and `_elements`. */
export type Part = { readonly summary: SummaryMode; readonly elements: readonly string[] };

const modes: readonly SummaryMode[] = ['true', 'text', 'data', 'count', 'false'];

/** Reads `_summary` and `_elements` where no search does. @throws FhirError 400 */
export function readPart(pairs: readonly (readonly [string, string])[]): Part {
  const last = (name: string): string => pairs.findLast(([each]) => each === name)?.[1] ?? '';
  const asked = last('_summary') || 'false';
  const summary = modes.find((mode) => mode === asked);
  if (summary === undefined) throw badRequest('summary-invalid', `"_summary" takes ${modes.join(', ')}.`);
  const elements = last('_elements')
    .split(',')
    .filter((name) => name !== '');
  return { summary, elements };
}

/** An answer that is one resource, with the part of it that was asked for. */
export function partOfAnswer(answer: Answer, pairs: readonly (readonly [string, string])[], schema: Schema): Answer {
  const part = readPart(pairs);
  if (part.summary === 'count') throw badRequest('summary-invalid', '"_summary=count" counts matches: it is for searches and history.');
  return answer.body === undefined ? answer : { ...answer, body: partOf(Buffer.from(answer.body), part, schema) };
}

/** What was stored was within its limits. */
const limits = { depthMax: 1000, containerMax: Number.MAX_SAFE_INTEGER, stringBytesMax: Number.MAX_SAFE_INTEGER };

/** What a stored resource contains at a place, its numbers as they were written. */
export function containedOf(json: Buffer, at: number): { readonly id: string; readonly json: Buffer } {
  const { value, decimals } = parseJson(json, limits);
  const contained = isObject(value) && Array.isArray(value['contained']) ? value['contained'][at] : undefined;
  if (contained === undefined || !isObject(contained)) throw new Error('a resource contains nothing at the place that was found');
  const { id } = contained;
  return { id: typeof id === 'string' ? id : '', json: Buffer.from(writeJson(contained, decimals)) };
}

/** The part of a rendered resource that was asked for; the same bytes when it is the whole. */
export function partOf(json: Buffer, part: Part, schema: Schema): Buffer {
  const { summary, elements } = part;
  if (summary === 'count' || isWhole(part)) return json;
  const { value, decimals } = parseJson(json, limits);
  if (!isObject(value)) return json;
  const subset = summary === 'false' ? selectElements(value, decimals, elements, schema) : summarise(value, decimals, summary, schema);
  return Buffer.from(writeJson(subset.resource, subset.decimals));
}

export const isWhole = ({ summary, elements }: Part): boolean => summary === 'false' && elements.length === 0;

const isObject = (value: Json): value is { [name: string]: Json } => typeof value === 'object' && value !== null && !Array.isArray(value);
