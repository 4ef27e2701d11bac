import { createPublicKey, randomBytes, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeSigner, type Signed } from '../../src/native/signatures/signer.ts';

const secret = randomBytes(32);
const signer = makeSigner(secret);
const signed: Signed = {
  target: 'Condition/x/_history/1',
  meaning: 'author',
  who: 'Practitioner/doc',
  name: 'Grace Hopper',
  sub: 'account',
  iat: 1_700_000_000,
  components: ['pwd'],
  session: 'session',
};

describe('a signature', () => {
  test('is verified by the same secret, and by anybody with the public key', async () => {
    const jws = await signer.sign(signed, '{"a":1}');
    expect(await makeSigner(secret).verify(jws, '{"a":1}')).toMatchObject(signed);
    const [head = '', , signature = ''] = jws.split('.');
    const key = createPublicKey({ key: { ...signer.publicKey }, format: 'jwk' });
    const input = Buffer.from(`${head}.${Buffer.from('{"a":1}').toString('base64url')}`);
    expect(verify(null, input, key, Buffer.from(signature, 'base64url'))).toBe(true);
  });

  test('is none over another text, by another secret, or with any byte of it changed', async () => {
    const jws = await signer.sign(signed, '{"a":1}');
    expect(await signer.verify(jws, '{"a":2}')).toBeUndefined();
    expect(await makeSigner(randomBytes(32)).verify(jws, '{"a":1}')).toBeUndefined();
    await fc.assert(
      fc.asyncProperty(fc.nat(jws.length - 2), fc.constantFrom('A', 'b', '7', '_', '.'), async (at, letter) => {
        fc.pre(jws[at] !== letter);
        expect(await signer.verify(`${jws.slice(0, at)}${letter}${jws.slice(at + 1)}`, '{"a":1}')).toBeUndefined();
      }),
    );
  });

  test('by an older key is verified by newer ones, and by the next key before it is in force; by one behind that it is not', async () => {
    const [first, second, third] = [makeSigner(secret, 1), makeSigner(secret, 2), makeSigner(secret, 3)];
    const [old, newer, newest] = await Promise.all([first, second, third].map((each) => each.sign(signed, '{"a":1}')));
    for (const each of [first, second, third]) expect(await each.verify(old ?? '', '{"a":1}')).toMatchObject(signed);
    expect(await first.verify(newer ?? '', '{"a":1}')).toMatchObject(signed);
    expect(await third.verify(newer ?? '', '{"a":1}')).toMatchObject(signed);
    expect(await first.verify(newest ?? '', '{"a":1}')).toBeUndefined();
    expect(third.publicKeys().map(({ kid }) => kid)).toEqual([third, second, first].map(({ publicKey }) => publicKey.kid));
    expect(new Set(third.publicKeys().map(({ x }) => x)).size).toBe(3);
    expect(first.publicKey).toEqual(signer.publicKey);
  });

  test('that names another key than made it is none', async () => {
    const second = makeSigner(secret, 2);
    const [head = '', , signature = ''] = (await second.sign(signed, '{"a":1}')).split('.');
    const claims = JSON.parse(Buffer.from(head, 'base64url').toString()) as object;
    const renamed = (kid: unknown) => `${Buffer.from(JSON.stringify({ ...claims, kid })).toString('base64url')}..${signature}`;
    for (const kid of [signer.publicKey.kid, 'nothing', undefined]) expect(await second.verify(renamed(kid), '{"a":1}')).toBeUndefined();
  });

  test('takes no header that asks for no algorithm', async () => {
    const head = Buffer.from(JSON.stringify({ alg: 'none', ...signed })).toString('base64url');
    for (const jws of [`${head}..`, head, '', '..', 'a.b.c']) expect(await signer.verify(jws, '{"a":1}')).toBeUndefined();
  });

  test('names a session by caller and token, and tells neither', () => {
    const caller = { issuer: 'i', subject: 's', tokenId: 't' };
    expect(signer.sessionOf(caller)).toBe(signer.sessionOf({ ...caller }));
    expect(signer.sessionOf({ ...caller, tokenId: 'u' })).not.toBe(signer.sessionOf(caller));
    expect(signer.sessionOf({ issuer: 'i', subject: 's' })).toBeUndefined();
  });
});
