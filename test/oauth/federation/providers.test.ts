import { describe, expect, test } from 'vitest';
import { readProviders } from '../../../src/http/oauth/federation/providers.ts';

const least = { id: 'hospital', name: 'Hospital', issuer: 'https://login.example.org', clientId: 'anamnesis', roles: ['viewer'] };
const read = (provider: object, secrets: Readonly<Record<string, string>> = {}) =>
  readProviders(JSON.stringify({ providers: [{ ...least, ...provider }] }), new Map(Object.entries(secrets)));

describe('the file of outside providers', () => {
  test('with the least that is needed gives the careful defaults', () => {
    expect(read({})).toEqual([
      {
        id: 'hospital',
        name: 'Hospital',
        issuer: new URL('https://login.example.org'),
        clientId: 'anamnesis',
        scopes: ['profile', 'email'],
        algorithms: ['RS256'],
        accounts: 'link',
        linkBy: 'email',
        roles: ['viewer'],
        claims: { roles: 'roles', roleNames: {}, name: 'name' },
        secondFactor: { acr: [], amr: [] },
      },
    ]);
    expect(read({}, { hospital: 's' })[0]?.clientSecret).toBe('s');
  });

  test.each([
    ['no JSON', '{'],
    ['no list', '{"providers":{}}'],
    ['one that is no object', '{"providers":[1]}'],
  ])('is refused as %s', (_, text) => {
    expect(() => readProviders(text, new Map())).toThrow(/expected/);
  });

  test.each<[string, object]>([
    ['an unknown member', { clientSecret: 'in the open' }],
    ['an id that is no word', { id: 'a/b' }],
    ['no name', { name: '' }],
    ['an issuer over http', { issuer: 'http://login.example.org' }],
    ['an issuer that only looks like this machine', { issuer: 'http://127.evil.example' }],
    ['an issuer with a password', { issuer: 'https://user:word@login.example.org' }],
    ['an issuer with a query', { issuer: 'https://login.example.org/?a=b' }],
    ['a symmetric algorithm', { algorithms: ['HS256'] }],
    ['no algorithm', { algorithms: [] }],
    ['the algorithm none', { algorithms: ['none'] }],
    ['no roles', { roles: [] }],
    ['an unknown role', { roles: ['root'] }],
    ['another way to accounts', { accounts: 'any' }],
    ['scopes with blanks', { scopes: ['a b'] }],
    ['a role name that leads to no role', { claims: { roleNames: { a: 'root' } } }],
    ['an unknown claim', { claims: { patient: 'x' } }],
    ['a second factor that is no list', { secondFactor: { amr: 'mfa' } }],
  ])('is refused with %s', (_, provider) => {
    expect(() => read(provider)).toThrow(/^providers\[0\]/);
  });

  test('is refused with two of one id or issuer, and with a secret for nobody, which is not repeated', () => {
    const two = (second: object) => JSON.stringify({ providers: [least, { ...least, ...second }] });
    for (const second of [{ issuer: 'https://other.example.org' }, { id: 'other' }])
      expect(() => readProviders(two(second), new Map())).toThrow('stands in the list twice');
    expect(() => read({}, { other: 'canary' })).toThrow(/"other"(?!.*canary)/);
  });
});
