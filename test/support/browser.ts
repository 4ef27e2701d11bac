/** A page as a browser without scripts has it. */
export type Shown = {
  readonly status: number;
  readonly url: string;
  readonly html: string;
  readonly headers: Headers;
  /** Where it leads, if that is outside of this server: an app's address with its code. */
  readonly left?: URL;
};

export type Submit = {
  /** What the form's action ends with. */
  readonly form: string;
  readonly fields?: Readonly<Record<string, string | readonly string[]>>;
  /** Of a button with a name, which one was pressed. */
  readonly button?: readonly [name: string, value: string];
  readonly headers?: Readonly<Record<string, string>>;
};

export type Browser = {
  readonly open: (url: string) => Promise<Shown>;
  /** Fills in and sends a form of the page. */
  readonly submit: (page: Shown, submit: Submit) => Promise<Shown>;
  readonly send: (url: string, init: RequestInit) => Promise<Shown>;
  readonly cookies: Map<string, string>;
};

const hopsMax = 8;

/** Keeps cookies with their paths, follows redirects within the server, and fills in forms as they are. */
export function makeBrowser(origin: string): Browser {
  const jar = new Map<string, { value: string; path: string }>();
  const cookies = new Map<string, string>();

  function keep(headers: Headers): void {
    for (const line of headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
      const name = pair.slice(0, pair.indexOf('='));
      const value = pair.slice(pair.indexOf('=') + 1);
      const path = attributes.find((each) => /^path=/i.test(each))?.slice(5) ?? '/';
      const isOver = value === '' || attributes.some((each) => /^max-age=0$/i.test(each) || /^expires=thu, 01 jan 1970/i.test(each));
      if (isOver) {
        jar.delete(`${name} ${path}`);
        cookies.delete(name);
      } else {
        jar.set(`${name} ${path}`, { value, path });
        cookies.set(name, line);
      }
    }
  }

  function cookieHeader(url: string): string {
    const { pathname } = new URL(url);
    return (
      [...jar]
        .filter(([, { path }]) => pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`))
        // Of two with the same name the server takes the first: that of the nearer path, as every browser has it.
        .toSorted(([, one], [, other]) => other.path.length - one.path.length)
        .map(([name, { value }]) => `${name.split(' ')[0]}=${value}`)
        .join('; ')
    );
  }

  async function send(url: string, init: RequestInit, hops = 0): Promise<Shown> {
    const headers = new Headers(init.headers);
    const cookie = cookieHeader(url);
    if (cookie !== '') headers.set('cookie', cookie);
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    keep(response.headers);
    const html = await response.text();
    const shown = { status: response.status, url, html, headers: response.headers };
    const location = response.headers.get('location');
    if (location === null || response.status < 300 || response.status > 399) return shown;
    const next = new URL(location, url);
    if (next.origin !== origin) return { ...shown, left: next };
    if (hops >= hopsMax) throw new Error('too many redirects');
    return send(next.href, { method: 'GET' }, hops + 1);
  }

  return {
    open: (url) => send(new URL(url, origin).href, { method: 'GET' }),
    submit(page, { form, fields = {}, button, headers = {} }) {
      const [action, body] = filledIn(page, form, fields, button);
      return send(new URL(action, page.url).href, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', origin, ...headers },
        body: body.toString(),
      });
    },
    send: (url, init) => send(new URL(url, origin).href, init),
    cookies,
  };
}

function filledIn(
  page: Shown,
  suffix: string,
  fields: Readonly<Record<string, string | readonly string[]>>,
  button: readonly [string, string] | undefined,
): [action: string, body: URLSearchParams] {
  for (const [, attributes = '', inner = ''] of page.html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gs)) {
    const action = attributeOf(attributes, 'action') ?? '';
    if (!action.endsWith(suffix)) continue;
    const body = new URLSearchParams();
    for (const [, input = ''] of inner.matchAll(/<input\b([^>]*)>/g)) {
      const name = attributeOf(input, 'name');
      const isTicked = !/type="(?:checkbox|radio)"/.test(input) || /\schecked/.test(input);
      if (name !== undefined && isTicked && !Object.hasOwn(fields, name)) body.append(name, attributeOf(input, 'value') ?? '');
    }
    for (const [name, value] of Object.entries(fields)) for (const each of [value].flat()) body.append(name, each);
    if (button !== undefined) body.append(...(button as [string, string]));
    return [action, body];
  }
  throw new Error(`no form for ${suffix} on ${page.url} (${page.status}): ${page.html.slice(0, 2_000)}`);
}

function attributeOf(text: string, name: string): string | undefined {
  const value = new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(text)?.[1];
  return value === undefined ? undefined : textOf(value);
}

/** Without the escapes of HTML. */
export function textOf(html: string): string {
  const signs: Readonly<Record<string, string>> = { '&quot;': '"', '&#39;': "'", '&lt;': '<', '&gt;': '>', '&amp;': '&' };
  return html.replaceAll(/&(?:quot|#39|lt|gt|amp);/g, (sign) => signs[sign] ?? sign);
}
