import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { isGoodPassword, makePasswords, PasswordsBusy } from '../../src/authorization/passwords.ts';
import { makeRecoveryCodes, makeTotpSecret, recoveryHash, stepOfCode, totpUri } from '../../src/authorization/second-factor.ts';
import { TOTP } from 'otpauth';

const cheap = { memory: 64, passes: 1, parallelism: 1 };

describe('passwords', () => {
  const pepper = randomBytes(32);
  const passwords = makePasswords(pepper, cheap);

  test('one is verified by its hash, in whatever way its letters are composed; another is not', async () => {
    const hashed = await passwords.hash('größer als zwölf');
    expect(hashed).toMatch(/^\$argon2id\$v=19\$m=64,t=1,p=1\$[\w-]{22}\$[\w-]{43}$/);
    expect(await passwords.verify('größer als zwölf'.normalize('NFD'), hashed)).toBe(true);
    expect(await passwords.verify('größer als zwolf', hashed)).toBe(false);
  });

  test('two hashes of one password differ, and neither is worth anything without the pepper', async () => {
    const [one, two] = await Promise.all([passwords.hash('correct and long'), passwords.hash('correct and long')]);
    expect(one).not.toBe(two);
    expect(await makePasswords(randomBytes(32), cheap).verify('correct and long', one)).toBe(false);
  });

  test('a hash of other cost is verified by its own', async () => {
    const hashed = await makePasswords(pepper, { ...cheap, passes: 3 }).hash('correct and long');
    expect(await passwords.verify('correct and long', hashed)).toBe(true);
  });

  test('nobody’s password is none', async () => {
    expect(await passwords.verify('', undefined)).toBe(false);
  });

  test('more than may wait are refused, and those that wait are answered', async () => {
    const asked = await Promise.allSettled(Array.from({ length: 60 }, () => passwords.verify('x', undefined)));
    const refused = asked.filter((one) => one.status === 'rejected');
    expect(refused).toHaveLength(8);
    expect(refused.every(({ reason }) => reason instanceof PasswordsBusy)).toBe(true);
  });

  test.each([
    ['eleven chars', 'elevenchars', false],
    ['twelve chars', 'twelvechars!', true],
    ['a common one', 'Password1234', false],
    ['a common phrase', 'Correct Horse Battery Staple', false],
    ['few letters', 'abababababababab', false],
    ['the login name inside', 'my-ana-password-is', false],
    ['129 characters', 'abcde'.repeat(26).slice(0, 129), false],
    ['128 characters', 'abcde'.repeat(26).slice(0, 128), true],
    ['letters of other scripts', 'пароль-длинный', true],
  ])('of %s is judged', (_, password, good) => {
    expect(isGoodPassword(password, 'ana')).toBe(good);
  });
});

describe('the second factor', () => {
  const secret = makeTotpSecret();
  const at = Date.UTC(2026, 0, 1, 12, 0, 10);
  const codeAt = (ms: number): string => new TOTP({ secret }).generate({ timestamp: ms });

  test('takes the code of now and of the steps beside it', () => {
    const step = Math.floor(at / 30_000);
    expect(stepOfCode(secret, codeAt(at), at)).toBe(step);
    expect(stepOfCode(secret, codeAt(at - 30_000), at)).toBe(step - 1);
    expect(stepOfCode(secret, codeAt(at + 30_000), at)).toBe(step + 1);
  });

  test.each([['', '12345', '1234567', 'abcdef', '１２３４５６']])('takes nothing that is no code: %s', (code) => {
    expect(stepOfCode(secret, code, at)).toBeUndefined();
  });

  test('takes no code of two steps ago', () => {
    expect(stepOfCode(secret, codeAt(at - 90_000), at)).toBeUndefined();
  });

  test('is told to an authenticator by an address with secret and name', () => {
    const uri = new URL(totpUri(secret, 'ana@example.org'));
    expect(uri.protocol).toBe('otpauth:');
    expect(uri.searchParams.get('secret')).toBe(secret);
    expect(decodeURIComponent(uri.pathname)).toContain('ana@example.org');
  });

  test('has ten recovery codes, each known by its hash however it is typed', () => {
    const codes = makeRecoveryCodes();
    expect(new Set(codes).size).toBe(10);
    const [code = ''] = codes;
    const key = randomBytes(32);
    expect(code).toMatch(/^[a-z2-9]{5}(-[a-z2-9]{5}){3}$/);
    expect(recoveryHash(key, code.toUpperCase().replaceAll('-', ' '))).toEqual(recoveryHash(key, code));
    expect(recoveryHash(key, code.slice(1))).toBeUndefined();
  });
});
