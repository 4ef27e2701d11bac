import { html } from 'hono/html';
import type { Account, GrantedApp } from '../interaction.ts';
import type { Form } from './forms.ts';
import type { Markup, Page } from './layout.ts';
import { askedScopes } from './scope-words.ts';
import { enrolment } from './sign-in.ts';
import { recoveryPage } from './sign-in-pages.ts';
import type { Texts } from './texts.ts';
import { type Answered, type Door, formToken, type PagesContext, placeOf, type Visit } from './visit.ts';

/** The pages of who is signed in without an app: what he let in, and his second factor. */
export const appsDoor: Door = { place: '/oauth/apps' };
export const accountDoor: Door = { place: '/oauth/account' };

export async function appsPage(ctx: PagesContext, visit: Visit, account: Account, removed = false): Promise<Answered> {
  const words = ctx.texts.apps;
  const token = formToken(ctx, visit, appsDoor);
  const apps = await ctx.interactions.apps(account.id);
  const body = html`
${removed ? html`<p role="status">${words.removed}</p>` : ''}
<p>${words.explain}</p>
${apps.length === 0 ? html`<p>${words.none}</p>` : ''}
<ul class="rows">${apps.map((app) => appRow(app, token, ctx.texts))}</ul>
<div class="buttons"><form method="post" action="${appsDoor.place}/sign-out">${token}<button class="second">${words.signOut}</button></form></div>
<p><a href="${accountDoor.place}">${words.account}</a></p>`;
  return { title: words.title, body };
}

function appRow({ grantId, client, scopes, grantedAt, usedAt }: GrantedApp, token: Markup, texts: Texts): Markup {
  const words = texts.apps;
  const day = (date: Date): string => new Intl.DateTimeFormat(texts.lang, { dateStyle: 'long', timeZone: 'UTC' }).format(date);
  return html`<li><h2>${client.name}</h2>
<dl><dt>${words.granted}</dt><dd>${day(grantedAt)}</dd><dt>${words.used}</dt><dd>${day(usedAt)}</dd>
<dt>${words.may}</dt><dd>${askedScopes(scopes, texts).map(({ words: each }) => html`${each}<br>`)}</dd></dl>
<form method="post" action="${appsDoor.place}/remove">${token}<button name="grant" value="${grantId}">${words.remove(client.name)}</button></form></li>`;
}

export async function onRemove(ctx: PagesContext, visit: Visit, account: Account, form: Form): Promise<Answered> {
  const removed = await ctx.interactions.removeApp(account.id, form.text('grant'));
  return appsPage(ctx, visit, account, removed);
}

export async function onSignOut(ctx: PagesContext, { incoming, outgoing }: Visit): Promise<Answered> {
  await ctx.interactions.closeSession(incoming, outgoing);
  return signedOutPage(ctx.texts);
}

export function signedOutPage({ signOut }: Texts): Page {
  return { title: signOut.doneTitle, body: html`<p>${signOut.done}</p>` };
}

export async function accountPage(ctx: PagesContext, visit: Visit, account: Account): Promise<Answered> {
  const words = ctx.texts.account;
  const user = await ctx.users.find(account.id);
  const begin = html`<p>${words.hasNone}</p>
<form method="post" action="${accountDoor.place}/second-factor">${formToken(ctx, visit, accountDoor)}<div class="buttons"><button>${words.begin}</button></div></form>`;
  return {
    title: words.title,
    body: html`${user?.hasSecondFactor === true ? html`<p>${words.has}</p>` : begin}<p><a href="${appsDoor.place}">${words.apps}</a></p>`,
  };
}

export async function onSecondFactor(ctx: PagesContext, visit: Visit, account: Account): Promise<Answered> {
  const user = await ctx.users.find(account.id);
  return user === undefined || user.hasSecondFactor ? { to: accountDoor.place } : enrolment(ctx, visit, accountDoor, user);
}

export async function onOwnEnrol(ctx: PagesContext, visit: Visit, account: Account, form: Form): Promise<Answered> {
  const user = await ctx.users.find(account.id);
  if (user === undefined || user.hasSecondFactor) return { to: accountDoor.place };
  const secret = ctx.forms.opened(`totp/${user.id}`, form.text('secret'));
  const codes = secret === undefined ? undefined : await ctx.users.enrol(user, secret, form.text('code'));
  if (codes === undefined) return enrolment(ctx, visit, accountDoor, user, { secret, fault: ctx.texts.enrol.refused });
  return recoveryPage(placeOf(ctx, visit, accountDoor), codes, ctx.texts);
}
