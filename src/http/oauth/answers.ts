import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { type LaunchContext, launchMembers, launchProperty } from './launch-context.ts';
import { lifetimes } from './lifetimes.ts';
import { scopeProperty } from './client-metadata.ts';

type Body = Record<string, unknown>;
type OwnGrant = { exp?: number; [launchProperty]?: LaunchContext; save: (ttl: number) => Promise<string> };

export type AnswerOptions = {
  /** Gives a grant more time, if it is still there. */
  readonly renewGrant: (grantId: string) => Promise<void>;
  readonly noteUse: (clientId: string) => Promise<void>;
};

/** What the authorization server's answers lack: launch contexts; and errors by the names that the standards give them. */
export function completeAnswers(provider: Provider, options: AnswerOptions): void {
  provider.use(async (ctx, next) => {
    await next();
    const { oidc } = ctx as { readonly oidc?: KoaContextWithOIDC['oidc'] };
    const body: unknown = ctx.body;
    if (oidc === undefined || typeof body !== 'object' || body === null || Buffer.isBuffer(body)) return;
    const answer = body as Body;
    if (oidc.route === 'token') {
      if (answer['error'] !== undefined) renameError(ctx, answer);
      else {
        const grant = oidc.entities.Grant as unknown as (OwnGrant & { jti: string }) | undefined;
        if (grant !== undefined) {
          Object.assign(answer, launchMembers(grant[launchProperty] ?? {}));
          await options.renewGrant(grant.jti);
        }
        if (oidc.client !== undefined) await options.noteUse(oidc.client.clientId);
      }
    }
    if (oidc.route === 'introspection' && answer['active'] === true) delete answer['gid'];
    if (oidc.route === 'registration' && answer[scopeProperty] !== undefined) {
      answer['scope'] = answer[scopeProperty];
      delete answer[scopeProperty];
    }
  });
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

/** When a grant is over that is used now. */
export function grantExpiry(now: number): number {
  return Math.floor(now / 1000) + lifetimes.grant;
}
