import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TOTP } from 'otpauth';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { addApp, password } from '../oauth/launching.ts';
import { appReady, inApp } from './smart-app.ts';
import { allow, launch, ownPages, signIn, tabTo } from './steps.ts';
import { launchChromium, look, openWindow, type Window } from './window.ts';
import { openWorld, type World } from './world.ts';

const markup = '<img src=x onerror=alert(1)>';

describe.skipIf(inject('chromium') === undefined)('the pages in a browser', () => {
  let world: World;
  let browser: Browser;
  let window: Window;
  let page: Page;

  beforeAll(async () => {
    [world, browser] = await Promise.all([openWorld(), launchChromium()]);
    await world.user('ada', 'Ada Alder', ['patient'], 'Patient/pa');
    await world.user('nurse', 'Nora Nurse', ['provider'], 'Practitioner/dr');
    const entry = Array.from({ length: 44 }, (_, at) => ({
      request: { method: 'PUT', url: `Patient/many-${at}` },
      resource: {
        resourceType: 'Patient',
        id: `many-${at}`,
        name: [
          {
            family: at === 7 ? `Crowd${markup}` : `Crowd${at}`,
            given: [at === 8 ? 'Wolfeschlegelsteinhausenbergerdorff'.repeat(3) : 'Kim'],
          },
        ],
        birthDate: `19${50 + at}-06-15`,
      },
    }));
    const { status } = await world.request('POST', '/', { body: { resourceType: 'Bundle', type: 'transaction', entry } });
    if (status !== 200) throw new Error(`the patients were not taken: ${status}`);
  });
  afterAll(async () => {
    await Promise.all([browser?.close(), world?.stop()]);
  });
  beforeEach(async () => {
    window = await openWindow(browser);
    page = window.page;
  });
  afterEach(() => window?.close());

  const heading = (name: string) => page.getByRole('heading', { name, level: 1 });
  const tokenResponse = async () => (await inApp(page, 'client.state.tokenResponse')) as Readonly<Record<string, string>>;

  describe('signing in', () => {
    test('says the same of a wrong password and of an unknown user, at the fields, which keep the login name', async () => {
      const texts: string[] = [];
      for (const login of ['ada', 'nobody']) {
        await launch(page, world, 'launch/patient patient/Patient.rs');
        await signIn(page, login, 'not the right one');
        await page.getByRole('alert').waitFor();
        expect(await page.title()).toMatch(/^Please look at this again: Sign in/);
        expect(await page.getByLabel('Login name').inputValue()).toBe(login);
        expect(await page.getByLabel('Password').inputValue()).toBe('');
        for (const label of ['Login name', 'Password']) {
          const field = page.getByLabel(label);
          expect(await field.getAttribute('aria-invalid')).toBe('true');
          expect(await field.getAttribute('aria-describedby')).toBe(await page.getByRole('alert').getAttribute('id'));
        }
        texts.push(await page.locator('main').innerText());
      }
      expect(texts[1]).toBe(texts[0]);
      await look(page, 'sign-in-wrong');
      await signIn(page, 'ada');
      await heading('Growth Chart asks for access').waitFor();
    });

    test('has to wait after too many wrong passwords, with the right one too', async () => {
      await world.user('tried', 'Tina Tried', ['patient'], 'Patient/pb');
      await page.goto(`${world.origin}/oauth/sign-in`);
      for (let count = 0; count < 6; count++) {
        await signIn(page, 'tried', `wrong ${count}`);
        await page.getByRole('alert').waitFor();
      }
      await signIn(page, 'tried');
      expect(await page.getByRole('alert').innerText()).toMatch(/too many attempts. Try again in \d+ seconds/);
      await look(page, 'sign-in-wait');
    });

    test('and all that follows works with no script at all', async () => {
      const still = await openWindow(browser, { javaScriptEnabled: false });
      try {
        await still.page.goto(`${world.origin}/oauth/account`);
        await signIn(still.page, 'ada');
        await still.page.getByRole('link', { name: 'Your account' }).click();
        await still.page.getByText('You are signed in as Ada Alder.').waitFor();
        await still.page.getByRole('button', { name: 'Sign out' }).click();
        expect(await still.page.getByRole('heading', { level: 1 }).innerText()).toBe('You are signed out');
      } finally {
        await still.close();
      }
    });
  });

  describe('the keyboard alone', () => {
    test('leads through a whole launch, and people see where they are', async () => {
      await launch(page, world, 'openid launch/patient patient/Patient.rs patient/Observation.rs');
      await heading('Sign in').waitFor();
      expect(await tabTo(page, 'Login name')).toEqual(['Login name']);
      await page.keyboard.type('nurse');
      await tabTo(page, 'Password');
      await page.keyboard.type(password);
      expect(await tabTo(page, 'Leave and go back to the app')).toEqual(['Sign in', 'Leave and go back to the app']);
      await page.keyboard.press('Shift+Tab');
      await page.keyboard.press('Enter');

      await heading('Choose a patient').waitFor();
      expect(await tabTo(page, 'Name')).toEqual(['Name']);
      await page.keyboard.type('alder');
      await page.keyboard.press('Enter');
      await page.getByText('Ada Alder').waitFor();
      await expect.poll(() => page.getByRole('button', { name: 'Choose' }).count()).toBe(1);
      expect(await tabTo(page, 'Choose')).toEqual(['Name', 'Date of birth', 'Search', 'Choose']);
      await page.keyboard.press('Space');

      await heading('Growth Chart asks for access').waitFor();
      await tabTo(page, 'All of it');
      // From "all" over "none" to "some", whose kinds come up only then.
      expect(await page.getByLabel('Vital signs').isVisible()).toBe(false);
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('ArrowDown');
      await tabTo(page, 'Vital signs');
      await page.keyboard.press('Space');
      await tabTo(page, 'Allow');
      await page.keyboard.press('Enter');
      await appReady(page);
      const { scope, patient } = await tokenResponse();
      expect(patient).toBe('pa');
      expect(scope).toMatch(/Observation\.rs\?category=\S+\|vital-signs/);
    });

    test('gets past the links of each page by the first of them', async () => {
      await ownPages(page, world, 'ada');
      expect(await tabTo(page, 'Skip to the content')).toEqual(['Skip to the content']);
      await page.keyboard.press('Enter');
      expect(await page.evaluate('document.activeElement.id')).toBe('main');
    });
  });

  describe('the second factor', () => {
    test('is set up with a picture, and asked for from then on; a recovery code stands in for it once', { timeout: 90_000 }, async () => {
      await world.user('careful', 'Carla Careful', ['patient'], 'Patient/pa');
      await ownPages(page, world, 'careful');
      await page.getByRole('link', { name: 'Your account' }).click();
      await look(page, 'account');
      await page.getByRole('button', { name: 'Set it up' }).click();
      const picture = await page.getByRole('img', { name: /QR code/ }).boundingBox();
      expect(picture?.width).toBeGreaterThan(200);
      await look(page, 'enrol');
      await page.getByLabel('Six digits').fill('000000');
      await page.getByRole('button', { name: 'Set up' }).click();
      await page.getByRole('alert').waitFor();
      expect(await page.evaluate('document.activeElement.id')).toBe('code');
      await look(page, 'enrol-wrong');
      const secret = (await page.locator('code').first().innerText()).replaceAll(' ', '');
      await page.getByLabel('Six digits').fill(new TOTP({ secret }).generate());
      await page.getByRole('button', { name: 'Set up' }).click();
      await heading('Keep your recovery codes').waitFor();
      const codes = await page.locator('ol.codes code').allInnerTexts();
      expect(new Set(codes).size).toBe(10);
      await look(page, 'recovery');
      await page.getByRole('button', { name: 'I have kept them' }).click();
      await page.getByText('Your account has a second factor').waitFor();
      await look(page, 'account-secured');
      await page.getByRole('button', { name: 'Sign out' }).click();
      await look(page, 'signed-out');

      await page.getByRole('link', { name: 'Sign in again' }).click();
      for (const [attempt, arrives] of [
        [codes[3] ?? '', 'Your apps'],
        [codes[3] ?? '', 'Confirm that it is you'],
      ] as const) {
        await signIn(page, 'careful');
        await page.getByLabel('Code').fill(attempt);
        await page.getByRole('button', { name: 'Confirm' }).click();
        await heading(arrives).waitFor();
        if (arrives !== 'Your apps') break;
        await page.getByRole('button', { name: 'Sign out' }).click();
        await page.getByRole('link', { name: 'Sign in again' }).click();
      }
      expect(await page.getByRole('alert').innerText()).toContain('used before');
      await look(page, 'second-factor-wrong');
    });
  });

  describe('the own password', () => {
    test('is changed by who knows it; each fault is told at its field; other browsers are signed out, apps are not', {
      timeout: 90_000,
    }, async () => {
      await world.user('changer', 'Chris Changer', ['patient'], 'Patient/pa');
      const elsewhere = await openWindow(browser);
      try {
        await ownPages(elsewhere.page, world, 'changer');
        await launch(page, world, 'launch/patient patient/Patient.rs');
        await signIn(page, 'changer');
        await allow(page);
        await appReady(page);
        const { access_token: token } = await tokenResponse();
        await page.goto(`${world.origin}/oauth/account`);
        await page.getByRole('link', { name: 'Change your password' }).click();
        await look(page, 'password');
        const next = 'seven unlikely violet ladders';
        const change = async (current: string, first: string, second: string): Promise<void> => {
          await page.getByLabel('Current password').fill(current);
          await page.getByLabel('New password', { exact: true }).fill(first);
          await page.getByLabel('New password, once more').fill(second);
          await page.getByRole('button', { name: 'Change it' }).click();
        };
        for (const [current, first, second, id, told] of [
          [password, next, `${next}!`, 'again', 'not the same'],
          [password, 'password1234', 'password1234', 'next', 'too easy'],
          ['not my password at all', next, next, 'current', 'not your current password'],
        ] as const) {
          await change(current, first, second);
          await page.getByRole('alert').filter({ hasText: told }).waitFor();
          expect(await page.evaluate('document.activeElement.id')).toBe(id);
          expect(
            await page
              .locator('input[type=password]')
              .evaluateAll((all) => all.map((each) => (each as unknown as { value: string }).value)),
          ).toEqual(['', '', '']);
        }
        await look(page, 'password-wrong');
        await change(password, next, next);
        await page.getByRole('status').waitFor();
        await look(page, 'password-changed');
        await page.getByRole('link', { name: 'Your apps' }).click();
        await page.getByRole('heading', { name: 'Growth Chart' }).waitFor();
        expect((await world.request('GET', '/Patient/pa', { token: token ?? '' })).status).toBe(200);
        await elsewhere.page.reload();
        await elsewhere.page.getByRole('heading', { name: 'Sign in' }).waitFor();
        await signIn(elsewhere.page, 'changer');
        await elsewhere.page.getByRole('alert').waitFor();
        await signIn(elsewhere.page, 'changer', next);
        await elsewhere.page.getByRole('heading', { name: 'Your apps' }).waitFor();
      } finally {
        await elsewhere.close();
      }
    });
  });

  describe('choosing', () => {
    test('among many patients: by name, by date, page by page; names are text, however they are made up', async () => {
      await launch(page, world, 'launch/patient patient/Patient.rs');
      await signIn(page, 'nurse');
      await heading('Choose a patient').waitFor();
      await page.getByLabel('Name').fill('crowd');
      const seen: string[] = [];
      await page.getByRole('button', { name: 'Search' }).click();
      for (let pages = 1; ; pages++) {
        await page.getByText(/Crowd/).first().waitFor();
        expect(await page.getByLabel('Name').inputValue()).toBe('crowd');
        seen.push(...(await page.locator('li.row strong').allInnerTexts()));
        const more = page.getByRole('button', { name: 'More patients' });
        if (seen.some((name) => name.includes(markup)) && pages === 1) await look(page, 'patients-many');
        if ((await more.count()) === 0) break;
        const first = await page.locator('li.row strong').first().innerText();
        await more.click();
        await expect.poll(() => page.locator('li.row strong').first().innerText()).not.toBe(first);
      }
      expect(seen).toHaveLength(44);
      expect(new Set(seen).size).toBe(44);
      expect(seen.filter((name) => name.includes(markup))).toHaveLength(1);
      expect(await page.locator('li img').count()).toBe(0);

      await page.getByLabel('Date of birth').fill('1957-06-15');
      await page.getByRole('button', { name: 'Search' }).click();
      await expect.poll(() => page.locator('li.row').count()).toBe(1);
      await page.getByLabel('Name').fill('nobody has this name');
      await page.getByRole('button', { name: 'Search' }).click();
      await page.getByText('No patient was found').waitFor();
      await look(page, 'patients-none');
      expect(page.url()).not.toMatch(/crowd|nobody|1957/i);

      await page.getByRole('button', { name: 'Cancel' }).click();
      await expect(appReady(page)).rejects.toThrow(/access_denied|denied|said no/i);
    });

    test('a visit of the patient', async () => {
      await launch(page, world, 'launch/patient launch/encounter patient/Encounter.rs');
      await signIn(page, 'ada');
      await heading('Choose a visit').waitFor();
      await look(page, 'encounters');
      await page.getByRole('button', { name: /Choose/ }).click();
      await allow(page);
      await appReady(page);
      expect(await tokenResponse()).toMatchObject({ patient: 'pa', encounter: 'ea' });
    });

    test('what an app that asks for everything may have, also of a kind that the app named', async () => {
      const category = 'http://terminology.hl7.org/CodeSystem/observation-category|laboratory';
      const asked = `patient/Patient.rs patient/Observation.rs?category=${category} patient/Goal.cruds patient/*.rs`;
      await launch(page, world, `openid fhirUser launch/patient offline_access ${asked}`);
      await signIn(page, 'ada');
      await heading('Growth Chart asks for access').waitFor();
      await page.getByLabel('Read measurements, laboratory values and other observations: laboratory results').uncheck();
      await page.getByLabel('Keep this access while you are away').uncheck();
      const all = page.getByRole('group', { name: 'Read everything that is recorded' });
      await all.getByLabel('Only what is ticked below').check();
      await all.getByLabel('Vaccinations').check();
      await look(page, 'consent-everything');
      await allow(page);
      await appReady(page);
      const { scope, refresh_token } = await tokenResponse();
      expect(refresh_token).toBeUndefined();
      expect(
        scope
          ?.split(' ')
          .filter((each) => each.startsWith('patient/'))
          .toSorted(),
      ).toEqual(['patient/Goal.cruds', 'patient/Immunization.rs', 'patient/Patient.rs']);
    });

    test('nothing, is told to be nothing', async () => {
      await launch(page, world, 'launch/patient patient/Patient.rs patient/Goal.rs');
      await signIn(page, 'ada');
      await page.getByLabel('Read name, date of birth').uncheck();
      await page.getByLabel('Read health goals').uncheck();
      await allow(page);
      expect(await page.getByRole('alert').innerText()).toContain('Nothing is left');
      await look(page, 'consent-nothing');
    });
  });

  describe('the page of apps', () => {
    test('shows what each app may, and takes it back', async () => {
      await world.user('nell', 'Nell Nurse', ['provider'], 'Practitioner/dr');
      await launch(
        page,
        world,
        'openid fhirUser launch/patient offline_access patient/Patient.rs patient/Observation.rs patient/Condition.rs',
      );
      await signIn(page, 'nell');
      await page.getByLabel('Name').fill('alder');
      await page.getByRole('button', { name: 'Search' }).click();
      await page.getByRole('button', { name: 'Choose' }).click();
      await allow(page);
      await appReady(page);
      const { access_token: token } = await tokenResponse();
      await page.goto(`${world.origin}/oauth/apps`);
      const may = page.getByRole('listitem').filter({ hasText: /^(Know|Read|Keep)/ });
      expect(await may.count()).toBe(7);
      const tops = await may.evaluateAll((each) =>
        each.map((li) => (li as { getBoundingClientRect: () => { top: number } }).getBoundingClientRect().top),
      );
      expect(new Set(tops).size).toBe(7);
      expect(await page.locator('main').innerText()).toContain('Ada Alder');
      await look(page, 'apps');
      await page.getByRole('button', { name: 'Take back the access of Growth Chart' }).click();
      await page.getByRole('status').waitFor();
      expect((await world.request('GET', '/Patient/pa', { token: token ?? '' })).status).toBe(401);
      await look(page, 'apps-taken-back');
    });
  });

  describe('pages that say that something is wrong', () => {
    test('an app that nobody knows; a request that is over; a form that is too old', async () => {
      await page.goto(`${world.origin}/oauth/authorize?client_id=nobody&response_type=code`);
      await look(page, 'error-client');
      expect(page.url()).toContain(world.origin);
      await page.goto(`${world.origin}/oauth/interaction/nothing`);
      await heading('This did not work').waitFor();
      await look(page, 'error-over');
      await page.goto(`${world.origin}/oauth/sign-in`);
      await page.context().clearCookies();
      await signIn(page, 'ada');
      await page.getByText('did not come from a page of this server').waitFor();
      await look(page, 'error-form');
    });
  });

  describe('without an app', () => {
    test('the address of the server leads on; a program is told that there is nothing', async () => {
      await page.goto(world.origin);
      await look(page, 'start');
      await page.getByRole('link', { name: 'See which apps have access' }).click();
      await heading('Sign in').waitFor();
      const { status, json } = await world.request('GET', `${world.origin}/`, { token: null });
      expect([status, json.resourceType]).toEqual([404, 'OperationOutcome']);
    });

    test('the demo app signs in, shows a patient, and ends its token', async () => {
      await addApp(world, 'demo', { client_name: 'Demo app', redirect_uris: [`${world.origin}/demo`] });
      await page.goto(`${world.origin}/demo`);
      await look(page, 'demo');
      await page.getByRole('button', { name: 'Sign in and launch' }).click();
      await signIn(page, 'ada');
      await allow(page);
      await page.getByRole('heading', { name: 'Ada Alder' }).waitFor();
      await page.getByText(/Haemoglobin: 13.9/).waitFor();
      await look(page, 'demo-launched');
      await page.getByRole('button', { name: 'Give the token back' }).click();
      await page.getByText('The token is given back.').waitFor();
      expect(page.url()).toBe(`${world.origin}/demo`);
    });
  });

  test('who does nothing for a while is signed out', { timeout: 90_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'anamnesis-providers-'));
    const file = join(folder, 'providers.json');
    const hospital = { id: 'hospital', name: 'St. Mary’s', issuer: 'https://login.hospital.example', clientId: 'us', roles: ['viewer'] };
    await writeFile(file, JSON.stringify({ providers: [hospital] }));
    const hasty = await openWorld({ SESSION_IDLE_SECONDS: '5', FEDERATION_FILE: file });
    try {
      await hasty.user('ada', 'Ada Alder', ['patient'], 'Patient/pa');
      await page.goto(`${hasty.origin}/oauth/sign-in`);
      await page.getByRole('link', { name: 'Sign in with St. Mary’s' }).waitFor();
      await look(page, 'sign-in-outside');
      await ownPages(page, hasty, 'ada');
      // What he does keeps him in: each request begins the time anew.
      for (let count = 0; count < 4; count++) {
        await page.waitForTimeout(1_500);
        await page.reload();
        await heading('Your apps').waitFor();
      }
      await page.waitForTimeout(6_000);
      await page.getByRole('link', { name: 'Your account' }).click();
      await heading('Sign in').waitFor();
      expect(await page.locator('body').innerText()).not.toContain('Ada');
      // Nor is an app let in by it.
      await launch(page, hasty, 'launch/patient patient/Patient.rs');
      await heading('Sign in').waitFor();
    } finally {
      await hasty.stop();
      await rm(folder, { recursive: true });
    }
  });

  test('every page has its language, a title of its own and one heading', async () => {
    const titles: string[] = [];
    for (const path of ['/', '/oauth/sign-in', '/oauth/interaction/x', '/demo']) {
      await page.goto(`${world.origin}${path}`);
      expect(await page.locator('html').getAttribute('lang')).toBe('en');
      expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1);
      expect(await page.getByRole('main').count()).toBe(1);
      titles.push(await page.title());
    }
    expect(new Set(titles).size).toBe(titles.length);
  });
});
