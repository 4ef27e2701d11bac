import type { IncomingMessage, ServerResponse } from 'node:http';
import { html } from 'hono/html';
import type { AskedSignature, SignatureConfirmations } from '../../../authorization/signature-confirmations.ts';
import type { Users } from '../../../authorization/users.ts';
import type { Federation } from '../federation/federation.ts';
import type { Account, Interaction, Interactions } from '../interaction.ts';
import type { Forms } from './forms.ts';
import type { Markup, Page } from './layout.ts';
import type { EncounterLine, PatientLine, PatientSearch } from './choices.ts';
import type { Texts } from './texts.ts';

/** What a user may choose from, always within what he may see. */
export type Records = {
  readonly patients: (
    account: Account,
    asked: PatientSearch,
    next: string | undefined,
  ) => Promise<{ readonly found: readonly PatientLine[]; readonly next?: string }>;
  /** Undefined where he may not see the patient, and where there is none. */
  readonly patient: (account: Account, id: string) => Promise<PatientLine | undefined>;
  /** The newest ones of the patient. */
  readonly encounters: (account: Account, patient: string) => Promise<readonly EncounterLine[]>;
  /** Whether he may see the encounter and it is one of this patient. */
  readonly isEncounterOf: (account: Account, patient: string, encounter: string) => Promise<boolean>;
};

/** What the pages work with. */
export type PagesContext = {
  readonly users: Users;
  /** Undefined where nobody signs in elsewhere. */
  readonly federation?: Federation | undefined;
  readonly interactions: Interactions;
  readonly confirmations: SignatureConfirmations;
  readonly records: Records;
  readonly forms: Forms;
  readonly texts: Texts;
  /** Who has to have a second factor. */
  readonly needsSecondFactor: (account: Pick<Account, 'roles'>) => boolean;
  /** Where a request comes from, proxies taken off. */
  readonly addressOf: (incoming: IncomingMessage) => string;
  /** Of that: what attempts are counted by. */
  readonly networkOf: (incoming: IncomingMessage) => string;
};

/** One request for a page. */
export type Visit = { readonly incoming: IncomingMessage; readonly outgoing: ServerResponse };

/** A page, or the address of the next one. */
export type Answered = Page | { readonly to: string };

/** Where somebody signs in: for an app (an interaction), to sign something for one, or to look at his own pages. */
export type Door = {
  readonly place: string;
  readonly interaction?: Interaction;
  readonly signing?: AskedSignature;
};

export function formToken(ctx: PagesContext, { incoming, outgoing }: Visit, { place }: Door): Markup {
  return html`<input type="hidden" name="form_token" value="${ctx.forms.token(incoming, outgoing, place)}">`;
}

/** What forms of this door carry, and where they may lead. */
export function placeOf(ctx: PagesContext, visit: Visit, door: Door) {
  return { action: door.place, token: formToken(ctx, visit, door), leadsTo: door.interaction?.client.origins ?? [] };
}
