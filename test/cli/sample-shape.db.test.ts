import { describe, expect, test } from 'vitest';
import { chunks } from '../../src/cli/sample.ts';
import { faultsOf, systemsChecked } from './structure.ts';

const resources = [...chunks({ patients: 60, seed: 11, first: 0, years: 6, asOf: Date.UTC(2026, 10, 1) })]
  .flatMap((line) => JSON.parse(line).entry)
  .map((entry: any) => entry.resource);
const types = [...new Set(resources.map((resource) => resource.resourceType as string))].sort();

describe('the made-up resources', () => {
  test('are of these types', () => {
    expect(types).toEqual(
      'AllergyIntolerance Appointment Condition DiagnosticReport Encounter Immunization Location MedicationRequest MedicationStatement Observation Organization Patient Practitioner PractitionerRole'.split(
        ' ',
      ),
    );
  });

  test.each(types)('have the shape that HL7 defines for %s, with codes that exist', (type) => {
    const faults = new Set(resources.filter((resource) => resource.resourceType === type).flatMap((resource) => faultsOf(resource)));
    expect([...faults].slice(0, 10)).toEqual([]);
  });

  test('have codes of at least twenty systems of HL7 looked up', () => {
    for (const resource of resources) faultsOf(resource);
    expect(systemsChecked.size).toBeGreaterThanOrEqual(20);
  });

  test.each([
    ['an unknown member', (o: any) => ({ ...o, statuss: 'final' }), 'Observation.statuss: unknown'],
    ['a missing status', ({ status: _, ...o }: any) => o, 'Observation.status: required'],
    ['a status that does not exist', (o: any) => ({ ...o, status: 'finale' }), 'Observation.status: finale is not in observation-status'],
    ['an impossible day', (o: any) => ({ ...o, effectiveDateTime: '2023-02-30' }), 'Observation.effectiveDateTime: 2023-02-30 is no day'],
    ['a list in place of an object', (o: any) => ({ ...o, code: [o.code] }), 'Observation.code: a list'],
    ['two values', (o: any) => ({ ...o, valueString: 'x', valueBoolean: true }), 'Observation.value[x]: more than one form'],
  ])('would be found to have %s', (_title, damage, fault) => {
    const observation = resources.find((resource) => resource.resourceType === 'Observation' && resource.valueQuantity !== undefined);
    expect(faultsOf(observation)).toEqual([]);
    expect(faultsOf(damage(observation))).toContain(fault);
  });
});
