import type { Link } from './condition.ts';
import type { Clause } from './query.ts';

/** What is asked of a resource: one clause, or what follows references from it, or any of both combined. */
export type Criterion =
  | { readonly kind: 'clause'; readonly clause: Clause }
  /** `subject.name=…`: it refers to a resource of one of these types that meets the type's criterion. */
  | { readonly kind: 'chain'; readonly to: readonly Step[] }
  /** `_has:Observation:patient:code=…`: a resource that meets the criterion refers to it. */
  | { readonly kind: 'has'; readonly by: Step }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Criterion[] }
  | { readonly kind: 'not'; readonly of: Criterion };

/** One hop: the type at its other end, the way there and what is asked there. */
export type Step = { readonly type: string; readonly link: Link; readonly criterion: Criterion };

/** Equal criteria have equal texts: parameters by their names, values without order or repetition. */
export function criterionText(criterion: Criterion): string {
  return JSON.stringify(textParts(criterion));
}

function textParts(criterion: Criterion): unknown {
  switch (criterion.kind) {
    case 'clause':
      return clauseParts(criterion.clause);
    case 'chain':
      return [criterion.kind, ...criterion.to.map(stepParts)];
    case 'has':
      return [criterion.kind, stepParts(criterion.by)];
    case 'not':
      return [criterion.kind, textParts(criterion.of)];
    default:
      return [criterion.kind, ...criterion.of.map(textParts)];
  }
}

const stepParts = ({ type, link, criterion }: Step): unknown => [type, link.params, textParts(criterion)];

const clauseParts = ({ param, modifier, values }: Clause): unknown => [param.code, modifier ?? '', [...new Set(values)].sort()];
