import { html } from 'hono/html';
import type { AskedSignature } from '../../../authorization/signature-confirmations.ts';
import type { User } from '../../../authorization/users.ts';
import type { Form } from './forms.ts';
import type { Page } from './layout.ts';
import { begunHere, signInPage } from './sign-in.ts';
import { type Answered, type Door, type PagesContext, placeOf, type Visit } from './visit.ts';

/** Where somebody confirms a signature that an app asks him for. */
export type SigningDoor = Door & { readonly signing: AskedSignature & { readonly id: string } };

export const signingPlace = '/oauth/sign';

/** @returns undefined where no signature waits under this id */
export async function signingDoor(ctx: PagesContext, id: string): Promise<SigningDoor | undefined> {
  const asked = /^[\w-]{43}$/.test(id) ? await ctx.confirmations.find(id) : undefined;
  return asked === undefined ? undefined : { place: `${signingPlace}/${id}`, signing: { ...asked, id } };
}

/** Whoever comes proves anew who he is, whether or not he is signed in; then he is asked. */
export async function signingPage(ctx: PagesContext, visit: Visit, door: SigningDoor): Promise<Answered> {
  const proved = await provedHere(ctx, visit, door);
  if (proved === undefined) return signInPage(ctx, visit, door);
  const { signing } = door;
  const words = ctx.texts.signing;
  const app = (await ctx.interactions.apps(signing.account)).find(({ grantId }) => grantId === signing.grantId);
  // Who took the app back in the meantime is asked nothing by it.
  if (app === undefined) return overPage(ctx);
  const { action, token } = placeOf(ctx, visit, door);
  const [, record = '', version = ''] = /^(.+)\/_history\/(\d+)$/.exec(signing.target) ?? [];
  return {
    title: words.title,
    lead: words.as(proved.user.name),
    body: html`
<p>${words.explain(app.client.name)}</p>
<dl><dt>${words.record}</dt><dd><code>${record}</code></dd><dt>${words.version}</dt><dd>${version}</dd>
<dt>${words.meaning}</dt><dd>${words.meanings[signing.meaning] ?? signing.meaning}</dd></dl>
<form method="post" action="${action}/decision">${token}
<div class="buttons"><button name="decision" value="sign">${words.sign}</button>
<button class="second" name="decision" value="refuse">${words.refuse}</button></div></form>`,
  };
}

export async function onSigningDecision(ctx: PagesContext, visit: Visit, door: SigningDoor, form: Form): Promise<Answered> {
  const proved = await provedHere(ctx, visit, door);
  if (proved === undefined) return { to: door.place };
  const words = ctx.texts.signing;
  const { id } = door.signing;
  if (form.text('decision') !== 'sign') {
    await ctx.confirmations.refuse(id);
    return { title: words.refusedTitle, body: html`<p>${words.refused}</p>` };
  }
  if (!(await ctx.confirmations.confirm(id, proved.amr))) return overPage(ctx);
  return { title: words.doneTitle, body: html`<p>${words.done}</p>` };
}

async function provedHere(
  ctx: PagesContext,
  visit: Visit,
  door: SigningDoor,
): Promise<{ readonly user: User; readonly amr: readonly string[] } | undefined> {
  const begun = await begunHere(ctx, visit, door);
  return begun?.isDone === true && begun.user.id === door.signing.account ? begun : undefined;
}

export function overPage({ texts }: PagesContext): Page {
  return { title: texts.error.title, status: 404, body: html`<p>${texts.signing.over}</p>` };
}
