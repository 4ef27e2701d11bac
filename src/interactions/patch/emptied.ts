import type { Json } from '../../fhir/json.ts';
import { type Container, removeAt, setAt, type WorkingCopy } from './working-copy.ts';

/**
 * Drops the objects and arrays that removals have left empty, and what becomes empty by that. Empty ones that the client put
 * there are left for validation to refuse.
 *
 * An item of an array of primitive extensions (`_given`) becomes null instead, as its place counts.
 *
 * @param emptied  what something was removed from
 * @see            https://hl7.org/fhir/R4/json.html#primitive
 */
export function dropEmptied(work: WorkingCopy, root: Container, emptied: ReadonlySet<Container>): void {
  if (emptied.size === 0) return;
  drop(work, root, '', emptied);
}

/** Whether `holder` itself is now empty by removal. */
function drop(work: WorkingCopy, holder: Container, name: string, emptied: ReadonlySet<Container>): boolean {
  let dropped = emptied.has(holder);
  // Backwards, so that the items still to come keep their index.
  for (const key of Object.keys(holder).reverse()) {
    const member: Json | undefined = Array.isArray(holder) ? holder[Number(key)] : holder[key];
    if (member === undefined || member === null || typeof member !== 'object') continue;
    if (!drop(work, member, Array.isArray(holder) ? name : key, emptied)) continue;
    dropped = true;
    if (Array.isArray(holder) && name.startsWith('_')) setAt(work, holder, Number(key), { value: null, literal: undefined });
    else removeAt(work, holder, key);
  }
  return dropped && isEmpty(holder);
}

function isEmpty(holder: Container): boolean {
  return Array.isArray(holder) ? holder.every((item) => item === null) : Object.keys(holder).length === 0;
}
