import { describe, expect, test } from 'vitest';
import { type ClaimMap, ourClaims, readIssuers } from '../../src/authorization/issuers.ts';
import { grantOf, isAccessToken } from '../../src/authorization/token-claims.ts';

function claimsOf(product: string, claims: object = {}): ClaimMap {
  const issuer = { issuer: 'i', jwksUri: 'https://i.org/k', product, claims };
  const [read] = readIssuers(JSON.stringify({ issuers: [issuer] }), 'a');
  if (read === undefined) throw new Error('one issuer was expected');
  return read.claims;
}

const named = (payload: Record<string, unknown>, map: ClaimMap) =>
  grantOf(payload, map).scopes.map(({ level, type, letters }) => `${level}/${type}.${[...letters].join('')}`);

describe('The claims of a token', () => {
  test('of Keycloak give client, roles by their path, and scopes', () => {
    const map = claimsOf('keycloak', { roleNames: { arzt: 'provider' } });
    const payload = {
      iss: 'i',
      sub: 's',
      typ: 'Bearer',
      azp: 'app',
      scope: 'openid user/Patient.rs',
      fhirUser: 'Practitioner/1',
      realm_access: { roles: ['offline_access', 'arzt'] },
    };
    expect(grantOf(payload, map)).toMatchObject({ clientId: 'app', roles: ['provider'], fhirUser: 'Practitioner/1' });
    expect(named(payload, map)).toEqual(['user/Patient.rs']);
    expect(isAccessToken(payload, map)).toBe(true);
    expect(isAccessToken({ ...payload, typ: 'ID' }, map)).toBe(false);
  });

  test('may have names that look like paths', () => {
    const map = claimsOf('auth0', { fhirUser: 'https://clinic.org/fhirUser', patient: 'https://clinic.org/patient' });
    const payload = { 'https://clinic.org/fhirUser': 'Patient/p', 'https://clinic.org/patient': 'Patient/p' };
    expect(grantOf(payload, map)).toMatchObject({ patient: 'p', fhirUser: 'Patient/p', roles: ['patient'] });
  });

  test('write scopes with points, and behind the name of a resource server', () => {
    expect(named({ scope: 'fhir/patient.Observation.rs fhir/openid' }, claimsOf('cognito', { scopePrefix: 'fhir/' }))).toEqual([
      'patient/Observation.rs',
    ]);
    expect(named({ scp: 'user.Patient.read' }, claimsOf('entra'))).toEqual(['user/Patient.rs']);
  });

  test('are never inherited ones', () => {
    const map = claimsOf('generic', { patient: '__proto__.x', fhirUser: 'constructor.name', roles: 'toString' });
    const grant = grantOf({ sub: 's' }, map);
    expect(grant).not.toHaveProperty('patient');
    expect(grant).not.toHaveProperty('fhirUser');
    expect(grant.roles).toEqual([]);
  });

  test('give only roles there are, and those that follow from the user where none is given', () => {
    expect(grantOf({ roles: ['admin', 'root'] }, ourClaims).roles).toEqual(['admin']);
    expect(grantOf({ fhirUser: 'https://x.org/fhir/Practitioner/1' }, ourClaims).roles).toEqual(['provider']);
    expect(grantOf({ fhirUser: 'RelatedPerson/1' }, ourClaims).roles).toEqual(['patient']);
    expect(grantOf({ fhirUser: 'Device/1' }, ourClaims).roles).toEqual([]);
    expect(grantOf({ fhirUser: 'Practitioner/1', roles: 'viewer' }, ourClaims).roles).toEqual(['viewer']);
  });

  test('may hold the short scopes of internal clients, which are those of the user where there is one', () => {
    expect(named({ scope: 'patient:read outcome:*' }, ourClaims)).toEqual(['system/Patient.rs', 'system/CodeSystem.cruds']);
    expect(named({ scope: 'patient:write', roles: ['provider'] }, ourClaims)).toEqual(['user/Patient.cud']);
    expect(named({ scope: 'patient:delete patients:read constructor:read :read' }, ourClaims)).toEqual([]);
  });
});
