import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { launchChromium, openWindow } from './window.ts';

describe.skipIf(inject('chromium') === undefined)('the documentation in a browser', () => {
  let server: TestServer;
  let browser: Browser;
  beforeAll(async () => {
    [server, browser] = await Promise.all([startTestServer(), launchChromium()]);
  });
  afterAll(async () => {
    await Promise.all([browser?.close(), server?.stop()]);
  });

  // A window complains of whatever its content policy stops, and of each request to another host: closing it fails then.
  test('shows both APIs, keeps its content policy and asks nobody else', { timeout: 180_000 }, async () => {
    const { page, close } = await openWindow(browser);
    // A document of a thousand operations takes a busy machine a while.
    page.setDefaultTimeout(25_000);
    try {
      await page.goto(`${server.origin}/docs`);
      await page.getByText('Anamnesis native API').waitFor();
      await page.getByRole('button', { name: 'Authorize' }).waitFor();
      await page.locator('#operations-tag-patients').click();
      await page.getByText('Registers a patient.').waitFor();
      await page.getByLabel('Select a definition').selectOption('FHIR R4 API');
      // Thousands of parameters.
      await page.getByText('Anamnesis FHIR R4 API').waitFor();
      // The list is long, and moves while it is made.
      await page.locator('#operations-tag-VisionPrescription').waitFor();
      await page.locator('#operations-tag-Account').click();
      await page.getByText('Searches Account.').waitFor();
      expect(await page.locator('.errors-wrapper').count()).toBe(0);
    } finally {
      await close();
    }
  });

  test('executes what is tried out, with the token that was given to it', async () => {
    const { page, close } = await openWindow(browser);
    try {
      await page.goto(`${server.origin}/docs`);
      await page.getByRole('button', { name: 'Authorize' }).click();
      await page.locator('#auth-bearer-value').fill(await server.token());
      await page.locator('.auth-btn-wrapper .authorize').first().click();
      await page.getByRole('button', { name: 'Close' }).first().click();
      await page.locator('#operations-tag-providers').click();
      await page.locator('#operations-providers-listProviders').click();
      await page.getByRole('button', { name: 'Try it out' }).click();
      await page.getByRole('button', { name: 'Execute' }).click();
      expect(await page.locator('tr.response .response-col_status').first().innerText()).toMatch(/^200/);
    } finally {
      await close();
    }
  });
});
