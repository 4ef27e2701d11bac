import { TOTP } from 'otpauth';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openOutsideWorld, type OutsideWorld } from '../oauth/federation/outside-world.ts';
import { password, withSecondFactor } from '../oauth/pages/world.ts';
import type { Browser, Shown } from '../support/browser.ts';
import { throughOutside } from '../support/outside-provider.ts';
import type { Answered } from '../support/server.ts';

/* Signatures that are confirmed in a browser, by whatever the signer signs in with. */

const nora = { sub: 'nora-there', name: 'Nora North', groups: ['doctors'], record: 'Practitioner/nora' };
const scope = 'openid fhirUser user/*.cruds';
let world: OutsideWorld;
let token: string;
let id: string;
beforeAll(async () => {
  world = await openOutsideWorld({ CARE_RELATIONSHIPS: 'all' });
  for (const one of ['nora', 'olga'])
    await world.request('PUT', `/Practitioner/${one}`, { body: { resourceType: 'Practitioner', id: one } });
  token = await world.tokenBy('region', nora, scope);
});
afterAll(() => world?.stop());
beforeEach(async () => {
  world.region.person = nora;
  world.region.falsify = undefined;
  id = (await post('/patients/pa/records', { kind: 'note', text: 'Canarynote' }, await world.token())).json.record_id as string;
});

const post = (path: string, body: object, by = token, headers: Record<string, string> = {}): Promise<Answered> =>
  world.request('POST', `${world.origin}/api/v1${path}`, { token: by, body, headers: { 'content-type': 'application/json', ...headers } });
const ask = (meaning = 'author', by = token, headers?: Record<string, string>): Promise<Answered> =>
  post(`/records/${id}/signatures/confirmations`, { meaning }, by, headers);
const sign = (confirmation: Answered, more: object = {}, by = token): Promise<Answered> =>
  post(`/records/${id}/signatures`, { meaning: 'author', confirmation_id: confirmation.json.confirmation_id, ...more }, by);
const proveElsewhere = async (asked: Answered, browser = world.browser()): Promise<[Browser, Shown]> => {
  const place = new URL(asked.json.confirm_at as string).pathname;
  return [browser, await throughOutside(browser, await browser.open(`${place}/with/region`), world.region)];
};
const decide = (browser: Browser, page: Shown, decision = 'sign'): Promise<Shown> =>
  browser.submit(page, { form: '/decision', button: ['decision', decision] });

describe('who signs in elsewhere', () => {
  test('signs what he has confirmed, having signed in there anew; once', async () => {
    const asked = await ask();
    expect([asked.status, asked.json], asked.text).toMatchObject([201, { record_version: 1, meaning: 'author' }]);
    expect((await sign(asked)).status).toBe(401);
    const [browser, page] = await proveElsewhere(asked);
    expect(world.region.asked.at(-1)?.get('prompt')).toBe('login');
    for (const told of ['Nora North', 'Growth &lt;b&gt;Chart', `Observation/${id.slice(5)}`, 'its author'])
      expect(page.html).toContain(told);
    expect(page.html).not.toContain('Canarynote');
    expect((await sign(asked)).status).toBe(401);
    expect((await decide(browser, page)).html).toContain('You have confirmed the signature');
    const made = await sign(asked);
    expect([made.status, made.json], made.text).toMatchObject([
      201,
      { status: 'valid', record_version: 1, signer: 'Practitioner/nora', printed_name: 'Nora North', components: ['fed'] },
    ]);
    const again = await sign(asked);
    expect([again.status, again.json.details]).toMatchObject([401, [{ field: 'confirmation_id', code: 'invalid' }]]);
    expect((await browser.open(page.url)).status).toBe(404);
  });

  test('is not signed in by it', async () => {
    const [browser] = await proveElsewhere(await ask());
    expect((await browser.open('/oauth/apps')).url).toContain('/oauth/sign-in');
  });

  test('has nothing signed that he refuses, nor what a page of somebody else decides for him', async () => {
    const refused = await ask();
    const [browser, page] = await proveElsewhere(refused);
    const path = `${new URL(refused.json.confirm_at as string).pathname}/decision`;
    const forged = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'decision=sign' };
    expect((await browser.send(path, { ...forged, headers: { ...forged.headers, origin: 'https://evil.example' } })).status).toBe(403);
    expect((await browser.send(path, { ...forged, headers: { ...forged.headers, origin: world.origin } })).status).toBe(403);
    expect((await decide(browser, page, 'refuse')).html).toContain('Nothing was signed');
    expect((await sign(refused)).status).toBe(401);
    expect((await browser.open(page.url)).status).toBe(404);
  });

  test('can not be another than whom the signature is asked of', async () => {
    const asked = await ask();
    world.region.person = { sub: 'olga-there', name: 'Olga', groups: ['doctors'], record: 'Practitioner/olga' };
    const [browser, page] = await proveElsewhere(asked);
    expect([page.status, page.html]).toEqual([403, expect.stringContaining('another account')]);
    const after = await browser.open(new URL(page.url).pathname);
    expect(after.html).not.toContain('value="sign"');
    expect(after.html).not.toContain('Nora');
    expect((await sign(asked)).status).toBe(401);
  });

  test('has to prove himself now: who was signed in there before and is not asked anew is not believed', async () => {
    world.region.falsify = (claims) => Object.assign(claims, { auth_time: Math.floor(Date.now() / 1000) - 3_600 });
    const asked = await ask();
    const [, page] = await proveElsewhere(asked);
    expect(page.status).toBe(403);
    expect((await sign(asked)).status).toBe(401);
  });

  test('a confirmation is good for its signature alone: not for another meaning, record, version, user or app', async () => {
    const asked = await ask();
    const [browser, page] = await proveElsewhere(asked);
    await decide(browser, page);
    expect((await sign(asked, { meaning: 'approver' })).status).toBe(401);
    const another = await world.tokenBy('region', nora, scope);
    const olga = { sub: 'olga-there', name: 'Olga', groups: ['doctors'], record: 'Practitioner/olga' };
    for (const by of [another, await world.tokenBy('region', olga, scope), await world.token()])
      expect([401, 403]).toContain((await sign(asked, {}, by)).status);
    const first = id;
    id = (await post('/patients/pa/records', { kind: 'note', text: 'Another' }, await world.token())).json.record_id as string;
    expect((await sign(asked)).status).toBe(401);
    id = first;
    const path = `${world.origin}/api/v1/patients/pa/records/${id}`;
    const headers = { 'content-type': 'application/json' };
    expect((await world.request('PUT', path, { body: { kind: 'note', text: 'Changed' }, headers })).status).toBe(200);
    expect((await sign(asked)).status).toBe(401);
    expect((await ask('author', token, { 'if-match': 'W/"1"' })).status).toBe(412);
    expect((await ask('author', token, { 'if-match': 'W/"2"' })).json.record_version).toBe(2);
  });

  test('of many that use a confirmation at once one signs', async () => {
    const asked = await ask();
    const [browser, page] = await proveElsewhere(asked);
    await decide(browser, page);
    const statuses = (await Promise.all(Array.from({ length: 6 }, () => sign(asked)))).map(({ status }) => status);
    expect([statuses.filter((each) => each === 201).length, statuses.filter((each) => each === 401).length]).toEqual([1, 5]);
  });

  test('is asked nothing by an app that he has taken back', async () => {
    const asked = await ask();
    const [browser, page] = await proveElsewhere(asked);
    const pages = world.browser();
    let apps = await world.signInBy('region', nora, pages);
    while (apps.html.includes('name="grant"')) {
      const grant = /name="grant" value="([^"]+)"/.exec(apps.html)?.[1] ?? '';
      apps = await pages.submit(apps, { form: '/remove', button: ['grant', grant] });
    }
    expect((await browser.open(new URL(page.url).pathname)).status).toBe(404);
    expect((await sign(asked)).status).toBe(401);
    token = await world.tokenBy('region', nora, scope);
  });
});

describe('who signs in here', () => {
  test('confirms by password and second factor, which the app never sees', async () => {
    const user = await world.user('house', ['provider'], 'Practitioner/dr');
    const { secret } = await withSecondFactor(world, user);
    const browser = world.browser();
    const code = (): Readonly<Record<string, string>> => ({ code: new TOTP({ secret }).generate() });
    const login = await world.signIn(browser, await world.authorize(browser, scope), 'house');
    const { left } = await browser.submit(await browser.submit(login, { form: '/code', fields: code() }), {
      form: '/decision',
      button: ['decision', 'allow'],
    });
    const by = (await world.exchange(left))['access_token'] as string;
    const asked = await ask('reviewer', by);
    // Signed in or not: he proves it anew.
    const first = await browser.open(new URL(asked.json.confirm_at as string).pathname);
    expect(first.html).toContain('name="password"');
    expect((await browser.submit(first, { form: '/password', fields: { login: 'house', password: 'wrong' } })).status).toBe(403);
    const second = await browser.submit(first, { form: '/password', fields: { login: 'house', password } });
    expect(second.html).toContain('name="code"');
    expect((await sign(asked, { meaning: 'reviewer' }, by)).status).toBe(401);
    // A code is good once: the next one is a step later.
    const next = new TOTP({ secret }).generate({ timestamp: Date.now() + 30_000 });
    const page = await browser.submit(second, { form: '/code', fields: { code: next } });
    expect(page.html).toContain('its reviewer');
    await decide(browser, page);
    const made = await sign(asked, { meaning: 'reviewer' }, by);
    expect([made.status, made.json], made.text).toMatchObject([201, { signer: 'Practitioner/dr', components: ['pwd', 'otp'] }]);
  });

  test('without an account here, or for what he may not see, is asked for nothing', async () => {
    expect((await ask('author', await world.token({ scope: 'user/*.cruds', user: 'Practitioner/dr', roles: ['provider'] }))).status).toBe(
      403,
    );
    id = 'note-nothing';
    expect((await ask()).status).toBe(404);
    const browser = world.browser();
    for (const place of ['nothing', 'x'.repeat(43), '..%2Fapps']) expect((await browser.open(`/oauth/sign/${place}`)).status).toBe(404);
  });
});
