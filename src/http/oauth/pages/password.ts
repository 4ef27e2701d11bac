import { html } from 'hono/html';
import { PasswordsBusy } from '../../../authorization/passwords.ts';
import type { Account } from '../interaction.ts';
import { fieldOf } from './fields.ts';
import type { Form } from './forms.ts';
import type { Page } from './layout.ts';
import { accountDoor, ownNav } from './own-frame.ts';
import { accountPage } from './own-pages.ts';
import { waiting } from './sign-in.ts';
import { type Answered, formToken, type PagesContext, type Visit } from './visit.ts';

export const passwordPath = `${accountDoor.place}/password`;

type Fault = Pick<Page, 'status' | 'headers'> & { readonly at?: 'current' | 'next' | 'again'; readonly fault: string };

/** What was typed is never shown again. */
function passwordPage(ctx: PagesContext, visit: Visit, wrong?: Fault): Page {
  const words = ctx.texts.password;
  const { at, fault, ...answer } = wrong ?? {};
  const field = (name: 'current' | 'next' | 'again', label: string, autocomplete: string, hint?: string) =>
    fieldOf({
      name,
      label,
      autocomplete,
      type: 'password',
      isRequired: true,
      lengthMax: 200,
      ...(hint === undefined ? {} : { hint }),
      ...(at === name ? { fault } : {}),
    });
  return {
    ...answer,
    title: words.title,
    nav: ownNav(ctx, visit, accountDoor),
    ...(fault !== undefined && at === undefined ? { fault } : {}),
    isFaulty: fault !== undefined,
    body: html`
<form method="post" action="${passwordPath}">${formToken(ctx, visit, accountDoor)}
${field('current', words.current, 'current-password')}
${field('next', words.next, 'new-password', words.rule)}
${field('again', words.again, 'new-password')}
<div class="buttons"><button>${words.submit}</button></div>
</form>
<p><a href="${accountDoor.place}">${words.cancel}</a></p>`,
  };
}

/** For who has one. */
export async function ownPasswordPage(ctx: PagesContext, visit: Visit, account: Account): Promise<Answered> {
  const user = await ctx.users.find(account.id);
  return user?.hasPassword === true ? passwordPage(ctx, visit) : { to: accountDoor.place };
}

export async function onPasswordChange(ctx: PagesContext, visit: Visit, account: Account, form: Form): Promise<Answered> {
  const words = ctx.texts.password;
  const { incoming, outgoing } = visit;
  const next = form.text('next');
  const again = (at: Fault['at'], fault: string): Page =>
    passwordPage(ctx, visit, { ...(at === undefined ? {} : { at }), fault, status: 403 });
  if (next !== form.text('again')) return again('again', words.unlike);
  const attempt = { current: form.text('current'), next, network: ctx.networkOf(incoming) };
  const change = await ctx.interactions.changePassword(incoming, outgoing, attempt).catch((error: unknown) => {
    if (error instanceof PasswordsBusy) return 'busy' as const;
    throw error;
  });
  switch (change) {
    case 'changed':
      return accountPage(ctx, visit, account, words.done);
    case 'refused':
      return again('current', words.wrong);
    case 'password-weak':
      return again('next', words.weak);
    case 'signed-out':
      return { to: '/oauth/sign-in' };
    case 'busy':
      return passwordPage(ctx, visit, { fault: ctx.texts.signIn.busy, status: 503, headers: { 'retry-after': '5' } });
    default:
      return passwordPage(ctx, visit, waiting(ctx, change.waitSeconds));
  }
}
