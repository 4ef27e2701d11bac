import { allOf, type Condition } from './condition.ts';
import type { OwnModifier } from './filter.ts';
import type { ValueMatch } from './match.ts';
import type { SearchParam } from './registry.ts';
import type { PlanContext } from './sink.ts';
import { dateMatch } from './types/date.ts';
import { presentReference } from './types/reference.ts';
import { normalise } from './types/normalise.ts';
import { stringMatch, stringParts } from './types/string.ts';
import { unescape } from './values.ts';
import { valueTest } from './value-test.ts';

export type AskedElement = SearchParam['elements'][number];

const ownModifiers: ReadonlySet<string> = new Set<OwnModifier>(['is', 'is-not', 'ends-with', 'overlaps']);

export const isOwnModifier = (modifier: string | undefined): modifier is OwnModifier =>
  modifier !== undefined && ownModifiers.has(modifier);

/**
 * The comparisons of `_filter` that no modifier of the search makes.
 *
 * @param plain  what the value asks without a modifier
 * @see          https://hl7.org/fhir/R4/search_filter.html
 */
export function filterMatch(
  asked: AskedElement,
  text: string,
  { param, modifier }: { readonly param: string; readonly modifier: OwnModifier },
  plain: () => ValueMatch,
  context: PlanContext,
): ValueMatch {
  const { element } = asked;
  switch (modifier) {
    case 'is':
      return isMatch(asked, text, param, context);
    case 'is-not':
      return isNotMatch(asked, element.kind === 'string' ? isMatch(asked, text, param, context) : plain(), context);
    case 'ends-with': {
      const wanted = normalise(unescape(text));
      const match = stringMatch(element, { text }, { param, modifier: 'contains' }, context);
      return { ...match, test: (found, type) => stringParts(found, type).some((part) => normalise(part).endsWith(wanted)) };
    }
    case 'overlaps':
      return overlapMatch(asked, text, param, context);
  }
}

/** The whole text, without regard to case and accents: what starts with it, and ends there. */
function isMatch({ element }: AskedElement, text: string, param: string, context: PlanContext): ValueMatch {
  const wanted = normalise(unescape(text));
  const { condition } = stringMatch(element, { text }, { param, modifier: undefined }, context);
  return { condition, decided: false, test: (found, type) => stringParts(found, type).some((part) => normalise(part) === wanted) };
}

/** Some value that is another: presence is all that tokens tell of it. */
function isNotMatch({ element, targets }: AskedElement, match: ValueMatch, context: PlanContext): ValueMatch {
  const condition = presentReference(element, targets, context);
  const holdsValue = valueTest(context);
  const counts = { condition, decided: true };
  return {
    condition,
    decided: false,
    test: (value, type) => (targets === undefined || holdsValue(element, counts, value, type)) && !holdsValue(element, match, value, type),
  };
}

/** Stored and asked interval have a moment in common: the stored one ends after the other begins, and begins before it ends. */
function overlapMatch({ element }: AskedElement, text: string, param: string, context: PlanContext): ValueMatch {
  const after = dateMatch(element, { text: `ge${text}` }, param, context);
  const before = dateMatch(element, { text: `le${text}` }, param, context);
  return {
    condition: inOne(after.condition, before.condition),
    decided: after.decided && before.decided,
    test: (value, type) => after.test?.(value, type) === true && before.test?.(value, type) === true,
  };
}

/** Both bounds on one fact; a birth or death date is one value, whose tokens tell of it together. */
function inOne(a: Condition, b: Condition): Condition {
  return a.kind === 'fact' && b.kind === 'fact' ? { ...a, bounds: [...a.bounds, ...b.bounds] } : allOf([a, b]);
}
