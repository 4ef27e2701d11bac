import { html } from 'hono/html';
import type { Account, GrantedApp } from '../interaction.ts';
import type { Form } from './forms.ts';
import type { Markup, Page } from './layout.ts';
import { accountDoor, appsDoor, ownNav } from './own-frame.ts';
import { askedScopes } from './scope-words.ts';
import { enrolment } from './sign-in.ts';
import { recoveryPage } from './sign-in-pages.ts';
import type { Texts } from './texts.ts';
import { type Answered, formToken, type PagesContext, placeOf, type Visit } from './visit.ts';

export async function appsPage(ctx: PagesContext, visit: Visit, account: Account, removed = false): Promise<Answered> {
  const words = ctx.texts.apps;
  const token = formToken(ctx, visit, appsDoor);
  const apps = await ctx.interactions.apps(account.id);
  const rows = await Promise.all(
    apps.map(async (app) => {
      // Whom he may no longer see is not named, though the app's access is told of.
      const patient = app.patient === undefined ? undefined : await ctx.records.patient(account, app.patient);
      return appRow(app, patient?.name, token, ctx.texts);
    }),
  );
  const body = html`
${removed ? html`<p class="good" role="status">${words.removed}</p>` : ''}
${rows.length === 0 ? html`<p>${words.none}</p>` : html`<p>${words.explain}</p><ul class="rows">${rows}</ul>`}`;
  return { title: words.title, nav: ownNav(ctx, visit, appsDoor), body };
}

function appRow(
  { grantId, client, scopes, grantedAt, usedAt }: GrantedApp,
  patient: string | undefined,
  token: Markup,
  texts: Texts,
): Markup {
  const words = texts.apps;
  const day = (date: Date): string => new Intl.DateTimeFormat(texts.lang, { dateStyle: 'long', timeZone: 'UTC' }).format(date);
  return html`<li><h2>${client.name}</h2>
<dl>${patient === undefined || patient === '' ? '' : html`<dt>${words.patient}</dt><dd>${patient}</dd>`}
<dt>${words.granted}</dt><dd>${day(grantedAt)}</dd><dt>${words.used}</dt><dd>${day(usedAt)}</dd>
<dt>${words.may}</dt><dd><ul class="plain">${askedScopes(scopes, texts).map(({ words: each }) => html`<li>${each}</li>`)}</ul></dd></dl>
<form method="post" action="${appsDoor.place}/remove">${token}
<div class="buttons"><button class="second" name="grant" value="${grantId}">${words.remove(client.name)}</button></div></form></li>`;
}

export async function onRemove(ctx: PagesContext, visit: Visit, account: Account, form: Form): Promise<Answered> {
  const removed = await ctx.interactions.removeApp(account.id, form.text('grant'));
  return appsPage(ctx, visit, account, removed);
}

export async function onSignOut(ctx: PagesContext, { incoming, outgoing }: Visit, { id }: Account): Promise<Answered> {
  await ctx.interactions.closeSession(incoming, outgoing);
  return signedOutPage(ctx.texts, await ctx.federation?.signOutAt(id));
}

/** @param elsewhere  where he is signed in still: whoever comes next to this browser would sign in by it without a password */
export function signedOutPage({ signOut }: Texts, elsewhere: readonly { readonly name: string; readonly to: string }[] = []): Page {
  const links = elsewhere.map(({ name, to }) => html`<p><a href="${to}">${signOut.elsewhere(name)}</a></p>`);
  return { title: signOut.doneTitle, body: html`<p>${signOut.done}</p>${links}<p><a href="/oauth/sign-in">${signOut.again}</a></p>` };
}

/** @param done  what has just been done */
export async function accountPage(ctx: PagesContext, visit: Visit, account: Account, done?: string): Promise<Page> {
  const words = ctx.texts.account;
  const user = await ctx.users.find(account.id);
  const begin = html`<p>${words.hasNone}</p>
<form method="post" action="${accountDoor.place}/second-factor">${formToken(ctx, visit, accountDoor)}<div class="buttons"><button class="second">${words.begin}</button></div></form>`;
  return {
    title: words.title,
    lead: words.signedInAs(account.name ?? account.id),
    nav: ownNav(ctx, visit, accountDoor),
    body: html`
${done === undefined ? '' : html`<p class="good" role="status">${done}</p>`}
${
  user?.hasPassword === true
    ? html`<h2>${words.password}</h2><p><a href="${accountDoor.place}/password">${words.changePassword}</a></p>`
    : ''
}
<h2>${words.secondFactor}</h2>
${user?.hasSecondFactor === true ? html`<p>${words.has}</p>` : begin}`,
  };
}

export async function onSecondFactor(ctx: PagesContext, visit: Visit, account: Account): Promise<Answered> {
  const user = await ctx.users.find(account.id);
  return user === undefined || user.hasSecondFactor
    ? { to: accountDoor.place }
    : framed(ctx, visit, enrolment(ctx, visit, accountDoor, user));
}

export async function onOwnEnrol(ctx: PagesContext, visit: Visit, account: Account, form: Form): Promise<Answered> {
  const user = await ctx.users.find(account.id);
  if (user === undefined || user.hasSecondFactor) return { to: accountDoor.place };
  const secret = ctx.forms.opened(`totp/${user.id}`, form.text('secret'));
  const codes = secret === undefined ? undefined : await ctx.users.enrol(user, secret, form.text('code'));
  if (codes === undefined) return framed(ctx, visit, enrolment(ctx, visit, accountDoor, user, { secret, fault: ctx.texts.enrol.refused }));
  return recoveryPage(placeOf(ctx, visit, accountDoor), codes, ctx.texts);
}

/** A step that signing in has too, as one of the user's own pages. */
async function framed(ctx: PagesContext, visit: Visit, page: Promise<Answered>): Promise<Answered> {
  return { nav: ownNav(ctx, visit, accountDoor), ...(await page) };
}
