import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';

export type SmartApp = {
  readonly origin: string;
  /** Where the app is begun: alone with `iss` and `scope`, by an EHR with `iss` and `launch`. */
  readonly launchUrl: (parameters: Readonly<Record<string, string>>) => string;
  readonly redirectUri: string;
  readonly stop: () => void;
};

export const clientId = 'growth-chart';

const library = createRequire(import.meta.url).resolve('fhirclient/build/fhir-client.js');

const launchScript = `
const asked = new URLSearchParams(location.search);
FHIR.oauth2.authorize({ clientId: '${clientId}', scope: asked.get('scope'), redirectUri: 'app.html', iss: asked.get('iss'), pkceMode: 'required' })
  .catch((error) => { document.title = 'failed'; document.body.textContent = error.message; });
`;

const appScript = `
FHIR.oauth2.ready()
  .then((client) => {
    window.client = client;
    document.title = 'ready';
  })
  .catch((error) => { document.title = 'failed'; document.body.textContent = error.message; });
`;

/** A SMART app as others write them, by the client library that most of them use, at an origin of its own. */
export async function startSmartApp(): Promise<SmartApp> {
  const pageOf = (script: string): string =>
    `<!doctype html><html lang="en"><title>begun</title><link rel="icon" href="data:,"><body><script src="/fhir-client.js"></script><script src="/${script}"></script></body></html>`;
  const files: Readonly<Record<string, readonly [type: string, text: string]>> = {
    '/launch.html': ['text/html', pageOf('launch.js')],
    '/app.html': ['text/html', pageOf('app.js')],
    '/launch.js': ['text/javascript', launchScript],
    '/app.js': ['text/javascript', appScript],
  };
  const server = createServer(({ url = '/' }, outgoing) => {
    const path = url.split('?')[0] ?? '/';
    if (path === '/fhir-client.js') {
      outgoing.writeHead(200, { 'content-type': 'text/javascript' });
      createReadStream(library).pipe(outgoing);
      return;
    }
    const [type, text] = files[path] ?? ['text/plain', ''];
    outgoing.writeHead(text === '' ? 404 : 200, { 'content-type': `${type}; charset=utf-8` }).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    launchUrl: (parameters) => `${origin}/launch.html?${new URLSearchParams(parameters).toString()}`,
    redirectUri: `${origin}/app.html`,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Waits until the app has its token, or says why it has none. */
export async function appReady(page: Page): Promise<void> {
  await page.waitForFunction("['ready', 'failed'].includes(document.title)");
  if ((await page.title()) === 'failed') throw new Error(`the app failed: ${await page.textContent('body')}`);
}

/**
 * Runs an expression over the app's `client`.
 *
 * @returns what it gives; of an error, its HTTP status where it has one
 */
export async function inApp<T>(page: Page, expression: string): Promise<T | { readonly status: number | string }> {
  return page.evaluate(
    `Promise.resolve().then(() => ${expression}).catch((error) => ({ status: error.statusCode ?? error.status ?? error.message }))`,
  );
}
