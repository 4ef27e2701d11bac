import { token } from '../../encryption/token.ts';
import type { Condition } from '../condition.ts';
import type { SearchElement } from '../registry.ts';
import { type PlanContext, type Sink, textOf } from '../sink.ts';
import { type SearchValue, unescape } from '../values.ts';

/** Uri parameters compare the whole text; a canonical also without its version. @see https://hl7.org/fhir/R4/search.html#uri */
export function extractUri(element: SearchElement, value: unknown, type: string, sink: Sink): void {
  const text = textOf(value);
  if (text === undefined) return;
  sink.tokens.add(['u', element.path, text]);
  const bar = type === 'canonical' ? text.indexOf('|') : -1;
  if (bar > 0) sink.tokens.add(['u', element.path, text.slice(0, bar)]);
}

export function uriCondition(element: SearchElement, value: SearchValue, context: PlanContext): Condition {
  return { kind: 'all-tokens', tokens: [token(context.key, 'u', element.path, unescape(value.text))] };
}
