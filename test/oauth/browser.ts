import { createHash, randomBytes } from 'node:crypto';
import type { TestServer } from '../support/server.ts';

/** A browser without a screen: cookies by path, redirects followed one by one. */
export type Browser = {
  readonly get: (url: string) => Promise<Seen>;
  readonly post: (url: string, fields: Fields) => Promise<Seen>;
};

export type Fields = Readonly<Record<string, string | readonly string[]>>;

export type Seen = {
  readonly url: string;
  readonly status: number;
  readonly location: string | null;
  readonly text: string;
  readonly headers: Headers;
};

type Cookie = { readonly name: string; readonly value: string; readonly path: string };

export function openBrowser(origin: string): Browser {
  const cookies = new Map<string, Cookie>();

  async function send(url: string, init: RequestInit): Promise<Seen> {
    const address = new URL(url, origin);
    const sent = [...cookies.values()]
      .filter(({ path }) => address.pathname === path || address.pathname.startsWith(path.endsWith('/') ? path : `${path}/`))
      // Of two with the same name the server takes the first: that of the nearer path, as every browser has it.
      .toSorted((one, other) => other.path.length - one.path.length);
    const headers = new Headers(init.headers);
    headers.set('accept', 'text/html');
    if (sent.length > 0) headers.set('cookie', sent.map(({ name, value }) => `${name}=${value}`).join('; '));
    const response = await fetch(address, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
      const at = pair.indexOf('=');
      const path = attributes.find((each) => /^path=/i.test(each))?.slice(5) ?? '/';
      const cookie = { name: pair.slice(0, at), value: pair.slice(at + 1), path };
      const isGone = attributes.some((each) => /^expires=Thu, 01 Jan 1970/i.test(each) || /^max-age=0$/i.test(each));
      if (isGone || cookie.value === '') cookies.delete(`${cookie.name} ${path}`);
      else cookies.set(`${cookie.name} ${path}`, cookie);
    }
    const { status } = response;
    return {
      url: address.href,
      status,
      location: response.headers.get('location'),
      text: await response.text(),
      headers: response.headers,
    };
  }

  return {
    get: (url) => send(url, {}),
    post(url, fields) {
      const body = new URLSearchParams(
        Object.entries(fields).flatMap(([name, value]) => [value].flat().map((each): [string, string] => [name, each])),
      );
      return send(url, { method: 'POST', headers: { origin, 'content-type': 'application/x-www-form-urlencoded' }, body });
    },
  };
}

/** Follows redirects as long as they stay with us. */
export async function follow(browser: Browser, seen: Seen, origin: string): Promise<Seen> {
  let now = seen;
  for (let hops = 0; now.location !== null && new URL(now.location, origin).origin === origin && hops < 10; hops++)
    now = await browser.get(now.location);
  return now;
}

export function hiddenFields(text: string): Record<string, string> {
  const fields = [...text.matchAll(/<input[^>]*type="hidden"[^>]*>/g)].map(([tag]) => {
    const attribute = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(tag)?.[1]?.replaceAll('&amp;', '&') ?? '';
    return [attribute('name'), attribute('value')] as const;
  });
  return Object.fromEntries(fields);
}

export type Asked = Readonly<Record<string, string>>;

export function pkce(): { verifier: string; challenge: string } {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

export function authorizeUrl(server: TestServer, asked: Asked): string {
  return `${server.origin}/oauth/authorize?${new URLSearchParams(asked).toString()}`;
}

/** Posts a form to one of the endpoints that answer JSON. */
export async function postForm(
  url: string,
  fields: Asked,
  headers: Readonly<Record<string, string>> = {},
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into arbitrary answers
): Promise<{ status: number; headers: Headers; json: any }> {
  const response = await fetch(url, { method: 'POST', headers: { ...headers }, body: new URLSearchParams(fields) });
  const text = await response.text();
  return { status: response.status, headers: response.headers, json: text === '' ? undefined : JSON.parse(text) };
}
