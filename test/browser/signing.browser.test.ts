import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { appReady, inApp } from './smart-app.ts';
import { allow, launch, signIn } from './steps.ts';
import { launchChromium, look, openWindow, type Window } from './window.ts';
import { openWorld, type World } from './world.ts';

describe.skipIf(inject('chromium') === undefined)('a signature in a browser', () => {
  let world: World;
  let browser: Browser;
  let window: Window;
  let page: Page;
  let token: string;
  beforeAll(async () => {
    [world, browser] = await Promise.all([openWorld(), launchChromium()]);
    await world.user('nora', 'Nora Nurse', ['provider'], 'Practitioner/dr');
  });
  afterAll(async () => {
    await Promise.all([browser?.close(), world?.stop()]);
  });
  beforeEach(async () => {
    window = await openWindow(browser);
    page = window.page;
    await launch(page, world, 'openid fhirUser user/*.cruds');
    await signIn(page, 'nora');
    await allow(page);
    await appReady(page);
    token = ((await inApp(page, 'client.state.tokenResponse')) as { access_token: string }).access_token;
  });
  afterEach(() => window?.close());

  const post = (path: string, body: object) =>
    world.request('POST', `${world.origin}/api/v1${path}`, { token, body, headers: { 'content-type': 'application/json' } });
  const heading = (name: string) => page.getByRole('heading', { name, level: 1 }).waitFor();

  test('is confirmed by who proves anew that it is he, or refused; what is decided is over', async () => {
    const { record_id: id } = (await post('/patients/pa/records', { kind: 'note', text: 'Seen today' })).json;
    const ask = async () => (await post(`/records/${id}/signatures/confirmations`, { meaning: 'approver' })).json;
    const sign = ({ confirmation_id }: { confirmation_id: string }) =>
      post(`/records/${id}/signatures`, { meaning: 'approver', confirmation_id });
    const asked = await ask();
    await page.goto(asked.confirm_at);
    await look(page, 'signing-prove');
    await signIn(page, 'nora');
    await heading('Sign a record');
    expect(await page.locator('main').innerText()).toMatch(/Nora Nurse[^]*Growth Chart[^]*its approver/);
    await look(page, 'signing');
    await page.getByRole('button', { name: 'Sign', exact: true }).click();
    await heading('You have confirmed the signature');
    await look(page, 'signing-done');
    expect((await sign(asked)).json).toMatchObject({ status: 'valid', printed_name: 'Nora Nurse' });
    await page.goto(asked.confirm_at);
    expect(await page.locator('main').innerText()).toContain('No signature waits here');
    await look(page, 'signing-over');

    const another = await ask();
    await page.goto(another.confirm_at);
    await signIn(page, 'nora');
    await page.getByRole('button', { name: 'Do not sign' }).click();
    await heading('Nothing was signed');
    expect((await sign(another)).status).toBe(401);
  });
});
