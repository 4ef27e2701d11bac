import { html, raw } from 'hono/html';
import { toString as qrCode } from 'qrcode';
import type { Enrolment } from '../../../authorization/users.ts';
import type { Markup, Page } from './layout.ts';
import type { Texts } from './texts.ts';

/** Where the forms of a page lead, and what each of them carries. */
export type FormPlace = {
  readonly action: string;
  readonly token: Markup;
  readonly leadsTo: readonly string[];
  readonly fault?: string;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
};

function placed({ leadsTo, fault, status, headers }: FormPlace): Omit<Page, 'title' | 'body'> {
  return {
    leadsTo,
    ...(fault === undefined ? {} : { fault }),
    ...(status === undefined ? {} : { status }),
    ...(headers === undefined ? {} : { headers }),
  };
}

export function loginPage(place: FormPlace & { readonly appName?: string; readonly login: string }, texts: Texts): Page {
  const words = texts.signIn;
  const { action, token, appName, login, fault } = place;
  const invalid = fault === undefined ? '' : html` aria-invalid="true" aria-describedby="fault"`;
  return {
    ...placed(place),
    title: words.title,
    body: html`
${appName === undefined ? '' : html`<p class="quiet">${words.forApp(appName)}</p>`}
<form method="post" action="${action}/password">${token}
<label for="login">${words.login}</label>
<input type="text" id="login" name="login" value="${login}" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="200"${invalid}>
<label for="password">${words.password}</label>
<input type="password" id="password" name="password" autocomplete="current-password" required maxlength="200"${invalid}>
<div class="buttons"><button>${words.submit}</button></div>
</form>
${
  appName === undefined
    ? ''
    : html`<form method="post" action="${action}/decision">${token}
<div class="buttons"><button class="second" name="decision" value="refuse">${words.leave}</button></div></form>`
}`,
  };
}

export function codePage(place: FormPlace, texts: Texts): Page {
  const words = texts.secondFactor;
  const invalid = place.fault === undefined ? '' : ' aria-invalid="true"';
  return {
    ...placed(place),
    title: words.title,
    body: html`
<p id="explain">${words.explain}</p>
<form method="post" action="${place.action}/code">${place.token}
<label for="code">${words.code}</label>
<input type="text" id="code" name="code" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" required maxlength="40" aria-describedby="${place.fault === undefined ? '' : 'fault '}explain"${raw(invalid)}>
<div class="buttons"><button>${words.submit}</button></div>
</form>`,
  };
}

/** @param sealedSecret  the secret as the form carries it back */
export async function enrolPage(place: FormPlace, enrolment: Enrolment, sealedSecret: string, texts: Texts): Promise<Page> {
  const words = texts.enrol;
  const picture = await qrCode(enrolment.uri, { type: 'svg', errorCorrectionLevel: 'M', margin: 4 });
  const labelled = picture.replace('<svg ', `<svg class="qr" role="img" aria-label="${words.picture}" `);
  const invalid = place.fault === undefined ? '' : ' aria-invalid="true" aria-describedby="fault"';
  return {
    ...placed(place),
    title: words.title,
    body: html`
<p>${words.explain}</p>
${raw(labelled)}
<p>${words.key}: <code>${(enrolment.secret.match(/.{1,4}/g) ?? []).join(' ')}</code></p>
<form method="post" action="${place.action}/enrol">${place.token}<input type="hidden" name="secret" value="${sealedSecret}">
<label for="code">${words.code}</label>
<input type="text" id="code" name="code" inputmode="numeric" autocomplete="one-time-code" required maxlength="6"${raw(invalid)}>
<div class="buttons"><button>${words.submit}</button></div>
</form>`,
  };
}

export function recoveryPage(place: FormPlace, codes: readonly string[], texts: Texts): Page {
  const words = texts.enrol;
  return {
    ...placed(place),
    title: words.doneTitle,
    body: html`
<p>${words.done}</p>
<ol class="codes">${codes.map((code) => html`<li><code>${code}</code></li>`)}</ol>
<form method="post" action="${place.action}/enrolled">${place.token}<div class="buttons"><button>${words.kept}</button></div></form>`,
  };
}
