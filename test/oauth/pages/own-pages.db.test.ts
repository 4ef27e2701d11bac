import { Script } from 'node:vm';
import { TOTP } from 'otpauth';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Browser, Shown } from '../../support/browser.ts';
import { openWorld, password, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
  await world.user('ana', ['patient'], 'Patient/pa');
  await world.user('bob', ['patient'], 'Patient/pb');
});
afterAll(() => world?.stop());

/** Lets the app in. */
async function granted(browser: Browser, login: string): Promise<Readonly<Record<string, unknown>>> {
  const page = await world.signIn(browser, await world.authorize(browser, 'offline_access launch/patient patient/Patient.rs'), login);
  const { left } = await browser.submit(page, { form: '/decision', button: ['decision', 'allow'] });
  return world.exchange(left);
}

async function ownSignIn(browser: Browser, login: string): Promise<Shown> {
  return world.signIn(browser, await browser.open('/oauth/apps'), login);
}

const read = async (token: unknown): Promise<number> => (await world.request('GET', '/Patient/pa', { token: String(token) })).status;

async function refresh(token: unknown): Promise<Response> {
  const body = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'app', refresh_token: String(token) });
  return fetch(`${world.origin}/oauth/token`, { method: 'POST', body });
}

describe('the page of apps', () => {
  test('is shown to who signs in, and to nobody else', async () => {
    const browser = world.browser();
    const page = await browser.open('/oauth/apps');
    expect(page.url).toBe(`${world.origin}/oauth/sign-in`);
    expect(page.html).toContain('name="password"');
    const apps = await ownSignIn(browser, 'ana');
    expect(apps.url).toBe(`${world.origin}/oauth/apps`);
    expect(apps.html).toContain('Your apps');
  });

  test('lists what the user let in: the app, since when, and what it may', async () => {
    const browser = world.browser();
    await granted(browser, 'ana');
    const page = await browser.open('/oauth/apps');
    expect(page.html).toContain('Growth &lt;b&gt;Chart&lt;/b&gt;');
    expect(page.html).toContain('Read name, date of birth, address and other personal details');
    expect(page.html).toContain(new Intl.DateTimeFormat('en', { dateStyle: 'long', timeZone: 'UTC' }).format(new Date()));
  });

  test('A32: takes an app’s access back at once: its token answers 401 and none is given again', async () => {
    const browser = world.browser();
    const token = await granted(browser, 'ana');
    expect(await read(token['access_token'])).toBe(200);
    const page = await browser.open('/oauth/apps');
    // The newest grant is the first.
    const grant = /name="grant" value="([^"]+)"/.exec(page.html)?.[1] ?? '';
    const after = await browser.submit(page, { form: '/remove', button: ['grant', grant] });
    expect(after.html).toContain('role="status"');
    expect(after.html).not.toContain(grant);
    expect(await read(token['access_token'])).toBe(401);
    const again = await refresh(token['refresh_token']);
    expect(again.status).toBe(400);
    expect(await again.json()).toMatchObject({ error: 'invalid_grant' });
  });

  test('C21: takes nothing back without its token, from elsewhere, or for another user', async () => {
    const mine = world.browser();
    const token = await granted(mine, 'ana');
    const page = await mine.open('/oauth/apps');
    const grant = /name="grant" value="([^"]+)"/.exec(page.html)?.[1] ?? '';
    expect((await mine.submit(page, { form: '/remove', fields: { form_token: 'x' }, button: ['grant', grant] })).status).toBe(403);
    const elsewhere = { origin: 'https://evil.example' };
    expect((await mine.submit(page, { form: '/remove', headers: elsewhere, button: ['grant', grant] })).status).toBe(403);
    const theirs = world.browser();
    await granted(theirs, 'bob');
    const other = await theirs.open('/oauth/apps');
    expect(other.html).not.toContain(grant);
    const answer = await theirs.submit(other, { form: '/remove', button: ['grant', grant] });
    expect(answer.html).not.toContain('role="status"');
    expect(await read(token['access_token'])).toBe(200);
  });

  test('is shut after signing out', async () => {
    const browser = world.browser();
    const apps = await ownSignIn(browser, 'bob');
    const out = await browser.submit(apps, { form: '/sign-out' });
    expect(out.html).toContain('You are signed out');
    expect((await browser.open('/oauth/apps')).url).toBe(`${world.origin}/oauth/sign-in`);
  });

  test('C11: is shut, and tokens end, once the account is disabled or its password is another', async () => {
    const { users } = world.services;
    const user = await world.user('leaver', ['patient'], 'Patient/pa');
    const browser = world.browser();
    const token = await granted(browser, 'leaver');
    expect(await read(token['access_token'])).toBe(200);
    await users.setEnabled(user, false);
    // All processes, this one too, hear of it from the database: within a second.
    await expect.poll(() => read(token['access_token']), { timeout: 1_000, interval: 20 }).toBe(401);
    expect((await refresh(token['refresh_token'])).status).toBe(400);
    expect((await browser.open('/oauth/apps')).url).toBe(`${world.origin}/oauth/sign-in`);
    await users.setEnabled(user, true);
    expect(await read(token['access_token'])).toBe(401);
  });
});

describe('the page of the second factor', () => {
  test('sets one up for who is signed in, and asks for it from then on', async () => {
    await world.user('careful', ['patient'], 'Patient/pa');
    const browser = world.browser();
    await ownSignIn(browser, 'careful');
    const account = await browser.open('/oauth/account');
    const page = await browser.submit(account, { form: '/second-factor' });
    const secret = /<code>([A-Z2-7 ]+)<\/code>/.exec(page.html)?.[1]?.replaceAll(' ', '') ?? '';
    expect((await browser.submit(page, { form: '/enrol', fields: { code: '111111' } })).status).toBe(403);
    const done = await browser.submit(page, { form: '/enrol', fields: { code: new TOTP({ secret }).generate() } });
    expect([...done.html.matchAll(/<li><code>/g)]).toHaveLength(10);
    expect((await browser.submit(done, { form: '/enrolled' })).html).toContain('has a second factor');
    const next = world.browser();
    expect((await ownSignIn(next, 'careful')).html).toContain('autocomplete="one-time-code"');
  });

  test('takes no secret that isn’t of its own making, and none of another user', async () => {
    await world.user('victim', ['patient'], 'Patient/pa');
    await world.user('giver', ['patient'], 'Patient/pa');
    const [victim, giver] = [world.browser(), world.browser()];
    await ownSignIn(victim, 'victim');
    await ownSignIn(giver, 'giver');
    const page = await victim.submit(await victim.open('/oauth/account'), { form: '/second-factor' });
    const theirs = await giver.submit(await giver.open('/oauth/account'), { form: '/second-factor' });
    const secret = /<code>([A-Z2-7 ]+)<\/code>/.exec(theirs.html)?.[1]?.replaceAll(' ', '') ?? '';
    const sealed = /name="secret" value="([^"]+)"/.exec(theirs.html)?.[1] ?? '';
    const code = new TOTP({ secret }).generate();
    for (const given of [sealed, secret, 'x']) {
      expect((await victim.submit(page, { form: '/enrol', fields: { secret: given, code } })).status).toBe(403);
    }
    expect((await world.services.users.findByLogin('victim'))?.hasSecondFactor).toBe(false);
  });

  test.each(['/oauth/account', '/oauth/apps'])('%s is nobody’s who isn’t signed in, forms included', async (path) => {
    const browser = world.browser();
    expect((await browser.open(path)).url).toBe(`${world.origin}/oauth/sign-in`);
    const answer = await browser.send(`${path}/enrol`, {
      method: 'POST',
      headers: { origin: world.origin, 'content-type': 'application/x-www-form-urlencoded' },
      body: '',
    });
    expect([403, 404]).toContain(answer.status);
  });
});

describe('the page to change the password', () => {
  const next = 'seven unlikely violet ladders';

  test('takes the present one and twice the new one, and no form from elsewhere', async () => {
    await world.user('changer', ['patient'], 'Patient/pa');
    const browser = world.browser();
    await ownSignIn(browser, 'changer');
    const page = await browser.open('/oauth/account/password');
    expect([...page.html.matchAll(/<input type="password"[^>]* autocomplete="([^"]+)"/g)].map(([, value]) => value)).toEqual([
      'current-password',
      'new-password',
      'new-password',
    ]);
    const right = { current: password, next, again: next };
    const change = (fields: Readonly<Record<string, string>>, headers = {}) =>
      browser.submit(page, { form: '/password', fields: { ...right, ...fields }, headers });
    for (const fields of [{ form_token: 'x' }, { current: 'wrong' }, { again: 'other' }, { next: 'short', again: 'short' }]) {
      const answer = await change(fields);
      expect([fields, answer.status]).toEqual([fields, 403]);
      expect(answer.html).not.toContain(password);
      expect(answer.html).not.toContain(next);
    }
    expect((await change({}, { origin: 'https://evil.example' })).status).toBe(403);
    expect((await ownSignIn(world.browser(), 'changer')).html).toContain('Your apps');
    const answer = await change({});
    expect(answer.status).toBe(200);
    expect(answer.html).toContain('role="status"');
    expect((await ownSignIn(world.browser(), 'changer')).status).toBe(403);
    expect((await browser.open('/oauth/apps')).url).toBe(`${world.origin}/oauth/apps`);
  });

  test('counts wrong ones as signing in does', async () => {
    await world.user('guessed', ['patient'], 'Patient/pa');
    const browser = world.browser();
    await ownSignIn(browser, 'guessed');
    let page = await browser.open('/oauth/account/password');
    for (let count = 0; count < 7; count++)
      page = await browser.submit(page, { form: '/password', fields: { current: `wrong ${count}`, next, again: next } });
    expect(page.status).toBe(429);
    expect(Number(page.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await browser.submit(page, { form: '/password', fields: { current: password, next, again: next } })).status).toBe(429);
  });
});

describe('the start page', () => {
  test('is for who asks for HTML; a program is told that there is nothing', async () => {
    const page = await world.browser().send('/', { method: 'GET', headers: { accept: 'text/html,*/*;q=0.8' } });
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(page.html).toContain(`${world.base}/metadata`);
    const { status, json } = await world.request('GET', `${world.origin}/`, { token: null });
    expect([status, json.resourceType]).toEqual([404, 'OperationOutcome']);
  });
});

describe('the demo app', () => {
  test('is a page with one script of ours, and nothing from elsewhere', async () => {
    const page = await world.browser().open('/demo');
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toMatch(/script-src 'self'; connect-src 'self'$/);
    expect([...page.html.matchAll(/<script[^>]*>/g)].map(([tag]) => tag)).toEqual(['<script src="/demo/app.js" defer>']);
    expect(page.html).not.toMatch(/https?:\/\//);
    const script = await world.browser().open('/demo/app.js');
    expect(script.headers.get('content-type')).toContain('text/javascript');
    expect(() => new Script(script.html)).not.toThrow();
  });
});

describe('the style sheet', () => {
  test('is served as such', async () => {
    const page = await world.browser().open('/oauth/pages/style.css');
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toContain('text/css');
    expect(page.html).not.toMatch(/url\(|@import/);
  });
});
