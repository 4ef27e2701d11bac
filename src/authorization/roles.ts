/** What a user is to the hospital. */
export type Role = 'patient' | 'viewer' | 'provider' | 'admin';

const roles: readonly Role[] = ['patient', 'viewer', 'provider', 'admin'];

export function isRole(name: string): name is Role {
  return roles.some((role) => role === name);
}

/** The role of a user of whom nothing else is said: patients and who acts for them, or who cares for patients. */
export function impliedRole(fhirUser: string | undefined): Role | undefined {
  const [, type] = /(?:^|\/)([A-Z][A-Za-z]+)\/[A-Za-z0-9\-.]{1,64}$/.exec(fhirUser ?? '') ?? [];
  if (type === 'Patient' || type === 'RelatedPerson') return 'patient';
  return type === 'Practitioner' || type === 'PractitionerRole' ? 'provider' : undefined;
}
