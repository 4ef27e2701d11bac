import type { Grant } from '../../authorization/grant.ts';
import type { Letter } from '../../authorization/scopes.ts';

/** A grant as JSON has it. */
export type StoredGrant = Omit<Grant, 'scopes'> & {
  readonly scopes: readonly (Omit<Grant['scopes'][number], 'letters'> & { readonly letters: readonly Letter[] })[];
};

export function storedGrant(grant: Grant): StoredGrant {
  return { ...grant, scopes: grant.scopes.map((scope) => ({ ...scope, letters: [...scope.letters] })) };
}

export function grantFrom(stored: StoredGrant): Grant {
  return { ...stored, scopes: stored.scopes.map((scope) => ({ ...scope, letters: new Set(scope.letters) })) };
}
