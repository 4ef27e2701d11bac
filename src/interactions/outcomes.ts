import type { Issue } from '../fhir/error.ts';

const information = (id: string, text: string): Issue => ({ severity: 'information', code: 'informational', id, text });

export const created = (type: string): Issue => information('resource-created', `The ${type} was created.`);
export const updated = (type: string): Issue => information('resource-updated', `The ${type} has a new version.`);
export const unchanged = (type: string): Issue => information('resource-unchanged', `The ${type} was left as it is: nothing differs.`);
export const deleted = (count: number): Issue =>
  count === 0
    ? information('nothing-deleted', 'There was nothing to delete.')
    : information('resource-deleted', count === 1 ? 'The resource was deleted.' : `${count} resources were deleted.`);
