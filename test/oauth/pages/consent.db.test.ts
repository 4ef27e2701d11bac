import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Browser, type Shown, textOf } from '../../support/browser.ts';
import { openWorld, redirectUri, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
  await world.user('ana', ['patient'], 'Patient/pa');
  await world.user('doctor', ['provider'], 'Practitioner/dr');
  await world.user('stranger', ['provider'], 'Practitioner/other');
});
afterAll(() => world?.stop());

async function signedIn(login: string, scope: string, more?: Readonly<Record<string, string>>): Promise<[Browser, Shown]> {
  const browser = world.browser();
  return [browser, await world.signIn(browser, await world.authorize(browser, scope, more), login)];
}

const allow = ['decision', 'allow'] as const;

describe('the page to decide on an app', () => {
  const scope = 'openid fhirUser offline_access launch/patient patient/Patient.rs patient/Observation.rs patient/Condition.read';

  test('tells each scope in words, who asks, where it goes, and whose record it is', async () => {
    const [, page] = await signedIn('ana', scope);
    const text = textOf(page.html);
    expect(text).toContain('Growth <b>Chart</b> asks for access');
    expect(text).toContain(new URL(redirectUri).origin);
    expect(text).toContain('Ada Alder, 1970-05-17');
    expect(text).toContain('Read name, date of birth, address and other personal details');
    expect(text).toContain('Read measurements, laboratory values and other observations');
    expect(text).toContain('Read conditions and health concerns');
    expect(text).toContain('Know that it is you who signs in');
    expect(text).not.toContain('patient/Observation.rs');
    expect(page.html).not.toContain('<b>Chart');
  });

  test('warns of access while the user is away', async () => {
    const [, page] = await signedIn('ana', scope);
    expect(page.html).toMatch(/<p class="warning" id="w\d+">The app can go on/);
    expect(page.html).toMatch(/aria-describedby="w\d+"/);
    const [, without] = await signedIn('ana', 'launch/patient patient/Patient.rs');
    expect(without.html).not.toContain('class="warning"');
  });

  test('A16: gives what was asked for where all is allowed', async () => {
    const [browser, page] = await signedIn('ana', scope);
    const { left } = await browser.submit(page, { form: '/decision', button: allow });
    expect(left?.origin).toBe(new URL(redirectUri).origin);
    expect(left?.searchParams.get('state')).toBe('state-of-app');
    const token = await world.exchange(left);
    expect(String(token['scope']).split(' ').toSorted()).toEqual(scope.split(' ').toSorted());
    expect(token).toMatchObject({ patient: 'pa', refresh_token: expect.any(String) as string });
  });

  test('A16: takes away whole scopes, one by one', async () => {
    const [browser, page] = await signedIn('ana', scope);
    const fields = { ...choiceOf(page, 'measurements', 'no'), ...choiceOf(page, 'Keep this access', undefined) };
    const { left } = await browser.submit(page, { form: '/decision', button: allow, fields });
    const token = await world.exchange(left);
    expect(token['scope']).not.toContain('Observation');
    expect(token['scope']).toContain('patient/Patient.rs');
    expect(token['refresh_token']).toBeUndefined();
  });

  test('A16: leaves some kinds of observations and conditions', async () => {
    const [browser, page] = await signedIn('ana', scope);
    const observation = choiceOf(page, 'measurements', 'some');
    const [name = ''] = Object.keys(observation);
    const kinds = kindsOf(page, name);
    expect(kinds.map(([, words]) => words)).toEqual(
      expect.arrayContaining(['Laboratory results', 'Vital signs', 'Social history, such as smoking']),
    );
    const laboratory = kinds.find(([, words]) => words === 'Laboratory results')?.[0] ?? '';
    const fields = { ...observation, [`${name}n`]: [laboratory], ...choiceOf(page, 'conditions', 'no') };
    const { left } = await browser.submit(page, { form: '/decision', button: allow, fields });
    const token = await world.exchange(left);
    expect(token['scope']).toContain(
      'patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory',
    );
    expect(token['scope']).not.toMatch(/Observation\.rs(?:\s|$)/);
    expect(token['scope']).not.toContain('Condition');
  });

  test('leaves only the kinds that were ticked, though all was left chosen', async () => {
    const [browser, page] = await signedIn('ana', scope);
    const all = choiceOf(page, 'measurements', 'all');
    const [name = ''] = Object.keys(all);
    const { left } = await browser.submit(page, { form: '/decision', button: allow, fields: { ...all, [`${name}n`]: ['1'] } });
    const token = await world.exchange(left);
    expect(token['scope']).toContain('|vital-signs');
    expect(token['scope']).not.toMatch(/Observation\.rs(?:\s|$)/);
  });

  test('of everything, leaves some types', async () => {
    const [browser, page] = await signedIn('ana', 'launch/patient patient/*.rs');
    const all = choiceOf(page, 'everything', 'some');
    const [name = ''] = Object.keys(all);
    const kinds = kindsOf(page, name);
    const index = kinds.find(([, words]) => words === 'Vaccinations')?.[0] ?? '';
    const { left } = await browser.submit(page, { form: '/decision', button: allow, fields: { ...all, [`${name}n`]: [index] } });
    expect((await world.exchange(left))['scope']).toBe('launch/patient patient/Immunization.rs');
  });

  test('can’t be made to allow what was not asked for', async () => {
    const [browser, page] = await signedIn('ana', 'launch/patient patient/Patient.r');
    const fields = { s9: 'all', scope: 'patient/*.cruds', s1n: ['99', 'x', '-1'], ...choiceOf(page, 'name, date', 'all') };
    const { left } = await browser.submit(page, { form: '/decision', button: allow, fields });
    expect((await world.exchange(left))['scope']).toBe('launch/patient patient/Patient.r');
  });

  test('asks again where nothing is left', async () => {
    const [browser, page] = await signedIn('ana', 'launch/patient patient/Patient.rs');
    const answer = await browser.submit(page, { form: '/decision', button: allow, fields: choiceOf(page, 'name, date', undefined) });
    expect(answer.left).toBeUndefined();
    expect(answer.html).toContain('Nothing is left that the app may do');
  });

  test('A17: sends the app away where the user does not allow it', async () => {
    const [browser, page] = await signedIn('ana', scope);
    const { left } = await browser.submit(page, { form: '/decision', button: ['decision', 'refuse'] });
    expect(left?.searchParams.get('error')).toBe('access_denied');
    expect(left?.searchParams.get('code')).toBeNull();
  });

  test('C21: takes no decision without its token or from elsewhere', async () => {
    const [browser, page] = await signedIn('ana', scope);
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    const forged = [
      await browser.submit(page, { form: '/decision', button: allow, fields: { form_token: 'x' } }),
      await browser.submit(page, { form: '/decision', button: allow, headers: { origin: 'https://evil.example' } }),
    ];
    for (const answer of forged) {
      expect(answer.status).toBe(403);
      expect(answer.left).toBeUndefined();
    }
    expect((await browser.submit(page, { form: '/decision', button: allow })).left).toBeDefined();
  });

  test('quotes what an app made up, and runs none of it', async () => {
    const evil = 'patient/Observation.rs?code=<script>alert(1)</script>';
    const [, page] = await signedIn('ana', `launch/patient patient/Patient.rs ${evil}`);
    expect(page.html).not.toContain('<script');
    expect(textOf(page.html)).toContain('code “<script>alert(1)</script>”');
  });
});

describe('the page to choose a patient', () => {
  const scope = 'launch/patient patient/Patient.rs';

  test('shows those whom the user may see, and nobody else', async () => {
    const [, page] = await signedIn('doctor', scope);
    expect(page.html).toContain('Ada Alder');
    expect(page.html).toContain('1970-05-17');
    expect(page.html).not.toContain('Canarybirch');
  });

  test.each([
    ['a name', { name: 'ald' }, true],
    ['two names in any order', { name: 'Alder Ada' }, true],
    ['a birth date', { birthDate: '1970-05-17' }, true],
    ['another birth date', { birthDate: '1970-05-18' }, false],
    ['a name nobody has', { name: 'nobody' }, false],
    ['the name of a patient he may not see', { name: 'Canarybirch' }, false],
    ['signs of a search', { name: 'Ald$er,|\\' }, false],
  ])('is searched by %s', async (_, fields, isFound) => {
    const [browser, page] = await signedIn('doctor', scope);
    const answer = await browser.submit(page, { form: '/patients', fields });
    expect(answer.status).toBe(200);
    expect(answer.html.includes('Ada Alder')).toBe(isFound);
    expect(answer.html).not.toContain('Bob');
    expect(answer.html.includes('No patient was found')).toBe(!isFound);
  });

  test('keeps names out of addresses', async () => {
    const [browser, page] = await signedIn('doctor', scope);
    const answer = await browser.submit(page, { form: '/patients', fields: { name: 'Alder' } });
    expect(answer.url).not.toContain('Alder');
    expect(page.html).not.toMatch(/method="get"/i);
  });

  test('says what is wrong with a birth date, at its field', async () => {
    const [browser, page] = await signedIn('doctor', scope);
    const answer = await browser.submit(page, { form: '/patients', fields: { birthDate: '17.5.1970' } });
    expect(answer.html).toContain('aria-invalid="true" aria-describedby="fault"');
  });

  test('leads on with the patient that was chosen', async () => {
    const [browser, page] = await signedIn('doctor', scope);
    const consent = await browser.submit(page, { form: '/patient', button: ['patient', 'pa'] });
    expect(consent.html).toContain('Ada Alder, 1970-05-17');
    const { left } = await browser.submit(consent, { form: '/decision', button: allow });
    expect(await world.exchange(left)).toMatchObject({ patient: 'pa', scope });
  });

  test('takes a patient whom the user may not see for one that is not there', async () => {
    const answers = [];
    for (const patient of ['pb', 'no-such-patient', '../pb', '']) {
      const [browser, page] = await signedIn('doctor', scope);
      const answer = await browser.submit(page, { form: '/patient', button: ['patient', patient] });
      answers.push(answer.html.replaceAll(/value="[\w-]{43}"|interaction\/[\w-]+/g, ''));
      expect(answer.left).toBeUndefined();
    }
    expect(answers[0]).toContain('Choose one of the patients below');
    expect(answers[1]).toBe(answers[0]);
    expect(answers[2]).toBe(answers[0]);
  });

  test('is not got around by deciding at once', async () => {
    for (const patient of [undefined, 'pb', 'no-such-patient']) {
      const [browser, page] = await signedIn('doctor', scope);
      const fields = { s0: 'all', s1: 'all', ...(patient === undefined ? {} : { patient }) };
      const answer = await browser.submit(page, { form: '/decision', button: allow, fields });
      expect(answer.left).toBeUndefined();
      expect(answer.html).toContain('Choose a patient');
    }
  });

  test('is empty for who cares for nobody', async () => {
    const [, page] = await signedIn('stranger', scope);
    expect(page.html).toContain('No patient was found');
    expect(page.html).not.toContain('Alder');
  });

  test('lets the user go back to the app', async () => {
    const [browser, page] = await signedIn('doctor', scope);
    const { left } = await browser.submit(page, { form: '/decision', button: ['decision', 'refuse'] });
    expect(left?.searchParams.get('error')).toBe('access_denied');
  });
});

describe('A14: the page to choose a visit', () => {
  const scope = 'launch/patient launch/encounter patient/Encounter.rs';

  test('shows the visits of the patient, and the app gets the one that was chosen', async () => {
    const [browser, page] = await signedIn('ana', scope);
    expect(page.html).toContain('ambulatory');
    const consent = await browser.submit(page, { form: '/encounter', button: ['encounter', 'ea'] });
    const { left } = await browser.submit(consent, { form: '/decision', button: allow });
    expect(await world.exchange(left)).toMatchObject({ patient: 'pa', encounter: 'ea' });
  });

  test('takes no visit of another patient', async () => {
    const [browser, page] = await signedIn('ana', scope);
    const answer = await browser.submit(page, { form: '/encounter', button: ['encounter', 'eb'] });
    expect(answer.html).toContain('Choose one of the visits below');
    const [again, shown] = await signedIn('ana', scope);
    const decided = await again.submit(
      { ...shown, html: shown.html },
      { form: '/decision', button: allow, fields: { encounter: 'eb', s0: 'all', s2: 'all' } },
    );
    expect(decided.left).toBeUndefined();
  });
});

describe('many patients', () => {
  test('come in pages, in the order of the search', async () => {
    await world.user('root', ['admin']);
    const entries = Array.from({ length: 25 }, (_, at) => ({
      request: { method: 'POST', url: 'Patient' },
      resource: { resourceType: 'Patient', name: [{ family: `Paged${at}` }] },
    }));
    await world.request('POST', '/', { body: { resourceType: 'Bundle', type: 'transaction', entry: entries } });
    const [browser, page] = await signedIn('root', 'launch/patient patient/Patient.rs');
    const first = await browser.submit(page, { form: '/patients', fields: { name: 'Paged' } });
    const second = await browser.submit(
      { ...first, html: first.html.slice(first.html.indexOf('name="next"') - 600) },
      { form: '/patients' },
    );
    const names = [...`${first.html}${second.html}`.matchAll(/>(Paged\d+)</g)].map(([, name]) => name);
    expect(names).toHaveLength(25);
    expect(new Set(names).size).toBe(25);
    expect(second.html).not.toContain('name="next"');
  });

  test('of another user’s search are no page', async () => {
    const [browser, page] = await signedIn('root', 'launch/patient patient/Patient.rs');
    const first = await browser.submit(page, { form: '/patients', fields: { name: 'Paged' } });
    const next = /name="next" value="([^"]+)"/.exec(first.html)?.[1] ?? '';
    expect(next).not.toBe('');
    const [other, shown] = await signedIn('doctor', 'launch/patient patient/Patient.rs');
    const answer = await other.submit(shown, { form: '/patients', fields: { name: 'Paged', next } });
    expect(answer.html).not.toMatch(/Paged\d/);
  });
});

/** The field of a scope, by words of its label, with a choice; none: unticked. */
function choiceOf(page: Shown, words: string, choice: 'all' | 'some' | 'no' | undefined): Record<string, string | readonly string[]> {
  const labels = [
    ...page.html.matchAll(/<fieldset><legend>([^<]*)<\/legend>\s*<label class="choice"><input type="radio" name="(s\d+)"/g),
    ...page.html.matchAll(/<input type="checkbox" name="(s\d+)" value="all"[^>]*><span>([^<]*)<\/span>/g),
  ].map(([, one = '', two = '']) => (/^s\d+$/.test(one) ? ([one, two] as const) : ([two, one] as const)));
  const name = labels.find(([, text]) => text.includes(words))?.[0];
  if (name === undefined) throw new Error(`no scope about ${words}: ${labels.map(([, text]) => text).join('; ')}`);
  return { [name]: choice ?? [] };
}

/** The narrower choices of a scope: value and words. */
function kindsOf(page: Shown, name: string): [value: string, words: string][] {
  return [...page.html.matchAll(new RegExp(`name="${name}n" value="(\\d+)"><span>([^<]*)</span>`, 'g'))].map(
    ([, value = '', words = '']) => [value, words],
  );
}
