import { forbidden } from '../fhir/error.ts';
import type { Role } from './roles.ts';
import type { Scope } from './scopes.ts';

/** Who calls, for what, as read from a verified token: a plain value. */
export type Grant = {
  readonly issuer: string;
  readonly subject: string;
  readonly clientId: string;
  /** The patient in context, an id; the bound of all `patient/` scopes. */
  readonly patient?: string;
  readonly fhirUser?: string;
  /** Scopes allow to read the one resource that `fhirUser` names. */
  readonly readsFhirUser?: boolean;
  readonly roles: readonly Role[];
  readonly scopes: readonly Scope[];
  readonly tokenId?: string;
  /** Of a token of ours that a user let an app have: what ends all that the app has of it. */
  readonly grantId?: string;
  /** What the token was given out for: codes of v3-ActReason. */
  readonly purposes?: readonly string[];
};

/** What a page cursor is bound to: the same caller, whatever token he holds by then. */
export function callerOf(grant: Grant): string {
  return JSON.stringify([grant.issuer, grant.subject, grant.clientId, grant.patient ?? null]);
}

/**
 * Refuses combinations that have no safe meaning.
 *
 * @throws FhirError 403 if patient or user scopes are mixed with system scopes, or patient scopes come without a patient
 */
export function assertCoherent(grant: Grant): void {
  const levels = new Set(grant.scopes.map(({ level }) => level));
  if (levels.has('patient') && levels.has('system')) {
    throw forbidden('scope-levels-mixed', 'The token mixes patient/ and system/ scopes. Ask for one kind only.');
  }
  if (levels.has('user') && levels.has('system')) {
    throw forbidden('scope-levels-mixed', 'The token mixes user/ and system/ scopes. Ask for one kind only.');
  }
  if (levels.has('patient') && grant.patient === undefined) {
    throw forbidden('scope-without-patient', 'The token has patient/ scopes but names no patient. Launch with a patient in context.');
  }
}
