import { describe, expect, test } from 'vitest';
import { chunks } from '../../src/cli/sample.ts';
import { ofType, readBundle, resourcesOf } from './seen.ts';
import { faultsOf, systemsChecked } from './structure.ts';

const resources = [...chunks({ patients: 60, seed: 11, first: 0, years: 6, asOf: Date.UTC(2026, 10, 1) })].flatMap((line) =>
  resourcesOf(readBundle(line)),
);
const types = [...new Set(resources.map((resource) => resource.resourceType))].sort();

describe('the made-up resources', () => {
  test('are of these types', () => {
    const clinical = [
      'AllergyIntolerance',
      'Appointment',
      'Condition',
      'DiagnosticReport',
      'Encounter',
      'Immunization',
      'MedicationRequest',
    ];
    const others = ['Location', 'MedicationStatement', 'Observation', 'Organization', 'Patient', 'Practitioner', 'PractitionerRole'];
    expect(types).toEqual([...clinical, ...others].sort());
  });

  test.each(types)('have the shape that HL7 defines for %s, with codes that exist', (type) => {
    const faults = new Set(ofType(resources, type).flatMap(faultsOf));
    expect([...faults].slice(0, 10)).toEqual([]);
  });

  test('have codes of at least twenty systems of HL7 looked up', () => {
    for (const resource of resources) faultsOf(resource);
    expect(systemsChecked.size).toBeGreaterThanOrEqual(20);
  });

  test.each([
    ['an unknown member', { statuss: 'final' }, 'Observation.statuss: unknown'],
    ['a missing status', { status: undefined }, 'Observation.status: required'],
    ['a status that does not exist', { status: 'finale' }, 'Observation.status: finale is not in observation-status'],
    ['an impossible day', { effectiveDateTime: '2023-02-30' }, 'Observation.effectiveDateTime: 2023-02-30 is no day'],
    ['a list in place of an object', { code: [{ text: 'x' }] }, 'Observation.code: a list'],
    ['a text in place of an object', { code: 'x' }, 'Observation.code:CodeableConcept: no object'],
    ['two values', { valueString: 'x', valueBoolean: true }, 'Observation.value[x]: more than one form'],
    [
      'a code with another name',
      {
        interpretation: [
          { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation', code: 'H', display: 'Low' }] },
        ],
      },
      'Observation.interpretation:CodeableConcept.coding: H of http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation is High, not "Low"',
    ],
  ])('would be found to have %s', (_title, damage, fault) => {
    const observation = resources.find((resource) => resource.resourceType === 'Observation' && resource.valueQuantity !== undefined)!;
    expect(faultsOf(observation)).toEqual([]);
    expect(faultsOf({ ...observation, ...damage })).toContain(fault);
  });
});
