import { isGoodPassword } from './passwords.ts';
import { isRole } from './roles.ts';

export type UserFault = 'login-invalid' | 'login-taken' | 'password-weak' | 'roles-invalid' | 'fhir-user-invalid';

/** However it is written. */
export function normalisedLogin(login: string): string {
  return login.normalize('NFKC').trim().toLowerCase().slice(0, 200);
}

/** What is wrong with a new user. */
export function userFault({
  login,
  password,
  roles,
  fhirUser,
}: {
  readonly login: string;
  /** Undefined: he has none. */
  readonly password: string | undefined;
  readonly roles: readonly string[];
  readonly fhirUser: string | undefined;
}): UserFault | undefined {
  if (!/^[\p{L}\p{N}][\p{L}\p{N}._@+-]{1,99}$/u.test(login)) return 'login-invalid';
  if (password !== undefined && !isGoodPassword(password, login)) return 'password-weak';
  return rightsFault(roles, fhirUser);
}

export function rightsFault(roles: readonly string[], fhirUser: string | undefined): UserFault | undefined {
  if (roles.length === 0 || !roles.every(isRole)) return 'roles-invalid';
  const isUser =
    fhirUser === undefined || /^(Patient|Practitioner|PractitionerRole|RelatedPerson|Person)\/[A-Za-z0-9\-.]{1,64}$/.test(fhirUser);
  return isUser ? undefined : 'fhir-user-invalid';
}
