import { html } from 'hono/html';
import type { Markup } from './layout.ts';
import { type Door, formToken, type PagesContext, type Visit } from './visit.ts';

/** The pages of who is signed in without an app: what he let in, and his account. */
export const appsDoor: Door = { place: '/oauth/apps' };
export const accountDoor: Door = { place: '/oauth/account' };

/** Leads from each of them to the others, and out. */
export function ownNav(ctx: PagesContext, visit: Visit, at: Door): Markup {
  const words = ctx.texts.own;
  const link = (door: Door, text: string): Markup =>
    html`<a href="${door.place}"${door === at ? html` aria-current="page"` : ''}>${text}</a>`;
  return html`<nav aria-label="${words.nav}">${link(appsDoor, words.apps)} ${link(accountDoor, words.account)}
<form method="post" action="${appsDoor.place}/sign-out">${formToken(ctx, visit, appsDoor)}<button class="plain">${words.signOut}</button></form></nav>`;
}
