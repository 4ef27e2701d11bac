import { TOTP } from 'otpauth';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { textOf } from '../../support/browser.ts';
import { openWorld, password, redirectUri, withSecondFactor, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
  await world.user('ana', ['patient'], 'Patient/pa');
});
afterAll(() => world?.stop());

const scope = 'openid fhirUser launch/patient patient/Patient.rs';

describe('the page to sign in', () => {
  test('stands before whatever an app asks for, and says which app', async () => {
    const page = await world.authorize(world.browser(), scope);
    expect(page.status).toBe(200);
    expect(page.url).toContain('/oauth/interaction/');
    expect(page.html).toContain('<html lang="en">');
    expect(page.html).toMatch(/<label for="login">.*<\/label>/);
    expect(page.html).toMatch(/<label for="password">.*<\/label>/);
    expect(textOf(page.html)).toContain('Growth <b>Chart</b>');
    expect(page.html).not.toContain('<b>Chart');
  });

  test('runs no script, is framed by nobody and kept by no cache', async () => {
    const { headers, html } = await world.authorize(world.browser(), scope);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain(`form-action 'self' ${new URL(redirectUri).origin}`);
    expect(policy).not.toMatch(/unsafe|script-src/);
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('referrer-policy')).toBe('same-origin');
    expect(html).not.toMatch(/<script|style=|\son\w+=/);
  });

  test('lets in who knows the password, and goes on to the app’s request', async () => {
    const browser = world.browser();
    const page = await world.signIn(browser, await world.authorize(browser, scope), 'ana');
    expect(page.status).toBe(200);
    expect(page.html).toContain('Name of ana');
  });

  test('gives cookies that scripts and other sites don’t get', async () => {
    const browser = world.browser();
    await world.signIn(browser, await world.authorize(browser, scope), 'ana');
    expect(browser.cookies.size).toBeGreaterThanOrEqual(2);
    for (const line of browser.cookies.values()) {
      expect(line).toMatch(/httponly/i);
      expect(line).toMatch(/samesite=lax/i);
    }
  });

  test('says the same to a wrong password and to an unknown user, at the field, and repeats no password', async () => {
    const texts = [];
    for (const [login, wrong] of [
      ['ana', 'not the right one'],
      ['nobody', 'not the right one'],
    ] as const) {
      const browser = world.browser();
      const before = await world.authorize(browser, scope);
      const page = await browser.submit(before, { form: '/password', fields: { login, password: wrong } });
      expect(page.status).toBe(403);
      expect(page.html).toContain('role="alert"');
      expect(page.html).toContain('aria-describedby="fault"');
      expect(page.html).not.toContain(wrong);
      texts.push(page.html.replaceAll(/value="[^"]*"|interaction\/[\w-]+/g, ''));
    }
    expect(texts[1]).toBe(texts[0]);
  });

  test('leads back to the app where the user leaves', async () => {
    const browser = world.browser();
    const page = await world.authorize(browser, scope);
    const { left } = await browser.submit(page, { form: '/decision', button: ['decision', 'refuse'] });
    expect(left?.origin + (left?.pathname ?? '')).toBe(redirectUri);
    expect(left?.searchParams.get('error')).toBe('access_denied');
    expect(left?.searchParams.get('state')).toBe('state-of-app');
  });

  test('of another browser’s request is not shown, nor one that never was', async () => {
    const page = await world.authorize(world.browser(), scope);
    for (const url of [page.url, `${world.origin}/oauth/interaction/nothing`]) {
      const answer = await world.browser().open(url);
      expect(answer.status).toBe(404);
      expect(answer.html).toContain('Go back to the app');
      expect(answer.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    }
  });
});

describe('C21: a form', () => {
  const fields = { login: 'ana', password };

  test.each([
    ['without its token', { form_token: '' }, {}],
    ['with another token', { form_token: Buffer.alloc(32).toString('base64url') }, {}],
    ['from another origin', {}, { origin: 'https://evil.example' }],
    ['from a sandbox', {}, { origin: 'null' }],
    ['as JSON', {}, { 'content-type': 'application/json' }],
  ])('%s is refused with 403', async (_, more, headers) => {
    const browser = world.browser();
    const page = await world.authorize(browser, scope);
    const answer = await browser.submit(page, { form: '/password', fields: { ...fields, ...more }, headers });
    expect(answer.status).toBe(403);
    expect(answer.html).not.toContain('Name of ana');
    expect(answer.left).toBeUndefined();
  });

  test('with the token of another browser is refused', async () => {
    const [mine, theirs] = [world.browser(), world.browser()];
    const page = await world.authorize(mine, scope);
    const stolen = /name="form_token" value="([^"]+)"/.exec((await world.authorize(theirs, scope)).html)?.[1] ?? '';
    const answer = await mine.submit(page, { form: '/password', fields: { ...fields, form_token: stolen } });
    expect(answer.status).toBe(403);
  });

  test('without an Origin is refused', async () => {
    const browser = world.browser();
    const page = await world.authorize(browser, scope);
    const token = /name="form_token" value="([^"]+)"/.exec(page.html)?.[1] ?? '';
    const body = new URLSearchParams({ ...fields, form_token: token }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await browser.send(`${page.url}/password`, { method: 'POST', headers, body })).status).toBe(403);
    const right = await browser.send(`${page.url}/password`, { method: 'POST', headers: { ...headers, origin: world.origin }, body });
    expect(right.html).toContain('Name of ana');
  });

  test('of more than 64 KiB is refused', async () => {
    const browser = world.browser();
    const page = await world.authorize(browser, scope);
    const answer = await browser.submit(page, { form: '/password', fields: { login: 'x'.repeat(70_000) } });
    expect(answer.status).toBe(413);
  });
});

describe('C26: twenty wrong passwords', () => {
  test('are answered with 429 and when to come back, to an account that exists and to one that does not, in the same words', async () => {
    await world.user('target', ['provider']);
    const answers = [];
    for (const login of ['target', 'nobody-here']) {
      const browser = world.browser();
      let page = await world.authorize(browser, scope);
      for (let count = 0; count < 8; count++)
        page = await browser.submit(page, { form: '/password', fields: { login, password: 'wrong' } });
      expect(page.status).toBe(429);
      expect(Number(page.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(page.html).toContain('too many attempts');
      answers.push(page.html.replaceAll(/value="[^"]*"|interaction\/[\w-]+|\d+ seconds/g, ''));
    }
    expect(answers[1]).toBe(answers[0]);
  });
});

describe('the second factor', () => {
  test('is asked for after the password, and only then leads on', async () => {
    const user = await world.user('secured', ['patient'], 'Patient/pa');
    const { secret } = await withSecondFactor(world, user);
    const browser = world.browser();
    const asked = await world.signIn(browser, await world.authorize(browser, scope), 'secured');
    expect(asked.html).toContain('autocomplete="one-time-code"');
    expect(asked.html).not.toContain('Name of secured');
    const wrong = await browser.submit(asked, { form: '/code', fields: { code: '000000' } });
    expect(wrong.status).toBe(403);
    const right = await browser.submit(wrong, { form: '/code', fields: { code: new TOTP({ secret }).generate() } });
    expect(right.html).toContain('Name of secured');
  });

  test('is not asked of who hasn’t given the password, and his code is worth nothing', async () => {
    const user = await world.user('skipped', ['patient'], 'Patient/pa');
    const { secret } = await withSecondFactor(world, user);
    const browser = world.browser();
    const page = await world.authorize(browser, scope);
    const forged = { ...page, html: page.html.replaceAll('/password"', '/code"') };
    const answer = await browser.submit(forged, { form: '/code', fields: { code: new TOTP({ secret }).generate() } });
    expect(answer.status).toBe(403);
    expect(answer.html).toContain('sign in again');
  });

  test('given in one request is not given in another', async () => {
    const user = await world.user('moved', ['patient'], 'Patient/pa');
    await withSecondFactor(world, user);
    const browser = world.browser();
    await world.signIn(browser, await world.authorize(browser, scope), 'moved');
    const other = await world.authorize(browser, scope);
    expect(other.html).toContain('name="password"');
  });

  test('can be stood in for by a recovery code', async () => {
    const user = await world.user('recovered', ['patient'], 'Patient/pa');
    const { codes } = await withSecondFactor(world, user);
    const browser = world.browser();
    const asked = await world.signIn(browser, await world.authorize(browser, scope), 'recovered');
    const page = await browser.submit(asked, { form: '/code', fields: { code: codes[0] ?? '' } });
    expect(page.html).toContain('Name of recovered');
  });
});

describe('who has to have a second factor', () => {
  let strict: World;
  beforeAll(async () => {
    strict = await openWorld({ SECOND_FACTOR: 'staff' });
  });
  afterAll(() => strict?.stop());

  test('sets it up at the first sign-in: a picture, a key in letters, a code, and recovery codes to keep', async () => {
    await strict.user('doctor', ['provider'], 'Practitioner/dr');
    const browser = strict.browser();
    const page = await strict.signIn(browser, await strict.authorize(browser, scope), 'doctor');
    expect(page.html).toMatch(/<svg class="qr" role="img" aria-label="[^"]+"/);
    expect(page.html).not.toMatch(/style=/);
    const secret = /<code>([A-Z2-7 ]+)<\/code>/.exec(page.html)?.[1]?.replaceAll(' ', '') ?? '';
    const wrong = await browser.submit(page, { form: '/enrol', fields: { code: '123456' } });
    expect(wrong.status).toBe(403);
    expect(wrong.html).toContain((secret.match(/.{1,4}/g) ?? []).join(' '));
    const skipped = await browser.submit({ ...wrong, html: wrong.html.replace('/enrol"', '/enrolled"') }, { form: '/enrolled' });
    expect(skipped.status).toBe(403);
    const shown = await browser.open(page.url);
    const fresh = /<code>([A-Z2-7 ]+)<\/code>/.exec(shown.html)?.[1]?.replaceAll(' ', '') ?? '';
    const done = await browser.submit(shown, { form: '/enrol', fields: { code: new TOTP({ secret: fresh }).generate() } });
    expect([...done.html.matchAll(/<li><code>/g)]).toHaveLength(10);
    const next = await browser.submit(done, { form: '/enrolled' });
    expect(next.html).toContain('Choose a patient');
  });

  test('is not a patient', async () => {
    await strict.user('ana', ['patient'], 'Patient/pa');
    const browser = strict.browser();
    const page = await strict.signIn(browser, await strict.authorize(browser, scope), 'ana');
    expect(page.html).toContain('Name of ana');
  });
});
