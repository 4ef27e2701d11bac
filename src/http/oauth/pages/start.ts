import { html } from 'hono/html';
import { demoPath } from './demo.ts';
import type { Page } from './layout.ts';
import { accountDoor, appsDoor } from './own-frame.ts';
import type { Texts } from './texts.ts';

export const startPath = '/';

/** What a person sees who opens the server's address: where to go on, for people and for programs. */
export function startPage({ base, hasDemo, texts }: { readonly base: string; readonly hasDemo: boolean; readonly texts: Texts }): Page {
  const words = texts.start;
  return {
    title: texts.product,
    body: html`
<p>${words.explain}</p>
<h2>${words.forPeople}</h2>
<ul class="plain">
<li><a href="${appsDoor.place}">${words.apps}</a></li>
<li><a href="${accountDoor.place}">${words.account}</a></li>
${hasDemo ? html`<li><a href="${demoPath}">${words.demo}</a></li>` : ''}
</ul>
<h2>${words.forPrograms}</h2>
<p>${words.base}: <code>${base}</code></p>
<ul class="plain">
<li><a href="${base}/metadata">${words.metadata}</a></li>
<li><a href="${base}/.well-known/smart-configuration">${words.smart}</a></li>
</ul>`,
  };
}
