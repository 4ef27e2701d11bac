import { html } from 'hono/html';
import { awaySeconds, type Begun, type FederationFault } from '../federation/federation.ts';
import type { Page } from './layout.ts';
import { provedElsewhere } from './sign-in.ts';
import type { Answered, Door, PagesContext, Visit } from './visit.ts';

const cookie = 'anamnesis_outside';

const statusOf: Readonly<Record<FederationFault, number>> = { away: 503, declined: 403, unbelievable: 403, refused: 403, over: 400 };

/** Sends somebody to an outside provider to sign in there. */
export async function onOutside(ctx: PagesContext, visit: Visit, door: Door, provider: string): Promise<Answered | undefined> {
  // Begun by our own page, or typed in by hand: no page of somebody else's begins it.
  const site = visit.incoming.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return { to: door.place };
  const fresh = door.interaction?.mustProveAnew === true || door.signing !== undefined;
  const begun = await ctx.federation?.begin(provider, { place: door.place, fresh });
  if (begun === undefined) return undefined;
  if (typeof begun === 'string') return faultPage(ctx, begun, door.place);
  ctx.forms.keep(visit.outgoing, cookie, begun.begun, awaySeconds);
  return { to: begun.to };
}

/** Somebody comes back from there. Whom it was is settled here; what he wanted goes on where he began. */
export async function onBackFrom(ctx: PagesContext, visit: Visit, provider: string): Promise<Answered | undefined> {
  const { federation } = ctx;
  if (federation?.providers.some(({ id }) => id === provider) !== true) return undefined;
  const begun = ctx.forms.kept(visit.incoming, cookie) as Begun | undefined;
  const back = new URLSearchParams(/\?(.*)$/s.exec(visit.incoming.url ?? '')?.[1] ?? '');
  const ended = await federation.end(provider, back, begun);
  if (ended === 'over') return faultPage(ctx, ended, begun?.place);
  ctx.forms.keep(visit.outgoing, cookie, undefined);
  const place = begun?.place ?? '/oauth/sign-in';
  if (typeof ended === 'string') return faultPage(ctx, ended, place);
  const amr = ended.hasSecondFactor ? ['fed', 'mfa'] : ['fed'];
  return provedElsewhere(ctx, visit, { place, id: ended.user.id, amr, by: provider });
}

function faultPage({ texts }: PagesContext, fault: FederationFault, place = '/oauth/sign-in'): Page {
  const words = texts.outside;
  return {
    title: texts.error.title,
    status: statusOf[fault],
    body: html`<p>${words[fault]}</p><p><a href="${place}">${words.back}</a></p>`,
  };
}
