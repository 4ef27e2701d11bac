import { describe, expect, test } from 'vitest';
import type { Grant } from '../../../src/authorization/grant.ts';
import { circumstancesOf } from '../../../src/authorization/rights/circumstances.ts';
import { parseScopes } from '../../../src/authorization/scopes.ts';
import { FhirError } from '../../../src/fhir/error.ts';

const grant = (more: Partial<Grant> = {}): Grant => ({
  issuer: 'i',
  subject: 's',
  clientId: 'c',
  roles: ['provider'],
  scopes: parseScopes(['user/*.rs'], 'user'),
  ...more,
});
const glass = { 'x-break-glass': 'found unconscious', 'x-break-glass-patient': 'Patient/p', 'x-purpose-of-use': 'ETREAT' };
const statusOf = (of: Grant, headers: Record<string, string>): number | undefined => {
  try {
    circumstancesOf(of, headers, ['provider']);
    return undefined;
  } catch (error) {
    return error instanceof FhirError ? error.status : 0;
  }
};

describe('the purpose', () => {
  test('is that of the header, in either form', () => {
    expect(
      circumstancesOf(grant(), { 'x-purpose-of-use': 'TREAT, http://terminology.hl7.org/CodeSystem/v3-ActReason|HPAYMT' }, []),
    ).toEqual({
      purposes: ['TREAT', 'HPAYMT'],
    });
    expect(circumstancesOf(grant(), {}, [])).toEqual({ purposes: [] });
  });
  test('is that of the token, where it has one', () => {
    expect(circumstancesOf(grant({ purposes: ['HRESCH'] }), { 'x-purpose-of-use': 'TREAT' }, [])).toEqual({ purposes: ['HRESCH'] });
    expect(statusOf(grant({ purposes: ['HRESCH'] }), glass)).toBe(403);
  });
  test.each(['', 'treat', 'A B', 'X'.repeat(33), Array.from({ length: 11 }, () => 'TREAT').join()])('%j is refused', (text) => {
    expect(statusOf(grant(), { 'x-purpose-of-use': text })).toBe(400);
  });
});

describe('breaking the glass', () => {
  test('needs a role, a purpose, a reason and one patient', () => {
    expect(circumstancesOf(grant(), glass, ['provider'])).toEqual({
      purposes: ['ETREAT'],
      breakGlass: { patient: 'p', reason: 'found unconscious' },
    });
  });
  test.each<[string, Partial<Grant>, Record<string, string>, number]>([
    ['without the role', { roles: ['viewer'] }, glass, 403],
    ['by a system', { scopes: parseScopes(['system/*.rs'], 'system') }, glass, 403],
    ['for no emergency', {}, { ...glass, 'x-purpose-of-use': 'TREAT' }, 403],
    ['with too short a reason', {}, { ...glass, 'x-break-glass': '   why    ' }, 400],
    ['with a reason of no words', {}, { ...glass, 'x-break-glass': '1234567890 !!!' }, 400],
    ['with too long a reason', {}, { ...glass, 'x-break-glass': 'a'.repeat(501) }, 400],
    ['for several patients', {}, { ...glass, 'x-break-glass-patient': 'p,q' }, 400],
    ['for another patient than the token’s', { patient: 'q' }, glass, 403],
  ])('%s is refused', (_, more, headers, status) => {
    expect(statusOf(grant(more), headers)).toBe(status);
  });
  test('is about the token’s patient where none is named', () => {
    const { 'x-break-glass-patient': _, ...unnamed } = glass;
    expect(circumstancesOf(grant({ patient: 'q' }), unnamed, ['provider']).breakGlass?.patient).toBe('q');
  });
});
