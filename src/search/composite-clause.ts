import { makeTokenSet } from '../encryption/token-set.ts';
import { token } from '../encryption/token.ts';
import { badRequest } from '../fhir/error.ts';
import type { Component, CompositeItem, Pair } from './composites.ts';
import { allOf, anyOf, type Condition, type Recheck } from './condition.ts';
import { extractValue } from './extract.ts';
import { holds, tokensOf } from './holds.ts';
import type { ValueMatch } from './match.ts';
import type { Clause } from './query.ts';
import type { PlanContext } from './sink.ts';
import { formsAsked, pairing, pairParts, pairToken, presentParts } from './types/composite.ts';
import { present } from './types/token.ts';
import { splitUnescaped } from './values.ts';

/** What a component's value asks of the component as an element of the resource. */
export type MatchComponent = (component: Component, text: string) => ValueMatch;

/**
 * A clause about a composite parameter: `first$second`, of which both hold in one item. Pairs decide it where the first value says
 * all that is paired; otherwise the components select on their own, and each item is compared again after opening.
 *
 * @throws FhirError 400 where a value has not as many parts as the parameter has components
 * @see    https://hl7.org/fhir/R4/search.html#composite
 */
export function planComposite(
  { param, modifier, values }: Clause,
  items: readonly CompositeItem[],
  context: PlanContext,
  match: MatchComponent,
): { readonly condition: Condition; readonly recheck?: Recheck } {
  if (modifier === 'missing') {
    const known = anyOf(items.map((item) => presentItem(item, context)));
    return { condition: values[0] === 'true' ? { kind: 'not', of: known } : known };
  }
  const planned = values.flatMap((text) => {
    const parts = splitUnescaped(text, '$');
    return items.map((item) => {
      if (parts.length !== item.components.length || parts.includes('')) throw wrongParts(param.code, item.components.length);
      return planItem(item, parts, context, match);
    });
  });
  const condition = anyOf(planned.map((each) => each.condition));
  if (planned.every(({ decided }) => decided)) return { condition };
  return { condition, recheck: (resource) => planned.some(({ test }) => test(resource)) };
}

function wrongParts(code: string, count: number) {
  return badRequest(
    'search-invalid-composite',
    `A value of "${code}" has ${count} parts with "$" between them, none of them empty. Write "\\$" for the sign itself.`,
  );
}

function presentItem(item: CompositeItem, context: PlanContext): Condition {
  if (!item.whole) return { kind: 'all-tokens', tokens: [token(context.key, ...presentParts(item))] };
  return allOf(item.components.map((places) => anyOf(places.map(({ element }) => present(element, context)))));
}

type PlannedItem = { readonly condition: Condition; readonly decided: boolean; readonly test: Recheck };

/** One alternative value, asked of items of one kind. */
function planItem(item: CompositeItem, parts: readonly string[], context: PlanContext, match: MatchComponent): PlannedItem {
  const asked = item.components.map((places, at) => places.map((component) => askedOf(component, parts[at] ?? '', match)));
  const test = testOf(item, asked, context);
  const paired = pairedCondition(item, asked, context);
  if (paired !== undefined) return { ...paired, test };
  const condition = allOf(asked.map((places) => anyOf(places.map((place) => place.match.condition))));
  return { condition, decided: item.whole && asked.flat().every((place) => place.match.decided), test };
}

type Asked = { readonly component: Component; readonly text: string; readonly match: ValueMatch };

function askedOf(component: Component, text: string, match: MatchComponent): Asked {
  return { component, text, match: match(component, text) };
}

/** A condition and whether it says all that is asked. */
type Exact = { readonly condition: Condition; readonly decided: boolean };

/** Both by what pairs keep; undefined where some pair isn't kept, or a value says less than is paired. */
function pairedCondition(
  item: CompositeItem,
  [firsts = [], ...others]: readonly (readonly Asked[])[],
  context: PlanContext,
): Exact | undefined {
  const conditions: Exact[] = [];
  for (const seconds of others) {
    const alternatives: Exact[] = [];
    for (const first of firsts) {
      const forms = formsAsked(first.component, { text: first.text }, context);
      for (const second of seconds) {
        const pair = pairOf(item, first.component, second.component);
        const exact = forms === undefined || pair === undefined ? undefined : besideForms(pair, forms, second, context);
        if (exact === undefined) return undefined;
        alternatives.push(exact);
      }
    }
    conditions.push({ condition: anyOf(alternatives.map((each) => each.condition)), decided: alternatives.every((each) => each.decided) });
  }
  // Pairs tell of two values that they stand in one item, of three they don't.
  return {
    condition: allOf(conditions.map((each) => each.condition)),
    decided: conditions.length === 1 && conditions.every((each) => each.decided),
  };
}

function pairOf({ pairs }: CompositeItem, first: Component, second: Component): Pair | undefined {
  return pairs.find((pair) => pair.first === first && pair.second === second);
}

/** The second value, beside a first of one of these forms. */
function besideForms(
  pair: Pair,
  forms: readonly (readonly string[])[],
  { component, text, match }: Asked,
  context: PlanContext,
): Exact | undefined {
  const kept = pairing(pair);
  if (kept === undefined) return undefined;
  if (kept === 'token') {
    const seconds = formsAsked(component, { text }, context);
    if (seconds === undefined) return undefined;
    const tokens = forms.flatMap((first) => seconds.map((second) => token(context.key, ...pairParts(pair, first, second))));
    return { condition: anyOf(tokens.map((each) => ({ kind: 'all-tokens', tokens: [each] }))), decided: true };
  }
  const facts = besides(
    match.condition,
    pair.number,
    forms.map((first) => pairToken(first, context)),
  );
  return facts && { condition: facts.condition, decided: facts.decided && match.decided };
}

/** A condition on an element's facts, asked of the pairs' facts; where parts of it aren't about facts they are left out, and it decides no longer. */
function besides(condition: Condition, number: number, pairs: readonly bigint[]): Exact | undefined {
  if (condition.kind === 'fact') {
    // Facts in canonical units are under the negated number.
    const params = [...new Set(condition.params.map((param) => Math.sign(param) * number))];
    return { condition: { ...condition, params, pairs }, decided: true };
  }
  if (condition.kind !== 'or' && condition.kind !== 'and') return undefined;
  const parts = condition.of.map((part) => besides(part, number, pairs));
  const known = parts.filter((part) => part !== undefined);
  const of = known.map((part) => part.condition);
  if (condition.kind === 'or') {
    return known.length < parts.length ? undefined : { condition: anyOf(of), decided: known.every((part) => part.decided) };
  }
  return known.length === 0 ? undefined : { condition: allOf(of), decided: false };
}

/** Whether one item holds a value for every component. */
function testOf(item: CompositeItem, asked: readonly (readonly Asked[])[], context: PlanContext): Recheck {
  const holdsValue = valueTest(context);
  return (resource) => {
    let found = false;
    item.items(resource, (part) => {
      if (found || typeof part !== 'object' || part === null) return;
      found = asked.every((places) => places.some((place) => isIn(place, resource, part, holdsValue)));
    });
    return found;
  };
}

type ValueTest = (asked: Asked, value: unknown, type: string) => boolean;

function isIn(asked: Asked, resource: object, item: object, holdsValue: ValueTest): boolean {
  const { each, onResource } = asked.component;
  let found = false;
  each(onResource ? resource : item, (value, type) => {
    found ||= holdsValue(asked, value, type);
  });
  return found;
}

/** Decides on one value by what extraction would leave of it alone, or by the test that goes beyond that. */
function valueTest({ key, base, now }: PlanContext): ValueTest {
  const tokens = makeTokenSet(key);
  return ({ component: { element }, match }, value, type) => {
    if (match.test !== undefined) return match.test(value, type);
    const facts = { dates: [], quantities: [], references: [], sorts: [] };
    extractValue(element, value, type, { tokens, facts, key, base });
    return holds(match.condition, { id: '', tokens: tokensOf(tokens.take()), facts, now });
  };
}
