import type { Grant } from '../authorization/grant.ts';
import { NativeError } from './error.ts';

/** A person as resources name him: `{ type: 'Practitioner', id: 'x' }`. */
export type Person = { readonly type: string; readonly id: string };

/** Who asks, if he is a person with a resource here. */
export function userOf({ fhirUser }: Grant): Person | undefined {
  const [, type, id] = /(?:^|\/)([A-Z][A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})$/.exec(fhirUser ?? '') ?? [];
  return type === undefined || id === undefined ? undefined : { type, id };
}

/** The patient who asks, or on whose behalf it is asked. @throws NativeError 404 if the caller is nobody's */
export function patientOf(grant: Grant): string {
  const user = userOf(grant);
  const id = user?.type === 'Patient' ? user.id : grant.patient;
  if (id === undefined) throw new NativeError('not_found', 'The caller is no patient: there is no "me".');
  return id;
}
