import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Client, Interaction as StoredInteraction, InteractionResults, Provider } from 'oidc-provider';
import type { Pool } from 'pg';
import type { Revocations } from '../../authorization/revocations.ts';
import type { SecurityEvent, SecurityEvents } from '../../authorization/security-events.ts';
import type { Users } from '../../authorization/users.ts';
import { badRequest } from '../../fhir/error.ts';
import {
  grantable,
  isWithin,
  launchScopes,
  identityScopes,
  needsPatient,
  scopeList,
  withinRoles,
} from '../../authorization/scope-grants.ts';
import type { OauthItems } from '../../storage/oauth-items.ts';
import { revokeGrant } from '../../storage/oauth-revocations.ts';
import { grantedScopes, registeredScopes } from './client-metadata.ts';
import type { Account, Accounts, Allowed, GrantedApp, Interaction, Interactions, Patients } from './interaction.ts';
import { faceOf } from './client-face.ts';
import { type Launch, type LaunchContext, type Launches, launchProperty } from './launch-context.ts';
import { grantSeconds } from './lifetimes.ts';
import { oauthSessions } from './sessions.ts';

export type InteractionsOptions = {
  readonly provider: () => Promise<Provider>;
  readonly accounts: Accounts;
  readonly users: Pick<Users, 'find' | 'changePassword'>;
  readonly patients: Patients;
  readonly launches: Launches;
  readonly items: OauthItems;
  readonly revocations: Pick<Revocations, 'note'>;
  readonly events: SecurityEvents;
  readonly pool: Pool;
  readonly sessionIdleSeconds: number;
  /** The FHIR base. */
  readonly base: string;
};

/** An interaction with all that is known of it. */
type Opened = {
  readonly provider: Provider;
  readonly stored: StoredInteraction;
  readonly client: Client;
  readonly account: Account | undefined;
  readonly launch: Launch | undefined;
  readonly shown: Interaction;
};

const plain = new Set<string>([...identityScopes, ...launchScopes]);

export function oauthInteractions(options: InteractionsOptions): Interactions {
  const { accounts, patients, launches, items, revocations, events, pool, base } = options;

  async function open(incoming: IncomingMessage, outgoing: ServerResponse, uid?: string): Promise<Opened | undefined> {
    const provider = await options.provider();
    const stored = await provider.interactionDetails(incoming, outgoing).catch((error: unknown) => {
      if (isGone(error)) return undefined;
      throw error;
    });
    if (stored === undefined || (uid !== undefined && stored.uid !== uid)) return undefined;
    const { prompt, params } = stored;
    const client = await provider.Client.find(text(params['client_id']) ?? '');
    if (client === undefined) return undefined;
    const accountId = stored.session?.accountId;
    const account = accountId === undefined ? undefined : await accounts.find(accountId);
    const launchId = text(params['launch']);
    const launch = launchId === undefined ? undefined : await launches.find(launchId);
    const scopes = offered(text(params['scope']) ?? '', client, account, launchId !== undefined);
    const patient = launch?.context.patient ?? (account === undefined ? undefined : ownPatient(account));
    const encounter = launch?.context.encounter;
    const loginHint = text(params['login_hint']);
    const shown: Interaction = {
      uid: stored.uid,
      stage: prompt.name === 'login' || account === undefined ? 'login' : 'consent',
      client: faceOf(client),
      scopes,
      mustProveAnew: prompt.name === 'login' && prompt.reasons.some((reason) => reason === 'login_prompt' || reason === 'max_age'),
      needsPatient: needsPatient(scopes) && patient === undefined,
      needsEncounter: scopes.includes('launch/encounter') && encounter === undefined,
      ...(account === undefined ? {} : { account }),
      ...(loginHint === undefined ? {} : { loginHint }),
      ...(patient === undefined ? {} : { patient }),
      ...(encounter === undefined ? {} : { encounter }),
    };
    return { provider, stored, client, account, launch, shown };
  }

  async function opened(incoming: IncomingMessage, outgoing: ServerResponse): Promise<Opened> {
    const found = await open(incoming, outgoing);
    if (found === undefined) throw badRequest('interaction-over', 'This request is over. Go back to the app and begin again.');
    return found;
  }

  /** What the launch and the user's choice come to; undefined where the user may not have it. */
  async function contextOf(
    { account, launch, shown }: Opened & { readonly account: Account },
    kept: readonly string[],
    { patient: chosen, encounter: chosenEncounter }: Allowed,
  ): Promise<LaunchContext | undefined> {
    const wantsPatient = needsPatient(kept);
    const patient = launch?.context.patient ?? (wantsPatient ? (shown.patient ?? chosen) : undefined);
    if (wantsPatient && patient === undefined) throw badRequest('patient-missing', 'A patient has to be chosen.');
    if (patient !== undefined && !(await patients.maySee(account, patient))) return undefined;
    const wantsEncounter = kept.includes('launch/encounter');
    const encounter = launch?.context.encounter ?? (wantsEncounter ? chosenEncounter : undefined);
    if (encounter !== undefined && (patient === undefined || !(await patients.isEncounterOf(account, patient, encounter))))
      return undefined;
    return { ...launch?.context, ...(patient === undefined ? {} : { patient }), ...(encounter === undefined ? {} : { encounter }) };
  }

  return {
    find: async (incoming, outgoing, uid) => (await open(incoming, outgoing, uid))?.shown,
    async signIn(incoming, outgoing, { accountId, amr }) {
      const { stored } = await opened(incoming, outgoing);
      return finish(stored, { login: { accountId, amr: [...amr], remember: true } });
    },
    async refuse(incoming, outgoing) {
      const { stored, client, account } = await opened(incoming, outgoing);
      await events({ kind: 'consent', outcome: 4, detail: 'refused', client: client.clientId, ...personOf(account) });
      return end(stored, 'access_denied', 'the user said no');
    },
    async allow(incoming, outgoing, allowed) {
      const found = await opened(incoming, outgoing);
      const { provider, stored, client, account, shown } = found;
      if (account === undefined || shown.stage !== 'consent') throw badRequest('interaction-login', 'Nobody is signed in.');
      const kept = keptOf(allowed.scopes, shown.scopes);
      if (kept.length === 0) return end(stored, 'access_denied', 'nothing was allowed');
      const launchId = text(stored.params['launch']);
      if (launchId !== undefined && !isFor(found.launch, client, account))
        return end(stored, 'invalid_request', 'the launch is not of this app and user, or it is over');
      const context = await contextOf({ ...found, account }, kept, allowed);
      if (context === undefined) return end(stored, 'access_denied', 'the context is not for this user');
      // Of two that use a launch at the same moment, one does.
      if (launchId !== undefined && (await launches.take(launchId)) === undefined)
        return end(stored, 'invalid_request', 'the launch was used');
      const grant = new provider.Grant({ accountId: account.id, clientId: client.clientId });
      grant.addOIDCScope(kept.filter((each) => plain.has(each)).join(' '));
      grant.addResourceScope(base, kept.join(' '));
      Object.assign(grant, { [launchProperty]: context });
      const grantId = await grant.save();
      const { patient } = context;
      await events({
        kind: 'consent',
        outcome: 0,
        client: client.clientId,
        scope: kept.join(' '),
        ...personOf(account),
        ...(patient === undefined ? {} : { patient }),
      });
      stored.params['scope'] = kept.join(' ');
      return finish(stored, { consent: { grantId } });
    },
    ...oauthSessions(options),
    async apps(accountId) {
      const [found, provider] = await Promise.all([items.ofAccount('Grant', accountId), options.provider()]);
      const apps = await Promise.all(
        found.map(async ({ payload, createdAt }): Promise<GrantedApp | undefined> => {
          const client = await provider.Client.find(text(payload['clientId']) ?? '');
          const grantId = text(payload['jti']);
          if (client === undefined || grantId === undefined) return undefined;
          const { patient } = (payload[launchProperty] ?? {}) as LaunchContext;
          const scopes = grantedScopes(payload, base);
          return {
            grantId,
            client: faceOf(client),
            scopes,
            grantedAt: createdAt,
            usedAt: new Date(((payload['exp'] as number) - grantSeconds(scopes)) * 1000),
            ...(patient === undefined ? {} : { patient }),
          };
        }),
      );
      return apps.filter((app) => app !== undefined);
    },
    async removeApp(accountId, grantId) {
      const payload = (await items.find('Grant', grantId))?.payload;
      if (payload?.['accountId'] !== accountId) return false;
      await revokeGrant(pool, grantId);
      revocations.note('grant', grantId);
      const client = text(payload['clientId']);
      await events({ kind: 'consent-revoked', outcome: 0, account: accountId, ...(client === undefined ? {} : { client }) });
      return true;
    },
  };
}

function personOf(account: Account | undefined): Pick<SecurityEvent, 'account' | 'fhirUser'> {
  if (account === undefined) return {};
  const { id, fhirUser } = account;
  return { account: id, ...(fhirUser === undefined ? {} : { fhirUser }) };
}

/** What may be granted at most. */
function offered(asked: string, client: Client, account: Account | undefined, isLaunched: boolean): readonly string[] {
  const scopes = withinRoles(grantable(scopeList(asked) ?? [], registeredScopes(client), 'user'), account?.roles ?? []);
  return scopes.filter((scope) => {
    if (scope === 'launch') return isLaunched;
    if (scope === 'fhirUser' || scope === 'profile') return scopes.includes('openid');
    if (scope === 'offline_access' || scope === 'online_access') return client.grantTypeAllowed('refresh_token');
    return true;
  });
}

/** What the user kept: what was offered, or less. */
function keptOf(chosen: readonly string[], offer: readonly string[]): readonly string[] {
  const kept = [...new Set(chosen)].filter((scope) => offer.includes(scope) || (!plain.has(scope) && isWithin(scope, offer, 'user')));
  return kept.filter((scope) => (scope !== 'fhirUser' && scope !== 'profile') || kept.includes('openid'));
}

/** A patient who signs in for himself is the patient. */
function ownPatient({ roles, fhirUser }: Account): string | undefined {
  const own = /^Patient\/([A-Za-z0-9\-.]{1,64})$/.exec(fhirUser ?? '')?.[1];
  return roles.every((role) => role === 'patient') ? own : undefined;
}

function isFor(launch: Launch | undefined, client: Client, { id, fhirUser }: Account): boolean {
  return launch !== undefined && launch.client === client.clientId && (launch.user === id || launch.user === fhirUser);
}

async function finish(stored: StoredInteraction, result: InteractionResults): Promise<string> {
  stored.result = { ...stored.lastSubmission, ...result };
  await stored.persist();
  return stored.returnTo;
}

async function end(stored: StoredInteraction, error: string, reason: string): Promise<string> {
  stored.result = { error, error_description: reason };
  await stored.persist();
  return stored.returnTo;
}

function isGone(error: unknown): boolean {
  return error instanceof Error && error.name === 'SessionNotFound';
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
