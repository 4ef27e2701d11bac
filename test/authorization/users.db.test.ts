import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { TOTP } from 'otpauth';
import { Client, type Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SecurityEvent } from '../../src/authorization/security-events.ts';
import { makeUsers, type NewUser, type User, type Users } from '../../src/authorization/users.ts';
import { makeDataKey } from '../../src/encryption/seal.ts';
import { oauthItems } from '../../src/storage/oauth-items.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { migrate } from '../../src/storage/migrate.ts';
import { createDatabase } from '../support/cluster.ts';

const cheap = { memory: 64, passes: 1, parallelism: 1 };
const secret = randomBytes(32);
const password = 'a password of some length';
let main: { url: string; drop: () => Promise<void> };
let database: Database;
let pool: Pool;
let users: Users;
let clock = Date.now();
let address = 0;
const noted: SecurityEvent[] = [];
const events = (event: SecurityEvent): Promise<void> => {
  noted.push(event);
  return Promise.resolve();
};

beforeAll(async () => {
  main = await createDatabase('main');
  await migrate(main.url, join(import.meta.dirname, '..', '..', 'migrations', 'main'), 'postgres');
  database = await openDatabase({ url: main.url, poolSize: 8, applicationName: 'test', statementTimeoutMs: 10_000, plans: 'generic' });
  pool = database.pool;
  users = makeUsers({ pool, secret, events, passwordCost: cheap, now: () => clock });
});

afterAll(async () => {
  await database.close();
  await main.drop();
});

const toldOf = ({ id }: User): string[] =>
  noted.filter(({ account }) => account === id).map(({ kind, outcome, detail }) => [kind, outcome, detail ?? '-'].join(' '));

/** Each test from an address of its own: failures are counted by address too. */
const from = (): string => `192.0.2.${++address}`;

async function added(login: string, more: Partial<NewUser> = {}): Promise<User> {
  const user = await users.add({ login, name: 'Ana Mnesis', roles: ['provider'], password, ...more });
  if (typeof user === 'string') throw new Error(user);
  return user;
}

async function wrong(login: string, where: string, times: number): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (let count = 0; count < times; count++) answers.push(await users.provePassword({ login, password: 'wrong', network: where }));
  return answers;
}

describe('an account', () => {
  test('is found by id and by login name, however that is written', async () => {
    const user = await added('Grace.Hopper', { fhirUser: 'Practitioner/1' });
    expect(user).toMatchObject({
      login: 'grace.hopper',
      name: 'Ana Mnesis',
      roles: ['provider'],
      fhirUser: 'Practitioner/1',
      enabled: true,
    });
    expect(await users.find(user.id)).toEqual(user);
    expect(await users.findByLogin(' GRACE.HOPPER ')).toEqual(user);
    expect(await users.find('nobody')).toBeUndefined();
    expect(await users.findByLogin('nobody')).toBeUndefined();
  });

  test.each([
    ['a taken login name', { login: 'taken' }, 'login-taken'],
    ['a login name of odd signs', { login: 'a b' }, 'login-invalid'],
    ['a weak password', { login: 'weak', password: 'short' }, 'password-weak'],
    ['no role', { login: 'roleless', roles: [] }, 'roles-invalid'],
    ['an unknown role', { login: 'odd', roles: ['root' as never] }, 'roles-invalid'],
    ['a user of another type', { login: 'odd', fhirUser: 'Device/1' }, 'fhir-user-invalid'],
  ])('is refused with %s', async (_, user, fault) => {
    if ((await users.findByLogin('taken')) === undefined) await added('taken');
    expect(await users.add({ name: 'X', roles: ['viewer'], password, ...user })).toBe(fault);
  });

  test('shows neither names nor secrets in the database', async () => {
    const user = await added('canarylogin', { name: 'Canaryname Person' });
    const { secret: totp } = users.beginEnrolment(user);
    const codes = await users.enrol(user, totp, new TOTP({ secret: totp }).generate({ timestamp: clock }));
    expect(codes).toHaveLength(10);
    const client = new Client({ connectionString: main.url });
    await client.connect();
    const { rows } = await client.query<{ text: string }>(
      `select (select json_agg(a)::text from account a) || (select json_agg(r)::text from recovery_code r) as text`,
    );
    await client.end();
    const stored = rows[0]?.text ?? '';
    const hex = (text: string): string => Buffer.from(text).toString('hex');
    for (const word of ['canarylogin', 'Canaryname', totp, password, ...(codes ?? [])]) {
      expect(stored).not.toContain(word);
      expect(stored).not.toContain(hex(word));
    }
    expect(stored).toContain(user.id);
  });
});

describe('a password', () => {
  test('proves who it is; another one, another case of it and another login name do not', async () => {
    const user = await added('prover');
    const where = from();
    expect(await users.provePassword({ login: 'Prover', password, network: where })).toMatchObject({ user: { id: user.id } });
    expect(await users.provePassword({ login: 'prover', password: password.toUpperCase(), network: where })).toBe('refused');
    expect(await users.provePassword({ login: 'proverx', password, network: where })).toBe('refused');
  });

  test('of a disabled account is refused like a wrong one, until it is enabled', async () => {
    const user = await added('sleeper');
    const where = from();
    await users.setEnabled(user, false);
    expect(await users.provePassword({ login: 'sleeper', password, network: where })).toBe('refused');
    expect(await users.find(user.id)).toBeUndefined();
    await users.setEnabled(user, true);
    expect(await users.provePassword({ login: 'sleeper', password, network: where })).toMatchObject({ user: { id: user.id } });
  });

  test('that was changed is the only one, and a weak one changes nothing', async () => {
    const user = await added('changer');
    const where = from();
    expect(await users.setPassword(user, 'changer-is-in-it')).toBe('password-weak');
    expect(await users.setPassword(user, 'another long password')).toBeUndefined();
    expect(await users.provePassword({ login: 'changer', password, network: where })).toBe('refused');
    expect(await users.provePassword({ login: 'changer', password: 'another long password', network: where })).toHaveProperty('user');
  });

  test('of no account takes as much work as a wrong one', async () => {
    await added('timed');
    const real = makeUsers({ pool, secret, events });
    const time = async (login: string): Promise<number> => {
      const begun = performance.now();
      await real.provePassword({ login, password: 'wrong', network: from() });
      return performance.now() - begun;
    };
    const known = await time('timed');
    const unknown = await time('untimed');
    // Both derive one key of 19 MiB; without it an answer takes a few milliseconds.
    expect(unknown).toBeGreaterThan(known / 4);
  });
});

describe('C26: attempts', () => {
  test('are refused after six wrong ones, with the right password too; others are not held up', async () => {
    const user = await added('attacked');
    const where = from();
    expect(await wrong('attacked', where, 6)).toEqual(Array(6).fill('refused'));
    const held = await users.provePassword({ login: 'attacked', password, network: from() });
    expect(held).toEqual({ waitSeconds: 10 });
    await added('bystander');
    expect(await users.provePassword({ login: 'bystander', password, network: where })).toHaveProperty('user');
    await users.setPassword(user, 'set by an administrator');
    expect(await users.provePassword({ login: 'attacked', password: 'set by an administrator', network: where })).toHaveProperty('user');
  });

  test('at an account that does not exist are answered alike', async () => {
    await added('exists');
    const [one, two] = [await wrong('exists', from(), 20), await wrong('does-not', from(), 20)];
    expect(two).toEqual(one);
    expect(one.at(-1)).toHaveProperty('waitSeconds');
  });

  test('made at once are counted one by one', async () => {
    await added('hammered');
    const where = from();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => users.provePassword({ login: 'hammered', password: 'wrong', network: where })),
    );
    expect(answers.filter((each) => each === 'refused').length).toBeLessThanOrEqual(6);
  });

  test('at many accounts from one address are refused after 21', async () => {
    const where = from();
    const answers = [];
    for (let count = 0; count < 22; count++)
      answers.push(await users.provePassword({ login: `sprayed${count}`, password: 'wrong', network: where }));
    expect(answers.slice(0, 21)).toEqual(Array(21).fill('refused'));
    expect(answers[21]).toHaveProperty('waitSeconds');
    expect(await users.provePassword({ login: 'sprayed30', password: 'wrong', network: from() })).toBe('refused');
  });

  test('that succeed forget the failures of the account', async () => {
    await added('clumsy');
    const where = from();
    await wrong('clumsy', where, 4);
    expect(await users.provePassword({ login: 'clumsy', password, network: where })).toHaveProperty('user');
    expect(await wrong('clumsy', where, 5)).toEqual(Array(5).fill('refused'));
  });

  test('wait twice as long each time', async () => {
    await added('patient');
    await wrong('patient', from(), 6);
    const { rows } = await pool.query<{ subject: Buffer }>(
      'select subject from sign_in_failure where failures = 6 and blocked_until > now() order by last_at desc limit 1',
    );
    await pool.query(`update sign_in_failure set blocked_until = '-infinity' where subject = $1`, [rows[0]?.subject]);
    expect(await wrong('patient', from(), 1)).toEqual(['refused']);
    expect(await wrong('patient', from(), 1)).toEqual([{ waitSeconds: 20 }]);
  });
});

describe('a user’s own change of his password', () => {
  const next = 'the next password of his';

  test('takes the present one, and is in force at once', async () => {
    const user = await added('own');
    expect(await users.changePassword(user, { current: 'wrong', next, network: from() }, 'session')).toBe('refused');
    expect(await users.changePassword(user, { current: password, next: 'short', network: from() }, 'session')).toBe('password-weak');
    expect(await users.provePassword({ login: 'own', password, network: from() })).toHaveProperty('user');
    expect(await users.changePassword(user, { current: password, next, network: from() }, 'session')).toBe('changed');
    expect(await users.provePassword({ login: 'own', password, network: from() })).toBe('refused');
    expect(await users.provePassword({ login: 'own', password: next, network: from() })).toHaveProperty('user');
    expect(toldOf(user)).toEqual([
      'user-created 0 provider',
      'login-failed 4 password',
      'password-changed 0 own',
      'login-failed 4 password',
    ]);
  });

  test('can not be used to try passwords', async () => {
    const user = await added('tried');
    const answers = [];
    for (let count = 0; count < 8; count++)
      answers.push(await users.changePassword(user, { current: 'wrong', next, network: from() }, 'session'));
    expect(answers).toEqual([...Array(6).fill('refused'), { waitSeconds: 10 }, { waitSeconds: 10 }]);
    expect(await users.provePassword({ login: 'tried', password, network: from() })).toEqual({ waitSeconds: 10 });
  });

  test('of two at once one is done, and none for who was disabled', async () => {
    const user = await added('twice');
    const changes = ['one next password', 'another next password'].map((each) =>
      users.changePassword(user, { current: password, next: each, network: from() }, 'session'),
    );
    expect(new Set(await Promise.all(changes))).toEqual(new Set(['changed', 'refused']));
    const off = await added('turned-off');
    await users.setEnabled(off, false);
    expect(await users.changePassword(off, { current: password, next, network: from() }, 'session')).toBe('refused');
  });

  test('ends his other sessions, and leaves apps and other users alone', async () => {
    const [user, other] = [await added('leaver'), await added('stayer')];
    const items = oauthItems(pool, makeDataKey(Buffer.alloc(16), randomBytes(32)));
    const put = (kind: string, id: string, account: string) => items.put({ kind, id, payload: {}, account, ttlSeconds: 60 });
    await put('Session', 'this one', user.id);
    await put('Session', 'elsewhere', user.id);
    await put('Session', 'his', other.id);
    await put('RefreshToken', 'of an app', user.id);
    await users.changePassword(user, { current: password, next, network: from() }, 'this one');
    const isOver = async (id: string): Promise<boolean> => (await items.find('Session', id))?.consumedAt !== undefined;
    expect([await isOver('this one'), await isOver('elsewhere'), await isOver('his')]).toEqual([false, true, false]);
    expect(await items.find('RefreshToken', 'of an app')).toBeDefined();
  });
});

describe('a second factor', () => {
  const codeOf = (totp: string): string => new TOTP({ secret: totp }).generate({ timestamp: clock });

  async function enrolled(login: string): Promise<{ user: User; totp: string; codes: readonly string[] }> {
    const user = await added(login);
    const { secret: totp } = users.beginEnrolment(user);
    const codes = await users.enrol(user, totp, codeOf(totp));
    if (codes === undefined) throw new Error('not enrolled');
    return { user, totp, codes };
  }

  test('is in force once a code of it was seen, and not by a wrong one', async () => {
    const user = await added('starter');
    const { secret: totp } = users.beginEnrolment(user);
    expect(await users.enrol(user, totp, '000000')).toBeUndefined();
    expect((await users.find(user.id))?.hasSecondFactor).toBe(false);
    expect(await users.enrol(user, totp, codeOf(totp))).toHaveLength(10);
    expect((await users.find(user.id))?.hasSecondFactor).toBe(true);
  });

  test('takes a code once, also of two at the same moment, and none before it', async () => {
    const { user, totp } = await enrolled('doubler');
    const early = codeOf(totp);
    expect(await users.proveSecondFactor({ id: user.id, code: early, network: from() })).toBe('refused');
    clock += 30_000;
    const attempts = [1, 2, 3].map(() => users.proveSecondFactor({ id: user.id, code: codeOf(totp), network: from() }));
    const answers = await Promise.all(attempts);
    expect(answers.filter((each) => typeof each === 'object' && 'user' in each)).toHaveLength(1);
    expect(await users.proveSecondFactor({ id: user.id, code: early, network: from() })).toBe('refused');
  });

  test('is stood in for by a recovery code, once', async () => {
    const { user, codes } = await enrolled('loser');
    const [code = ''] = codes;
    expect(await users.proveSecondFactor({ id: user.id, code: code.toUpperCase(), network: from() })).toHaveProperty('user');
    expect(await users.proveSecondFactor({ id: user.id, code, network: from() })).toBe('refused');
    expect(toldOf(user)).toEqual([
      'user-created 0 provider',
      'second-factor-enrolled 0 -',
      'recovery-used 0 -',
      'second-factor-failed 4 -',
    ]);
  });

  test('is no other user’s', async () => {
    const [one, two] = [await enrolled('first'), await enrolled('second')];
    clock += 30_000;
    expect(await users.proveSecondFactor({ id: one.user.id, code: codeOf(two.totp), network: from() })).toBe('refused');
    expect(await users.proveSecondFactor({ id: one.user.id, code: two.codes[0] ?? '', network: from() })).toBe('refused');
    expect(await users.proveSecondFactor({ id: one.user.id, code: codeOf(one.totp), network: from() })).toHaveProperty('user');
  });

  test('can not be tried out', async () => {
    const { user } = await enrolled('guessed');
    const answers = [];
    for (let count = 0; count < 8; count++) answers.push(await users.proveSecondFactor({ id: user.id, code: '123456', network: from() }));
    expect(answers.slice(0, 6)).toEqual(Array(6).fill('refused'));
    expect(answers.slice(6)).toEqual([{ waitSeconds: 10 }, { waitSeconds: 10 }]);
    expect(toldOf(user).slice(7)).toEqual(['second-factor-failed 4 -', 'locked 4 second-factor', 'locked 4 second-factor']);
  });

  test('that an administrator took away is asked for no more', async () => {
    const { user, codes } = await enrolled('resetter');
    await users.resetSecondFactor(user);
    expect((await users.find(user.id))?.hasSecondFactor).toBe(false);
    expect(await users.proveSecondFactor({ id: user.id, code: codes[1] ?? '', network: from() })).toBe('refused');
  });
});
