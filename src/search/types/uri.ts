import { token } from '../../encryption/token.ts';
import { badRequest } from '../../fhir/error.ts';
import type { Condition } from '../condition.ts';
import type { SearchElement } from '../registry.ts';
import { type PlanContext, type Sink, textOf } from '../sink.ts';
import { type SearchValue, unescape } from '../values.ts';

/** Longer paths are cut into no more parts than these, from the left. */
const partsMax = 32;

/**
 * Uri parameters compare the whole text; a canonical also without its version. Of a URL each beginning that ends at a slash
 * is kept too, for `:below`.
 *
 * @see https://hl7.org/fhir/R4/search.html#uri
 */
export function extractUri({ path }: SearchElement, value: unknown, type: string, sink: Sink): void {
  const text = textOf(value);
  if (text === undefined) return;
  sink.tokens.add(['u', path, text]);
  const bar = type === 'canonical' ? text.indexOf('|') : -1;
  const url = bar > 0 ? text.slice(0, bar) : text;
  if (url !== text) sink.tokens.add(['u', path, url]);
  for (const start of beginningsOf(url)) sink.tokens.add(['u', path, 'below', start]);
}

/** `http://x.org`, `http://x.org/a` of `http://x.org/a/b`: without itself, without slashes at the end. None of what is no URL. */
function beginningsOf(url: string): string[] {
  const root = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/]+/.exec(url)?.[0];
  if (root === undefined) return [];
  const starts: string[] = [];
  const end = trimmed(url).length;
  for (let at = root.length; at !== -1 && at < end && starts.length < partsMax; at = url.indexOf('/', at + 1))
    starts.push(url.slice(0, at));
  return starts;
}

const trimmed = (url: string): string => (url.endsWith('/') ? url.slice(0, -1) : url);

/**
 * The same text; `:below`, all whose path begins with it; `:above`, all whose path it begins with.
 *
 * @throws FhirError 400 if `:above` or `:below` is asked of what is no URL
 */
export function uriCondition(element: SearchElement, value: SearchValue, clause: UriClause, context: PlanContext): Condition {
  const text = unescape(value.text);
  const of = (...parts: string[]): bigint => token(context.key, 'u', element.path, ...parts);
  if (clause.modifier === undefined) return { kind: 'all-tokens', tokens: [of(text)] };
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/]/.test(text))
    throw badRequest(
      'search-invalid-value',
      `"${clause.param}:${clause.modifier}" takes URLs: other URIs have no paths to be above or below.`,
    );
  const url = trimmed(text);
  const paths = clause.modifier === 'below' ? [url] : [...beginningsOf(url), url];
  const same = paths.flatMap((path) => [of(path), of(`${path}/`)]);
  return { kind: 'any-token', tokens: clause.modifier === 'below' ? [of('below', url), ...same] : same };
}

export type UriClause = { readonly param: string; readonly modifier: string | undefined };
