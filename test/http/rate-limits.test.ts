import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import type { Grant } from '../../src/authorization/grant.ts';
import { countersInMemory, makeRateLimits } from '../../src/http/rate-limits.ts';

const none = {
  rateLimitReads: 0,
  rateLimitSearches: 0,
  rateLimitWrites: 0,
  rateLimitPublic: 0,
  rateLimitRefused: 0,
  rateLimitToken: 0,
  rateLimitSignIn: 0,
  trustedProxies: [],
};
const grant = (clientId: string, subject = 'u', tokenId = 't'): Grant => ({
  issuer: 'i',
  subject,
  clientId,
  tokenId,
  roles: [],
  scopes: [],
});
const from = (remoteAddress: string): IncomingMessage => ({ socket: { remoteAddress }, headers: {} }) as unknown as IncomingMessage;
const open = async (limits: Partial<typeof none>) => makeRateLimits({ ...none, ...limits }, await countersInMemory());
const tooMany = { status: 429, headers: { 'retry-after': expect.stringMatching(/^([1-9]|[1-5]\d|60)$/) } };

describe('the budget of a caller', () => {
  test('is his alone, whatever token he comes with, and others keep theirs', async () => {
    const limits = await open({ rateLimitReads: 3 });
    for (const token of ['a', 'b', 'c']) await limits.takeOf(grant('app', 'u', token), 'reads');
    await expect(limits.takeOf(grant('app', 'u', 'd'), 'reads')).rejects.toMatchObject(tooMany);
    await limits.takeOf(grant('other'), 'reads');
    await limits.takeOf(grant('app', 'other user'), 'reads');
    await limits.takeOf(grant('app'), 'writes');
  });

  test('is charged for what a request turns out to be, without refusing it', async () => {
    const limits = await open({ rateLimitWrites: 10 });
    const app = grant('app');
    await limits.takeOf(app, 'writes');
    await limits.charge(app, 'writes', 5_000);
    await expect(limits.takeOf(app, 'writes')).rejects.toMatchObject(tooMany);
    const free = grant('free');
    await limits.charge(free, 'writes', -1);
    for (let n = 0; n < 10; n++) await limits.takeOf(free, 'writes');
  });

  test('where none is set, nothing is counted', async () => {
    const limits = await open({});
    expect(limits.takeOf(grant('app'), 'reads')).toBeUndefined();
    expect(limits.takeAt(from('203.0.113.1'), 'public')).toBeUndefined();
    expect(limits.attemptOf(from('203.0.113.1')).begin()).toBeUndefined();
  });
});

describe('the budget of an address', () => {
  test('is that of a /64 network in IPv6', async () => {
    const limits = await open({ rateLimitToken: 2 });
    await limits.takeAt(from('2001:db8::1'), 'token');
    await limits.takeAt(from('2001:db8::2'), 'token');
    await expect(limits.takeAt(from('2001:db8::3'), 'token')).rejects.toMatchObject(tooMany);
    await limits.takeAt(from('2001:db8:0:1::3'), 'token');
  });

  test('of refused tokens ends the looking, and only what fails is counted', async () => {
    const limits = await open({ rateLimitRefused: 2 });
    const attempt = limits.attemptOf(from('203.0.113.1'));
    for (let n = 0; n < 10; n++) await attempt.begin();
    await attempt.failed();
    await attempt.begin();
    await attempt.failed();
    await expect(attempt.begin()).rejects.toMatchObject(tooMany);
    await limits.attemptOf(from('203.0.113.2')).begin();
  });
});
