import type { IncomingMessage, ServerResponse } from 'node:http';
import { findClient } from '../../storage/oauth-clients.ts';
import type { SecurityEvents } from '../../authorization/security-events.ts';
import type { Queryable } from '../../storage/database.ts';
import { answerError, answerJson, readWhole } from './forms.ts';
import type { LaunchContext, Launches } from './launch-context.ts';
import { lifetimes } from './lifetimes.ts';

/** What a bearer token says of who holds it. */
export type Bearer = { readonly clientId: string; readonly scopes: readonly string[] };

export type LaunchOptions = {
  readonly launches: Launches;
  readonly db: Queryable;
  readonly events: SecurityEvents;
  /** Of a request's token; undefined where it is not one of ours, or not in force. */
  readonly bearerOf: (incoming: IncomingMessage) => Promise<Bearer | undefined>;
};

const launchBytesMax = 32_768;

const id = /^[A-Za-z0-9\-.]{1,64}$/;

/**
 * `POST /oauth/launch`: an EHR begins a launch and gets the id that it passes to the app as `launch`. Its token needs the scope
 * `ehr-launch`. The body: `{"client_id", "user": account id or fhirUser, "patient"?, "encounter"?, "fhirContext"?, "need_patient_banner"?,
 * "smart_style_url"?, "intent"?}`.
 */
export async function beginLaunch(incoming: IncomingMessage, outgoing: ServerResponse, options: LaunchOptions): Promise<void> {
  const bearer = await options.bearerOf(incoming);
  if (bearer === undefined) {
    answerJson(outgoing, 401, { error: 'invalid_token' }, { 'www-authenticate': 'Bearer error="invalid_token"' });
    return;
  }
  if (!bearer.scopes.includes('ehr-launch')) {
    await options.events({ kind: 'launch-created', outcome: 4, client: bearer.clientId, detail: 'insufficient_scope' });
    answerJson(
      outgoing,
      403,
      { error: 'insufficient_scope', scope: 'ehr-launch' },
      { 'www-authenticate': 'Bearer error="insufficient_scope"' },
    );
    return;
  }
  const asked = parsed((await readWhole(incoming, launchBytesMax)).toString('utf8'));
  const { client_id: client, user } = asked;
  const context = contextOf(asked);
  if (typeof client !== 'string' || typeof user !== 'string' || context === undefined) {
    answerError(outgoing, 400, 'invalid_request', 'client_id, user and a context of ids are needed');
    return;
  }
  const found = await findClient(options.db, client);
  if (found === undefined || found.client.disabled) {
    answerError(outgoing, 400, 'invalid_request', 'there is no such client');
    return;
  }
  const launch = await options.launches.begin({ client, user, context });
  const { patient } = context;
  const about = patient === undefined ? {} : { patient };
  await options.events({ kind: 'launch-created', outcome: 0, client: bearer.clientId, detail: client, ...about });
  answerJson(outgoing, 201, { launch, expires_in: lifetimes.launch });
}

function contextOf(asked: Readonly<Record<string, unknown>>): LaunchContext | undefined {
  const { patient, encounter, fhirContext, need_patient_banner: banner, smart_style_url: style, intent } = asked;
  const isId = (value: unknown): boolean => value === undefined || (typeof value === 'string' && id.test(value));
  if (!isId(patient) || !isId(encounter) || (encounter !== undefined && patient === undefined)) return undefined;
  if (banner !== undefined && typeof banner !== 'boolean') return undefined;
  if (style !== undefined && !(typeof style === 'string' && URL.parse(style)?.protocol === 'https:')) return undefined;
  if (intent !== undefined && !(typeof intent === 'string' && intent.length <= 200)) return undefined;
  if (fhirContext !== undefined && !isContextList(fhirContext)) return undefined;
  return {
    ...(typeof patient === 'string' ? { patient } : {}),
    ...(typeof encounter === 'string' ? { encounter } : {}),
    ...(isContextList(fhirContext) ? { fhirContext } : {}),
    ...(typeof banner === 'boolean' ? { needPatientBanner: banner } : {}),
    ...(typeof style === 'string' ? { smartStyleUrl: style } : {}),
    ...(typeof intent === 'string' ? { intent } : {}),
  };
}

/** Patient and Encounter have places of their own, but for another role than `launch`. */
function isContextList(value: unknown): value is readonly object[] {
  return (
    Array.isArray(value) &&
    value.length <= 50 &&
    value.every((each: unknown) => {
      if (typeof each !== 'object' || each === null) return false;
      const { reference, canonical, identifier, role } = each as Readonly<Record<string, unknown>>;
      if (reference === undefined && canonical === undefined && identifier === undefined) return false;
      if (reference === undefined) return true;
      if (typeof reference !== 'string' || !/^[A-Z][A-Za-z]+\/[A-Za-z0-9\-.]{1,64}$/.test(reference)) return false;
      return !/^(?:Patient|Encounter)\//.test(reference) || (typeof role === 'string' && role !== 'launch');
    })
  );
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
