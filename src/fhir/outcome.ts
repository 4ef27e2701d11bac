import type { Issue } from './error.ts';

/** The code system of our stable issue ids. */
const issueSystem = 'https://anamnesis.health/fhir/CodeSystem/issue';

/** Where the fault stands in the text that was sent. @see https://hl7.org/fhir/extensions/StructureDefinition-operationoutcome-issue-line.html */
const lineUrl = 'http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-line';
const columnUrl = 'http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-col';

/**
 * An OperationOutcome as JSON text. A rule that is broken stands beside our own id, as a code of the profile that says so:
 * `{ system: "http://hl7.org/fhir/StructureDefinition/Patient", code: "pat-1" }`.
 *
 * @see https://hl7.org/fhir/R4/operationoutcome.html
 */
export function outcomeJson(issues: readonly Issue[]): string {
  return JSON.stringify({ resourceType: 'OperationOutcome', issue: issues.map(issueOf) });
}

function issueOf({ severity, code, id, text, expression, rule, position }: Issue): object {
  const own = { system: issueSystem, code: id };
  const broken = rule && { system: rule.profile, ...(rule.version === undefined ? {} : { version: rule.version }), code: rule.key };
  return {
    ...(position === undefined ? {} : { extension: [integer(lineUrl, position.line), integer(columnUrl, position.column)] }),
    severity,
    code,
    details: { coding: broken === undefined ? [own] : [own, broken], text },
    diagnostics: text,
    ...(expression === undefined ? {} : { expression }),
  };
}

const integer = (url: string, valueInteger: number): object => ({ url, valueInteger });
