import { html } from 'hono/html';
import type { ClientFace } from '../interaction.ts';
import type { Form } from './forms.ts';
import type { Markup, Page } from './layout.ts';
import { type AskedScope, askedScopes } from './scope-words.ts';
import type { Texts } from './texts.ts';

export type ConsentAsked = {
  readonly client: ClientFace;
  readonly scopes: readonly string[];
  readonly userName: string;
  /** In words, where one is in context. */
  readonly patientName?: string;
  /** The form's address and fields that it carries along. */
  readonly action: string;
  readonly carried: Markup;
  readonly fault?: string;
};

/** What the app asks for, each scope in words. Decided on are resource scopes one by one, as a whole or in part. */
export function consentPage(asked: ConsentAsked, texts: Texts): Page {
  const words = texts.consent;
  const scopes = askedScopes(asked.scopes, texts);
  const groups = (Object.keys(words.groups) as AskedScope['group'][]).flatMap((group) => {
    const members = scopes.flatMap((scope, at) => (scope.group === group ? [{ scope, at }] : []));
    return members.length === 0 ? [] : [groupOf(group, members, texts)];
  });
  const { client } = asked;
  const links = [
    !isWebAddress(client.policyUri) ? undefined : html`<a href="${client.policyUri}" rel="noreferrer">${words.privacy}</a>`,
    !isWebAddress(client.tosUri) ? undefined : html`<a href="${client.tosUri}" rel="noreferrer">${words.terms}</a>`,
  ].filter((link) => link !== undefined);
  return {
    title: words.title(client.name),
    ...(asked.fault === undefined ? {} : { fault: asked.fault }),
    leadsTo: client.origins,
    lead: words.signedInAs(asked.userName),
    body: html`
<dl>${asked.patientName === undefined ? '' : html`<dt>${words.patient}</dt><dd><strong>${asked.patientName}</strong></dd>`}
<dt>${words.app}</dt><dd>${client.name}</dd>
<dt>${words.origin}</dt><dd>${client.origins.join(', ')}</dd></dl>
${links.length === 0 ? '' : html`<p>${links.map((link) => html`${link} `)}</p>`}
<form method="post" action="${asked.action}">
${asked.carried}
${groups}
<div class="buttons"><button name="decision" value="allow">${words.allow}</button>
<button class="second" name="decision" value="refuse">${words.refuse}</button></div>
</form>`,
  };
}

/** Links are the app's words too: they may lead to pages and run nothing. */
function isWebAddress(address: string | undefined): address is string {
  return address !== undefined && /^https?:\/\//i.test(address);
}

function groupOf(group: AskedScope['group'], members: readonly { scope: AskedScope; at: number }[], texts: Texts): Markup {
  const note = group === 'patient' || group === 'user' ? html`<p class="quiet">${texts.consent.groupNotes[group]}</p>` : '';
  const fixed = members.filter(({ scope }) => !scope.isFree);
  const free = members.filter(({ scope }) => scope.isFree);
  return html`<fieldset><legend>${texts.consent.groups[group]}</legend>${note}
${fixed.length === 0 ? '' : html`<ul class="plain">${fixed.map(({ scope }) => html`<li>${scope.words}</li>`)}</ul>`}
${free.map(({ scope, at }) => choiceOf(scope, at, texts))}</fieldset>`;
}

function choiceOf({ words, warning, narrower }: AskedScope, at: number, texts: Texts): Markup {
  const warned = warning === undefined ? '' : html`<p class="warning" id="w${at}">${warning}</p>`;
  if (narrower.length === 0) {
    const described = warning === undefined ? '' : html` aria-describedby="w${at}"`;
    return html`<label class="choice"><input type="checkbox" name="s${at}" value="all" checked${described}><span>${words}</span></label>${warned}`;
  }
  const radio = (value: 'all' | 'some' | 'no', text: string, checked: boolean): Markup =>
    html`<label class="choice"><input type="radio" name="s${at}" value="${value}"${checked ? html` checked` : ''}><span>${text}</span></label>`;
  return html`<fieldset><legend>${words}</legend>
${radio('all', texts.consent.all, true)}${radio('no', texts.consent.no, false)}${radio('some', texts.consent.some, false)}
<div class="inner">${narrower.map(
    (each, index) => html`<label class="choice"><input type="checkbox" name="s${at}n" value="${index}"><span>${each.words}</span></label>`,
  )}</div></fieldset>${warned}`;
}

/** The scopes that the form leaves, all of them among those asked for or narrower ones that the page offered. */
export function keptScopes(scopes: readonly string[], form: Form, texts: Texts): string[] {
  const kept = askedScopes(scopes, texts).flatMap(({ scope, isFree, narrower }, at) => {
    if (!isFree) return [scope];
    const choice = form.text(`s${at}`);
    const kinds = form.all(`s${at}n`).flatMap((index) => (/^\d{1,3}$/.test(index) ? (narrower[Number(index)]?.scope ?? []) : []));
    // Who ticked kinds but left "all of it" as it was wants those kinds: of two readings, the one that gives less.
    if (choice === 'all' && kinds.length === 0) return [scope];
    return choice === 'all' || choice === 'some' ? kinds : [];
  });
  return [...new Set(kept)];
}

/** Whether scopes leave the app anything to do, or any word of who the user is. */
export function allowsSomething(scopes: readonly string[]): boolean {
  return scopes.some((scope) => /^(patient|user|system)\/|^openid$/.test(scope));
}
