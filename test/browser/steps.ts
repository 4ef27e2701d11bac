import type { Page } from 'playwright-core';
import { password } from '../oauth/launching.ts';
import type { World } from './world.ts';

export async function signIn(page: Page, login: string, given = password): Promise<void> {
  await page.getByLabel('Login name').fill(login);
  await page.getByLabel('Password').fill(given);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Opens the user's own pages, as somebody who isn't signed in yet. */
export async function ownPages(page: Page, world: World, login: string): Promise<void> {
  await page.goto(`${world.origin}/oauth/apps`);
  await signIn(page, login);
  await page.getByRole('heading', { name: 'Your apps' }).waitFor();
}

export function launch(page: Page, world: World, scope: string): Promise<unknown> {
  return page.goto(world.app.launchUrl({ iss: world.base, scope }));
}

export function allow(page: Page): Promise<void> {
  return page.getByRole('button', { name: 'Allow', exact: true }).click();
}

/** What has the focus: its label, or its text; and whether people see that it has. */
type Focus = { readonly name: string; readonly isSeen: boolean };

const focusNow = `(() => {
  const at = document.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(at);
  const { top, bottom, width } = at.getBoundingClientRect();
  const label = at.labels?.[0]?.innerText ?? at.innerText;
  return {
    name: label.trim(),
    isSeen: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 && width > 0 && top >= 0 && bottom <= innerHeight,
  };
})()`;

/**
 * Goes on by the tabulator until something has the focus.
 *
 * @returns the names of all that had it on the way
 * @throws where something had it and nobody could see that, or it is never reached
 */
export async function tabTo(page: Page, name: string): Promise<readonly string[]> {
  const passed: string[] = [];
  for (let count = 0; count < 80; count++) {
    await page.keyboard.press('Tab');
    const focus = await page.evaluate<Focus>(focusNow);
    if (!focus.isSeen) throw new Error(`nobody sees that the focus is at “${focus.name}”`);
    if (passed.at(-1) !== focus.name) passed.push(focus.name);
    if (focus.name === name) return passed;
  }
  throw new Error(`“${name}” is not reached: ${passed.join(', ')}`);
}
