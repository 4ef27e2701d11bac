import { randomUUID } from 'node:crypto';
import type { AuditedAgent, AuditedEvent, AuditKind } from '../audit/event.ts';
import { operator } from '../audit/operator.ts';
import type { Audit } from '../audit/trail.ts';
import type { Doer, SecurityEvent, SecurityEventKind, SecurityEvents } from '../authorization/security-events.ts';
import { queryAsked } from './leaving.ts';

/** What each is called in the audit trail. */
const kinds: Readonly<Record<SecurityEventKind, AuditKind>> = {
  'account-linked': 'account',
  'account-unlinked': 'account',
  'api-key-created': 'api-key',
  'api-key-revoked': 'api-key',
  'api-key-rotated': 'api-key',
  'client-changed': 'client',
  'client-disabled': 'client',
  'client-enabled': 'client',
  'client-registered': 'client',
  'client-removed': 'client',
  consent: 'consent',
  'consent-revoked': 'consent',
  'introspection-refused': 'introspection',
  'keys-rotated': 'key',
  'launch-created': 'launch',
  locked: 'lock-out',
  login: 'login',
  'login-failed': 'login',
  logout: 'logout',
  'password-changed': 'password',
  'recovery-used': 'second-factor',
  'roles-changed': 'roles',
  'second-factor-enrolled': 'second-factor',
  'second-factor-failed': 'second-factor',
  'second-factor-removed': 'second-factor',
  'token-issued': 'token-issued',
  'token-refused': 'token-refused',
  'token-revoked': 'token-revoked',
  'user-created': 'account',
  'user-disabled': 'account',
  'user-enabled': 'account',
};

/**
 * Records what happens around access in the audit trail, before it is answered.
 *
 * @param issuer  of our own accounts
 */
export function securityTrail(audit: Audit, issuer: string): SecurityEvents {
  return async (event) => {
    const patient = event.patient === undefined ? undefined : await audit.concerned.ofOwner(audit.refKeyOf('Patient', event.patient));
    const audited = auditedOf(event, issuer);
    await audit.record([patient === undefined ? audited : { ...audited, patient }]);
  };
}

function auditedOf(event: SecurityEvent, issuer: string): AuditedEvent {
  const { kind, outcome, requestId, client, scope, detail } = event;
  const isToken = kind === 'token-issued' || kind === 'token-refused';
  return {
    kind: kinds[kind],
    at: Date.now(),
    requestId: requestId ?? randomUUID(),
    agent: agentOf(event, issuer),
    outcome,
    ...(outcome === 0 || detail === undefined ? {} : { reason: detail }),
    ...(isToken ? { query: tokenRequest(client, scope, outcome === 0 ? detail : undefined) } : {}),
    details: detailsOf(event),
  };
}

/** Who does it: of a request the account it is about, of a command the operator, who does it to an account. */
function agentOf({ requestId, address, account, fhirUser, client, by }: SecurityEvent, issuer: string): AuditedAgent {
  if (requestId === undefined) return operator();
  if (by !== undefined) return agentBy(by, address);
  return {
    ...(account === undefined ? {} : { user: { issuer, subject: account, roles: [], ...(fhirUser === undefined ? {} : { fhirUser }) } }),
    ...(client === undefined ? {} : { client }),
    ...(address === undefined ? {} : { address }),
    purposes: [],
  };
}

/** Somebody who does it to an account, a client or a key of others. */
function agentBy({ issuer, subject, clientId, fhirUser, roles }: Doer, address: string | undefined): AuditedAgent {
  return {
    user: { issuer, subject, roles, ...(fhirUser === undefined ? {} : { fhirUser }) },
    client: clientId,
    ...(address === undefined ? {} : { address }),
    purposes: [],
  };
}

function detailsOf({ kind, requestId, account, client, scope, detail, by }: SecurityEvent): Record<string, string> {
  const isOther = requestId === undefined || by !== undefined;
  const told = {
    event: kind,
    account: isOther ? account : undefined,
    client: isOther ? client : undefined,
    scope,
    detail,
  };
  return Object.fromEntries(Object.entries(told).filter((each): each is [string, string] => each[1] !== undefined));
}

/** The token request without anything in it that is secret. */
function tokenRequest(client: string | undefined, scope: string | undefined, grantType: string | undefined) {
  const told = new URLSearchParams();
  if (grantType !== undefined) told.set('grant_type', grantType);
  if (client !== undefined) told.set('client_id', client);
  if (scope !== undefined) told.set('scope', scope);
  return queryAsked(told.toString(), told.keys());
}
