import { AsyncLocalStorage } from 'node:async_hooks';
import type { Log } from '../telemetry/log.ts';
import type { Grant } from './grant.ts';

/** What happens around access: who signed in, who got a token, who changed what somebody may. */
export type SecurityEventKind =
  | 'account-linked'
  | 'account-unlinked'
  | 'api-key-created'
  | 'api-key-revoked'
  | 'api-key-rotated'
  | 'client-changed'
  | 'client-disabled'
  | 'client-enabled'
  | 'client-registered'
  | 'client-removed'
  | 'consent'
  | 'consent-revoked'
  | 'introspection-refused'
  | 'keys-rotated'
  | 'launch-created'
  | 'locked'
  | 'login'
  | 'login-failed'
  | 'logout'
  | 'password-changed'
  | 'recovery-used'
  | 'roles-changed'
  | 'second-factor-enrolled'
  | 'second-factor-failed'
  | 'second-factor-removed'
  | 'token-issued'
  | 'token-refused'
  | 'token-revoked'
  | 'user-created'
  | 'user-disabled'
  | 'user-enabled';

/** Done, refused, failed. @see http://hl7.org/fhir/R4/valueset-audit-event-outcome.html */
export type SecurityOutcome = 0 | 4 | 8;

/** Where a request came from. */
export type Origin = {
  /** Of the client, as trusted proxies tell it. */
  readonly address?: string;
  readonly requestId?: string;
};

export type Doer = Pick<Grant, 'issuer' | 'subject' | 'clientId' | 'fhirUser' | 'roles'>;

/** Ids and codes: never a secret, a password, a code, a token or a name. */
export type SecurityEvent = Origin & {
  readonly kind: SecurityEventKind;
  readonly outcome: SecurityOutcome;
  /** The id of a local account. */
  readonly account?: string;
  /** `Practitioner/123`. */
  readonly fhirUser?: string;
  /** The id of an app or of an API key. */
  readonly client?: string;
  /** The patient in context, an id. */
  readonly patient?: string;
  readonly scope?: string;
  /** Who did it, where that is somebody else than the event is about. */
  readonly by?: Doer;
  /** A word for how or why: `password`, `invalid_grant`. */
  readonly detail?: string;
};

/** Notes what happened, before it is answered. Where it rejects, the request has failed: what can't be noted isn't done. */
export type SecurityEvents = (event: SecurityEvent) => Promise<void>;

const origins = new AsyncLocalStorage<Origin>();

/** What is noted in the course of this work carries where it came from. */
export function withOrigin<T>(origin: Origin, work: () => T): T {
  return origins.run(origin, work);
}

/** Gives what is recorded the origin of the request in whose course it happens; commands have none. */
export function securityEvents(record: SecurityEvents): SecurityEvents {
  return (event) => record({ ...originNow(), ...event });
}

/** Where the request came from in whose course this is asked; nothing of a command. */
export function originNow(): Origin {
  return origins.getStore() ?? {};
}

/** One line for each event, without persons. */
export function securityLines(log: Log): SecurityEvents {
  return ({ kind, outcome, client, detail, requestId }) => {
    log.info({ kind, outcome, client, detail, requestId }, 'security event');
    return Promise.resolve();
  };
}
