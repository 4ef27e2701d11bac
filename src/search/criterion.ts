import type { Clause, Criterion, Step } from './query.ts';

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
