import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { addApp } from '../oauth/launching.ts';
import { authorizeUrl, pkce } from '../oauth/browser.ts';
import { clientId } from './smart-app.ts';
import { allow, launch, ownPages, signIn } from './steps.ts';
import { launchChromium, look, openWindow, type Window } from './window.ts';
import { openWorld, type World } from './world.ts';

const markup = '"><script>document.title = "taken"</script><img src=x onerror="document.title = \'taken\'">';

describe.skipIf(inject('chromium') === undefined)('the pages under attack in a browser', () => {
  let world: World;
  let browser: Browser;
  let window: Window;
  let page: Page;

  beforeAll(async () => {
    [world, browser] = await Promise.all([openWorld(), launchChromium()]);
    await world.user('ada', 'Ada Alder', ['patient'], 'Patient/pa');
    await world.user('marked', `Mark ${markup}`, ['patient'], 'Patient/marked');
    const resource = { resourceType: 'Patient', id: 'marked', name: [{ text: `Mark ${markup}` }] };
    if ((await world.request('PUT', '/Patient/marked', { body: resource })).status !== 201) throw new Error('the patient was not taken');
    await addApp(world, 'evil', {
      client_name: `Evil ${markup}`,
      redirect_uris: [world.app.redirectUri],
      logo_uri: `${world.app.origin}/logo.png`,
      policy_uri: `${world.app.origin}/policy`,
    });
  });
  afterAll(async () => {
    await Promise.all([browser?.close(), world?.stop()]);
  });
  beforeEach(async () => {
    window = await openWindow(browser);
    page = window.page;
  });
  afterEach(() => window?.close());

  /** A page of somebody else: at another origin of the same site, or at another site. */
  const theirs = {
    sameSite: () => `${world.app.origin}/theirs`,
    crossSite: () => `${world.app.origin.replace('127.0.0.1', 'localhost')}/theirs`,
  };
  const openTheirs = async (url: string, body: string): Promise<void> => {
    await page.route(url, (route) => route.fulfill({ contentType: 'text/html', body: `<!doctype html><title>theirs</title>${body}` }));
    await page.goto(url);
  };
  const request = (client: string, more: Readonly<Record<string, string>> = {}): string =>
    authorizeUrl(world, {
      response_type: 'code',
      client_id: client,
      redirect_uri: world.app.redirectUri,
      scope: 'launch/patient patient/Patient.rs',
      state: 'x',
      aud: world.base,
      code_challenge: pkce().challenge,
      code_challenge_method: 'S256',
      ...more,
    });
  const isSignedIn = async (): Promise<boolean> => {
    await page.goto(`${world.origin}/oauth/apps`);
    return (await page.getByRole('heading', { level: 1 }).innerText()) === 'Your apps';
  };

  describe('C21: a form of somebody else', () => {
    test.each(['sameSite', 'crossSite'] as const)('%s, with the fields of ours, changes nothing', async (kind) => {
      await ownPages(page, world, 'ada');
      // Even the token: as if it had leaked.
      const token = (await page.locator('input[name=form_token]').first().getAttribute('value')) ?? '';
      for (const path of ['/oauth/apps/sign-out', '/oauth/account/second-factor', '/oauth/account/password']) {
        const fields = `<input name="form_token" value="${token}"><input name="current" value="x">`;
        await openTheirs(theirs[kind](), `<form method="post" action="${world.origin}${path}">${fields}<button>Win</button></form>`);
        await page.getByRole('button', { name: 'Win' }).click();
        await page.getByText('did not come from a page of this server').waitFor();
      }
      expect(await isSignedIn()).toBe(true);
    });

    test('can’t be sent by a script either', async () => {
      await ownPages(page, world, 'ada');
      await openTheirs(theirs.sameSite(), '');
      const status = await page.evaluate<number | string>(
        `fetch('${world.origin}/oauth/apps/sign-out', { method: 'POST', credentials: 'include', body: new URLSearchParams({ form_token: 'x' }) })
          .then(({ status }) => status, () => 'kept from it')`,
      );
      expect(status).toBe('kept from it');
      expect(
        await page.evaluate(`fetch('${world.origin}/oauth/apps', { credentials: 'include' }).then(() => 'read', () => 'kept from it')`),
      ).toBe('kept from it');
      expect(window.complaints().join()).toMatch(/CORS/);
      expect(await isSignedIn()).toBe(true);
    });
  });

  test('of ours is framed by nobody', async () => {
    const frameOf = async (url: string): Promise<string | undefined> => {
      await openTheirs(theirs.sameSite(), `<iframe src="${url}"></iframe>`);
      await expect.poll(() => page.frames()[1]?.url()).not.toMatch(/^$|^about:blank$/);
      return page.frames()[1]?.url();
    };
    // What may be framed is.
    expect(await frameOf(`${world.app.origin}/framed.html`)).toBe(`${world.app.origin}/framed.html`);
    for (const path of ['/oauth/sign-in', '/oauth/interaction/x', '/oauth/account/password', '/oauth/authorize', '/demo', '/'])
      expect([path, await frameOf(`${world.origin}${path}`)]).toEqual([path, 'chrome-error://chromewebdata/']);
    window.complaints();
  });

  describe('words of an app, of a user and of a record', () => {
    test('are text on every page that shows them', async () => {
      await page.goto(
        request('evil', {
          login_hint: markup,
          scope: `launch/patient patient/Patient.rs patient/Observation.rs?code=<script>document.title='taken'</script>`,
        }),
      );
      await page.getByText('to continue to Evil').waitFor();
      expect(await page.getByLabel('Login name').inputValue()).toContain('<script>');
      await signIn(page, 'marked');
      await page.getByText(`You are signed in as Mark ${markup}`).waitFor();
      expect(await page.locator('main').innerText()).toContain(`Evil ${markup} asks for access`);
      expect(await page.locator('main img, main script, [onerror]').count()).toBe(0);
      await allow(page);
      await page.waitForURL(`${world.app.origin}/app.html**`);
      await page.goto(`${world.origin}/oauth/apps`);
      await page.getByRole('heading', { name: `Evil ${markup}` }).waitFor();
      await page.goto(`${world.origin}/oauth/account`);
      await page.getByText(`You are signed in as Mark ${markup}`).waitFor();
      expect(await page.title()).toContain('Your account');
    });

    test('of an error are text in the demo app, which takes them for an answer only to its own question', async () => {
      await page.goto(`${world.origin}/demo?error=x&error_description=${encodeURIComponent(markup)}`);
      expect(await page.getByRole('alert').innerText()).toBe('This answer is to no question of ours.');
      expect(page.url()).toBe(`${world.origin}/demo`);
    });
  });

  describe('nobody is led elsewhere', () => {
    test.each([
      ['a redirect URI that isn’t the app’s', { redirect_uri: 'https://evil.example/' }],
      ['one beside it', { redirect_uri: 'http://127.0.0.1:1/app.html' }],
      ['a script', { redirect_uri: 'javascript:alert(1)' }],
    ])('by %s', async (_, more) => {
      await page.goto(request(clientId, more));
      expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('This did not work');
      expect(new URL(page.url()).origin).toBe(world.origin);
    });

    test('after signing out', async () => {
      await ownPages(page, world, 'ada');
      await page.goto(`${world.origin}/oauth/logout?post_logout_redirect_uri=${encodeURIComponent('https://evil.example/')}`);
      await look(page, 'sign-out');
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
      expect(new URL(page.url()).origin).toBe(world.origin);
    });
  });

  test('a session that was there before signing in is another one after it', async () => {
    await page.goto(request(clientId));
    const sessions = async () => (await page.context().cookies()).filter(({ name }) => name.endsWith('session'));
    const planted = await sessions();
    await signIn(page, 'ada');
    await page.getByRole('heading', { name: 'Growth Chart asks for access' }).waitFor();
    const [mine] = await sessions();
    expect(mine?.value).toBeDefined();
    expect(planted.map(({ value }) => value)).not.toContain(mine?.value);
    // Who has planted it is nobody by it.
    await page.context().clearCookies();
    await page.context().addCookies(planted);
    expect(await isSignedIn()).toBe(false);
  });

  test('after signing out, "back" shows nothing of what was there', async () => {
    await launch(page, world, 'launch/patient patient/Patient.rs');
    await signIn(page, 'ada');
    await page.getByRole('heading', { name: 'Growth Chart asks for access' }).waitFor();
    await page.goto(`${world.origin}/oauth/account`);
    await page.getByText('You are signed in as Ada Alder.').waitFor();
    await page.getByRole('link', { name: 'Your apps' }).click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
    for (let count = 0; count < 2; count++) {
      await page.goBack();
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
      expect(await page.locator('body').innerText()).not.toContain('Ada');
    }
  });

  test('a link of the app learns nothing of where it stood', async () => {
    await page.goto(request('evil'));
    await signIn(page, 'ada');
    let referrer: string | undefined = 'none asked';
    await page.route(`${world.app.origin}/policy`, (route) => {
      referrer = route.request().headers()['referer'];
      return route.fulfill({ contentType: 'text/html', body: 'policy' });
    });
    await page.getByRole('link', { name: 'Privacy policy' }).click();
    await page.getByText('policy').waitFor();
    expect(referrer).toBeUndefined();
  });

  test('cookies are out of reach of scripts, and of other sites', async () => {
    await ownPages(page, world, 'ada');
    const cookies = await page.context().cookies();
    expect(cookies.length).toBeGreaterThanOrEqual(2);
    for (const { name, httpOnly, sameSite } of cookies) expect([name, httpOnly, sameSite]).toEqual([name, true, 'Lax']);
  });
});
