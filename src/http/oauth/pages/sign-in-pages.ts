import { html, raw } from 'hono/html';
import { toString as qrCode } from 'qrcode';
import type { Enrolment } from '../../../authorization/users.ts';
import { fieldOf } from './fields.ts';
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
    isFaulty: fault !== undefined,
    ...(status === undefined ? {} : { status }),
    ...(headers === undefined ? {} : { headers }),
  };
}

type LoginFields = {
  readonly appName?: string;
  /** What it is for, where it is neither for an app nor for pages. */
  readonly lead?: string;
  readonly login: string;
  /** Where one may sign in instead. */
  readonly providers: readonly { readonly id: string; readonly name: string }[];
};

export function loginPage(place: FormPlace & LoginFields, texts: Texts): Page {
  const words = texts.signIn;
  const { action, token, appName, lead, login, fault, providers } = place;
  // Which of the two is wrong is not told.
  const field = { isRequired: true, lengthMax: 200, isFaulty: fault === words.refused };
  return {
    ...placed(place),
    ...(fault === undefined ? {} : { fault }),
    title: words.title,
    lead: lead ?? (appName === undefined ? words.forPages : words.forApp(appName)),
    body: html`
<form method="post" action="${action}/password">${token}
${fieldOf({ ...field, name: 'login', label: words.login, value: login, autocomplete: 'username' })}
${fieldOf({ ...field, name: 'password', label: words.password, type: 'password', autocomplete: 'current-password' })}
<div class="buttons"><button>${words.submit}</button></div>
</form>
${providers.length === 0 ? '' : html`<div class="buttons">${providers.map(({ id, name }) => html`<a class="button" href="${action}/with/${id}">${words.outside(name)}</a>`)}</div>`}
${
  appName === undefined
    ? ''
    : html`<form method="post" action="${action}/decision">${token}
<div class="buttons"><button class="plain" name="decision" value="refuse">${words.leave}</button></div></form>`
}`,
  };
}

export function codePage(place: FormPlace, texts: Texts): Page {
  const words = texts.secondFactor;
  return {
    ...placed(place),
    title: words.title,
    body: html`
<form method="post" action="${place.action}/code">${place.token}
${fieldOf({
  name: 'code',
  label: words.code,
  hint: words.explain,
  autocomplete: 'one-time-code',
  isRequired: true,
  lengthMax: 40,
  fault: place.fault,
})}
<div class="buttons"><button>${words.submit}</button></div>
</form>`,
  };
}

/** @param sealedSecret  the secret as the form carries it back */
export async function enrolPage(place: FormPlace, enrolment: Enrolment, sealedSecret: string, texts: Texts): Promise<Page> {
  const words = texts.enrol;
  const picture = await qrCode(enrolment.uri, { type: 'svg', errorCorrectionLevel: 'M', margin: 4 });
  const labelled = picture.replace('<svg ', `<svg class="qr" role="img" aria-label="${words.picture}" `);
  return {
    ...placed(place),
    title: words.title,
    body: html`
<ol>${words.steps.map((step) => html`<li>${step}</li>`)}</ol>
${raw(labelled)}
<p>${words.key}: <code>${(enrolment.secret.match(/.{1,4}/g) ?? []).join(' ')}</code></p>
<form method="post" action="${place.action}/enrol">${place.token}<input type="hidden" name="secret" value="${sealedSecret}">
${fieldOf({
  name: 'code',
  label: words.code,
  autocomplete: 'one-time-code',
  isRequired: true,
  isNumeric: true,
  lengthMax: 6,
  fault: place.fault,
})}
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
<p class="warning">${words.onlyNow}</p>
<ol class="codes">${codes.map((code) => html`<li><code>${code}</code></li>`)}</ol>
<form method="post" action="${place.action}/enrolled">${place.token}<div class="buttons"><button>${words.kept}</button></div></form>`,
  };
}
