import type { Access } from './access.ts';
import { noCircumstances } from './rights/circumstances.ts';

/** What the server may do of its own accord: everything. Nothing of it goes out to a caller. */
export function serverAccess(caller: string): Access {
  return {
    filter: () => 'all',
    permit: () => 'all',
    permitRead: () => 'all',
    tells: () => 'all',
    hasScope: () => true,
    seesAll: true,
    caller,
    circumstances: noCircumstances,
    isCareCut: false,
  };
}
