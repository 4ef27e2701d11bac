import type { Issue } from '../fhir/error.ts';
import type { Document } from './document.ts';

/** What became of a document, then what validation had to say of it. */
export const toldOf = (outcome: Issue, { findings = [] }: Document): readonly Issue[] => [outcome, ...findings];

const information = (id: string, text: string): Issue => ({ severity: 'information', code: 'informational', id, text });

export const created = (type: string): Issue => information('resource-created', `The ${type} was created.`);
export const updated = (type: string): Issue => information('resource-updated', `The ${type} has a new version.`);
export const unchanged = (type: string): Issue => information('resource-unchanged', `The ${type} was left as it is: nothing differs.`);
export const deleted = (count: number): Issue =>
  count === 0
    ? information('nothing-deleted', 'There was nothing to delete.')
    : information('resource-deleted', count === 1 ? 'The resource was deleted.' : `${count} resources were deleted.`);

const graveness: Readonly<Record<Issue['severity'], number>> = { fatal: 0, error: 1, warning: 2, information: 3 };

/** Errors first; within a severity in the order found, which is that of the document. */
export function gravestFirst(issues: readonly Issue[]): readonly Issue[] {
  return issues.toSorted((a, b) => graveness[a.severity] - graveness[b.severity]);
}
