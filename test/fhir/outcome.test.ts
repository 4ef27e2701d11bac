import { describe, expect, test } from 'vitest';
import { issue } from '../../src/fhir/error.ts';
import { outcomeJson } from '../../src/fhir/outcome.ts';

const rendered = (found: Parameters<typeof outcomeJson>[0][number]) => JSON.parse(outcomeJson([found])).issue[0];

describe('an issue of an OperationOutcome', () => {
  test('has our id, its words and where it is', () => {
    expect(rendered(issue('required', 'shape-required', 'Patient.name is missing.', 'Patient.name'))).toEqual({
      severity: 'error',
      code: 'required',
      details: {
        coding: [{ system: 'https://anamnesis.health/fhir/CodeSystem/issue', code: 'shape-required' }],
        text: 'Patient.name is missing.',
      },
      diagnostics: 'Patient.name is missing.',
      expression: ['Patient.name'],
    });
  });

  test('names the rule it breaks as a code of the profile that has it', () => {
    const rule = { profile: 'http://example.org/StructureDefinition/p', version: '1.0', key: 'p-1' };
    expect(rendered({ ...issue('invariant', 'invariant-broken', 'Not so.'), rule }).details.coding[1]).toEqual({
      system: 'http://example.org/StructureDefinition/p',
      version: '1.0',
      code: 'p-1',
    });
    const { version: _, ...unversioned } = rule;
    expect(rendered({ ...issue('invariant', 'invariant-broken', 'Not so.'), rule: unversioned }).details.coding[1]).not.toHaveProperty(
      'version',
    );
  });

  test("tells line and column by the standard's extensions", () => {
    expect(rendered({ ...issue('value', 'any', 'Any.'), position: { line: 3, column: 14 } }).extension).toEqual([
      { url: 'http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-line', valueInteger: 3 },
      { url: 'http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-col', valueInteger: 14 },
    ]);
  });
});
