import { html } from 'hono/html';
import type { Texts } from './texts.ts';

/** A piece of a page: text in it is escaped, markup is not. */
export type Markup = ReturnType<typeof html>;

export type Page = {
  readonly title: string;
  readonly body: Markup;
  readonly status?: number;
  /** What this page is about, below its heading. */
  readonly lead?: string;
  /** A fault of a form, told at the top. */
  readonly fault?: string;
  /** The body tells a fault beside its field: the title says that there is one. */
  readonly isFaulty?: boolean;
  /** Leads to the user's other pages. */
  readonly nav?: Markup;
  /** Where forms of this page may lead besides here: an app's address, which the last form redirects to. */
  readonly leadsTo?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  /** What may load, where the page has more than a style sheet. */
  readonly script?: string;
};

export const styleUrl = '/oauth/pages/style.css';

/** The whole document. No script, but where a page names one of ours. */
export function documentOf(page: Page, texts: Texts): string {
  const isFaulty = page.fault !== undefined || page.isFaulty === true;
  const title = isFaulty ? `${texts.faultTitle}: ${page.title}` : page.title;
  const script = page.script === undefined ? '' : html`<script src="${page.script}" defer></script>`;
  const written = html`<!doctype html>
<html lang="${texts.lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title === texts.product ? title : `${title} – ${texts.product}`}</title>
<link rel="stylesheet" href="${styleUrl}">
${script}
</head>
<body>
${page.nav === undefined ? '' : html`<a class="skip" href="#main">${texts.skip}</a>`}
<header><span>${texts.product}</span>${page.nav ?? ''}</header>
<main id="main" tabindex="-1">
<h1>${page.title}</h1>
${page.lead === undefined ? '' : html`<p class="quiet">${page.lead}</p>`}
${page.fault === undefined ? '' : html`<p class="fault" id="fault" role="alert">${page.fault}</p>`}
${page.body}
</main>
</body>
</html>
`;
  if (written instanceof Promise) throw new Error('a page holds nothing that is still to come');
  return written.toString();
}

/** Headers of every page. The token of a form is no use to who can't read the page, and nobody may frame it. */
export function pageHeaders({ leadsTo = [], script, headers }: Page): Record<string, string> {
  const policy = [
    "default-src 'none'",
    "style-src 'self'",
    // A browser holds the policy against where a form's answer redirects to as well.
    `form-action ${["'self'", ...leadsTo.filter((each) => /^[a-z][a-z\d+.-]*:(\/\/[\w.:[\]-]+)?$/i.test(each))].join(' ')}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
    ...(script === undefined ? [] : ["script-src 'self'", "connect-src 'self'"]),
  ];
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy.join('; '),
    'x-frame-options': 'DENY',
    // None to others. With `no-referrer` a browser would send forms with `Origin: null`, which tells them from no forgery.
    'referrer-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=()',
    pragma: 'no-cache',
    ...headers,
  };
}
