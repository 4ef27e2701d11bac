import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { expect, inject } from 'vitest';

/** A window of the browser, with cookies of its own. */
export type Window = {
  readonly page: Page;
  /** Takes out what the browser complained of, where a test means it to. */
  readonly complaints: () => readonly string[];
  /** Rejects where the browser complained: of a script that failed, of what a content policy kept from loading; or asked another host. */
  readonly close: () => Promise<void>;
};

export function launchChromium(): Promise<Browser> {
  const executablePath = inject('chromium');
  if (executablePath === undefined) throw new Error('there is no Chromium');
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
}

export async function openWindow(browser: Browser, options: BrowserContextOptions = {}): Promise<Window> {
  const context = await browser.newContext({ viewport: { width: 1024, height: 768 }, locale: 'en-GB', timezoneId: 'UTC', ...options });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', ({ message }) => {
    if (!expected.test(message)) complaints.push(message);
  });
  page.on('console', (message) => {
    if (message.type() === 'error' && !expected.test(message.text())) complaints.push(message.text());
  });
  context.on('request', (request) => {
    const { hostname, protocol } = new URL(request.url());
    if (protocol !== 'data:' && !local.has(hostname)) complaints.push(`a request to ${hostname}`);
  });
  return {
    page,
    complaints: () => complaints.splice(0),
    async close() {
      await context.close();
      if (complaints.length > 0) throw new Error(`the browser complains: ${complaints.join('; ')}`);
    },
  };
}

/**
 * An answer of 4xx is said too; where one isn't meant to be, the test doesn't get on. And what drives the browser may be told that it evaluates
 * a string, where it asks a page that is just being left: pages whose policy names no scripts run none of their own.
 */
const expected =
  /responded with a status of 4\d\d|^\s*Note that 'script-src' was not explicitly set|Evaluating a string as JavaScript.*default-src 'none'/s;

/** The server and the app; `localhost` is another site to the browser. */
const local = new Set(['127.0.0.1', 'localhost']);

const widthsSeen = [1280, 360];

/**
 * Looks at the page as it is: nothing that shuts people out, and nothing wider than the screen, on a desk and on a phone.
 * With SCREENSHOTS=folder a picture is kept there, and one of the dark colours.
 */
export async function look(page: Page, name: string): Promise<void> {
  const { SCREENSHOTS: folder } = process.env;
  await page.getByRole('heading', { level: 1 }).waitFor();
  const before = page.viewportSize();
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const width of widthsSeen) {
      await page.setViewportSize({ width, height: 768 });
      expect(await page.evaluate('document.documentElement.scrollWidth'), `${name} at ${width} px`).toBeLessThanOrEqual(width);
      if (folder === undefined) continue;
      await mkdir(folder, { recursive: true });
      await page.screenshot({ path: join(folder, `${name}-${width}-${colorScheme}.png`), fullPage: true });
    }
    const { violations } = await new AxeBuilder({ page }).options({ rules: { 'target-size': { enabled: true } } }).analyze();
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
    expect(found, `${name}, ${colorScheme}`).toEqual([]);
  }
  await page.emulateMedia({ colorScheme: 'light' });
  if (before !== null) await page.setViewportSize(before);
}
