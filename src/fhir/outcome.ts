import type { Issue } from './error.ts';

/** The code system of our stable issue ids. */
const issueSystem = 'https://anamnesis.health/fhir/CodeSystem/issue';

/** An OperationOutcome as JSON text. @see https://hl7.org/fhir/R4/operationoutcome.html */
export function outcomeJson(issues: readonly Issue[]): string {
  return JSON.stringify({
    resourceType: 'OperationOutcome',
    issue: issues.map(({ severity, code, id, text, expression }) => ({
      severity,
      code,
      details: { coding: [{ system: issueSystem, code: id }], text },
      diagnostics: text,
      ...(expression === undefined ? {} : { expression }),
    })),
  });
}
