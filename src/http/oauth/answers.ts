import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { SecurityEvent, SecurityEvents } from '../../authorization/security-events.ts';
import type { Log } from '../../telemetry/log.ts';
import { knownFault } from '../../interactions/faults.ts';
import { type LaunchContext, launchMembers, launchProperty } from './launch-context.ts';
import { scopeProperty } from './client-metadata.ts';

type Body = Record<string, unknown>;
type OwnGrant = { readonly jti: string; readonly accountId?: string; readonly [launchProperty]?: LaunchContext };
type Answering = { status: number; body?: unknown };
type Oidc = KoaContextWithOIDC['oidc'];

export type AnswerOptions = {
  /** Gives a grant more time, if it is still there. */
  readonly renewGrant: (grantId: string) => Promise<void>;
  readonly noteUse: (clientId: string) => Promise<void>;
  readonly events: SecurityEvents;
  readonly log: Log;
};

/** What the authorization server's answers lack: launch contexts; errors by the names that the standards give them; and that they are noted. */
export function completeAnswers(provider: Provider, options: AnswerOptions): void {
  // A code or refresh token that was used before ended its family: whoever had it first, one of the two is a thief.
  const ended = new WeakSet<Oidc>();
  provider.on('grant.revoked', ({ oidc }) => void ended.add(oidc));
  const failed = new WeakMap<Oidc, unknown>();
  provider.on('server_error', ({ oidc }, error) => void failed.set(oidc, error));
  provider.use(async (ctx, next) => {
    await next();
    const { oidc } = ctx as { readonly oidc?: Oidc };
    if (oidc === undefined) return;
    try {
      const event = await completed(ctx, oidc, { ...options, ended });
      if (event !== undefined) await options.events(event);
    } catch (error) {
      options.log.error({}, 'an answer of the authorization server could not be completed', error);
      ctx.status = 500;
      ctx.body = { error: 'server_error' };
      failed.set(oidc, error);
    }
    // The database is away: another time it does.
    const fault = knownFault(failed.get(oidc));
    if (fault?.status !== 503) return;
    ctx.status = 503;
    ctx.set({ ...fault.headers });
    if (bodyOf(ctx.body) !== undefined) ctx.body = { error: 'temporarily_unavailable' };
  });
}

/** @returns what is to be noted of it */
async function completed(
  ctx: Answering,
  oidc: Oidc,
  options: AnswerOptions & { readonly ended: WeakSet<Oidc> },
): Promise<SecurityEvent | undefined> {
  const body = bodyOf(ctx.body);
  const client = oidc.client === undefined ? {} : { client: oidc.client.clientId };
  const error = typeof body?.['error'] === 'string' ? body['error'] : undefined;
  switch (oidc.route) {
    case 'token': {
      if (body === undefined) return undefined;
      if (error === undefined) return completeToken(body, oidc, options);
      renameError(ctx, body);
      if (options.ended.has(oidc))
        await options.events({ kind: 'token-revoked', outcome: 0, detail: 'used-twice', ...client, ...accountOf(oidc) });
      return { kind: 'token-refused', outcome: ctx.status >= 500 ? 8 : 4, detail: String(body['error']), ...client };
    }
    case 'introspection':
      if (body?.['active'] === true) delete body['gid'];
      return error === undefined ? undefined : { kind: 'introspection-refused', outcome: 4, detail: error, ...client };
    case 'revocation': {
      const { AccessToken, RefreshToken, ClientCredentials } = oidc.entities;
      const token = AccessToken ?? RefreshToken ?? ClientCredentials;
      if (token === undefined) return undefined;
      return { kind: 'token-revoked', outcome: token.clientId === oidc.client?.clientId ? 0 : 4, ...client, ...accountOf(oidc) };
    }
    case 'registration': {
      if (body === undefined || error !== undefined) return undefined;
      if (body[scopeProperty] !== undefined) {
        body['scope'] = body[scopeProperty];
        delete body[scopeProperty];
      }
      return { kind: 'client-registered', outcome: 0, client: String(body['client_id']) };
    }
    case 'end_session_confirm': {
      const { accountId, destroyed } = oidc.session as { readonly accountId?: string; readonly destroyed?: boolean };
      return destroyed === true && accountId !== undefined ? { kind: 'logout', outcome: 0, account: accountId, ...client } : undefined;
    }
    default:
      return undefined;
  }
}

/** Whose token was shown. */
function accountOf({ entities }: Oidc): { readonly account?: string } {
  const account = (entities.RefreshToken ?? entities.AccessToken)?.accountId;
  return account === undefined ? {} : { account };
}

async function completeToken(body: Body, { client, entities, params }: Oidc, options: AnswerOptions): Promise<SecurityEvent> {
  const grant = entities.Grant as unknown as OwnGrant | undefined;
  if (grant !== undefined) {
    Object.assign(body, launchMembers(grant[launchProperty] ?? {}));
    await options.renewGrant(grant.jti);
  }
  if (client !== undefined) await options.noteUse(client.clientId);
  const patient = grant?.[launchProperty]?.patient;
  return {
    kind: 'token-issued',
    outcome: 0,
    detail: String(params?.['grant_type']),
    scope: typeof body['scope'] === 'string' ? body['scope'] : '',
    ...(client === undefined ? {} : { client: client.clientId }),
    ...(grant?.accountId === undefined ? {} : { account: grant.accountId }),
    ...(patient === undefined ? {} : { patient }),
  };
}

function bodyOf(body: unknown): Body | undefined {
  return typeof body === 'object' && body !== null && !Buffer.isBuffer(body) ? (body as Body) : undefined;
}

function renameError(ctx: { status: number }, answer: Body): void {
  const { error_description: told } = answer;
  const description = typeof told === 'string' ? told : '';
  // RFC 7636, 4.6: whatever is wrong with the verifier is wrong with the grant.
  if (answer['error'] === 'invalid_request' && description.startsWith('code_verifier')) answer['error'] = 'invalid_grant';
  if (answer['error'] === 'invalid_request' && description.startsWith('requested grant type is not allowed'))
    answer['error'] = 'unauthorized_client';
  if (answer['error'] === 'invalid_client_metadata') {
    answer['error'] = 'invalid_client';
    ctx.status = 401;
  }
}
