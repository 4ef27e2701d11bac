/**
 * What is recorded of one thing that happened, before it becomes a row and, when it is read, an AuditEvent. A plain value: what an
 * AuditEvent of its kind always says (codes, roles, profile) follows from `kind` and is not repeated here.
 *
 * @see https://profiles.ihe.net/ITI/BALP/
 */
export type AuditedEvent = {
  readonly kind: AuditKind;
  /** When, by the server's clock: epoch ms. */
  readonly at: number;
  readonly requestId: string;
  readonly agent: AuditedAgent;
  /** 0 success, 4 refused or minor failure, 8 serious, 12 major. @see https://hl7.org/fhir/R4/valueset-audit-event-outcome.html */
  readonly outcome: 0 | 4 | 8 | 12;
  /** Why, if it failed: our issue's id (`scope-insufficient`). Never a text that could hold what was sent. */
  readonly reason?: string;
  /** What it was done to; of a failure, what was asked for. Without an id: a type. */
  readonly data?: { readonly type: string; readonly id?: string; readonly version?: number };
  /** The one patient it concerns. What concerns several is recorded once for each of them. */
  readonly patient?: AuditedPatient;
  /** Of searches, histories, conditional interactions and operations. */
  readonly query?: AuditedQuery;
  /** `everything`, of the kind `operation`. */
  readonly operation?: string;
  /** Which entry of a Bundle it was, from 0. */
  readonly entry?: number;
  /** What the kind has to say beside: names are ours, values hold no secret and nothing clinical. */
  readonly details?: Readonly<Record<string, string>>;
};

/** Interactions by their names in CapabilityStatement and restful-interaction, then what isn't one. */
export type AuditKind =
  | 'read'
  | 'vread'
  | 'create'
  | 'update'
  | 'patch'
  | 'delete'
  | 'history-instance'
  | 'history-type'
  | 'history-system'
  | 'search-type'
  | 'search-system'
  | 'operation'
  | 'batch'
  | 'transaction'
  | 'unknown-interaction'
  | SecurityKind;

/** What happens to accounts, clients, keys and the server itself. */
export type SecurityKind =
  | 'login'
  | 'logout'
  | 'lock-out'
  | 'second-factor'
  | 'password'
  | 'token-issued'
  | 'token-refused'
  | 'token-revoked'
  | 'introspection'
  | 'consent'
  | 'launch'
  | 'client'
  | 'account'
  | 'roles'
  | 'api-key'
  | 'key'
  | 'configuration'
  | 'security-alert'
  | 'break-glass'
  | 'export'
  | 'import'
  | 'disclosure'
  | 'erasure'
  | 'audit-log-used'
  | 'application-start'
  | 'application-stop'
  | 'maintenance';

/** Who did it, from where and by what right: the same for all that one request leaves behind. */
export type AuditedAgent = {
  /** Undefined where nobody is known: then the address alone tells. */
  readonly user?: {
    readonly issuer: string;
    readonly subject: string;
    /** `Practitioner/x` */
    readonly fhirUser?: string;
    readonly name?: string;
    readonly roles: readonly string[];
  };
  readonly client?: string;
  /** `jti`; of what has none, a hash. */
  readonly tokenId?: string;
  /** The peer, as the trusted proxies tell it. */
  readonly address?: string;
  /** Codes of v3-ActReason. */
  readonly purposes: readonly string[];
  /** Why the glass was broken. */
  readonly emergency?: string;
};

/** A patient by what may stand in a row that is never changed: never by his id. */
export type AuditedPatient = {
  /** The id of his key, 16 bytes: it tells who he is for as long as the key exists. */
  readonly keyId: Buffer;
  /** ref_key of `Patient/id`, for the tokens. */
  readonly owner: bigint;
};

export type AuditedQuery = {
  /** The request line and, of a form, the body, as received. May tell of the patient: it is sealed apart, and goes before the event does. */
  readonly line: string;
  /** Names of the parameters alone: `patient, code`. */
  readonly parameters: string;
};
