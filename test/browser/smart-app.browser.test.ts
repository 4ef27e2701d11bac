import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { addApp, password } from '../oauth/launching.ts';
import { postForm } from '../oauth/browser.ts';
import { appReady, clientId, inApp } from './smart-app.ts';
import { launchChromium, look, openWindow, type Window } from './window.ts';
import { openWorld, withSecondFactor, type World } from './world.ts';

type Tokens = { readonly access_token: string; readonly refresh_token: string; readonly scope: string; readonly patient?: string };

describe.skipIf(inject('chromium') === undefined)('a SMART app in a browser', () => {
  let world: World;
  let browser: Browser;
  let window: Window;
  let page: Page;
  let codeNow: () => string;

  beforeAll(async () => {
    [world, browser] = await Promise.all([openWorld(), launchChromium()]);
    const doctor = await world.user('doctor', 'Gregory House', ['provider'], 'Practitioner/dr');
    codeNow = await withSecondFactor(world, doctor);
    await world.user('ada', 'Ada Alder', ['patient'], 'Patient/pa');
    await world.user('nurse', 'Nora Nurse', ['provider'], 'Practitioner/dr');
  });
  afterAll(async () => {
    await Promise.all([browser?.close(), world?.stop()]);
  });
  beforeEach(async () => {
    window = await openWindow(browser);
    page = window.page;
  });
  afterEach(() => window?.close());

  const signIn = async (login: string): Promise<void> => {
    await page.getByLabel('Login name').fill(login);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  };
  const launchAlone = (scope: string) => page.goto(world.app.launchUrl({ iss: world.base, scope }));
  const allow = () => page.getByRole('button', { name: 'Allow', exact: true }).click();
  const tokens = async () => (await inApp(page, 'client.state.tokenResponse')) as Tokens;
  /** A read by the app's own token, as any program would do it. */
  const statusOf = async (path: string, token: string) => (await world.request('GET', path, { token })).status;

  test('is launched alone, narrowed, reads, refreshes, and ends when it is taken back', { timeout: 90_000 }, async () => {
    await launchAlone('openid fhirUser launch/patient offline_access patient/Patient.rs patient/Observation.rs patient/Condition.rs');
    await look(page, 'sign-in');
    await signIn('doctor');
    await page.getByLabel('Code').waitFor();
    await look(page, 'second-factor');
    await page.getByLabel('Code').fill(codeNow());
    await page.getByRole('button', { name: 'Confirm' }).click();

    await page.getByRole('heading', { name: 'Choose a patient' }).waitFor();
    await look(page, 'patients');
    await page.getByLabel('Name').fill('ald');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByText('Ada Alder').waitFor();
    expect(await page.getByText('Bob Birch').count()).toBe(0);
    await page.getByRole('button', { name: 'Choose' }).click();

    await page.getByRole('heading', { name: 'Growth Chart asks for access' }).waitFor();
    const group = (name: RegExp) => page.getByRole('group', { name });
    await group(/observations$/)
      .getByLabel('Only what is ticked below')
      .check();
    await group(/observations$/)
      .getByLabel('Laboratory results')
      .check();
    await group(/^Read conditions/)
      .getByLabel('None of it')
      .check();
    await look(page, 'consent');
    await allow();
    await appReady(page);
    expect(new URL(page.url()).origin).toBe(world.app.origin);

    const first = await tokens();
    expect(first.patient).toBe('pa');
    expect(first.scope.split(' ')).toContain(
      'patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory',
    );
    expect(first.scope).not.toContain('Condition');
    expect(await inApp(page, 'client.patient.read()')).toMatchObject({ resourceType: 'Patient', id: 'pa' });
    const found = await inApp(page, "client.patient.request('Observation', { flat: true })");
    expect(found).toMatchObject([{ id: 'oa-lab' }]);
    expect(await inApp(page, "client.request('Observation/oa-vit')")).toEqual({ status: 404 });
    expect(await inApp(page, "client.request('Patient/pb')")).toEqual({ status: 404 });
    expect(await inApp(page, "client.request('Condition/ca')")).toEqual({ status: 403 });

    expect(await inApp(page, 'client.refresh()')).toHaveProperty('tokenResponse');
    const second = await tokens();
    expect(second.access_token).not.toBe(first.access_token);
    expect(second.refresh_token).not.toBe(first.refresh_token);
    expect(second.scope).toBe(first.scope);
    expect(await inApp(page, 'client.patient.read()')).toMatchObject({ id: 'pa' });

    const own = await page.context().newPage();
    await own.goto(`${world.origin}/oauth/apps`);
    await look(own, 'apps');
    await own.getByRole('button', { name: 'Take back the access of Growth Chart' }).click();
    await own.getByText('The access was taken back.').waitFor();
    await look(own, 'apps-none');
    expect(await statusOf('/Patient/pa', second.access_token)).toBe(401);
    expect(await statusOf('/Patient/pa', first.access_token)).toBe(401);
    expect(await inApp(page, 'client.refresh()')).toHaveProperty('status');
    expect(await inApp(page, 'client.patient.read()')).toHaveProperty('status');
  });

  test('is launched by an EHR, with its patient and encounter, and asks for neither', async () => {
    const secret = 's'.repeat(43);
    const backend = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [], scope: 'ehr-launch' };
    await addApp(world, 'ehr', backend, secret);
    const authorization = `Basic ${Buffer.from(`ehr:${secret}`).toString('base64')}`;
    const asked = { grant_type: 'client_credentials', scope: 'ehr-launch' };
    const { json: ehr } = await postForm(`${world.origin}/oauth/token`, asked, { authorization });
    const begun = await fetch(`${world.origin}/oauth/launch`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${ehr.access_token}` },
      body: JSON.stringify({ client_id: clientId, user: 'Practitioner/dr', patient: 'pa', encounter: 'ea' }),
    });
    const { launch } = (await begun.json()) as { launch: string };
    const scope = 'openid fhirUser launch patient/Patient.rs patient/Encounter.rs';
    await page.goto(world.app.launchUrl({ iss: world.base, launch, scope }));
    await signIn('nurse');
    await page.getByText('Ada Alder, 1970-05-17').waitFor();
    await look(page, 'consent-ehr');
    await allow();
    await appReady(page);
    expect(await tokens()).toMatchObject({ patient: 'pa', encounter: 'ea' });
    expect(await inApp(page, 'client.patient.read()')).toMatchObject({ id: 'pa' });
    expect(await inApp(page, 'client.encounter.read()')).toMatchObject({ resourceType: 'Encounter', id: 'ea' });
    expect(await inApp(page, "client.request('Patient/pb')")).toEqual({ status: 404 });
    // The id was good for once.
    await page.goto(world.app.launchUrl({ iss: world.base, launch, scope }));
    await expect(appReady(page)).rejects.toThrow(/invalid_request|launch/i);
  });

  test('is told where the user does not allow it', async () => {
    await launchAlone('launch/patient patient/Patient.rs');
    await signIn('ada');
    await page.getByRole('button', { name: 'Do not allow' }).click();
    await expect(appReady(page)).rejects.toThrow(/access_denied|denied|refused/i);
  });

  test('goes on without a password while somebody is signed in', async () => {
    await launchAlone('launch/patient patient/Patient.rs');
    await signIn('ada');
    await allow();
    await appReady(page);
    await launchAlone('openid fhirUser launch/patient patient/Patient.rs patient/Observation.rs');
    await page.getByRole('heading', { name: 'Growth Chart asks for access' }).waitFor();
    await allow();
    await appReady(page);
    expect((await tokens()).scope).toContain('patient/Observation.rs');
    expect(await inApp(page, 'client.user.read()')).toMatchObject({ resourceType: 'Patient', id: 'pa' });
    // Browsers send reads and writes from the app's origin, with a question before.
    expect(await inApp(page, "client.update({ resourceType: 'Patient', id: 'pa' })")).toEqual({ status: 403 });
  });
});
