import type { Grant } from '../authorization/grant.ts';
import { NativeError } from './error.ts';

/** The patient who asks, or on whose behalf it is asked. @throws NativeError 404 if the caller is nobody's */
export function patientOf(grant: Grant): string {
  const own = /(?:^|\/)Patient\/([A-Za-z0-9\-.]{1,64})$/.exec(grant.fhirUser ?? '')?.[1];
  const id = own ?? grant.patient;
  if (id === undefined) throw new NativeError('not_found', 'The caller is no patient: there is no "me".');
  return id;
}
