import { html } from 'hono/html';
import { fieldOf } from './fields.ts';
import type { Markup, Page } from './layout.ts';
import type { Texts } from './texts.ts';

export type PatientLine = { readonly id: string; readonly name: string; readonly birthDate?: string; readonly gender?: string };
export type EncounterLine = { readonly id: string; readonly kind: string; readonly start?: string; readonly end?: string };

export type PatientSearch = { readonly name: string; readonly birthDate: string };

export type PatientChoice = {
  readonly appName: string;
  readonly action: string;
  readonly token: Markup;
  readonly leadsTo: readonly string[];
  readonly asked: PatientSearch;
  /** Undefined before the first search. */
  readonly found: readonly PatientLine[];
  /** Sealed place of the next page. */
  readonly next?: string;
  readonly fault?: string;
  /** Of the birth date that was asked for. */
  readonly dateFault?: string;
};

/** Names are sent by POST: a page's address stays in the browser's history. */
export function patientPage(choice: PatientChoice, texts: Texts): Page {
  const words = texts.patients;
  const { action, asked, found, token } = choice;
  return {
    title: words.title,
    leadsTo: choice.leadsTo,
    ...(choice.fault === undefined ? {} : { fault: choice.fault }),
    isFaulty: choice.dateFault !== undefined,
    body: html`
<p>${words.explain(choice.appName)}</p>
<form method="post" action="${action}/patients" role="search">${token}
${fieldOf({ name: 'name', label: words.name, value: asked.name, autocomplete: 'off', lengthMax: 100 })}
${fieldOf({ name: 'birthDate', label: words.birthDate, type: 'date', value: asked.birthDate, autocomplete: 'off', fault: choice.dateFault })}
<div class="buttons"><button>${words.search}</button></div>
</form>
<h2 id="found">${words.found}</h2>
${
  found.length === 0
    ? html`<p>${words.none}</p>`
    : html`<form method="post" action="${action}/patient">${token}
<ul class="rows" aria-labelledby="found">${found.map((line) => patientRow(line, texts))}</ul>
</form>`
}
${
  choice.next === undefined
    ? ''
    : html`<form method="post" action="${action}/patients">${token}
<input type="hidden" name="name" value="${asked.name}"><input type="hidden" name="birthDate" value="${asked.birthDate}">
<input type="hidden" name="next" value="${choice.next}"><div class="buttons"><button class="second">${words.more}</button></div></form>`
}
${cancelForm(action, token, texts)}`,
  };
}

function patientRow({ id, name, birthDate, gender }: PatientLine, texts: Texts): Markup {
  const words = texts.patients;
  const facts = [birthDate === undefined ? '' : `${words.born} ${birthDate}`, gender ?? ''].filter((each) => each !== '').join(', ');
  return html`<li class="row"><span id="p-${id}"><strong>${name === '' ? words.noName : name}</strong><br><span class="quiet">${facts}</span></span>
<button class="second" name="patient" value="${id}" aria-describedby="p-${id}">${words.choose}</button></li>`;
}

export type EncounterChoice = {
  readonly appName: string;
  readonly action: string;
  /** The form's token, and the patient chosen before. */
  readonly carried: Markup;
  readonly token: Markup;
  readonly leadsTo: readonly string[];
  readonly found: readonly EncounterLine[];
  readonly fault?: string;
};

export function encounterPage(choice: EncounterChoice, texts: Texts): Page {
  const words = texts.encounters;
  const { found } = choice;
  return {
    title: words.title,
    leadsTo: choice.leadsTo,
    ...(choice.fault === undefined ? {} : { fault: choice.fault }),
    body: html`
<p>${words.explain(choice.appName)}</p>
${
  found.length === 0
    ? html`<p>${words.none}</p>`
    : html`<form method="post" action="${choice.action}/encounter">${choice.carried}
<ul class="rows">${found.map((line) => encounterRow(line, texts))}</ul></form>`
}
${cancelForm(choice.action, choice.token, texts)}`,
  };
}

function encounterRow({ id, kind, start, end }: EncounterLine, { encounters: words, patients }: Texts): Markup {
  const days =
    start === end ? (start ?? '') : `${start === undefined ? '' : words.from(start)} ${end === undefined ? '' : words.until(end)}`;
  return html`<li class="row"><span id="e-${id}"><strong>${kind === '' ? words.unknownKind : kind}</strong><br><span class="quiet">${days}</span></span>
<button class="second" name="encounter" value="${id}" aria-describedby="e-${id}">${patients.choose}</button></li>`;
}

/** Leads back to the app, which is told that it was refused. */
function cancelForm(action: string, token: Markup, texts: Texts): Markup {
  return html`<form method="post" action="${action}/decision">${token}
<div class="buttons"><button class="plain" name="decision" value="refuse">${texts.cancel}</button></div></form>`;
}
