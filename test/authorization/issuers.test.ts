import { describe, expect, test } from 'vitest';
import { readIssuers } from '../../src/authorization/issuers.ts';

const base = 'https://fhir.example.org/fhir/R4';
const one = { issuer: 'https://login.example.org/realms/clinic', jwksUri: 'https://login.example.org/realms/clinic/certs' };
const read = (...issuers: unknown[]) => readIssuers(JSON.stringify({ issuers }), base);

describe('The file of trusted issuers', () => {
  test('needs no more than who it is and where the keys are', () => {
    const [issuer] = read(one);
    expect(issuer).toMatchObject({ issuer: one.issuer, audience: [base], algorithms: ['RS256'] });
    expect(issuer?.jwksUri.href).toBe(one.jwksUri);
    expect(issuer?.claims).toMatchObject({ clientId: ['client_id', 'azp'], fhirUser: 'fhirUser', roles: 'roles' });
  });

  test('names a product, whose claims are known, and may still say otherwise', () => {
    const [keycloak, cognito] = read(
      { ...one, product: 'keycloak', claims: { fhirUser: 'attributes.practitioner', roleNames: { nurse: 'viewer' } } },
      { ...one, issuer: 'other', product: 'cognito', audience: 'client-1' },
    );
    expect(keycloak?.claims).toMatchObject({
      roles: 'realm_access.roles',
      fhirUser: 'attributes.practitioner',
      required: { typ: 'Bearer' },
    });
    expect(cognito?.claims).toMatchObject({ audience: 'client_id', required: { token_use: 'access' } });
  });

  test('takes http for a provider on this machine only', () => {
    expect(read({ ...one, jwksUri: 'http://127.0.0.1:8081/certs' })).toHaveLength(1);
    expect(() => read({ ...one, jwksUri: 'http://login.example.org/certs' })).toThrow('issuers[0].jwksUri: expected the https address');
    expect(() => read({ ...one, jwksUri: 'https://user:secret@login.example.org/certs' })).toThrow('jwksUri');
  });

  test.each([
    ['no JSON', '{', 'expected JSON'],
    ['no list', '{}', 'expected {"issuers": [ … ]}'],
    ['a shared secret as algorithm', { ...one, algorithms: ['HS256'] }, 'issuers[0].algorithms: expected some of RS256'],
    ['no algorithm', { ...one, algorithms: [] }, 'issuers[0].algorithms'],
    ['"none"', { ...one, algorithms: ['RS256', 'none'] }, 'issuers[0].algorithms'],
    ['a member that is not known', { ...one, jwks_uri: 'https://x.org' }, 'issuers[0]: "jwks_uri" is not known'],
    ['an unknown product', { ...one, product: 'constructor' }, 'issuers[0].product: expected one of generic, keycloak'],
    ['an unknown claim', { ...one, claims: { role: 'x' } }, 'issuers[0].claims: "role" is not known'],
    ['a claim of a wrong kind', { ...one, claims: { patient: 1 } }, 'issuers[0].claims.patient'],
    ['an empty audience', { ...one, audience: '' }, 'issuers[0].audience'],
    ['no issuer', { jwksUri: one.jwksUri }, 'issuers[0].issuer'],
  ])('is refused with %s', (_, file, message) => {
    expect(() => (typeof file === 'string' ? readIssuers(file, base) : read(file))).toThrow(message);
  });

  test('names nobody twice', () => {
    expect(() => read(one, one)).toThrow('stands in the list twice');
  });
});
