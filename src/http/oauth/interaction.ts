import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PasswordAttempt, PasswordChange } from '../../authorization/users.ts';
import type { Role } from '../../authorization/roles.ts';

/*
 * What lies between the authorization server and its pages. An app's request at /oauth/authorize leads the browser to
 * `/oauth/interaction/:uid`, once to sign in (`login`, left out while a session lives) and once to choose patient and scopes (`consent`).
 * The pages show what `find` tells and end it by `signIn`, `allow` or `refuse`, each of which gives the address to redirect to (303).
 * They find an interaction by its cookie alone, which travels to `/oauth/interaction/:uid` and below: their forms post there too.
 */

/** A user as the authorization server sees one. */
export type Account = {
  readonly id: string;
  /** What the user's own pages call him. Never told to apps without the scope `profile`. */
  readonly name?: string;
  /** `Practitioner/123`. */
  readonly fhirUser?: string;
  readonly roles: readonly Role[];
};

/** Who may sign in. Whoever disables an account, or changes its roles or fhirUser, calls `revokeAccount` too: its tokens end at once. */
export type Accounts = {
  /** Undefined where there is no such account, and where it is disabled. */
  readonly find: (id: string) => Promise<Account | undefined>;
};

/** What a user may choose as context. */
export type Patients = {
  readonly maySee: (account: Account, patient: string) => Promise<boolean>;
  /** Whether he may see the encounter and it is one of this patient. */
  readonly isEncounterOf: (account: Account, patient: string, encounter: string) => Promise<boolean>;
};

/** An app as its users see it. Names are the app's own words: text, never markup. */
export type ClientFace = {
  readonly id: string;
  readonly name: string;
  /** Where the code goes: origins of its redirect URIs, or their scheme where they have none. */
  readonly origins: readonly string[];
  readonly clientUri?: string;
  readonly policyUri?: string;
  readonly tosUri?: string;
};

export type Interaction = {
  readonly uid: string;
  readonly stage: 'login' | 'consent';
  readonly client: ClientFace;
  /** Who is signed in; always there at `consent`. */
  readonly account?: Account;
  readonly loginHint?: string;
  /** The app asks for a proof of now, though a session lives here or elsewhere. */
  readonly mustProveAnew: boolean;
  /**
   * What may be granted at most, in the words of the request: the app's registration, the user's role and what the server knows are
   * already taken off. Both kinds: `patient/Observation.rs?category=…`, and `openid`, `fhirUser`, `offline_access`, `launch/patient`.
   */
  readonly scopes: readonly string[];
  /** What must be chosen before it can be allowed; false where a launch brought it, or it follows from who the user is. */
  readonly needsPatient: boolean;
  readonly needsEncounter: boolean;
  /** Ids that are settled. */
  readonly patient?: string;
  readonly encounter?: string;
};

export type Allowed = {
  /**
   * Scopes of `Interaction.scopes`, or narrower ones of the same level: a type of `*`, fewer letters, more parameters
   * (`patient/Observation.rs?category=…` for `patient/Observation.rs`). Whatever is wider is not granted.
   */
  readonly scopes: readonly string[];
  /** Ids. */
  readonly patient?: string;
  readonly encounter?: string;
};

/** A grant, as the user's page of apps lists it. */
export type GrantedApp = {
  readonly grantId: string;
  readonly client: ClientFace;
  readonly scopes: readonly string[];
  readonly patient?: string;
  readonly grantedAt: Date;
  /** When it last gave a token. */
  readonly usedAt: Date;
};

export type Interactions = {
  /** @returns undefined where the cookie is missing, of another interaction, or too old */
  readonly find: (incoming: IncomingMessage, outgoing: ServerResponse, uid: string) => Promise<Interaction | undefined>;
  /**
   * The user proved who he is.
   *
   * @param amr  how: `pwd`, `otp`
   */
  readonly signIn: (
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    login: { readonly accountId: string; readonly amr: readonly string[] },
  ) => Promise<string>;
  /** The user said yes to this much. @throws FhirError 400 where a patient or encounter is missing or is not his to choose */
  readonly allow: (incoming: IncomingMessage, outgoing: ServerResponse, allowed: Allowed) => Promise<string>;
  readonly refuse: (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<string>;
  /** Who is signed in to these pages, outside of any app's request; idle and absolute limits are kept. */
  readonly session: (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<Account | undefined>;
  /** Begins such a session without an app (the page of apps). */
  readonly openSession: (
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    login: { readonly accountId: string; readonly amr: readonly string[] },
  ) => Promise<void>;
  readonly closeSession: (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>;
  /**
   * The user's own change of his password. His other sessions end; this one goes on under another id. What his apps have stays.
   */
  readonly changePassword: (
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    attempt: PasswordAttempt,
  ) => Promise<PasswordChange | 'signed-out'>;
  /** What apps the user let in, newest first. */
  readonly apps: (accountId: string) => Promise<readonly GrantedApp[]>;
  /** Ends a grant of his and all its tokens, at once and everywhere. @returns false if it is not his */
  readonly removeApp: (accountId: string, grantId: string) => Promise<boolean>;
};

/** Pages that the authorization server itself has to show. Each is a whole HTML document. */
export type Views = {
  /** @param reason  a sentence for whoever built the app; holds nothing of the request */
  readonly error: (reason: string, requestId: string) => string;
  /** @param form  a finished `<form id="op.logoutForm">` with hidden fields; buttons belong to it by `form="op.logoutForm"`, one named `logout` */
  readonly signOut: (form: string) => string;
  readonly signedOut: () => string;
};
