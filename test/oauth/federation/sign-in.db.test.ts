import { TOTP } from 'otpauth';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { textOf } from '../../support/browser.ts';
import { throughOutside } from '../../support/outside-provider.ts';
import { cliBeside } from '../../support/cli.ts';
import { unbindIdentities } from '../../../src/storage/federated-identities.ts';
import { withSecondFactor } from '../pages/world.ts';
import { openOutsideWorld, type OutsideWorld } from './outside-world.ts';

let world: OutsideWorld;
beforeAll(async () => {
  world = await openOutsideWorld();
  await world.user('ana@example.org', ['patient'], 'Patient/pa');
  await world.user('boss@example.org', ['provider', 'admin']);
});
afterAll(() => world?.stop());
afterEach(() => {
  for (const each of [world.hospital, world.region]) {
    each.falsify = undefined;
    each.person = undefined;
  }
});

const scope = 'openid fhirUser launch/patient patient/Patient.rs';
const ana = { sub: 'ana-there', email: 'Ana@example.org', email_verified: true };
let people = 0;
const newcomer = (claims: object) => ({ sub: `person-${++people}`, name: 'Nora Newcomer', ...claims });

describe('signing in by an outside provider', () => {
  test('is offered beside the password, by its name as text', async () => {
    const { html } = await world.browser().open('/oauth/sign-in');
    expect(html).toContain('href="/oauth/sign-in/with/hospital"');
    expect(textOf(html)).toContain('Sign in with Hospital <b>One</b>');
    expect(html).not.toContain('<b>One');
  });

  test('leads an app to the tokens of the account with that verified address, once and again', async () => {
    const tokens = [];
    for (const _ of [1, 2]) {
      const browser = world.browser();
      world.hospital.person = ana;
      const login = await world.authorize(browser, scope);
      const begun = await browser.open(`${new URL(login.url).pathname}/with/hospital`);
      const consent = await throughOutside(browser, begun, world.hospital);
      expect([consent.status, consent.html.includes('value="allow"')]).toEqual([200, true]);
      const { left } = await browser.submit(consent, { form: '/decision', button: ['decision', 'allow'] });
      tokens.push(await world.exchange(left));
    }
    expect(tokens.map(({ patient }) => patient)).toEqual(['pa', 'pa']);
    const [asked] = world.hospital.asked;
    expect(asked?.get('code_challenge_method')).toBe('S256');
    expect([asked?.get('state')?.length, asked?.get('nonce')?.length, asked?.get('code_challenge')?.length]).toEqual([43, 43, 43]);
  });

  test('opens the own pages as well, under a session with another id than before', async () => {
    const browser = world.browser();
    const shown = await world.signInBy('hospital', ana, browser);
    expect([shown.status, new URL(shown.url).pathname]).toEqual([200, '/oauth/apps']);
  });

  test('is told of at signing out, for whoever comes next to this browser', async () => {
    const browser = world.browser();
    const apps = await world.signInBy('hospital', ana, browser);
    const out = await browser.submit(apps, { form: '/sign-out' });
    const link = textOf(/href="([^"]*session\/end[^"]*)"/.exec(out.html)?.[1] ?? '');
    expect(link).toContain(`${world.hospital.issuer}/session/end?client_id=anamnesis&post_logout_redirect_uri=`);
    expect((await browser.open('/oauth/apps')).url).toContain('/oauth/sign-in');
  });

  test('an app that wants a proof of now gets one from there as well', async () => {
    const asks = async (authTime: number | undefined): Promise<string> => {
      const browser = world.browser();
      world.hospital.person = ana;
      world.hospital.falsify = (claims) => Object.assign(claims, { auth_time: authTime });
      const login = await world.authorize(browser, scope, { prompt: 'login' });
      return (await throughOutside(browser, await browser.open(`${new URL(login.url).pathname}/with/hospital`), world.hospital)).html;
    };
    const now = Math.floor(Date.now() / 1000);
    expect(await asks(now)).toContain('value="allow"');
    expect([world.hospital.asked.at(-1)?.get('prompt'), world.hospital.asked.at(-1)?.get('max_age')]).toEqual(['login', '0']);
    for (const stale of [now - 3_600, undefined]) expect(await asks(stale)).toContain('could not be taken');
  });
});

describe('what a provider says is not believed', () => {
  const now = Math.floor(Date.now() / 1000);
  test.each<[string, (claims: Record<string, unknown>, header: { alg: string; kid?: string }) => void]>([
    ['with the nonce of another sign-in', (claims) => Object.assign(claims, { nonce: 'x'.repeat(43) })],
    ['without a nonce', (claims) => void delete claims['nonce']],
    ['for another client', (claims) => Object.assign(claims, { aud: 'somebody-else' })],
    ['for us and others, as the party of another', (claims) => Object.assign(claims, { aud: ['anamnesis', 'other'], azp: 'other' })],
    ['in the name of another issuer', (claims) => Object.assign(claims, { iss: world.region.issuer })],
    ['after its time', (claims) => Object.assign(claims, { iat: now - 7_200, exp: now - 3_600 })],
    ['without an end', (claims) => void delete claims['exp']],
    ['without a subject', (claims) => void delete claims['sub']],
    ['unsigned', (_, header) => Object.assign(header, { alg: 'none' })],
    ["signed with the client's secret", (_, header) => Object.assign(header, { alg: 'HS256' })],
    ['by an algorithm that is not on the list', (_, header) => Object.assign(header, { alg: 'RS512' })],
    ['signed by a key that is not its own', (_, header) => Object.assign(header, { forged: true })],
    ['by a key it does not publish', (_, header) => Object.assign(header, { kid: 'another' })],
  ])('%s', async (_, falsify) => {
    world.hospital.falsify = falsify;
    const browser = world.browser();
    const shown = await world.signInBy('hospital', ana, browser);
    expect(shown.status).toBe(403);
    expect(shown.html).toContain('could not be taken');
    expect((await browser.open('/oauth/apps')).url).toContain('/oauth/sign-in');
    world.hospital.falsify = undefined;
    expect((await world.signInBy('hospital', ana, browser)).status).toBe(200);
  });
});

describe('coming back', () => {
  test('with what another browser was sent with, is over, and the provider is asked nothing', async () => {
    const [mine, victim] = [world.browser(), world.browser()];
    const back = await world.comingBack('hospital', ana, mine);
    const before = world.hospital.tokenRequests();
    for (const begun of [false, true]) {
      if (begun) await victim.open('/oauth/sign-in/with/hospital');
      const shown = await victim.open(back.href);
      expect([shown.status, shown.html.includes('another browser')]).toEqual([400, true]);
    }
    expect(world.hospital.tokenRequests()).toBe(before);
    expect((await mine.open(back.href)).url).toContain('/oauth/apps');
  });

  test('twice with the same is once', async () => {
    const browser = world.browser();
    const back = await world.comingBack('hospital', ana, browser);
    const cookie = browser.cookies.get('anamnesis_outside') ?? '';
    const send = () => fetch(back, { redirect: 'manual', headers: { cookie: /^[^;]*/.exec(cookie)?.[0] ?? '' } });
    const statuses = (await Promise.all([send(), send(), send()])).map(({ status }) => status);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([303, 400, 400]);
    expect((await send()).status).toBe(400);
  });

  test('to the address of another provider is over', async () => {
    const browser = world.browser();
    const back = await world.comingBack('hospital', ana, browser);
    const before = world.region.tokenRequests();
    expect((await browser.open(back.href.replace('/from/hospital', '/from/region'))).status).toBe(400);
    expect(world.region.tokenRequests()).toBe(before);
  });

  test.each([
    ['of another issuer', (back: URL) => back.searchParams.set('iss', 'https://evil.example')],
    ['without its issuer', (back: URL) => back.searchParams.delete('iss')],
    ['with two codes', (back: URL) => back.searchParams.append('code', 'another')],
    ['with an invented code', (back: URL) => back.searchParams.set('code', 'invented')],
  ])('%s is not believed', async (_, change) => {
    const browser = world.browser();
    const back = await world.comingBack('hospital', ana, browser);
    change(back);
    const shown = await browser.open(back.href);
    expect([shown.status, shown.html.includes('could not be taken')]).toEqual([403, true]);
    expect((await browser.open('/oauth/apps')).url).toContain('/oauth/sign-in');
  });

  test('with a no says so, in our words', async () => {
    const shown = await world.signInBy('hospital', undefined);
    expect([shown.status, shown.html.includes('You were not signed in there.')]).toEqual([403, true]);
    expect(shown.html).not.toContain('Canary');
    expect(shown.headers.get('cache-control')).toContain('no-store');
  });

  test('from a provider that is none is nothing', async () => {
    for (const way of ['with', 'from']) expect((await world.browser().open(`/oauth/sign-in/${way}/nobody`)).status).toBe(404);
  });

  test('is not begun by the page of another', async () => {
    const response = await fetch(`${world.origin}/oauth/sign-in/with/hospital`, {
      redirect: 'manual',
      headers: { 'sec-fetch-site': 'cross-site' },
    });
    expect([response.status, response.headers.get('location')]).toEqual([303, '/oauth/sign-in']);
  });
});

describe('who is nobody here', () => {
  const mail = (email: string) => ({ email, email_verified: true });
  test.each([
    ['with an address that is not verified', { sub: 'a1', email: 'ana@example.org', email_verified: false }],
    ['with an address of which it is not said', { sub: 'a2', email: 'ana@example.org' }],
    ['with "true" for true', { sub: 'a3', email: 'ana@example.org', email_verified: 'true' }],
    ['whom no account is for', { sub: 'a4', ...mail('nobody@example.org') }],
    ['without an address', { sub: 'a5' }],
    ['whose account may more than the provider may vouch for', { sub: 'a6', ...mail('boss@example.org') }],
    ['who has come into the mailbox of somebody bound before', { sub: 'a7', ...mail('ana@example.org') }],
  ])('%s is refused', async (_, person) => {
    await world.signInBy('hospital', ana);
    const browser = world.browser();
    const shown = await world.signInBy('hospital', person, browser);
    expect([shown.status, shown.html.includes('does not open an account here')]).toEqual([403, true]);
    expect((await browser.open('/oauth/apps')).url).toContain('/oauth/sign-in');
  });

  test('a disabled account is refused, bound or not, with the same words', async () => {
    const { users } = world.services;
    const person = { sub: 'leaver', ...mail('leaver@example.org') };
    const user = await world.user('leaver@example.org', ['patient'], 'Patient/pb');
    await users.setEnabled(user, false);
    const unbound = await world.signInBy('hospital', person);
    await users.setEnabled(user, true);
    expect((await world.signInBy('hospital', person)).status).toBe(200);
    await users.setEnabled(user, false);
    const bound = await world.signInBy('hospital', person);
    const unknown = await world.signInBy('hospital', { sub: 'b1', ...mail('nobody@example.org') });
    expect([unbound.status, bound.status]).toEqual([403, 403]);
    expect([unbound.html, bound.html]).toEqual([unknown.html, unknown.html]);
  });
});

describe('an account that is made', () => {
  const find = async (person: { readonly sub: string }, name: string) => {
    const all = await world.services.users.list();
    const found = all.filter((user) => user.name === name);
    expect([person.sub, found.length]).toEqual([person.sub, 1]);
    return found[0];
  };

  test('has the roles that its provider says, mapped, and none beyond the list', async () => {
    const person = newcomer({ name: 'Dora Doctor', groups: ['doctors', 'chiefs', 'admin', 'others'], record: 'Practitioner/dr' });
    expect((await world.signInBy('region', person)).url).toContain('/oauth/apps');
    expect(await find(person, 'Dora Doctor')).toMatchObject({ roles: ['provider'], fhirUser: 'Practitioner/dr', enabled: true });
  });

  test('is not made without a role, nor with a record that is none', async () => {
    const before = (await world.services.users.list()).length;
    for (const claims of [{}, { groups: ['chiefs'] }, { groups: 'admin' }, { groups: ['doctors'], record: 'Patient/../x' }])
      expect((await world.signInBy('region', newcomer(claims))).status).toBe(403);
    expect((await world.services.users.list()).length).toBe(before);
  });

  test('is one, though its person comes twice at a time, and is another for a subject that differs in a capital', async () => {
    const person = newcomer({ name: 'Twin', groups: ['clerks'] });
    const backs = await Promise.all(
      [1, 2, 3].map(async () => {
        const browser = world.browser();
        return { browser, back: await world.comingBack('region', person, browser) };
      }),
    );
    const shown = await Promise.all(backs.map(({ browser, back }) => browser.open(back.href)));
    expect(shown.map(({ status }) => status)).toEqual([200, 200, 200]);
    await find(person, 'Twin');
    expect((await world.signInBy('region', { ...person, sub: person.sub.toUpperCase(), name: 'Another' })).status).toBe(200);
    await find(person, 'Another');
  });

  test('has none to change', async () => {
    const browser = world.browser();
    await world.signInBy('region', newcomer({ groups: ['clerks'] }), browser);
    const account = await browser.open('/oauth/account');
    expect(account.html).toContain('Your account has no second factor');
    expect(account.html).not.toContain('/oauth/account/password');
    expect((await browser.open('/oauth/account/password')).url).toBe(account.url);
  });

  test('is opened by no password, least of all an empty one', async () => {
    const person = newcomer({ name: 'Pat Passwordless', groups: ['clerks'] });
    await world.signInBy('region', person);
    const user = await find(person, 'Pat Passwordless');
    for (const password of ['', 'null', 'undefined'])
      expect(await world.services.users.provePassword({ login: user?.login ?? '', password, network: 'test' })).toBe('refused');
  });

  test('follows what its provider says at each sign-in, and the tokens of before end', async () => {
    const person = newcomer({ name: 'Fay Follower', groups: ['doctors'], record: 'Practitioner/dr' });
    const browser = world.browser();
    world.region.person = person;
    const login = await world.authorize(browser, 'user/Patient.rs offline_access');
    const consent = await throughOutside(browser, await browser.open(`${new URL(login.url).pathname}/with/region`), world.region);
    const { left } = await browser.submit(consent, { form: '/decision', button: ['decision', 'allow'] });
    const token = String((await world.exchange(left))['access_token']);
    const reads = async (): Promise<number> => (await world.request('GET', '/Patient/pa', { token })).status;
    expect(await reads()).toBe(200);
    await new Promise((resolve) => {
      setTimeout(resolve, 1_100);
    });
    await world.signInBy('region', { ...person, groups: ['clerks'] });
    expect(await find(person, 'Fay Follower')).toMatchObject({ roles: ['viewer'] });
    await expect.poll(reads, { timeout: 3_000 }).toBe(401);
    expect((await world.signInBy('region', { ...person, groups: [] })).status).toBe(403);
    expect((await world.signInBy('region', { ...person, record: undefined, groups: ['clerks'] })).status).toBe(403);
  });
});

describe('the second factor', () => {
  test("of ours follows what is proved elsewhere, whatever the provider says of its own that isn't agreed", async () => {
    const user = await world.user('tom@example.org', ['patient'], 'Patient/pb');
    const { secret } = await withSecondFactor(world, user);
    const tom = { sub: 'tom-there', email: 'tom@example.org', email_verified: true };
    world.hospital.falsify = (claims) => Object.assign(claims, { amr: ['mfa'], acr: 'gold' });
    const browser = world.browser();
    const page = await world.signInBy('hospital', tom, browser);
    expect(page.html).toContain('name="code"');
    expect((await browser.open('/oauth/apps')).html).toContain('name="code"');
    const wrong = await browser.submit(page, { form: '/code', fields: { code: '000000' } });
    expect(wrong.status).toBe(403);
    const right = await browser.submit(page, { form: '/code', fields: { code: new TOTP({ secret }).generate() } });
    expect(right.url).toContain('/oauth/apps');
  });

  test('of a provider counts where the operator says how it is called', async () => {
    const person = newcomer({ name: 'Max Multi', groups: ['clerks'] });
    await world.signInBy('region', person);
    const user = (await world.services.users.list()).find(({ name }) => name === 'Max Multi');
    if (user === undefined) throw new Error('not made');
    await withSecondFactor(world, user);
    expect((await world.signInBy('region', person)).html).toContain('name="code"');
    for (const claim of [{ amr: ['pwd', 'mfa'] }, { acr: 'gold' }]) {
      world.region.falsify = (claims) => Object.assign(claims, claim);
      expect((await world.signInBy('region', person)).url).toContain('/oauth/apps');
    }
    world.region.falsify = (claims) => Object.assign(claims, { amr: 'mfa', acr: ['gold'] });
    expect((await world.signInBy('region', person)).html).toContain('name="code"');
  });
});

describe('an account that is unlinked', () => {
  test('signs in by the next who proves to be its owner, and by nobody before', async () => {
    const user = await world.user('una@example.org', ['patient'], 'Patient/pb');
    const una = { sub: 'una-old', email: 'una@example.org', email_verified: true };
    expect((await world.signInBy('hospital', una)).status).toBe(200);
    expect((await world.signInBy('hospital', { ...una, sub: 'una-new' })).status).toBe(403);
    expect(await unbindIdentities(world.services.context.pool, user.id)).toBe(1);
    expect((await world.signInBy('hospital', { ...una, sub: 'una-new' })).status).toBe(200);
    expect((await world.signInBy('hospital', una)).status).toBe(403);
  });

  test('leaves nothing readable of the person in the database', async () => {
    await world.signInBy('hospital', ana);
    const { rows } = await world.services.context.pool.query<{ text: string }>(
      'select federated_identity::text as text from federated_identity',
    );
    expect(rows.length).toBeGreaterThan(0);
    for (const { text } of rows) expect(text).not.toMatch(/ana-there|example\.org/);
  });
});

describe('the audit trail of outside accounts', () => {
  test('has who was linked by which provider, each sign-in through it, and that the link was taken away', async () => {
    const { id } = await world.user('lin@example.org', ['patient'], 'Patient/pb');
    const lin = { sub: 'lin-there', email: 'lin@example.org', email_verified: true };
    for (const _ of [1, 2]) expect((await world.signInBy('hospital', lin)).status).toBe(200);
    const ran = await cliBeside(world)(['user', 'unlink', 'lin@example.org']);
    expect([ran.code, ran.stderr]).toEqual([0, expect.stringContaining('Done.')]);
    const { json } = await world.request('GET', '/AuditEvent?type=http://dicom.nema.org/resources/ontology/DCM|110113,110114&_count=200');
    // oxlint-disable-next-line typescript/no-explicit-any -- AuditEvents as they come
    const events: any[] = json.entry.map(({ resource }: { resource: object }) => resource);
    const told = events
      .filter((event) => JSON.stringify(event).includes(id))
      .map(({ outcome, agent, entity }) => {
        const details = Object.fromEntries(
          entity.flatMap(({ detail = [] }: { detail?: { type: string; valueString: string }[] }) =>
            detail.map(({ type, valueString }) => [type, valueString]),
          ),
        );
        const by = agent.find(({ requestor }: { requestor: boolean }) => requestor).who.identifier?.value;
        return [details.event, details.detail, outcome, by === id || details.account === id];
      })
      .filter(([event]) => event !== 'user-created')
      .sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
    expect(told).toEqual([
      ['account-linked', 'hospital', '0', true],
      ['account-unlinked', '1', '0', true],
      ['login', 'fed:hospital', '0', true],
      ['login', 'fed:hospital', '0', true],
    ]);
    expect(JSON.stringify(events)).not.toContain('lin-there');
  });
});
