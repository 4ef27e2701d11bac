import { html } from 'hono/html';
import type { Markup } from './layout.ts';

export type Field = {
  readonly name: string;
  readonly label: string;
  readonly type?: 'text' | 'password' | 'date';
  readonly value?: string;
  /** What kind of value browsers may fill in. @see https://html.spec.whatwg.org/#autofill */
  readonly autocomplete: string;
  readonly lengthMax?: number;
  readonly isRequired?: boolean;
  /** Keys of a telephone. */
  readonly isNumeric?: boolean;
  readonly hint?: string;
  /** What is wrong with it: told beside it, and the field has the focus. */
  readonly fault?: string | undefined;
  /** Wrong together with others, of which the page tells at the top. */
  readonly isFaulty?: boolean;
};

/** A line to type into, with its label, and what else is said of it where a screen reader says it too. */
export function fieldOf({ name, label, type = 'text', value = '', hint, fault, ...more }: Field): Markup {
  const isFaulty = fault !== undefined || more.isFaulty === true;
  const told = [isFaulty ? 'fault' : '', hint === undefined ? '' : `${name}-hint`].filter((each) => each !== '').join(' ');
  return html`<label for="${name}">${label}</label>
${hint === undefined ? '' : html`<p class="hint" id="${name}-hint">${hint}</p>`}
${fault === undefined ? '' : html`<p class="fault" id="fault" role="alert">${fault}</p>`}
<input type="${type}" id="${name}" name="${name}" value="${value}" autocomplete="${more.autocomplete}"${attribute('maxlength', more.lengthMax)}${
    type === 'text' ? html` autocapitalize="none" spellcheck="false"` : ''
  }${more.isNumeric === true ? html` inputmode="numeric"` : ''}${more.isRequired === true ? html` required` : ''}${
    isFaulty ? html` aria-invalid="true"` : ''
  }${attribute('aria-describedby', told === '' ? undefined : told)}${fault === undefined ? '' : html` autofocus`}>`;
}

function attribute(name: string, value: string | number | undefined): Markup | string {
  return value === undefined ? '' : html` ${name}="${value}"`;
}
