import { type Issue, type IssueCode, issue } from '../fhir/error.ts';
import type { Decimals, Json, JsonObject } from '../fhir/json.ts';
import type { CodeQuestion, CodeVerdict } from '../terminology/verdict.ts';

/** More than this many findings help nobody; the walk stops there. */
const ISSUES_MAX = 50;

/**
 * One walk over a resource. The path is a stack that checks push to and pop from, so nothing is allocated while all is well;
 * it becomes a FHIRPath only when there is something to report. Only its first `depth` entries count.
 */
export type Walk = {
  readonly decimals: Decimals;
  /** Where findings go; another list while something is only tried, such as which slice an item is of. */
  issues: Issue[];
  readonly path: (string | number)[];
  depth: number;
  /** Set at the first finding beyond the limit: loops end as soon as they see it. */
  full: boolean;
  /** The resources that the present place is inside of, outermost first: a Bundle, its entry's resource, one contained in that. */
  readonly resources: JsonObject[];
  /** What has to be loaded before the verdict stands, by a name of its own: then all is walked again. */
  readonly needs: Map<string, () => Promise<unknown>>;
  /** Codes that memory doesn't tell of; asked for together after the walk. */
  readonly questions: AskedLater[];
};

/** What becomes of a question's verdict: the issue it ends in, if any, made at the place it was asked at. */
export type AskedLater = { readonly question: CodeQuestion; readonly judge: (verdict: CodeVerdict) => Issue | undefined };

/** @param root  the path's first step: the resource's type, or `Resource` while that isn't known */
export function startWalk(root: string, decimals: Decimals): Walk {
  return { decimals, issues: [], path: [root], depth: 1, full: false, resources: [], needs: new Map(), questions: [] };
}

/**
 * Notes a finding at the walk's present place.
 *
 * @param sentence  what is wrong and how to mend it, as it follows the path: `must not be null: leave it out.`; never a value
 */
export function report(walk: Walk, code: IssueCode, id: string, sentence: string): void {
  if (walk.issues.length >= ISSUES_MAX) {
    if (!walk.full) {
      const text = `More than ${ISSUES_MAX} faults were found: mend these, then send the resource again to see the others.`;
      walk.issues.push(issue('incomplete', 'shape-more', text));
    }
    walk.full = true;
    return;
  }
  const path = pathOf(walk);
  walk.issues.push(issue(code, id, `${path} ${sentence}`, path));
}

/** `report` for a child of the present place, such as one that is missing. */
export function reportChild(walk: Walk, child: string, code: IssueCode, id: string, sentence: string): void {
  walk.path[walk.depth++] = child;
  report(walk, code, id, sentence);
  walk.depth--;
}

/** What a value is, in words that give none of it away. */
export function kindOf(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (value === '') return 'an empty string';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function pathOf(walk: Walk): string {
  let path = '';
  for (let at = 0; at < walk.depth; at++) {
    const step = walk.path[at];
    if (typeof step === 'number') path += `[${step}]`;
    else path += path === '' ? step : `.${step}`;
  }
  return path;
}
