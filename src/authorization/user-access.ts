import { type Access, type AccessContext, accessOf } from './access.ts';
import type { Grant } from './grant.ts';
import type { RightsOf } from './rights/rights.ts';
import type { Role } from './roles.ts';
import { parseScopes } from './scopes.ts';

/** Who he is, as far as rights follow from it. */
export type Signed = { readonly id: string; readonly roles: readonly Role[]; readonly fhirUser?: string };

/** What a user himself may read, whatever app he uses: from whom he may choose a patient for it. */
export function userAccess(rights: RightsOf, context: AccessContext): (user: Signed) => Promise<Access> {
  return async ({ id, roles, fhirUser }) => {
    const grant: Grant = {
      issuer: 'urn:anamnesis:pages',
      subject: id,
      clientId: 'pages',
      roles,
      scopes: parseScopes(['user/Patient.rs', 'user/Encounter.rs'], 'user'),
      ...(fhirUser === undefined ? {} : { fhirUser }),
    };
    return accessOf(grant, context, await rights.of(grant));
  };
}
