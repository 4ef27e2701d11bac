import { html, raw } from 'hono/html';
import type { Views } from '../interaction.ts';
import { documentOf, type Page } from './layout.ts';
import { signedOutPage } from './own-pages.ts';
import type { Texts } from './texts.ts';

/** The pages that the authorization server shows by itself. */
export function viewsIn(texts: Texts): Views {
  return {
    error: (reason, requestId) => documentOf(errorPage(texts, reason, requestId), texts),
    signOut(form) {
      const { title, explain, yes, no } = texts.signOut;
      const body = html`<p>${explain}</p>${raw(form)}
<div class="buttons"><button form="op.logoutForm" name="logout" value="yes">${yes}</button>
<button class="second" form="op.logoutForm">${no}</button></div>`;
      return documentOf({ title, body }, texts);
    },
    signedOut: () => documentOf(signedOutPage(texts), texts),
  };
}

export function errorPage(texts: Texts, reason: string, requestId: string): Page {
  const { title, request } = texts.error;
  return { title, body: html`<p>${reason}</p><p class="quiet">${request} <code>${requestId}</code></p>` };
}
