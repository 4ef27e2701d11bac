import { badRequest, FhirError, issue } from '../fhir/error.ts';

/** `W/"3"` or `"3"`, to 3. */
export function parseETag(text: string): number | undefined {
  const version = /^(?:W\/)?"(\d{1,9})"$/.exec(text.trim())?.[1];
  return version === undefined ? undefined : Number(version);
}

/**
 * Holds the version asked for by If-Match against the current one.
 *
 * @param current  undefined where nothing is there or it is deleted
 * @throws         FhirError 412 on a mismatch, 400 if the header is no version
 * @see            https://hl7.org/fhir/R4/http.html#concurrency
 */
export function assertIfMatch(ifMatch: string | undefined, current: number | undefined): void {
  if (ifMatch === undefined) return;
  const asked = ifMatch.split(',').map(parseETag);
  if (ifMatch.trim() === '*' && current !== undefined) return;
  if (ifMatch.trim() !== '*' && asked.includes(undefined)) {
    throw badRequest('if-match-invalid', 'If-Match takes the version as an entity tag: W/"3".', undefined, 'value');
  }
  if (current !== undefined && asked.includes(current)) return;
  throw versionConflict();
}

export function versionConflict(): FhirError {
  return new FhirError(412, [
    issue(
      'conflict',
      'version-conflict',
      'The resource has another version than If-Match asks for. Read it again, apply the change to that version and send its ETag.',
    ),
  ]);
}

export function existsAlready(): FhirError {
  return new FhirError(412, [issue('conflict', 'resource-exists', 'A resource with this id exists; If-None-Match: * asks for none.')]);
}

export function multipleMatches(criteria: string): FhirError {
  return new FhirError(412, [
    issue(
      'multiple-matches',
      'criteria-not-selective',
      `The criteria of ${criteria} match more than one resource. Use criteria that match one, such as an identifier.`,
    ),
  ]);
}

/** Adding is all that can be done with an audit event. */
export function auditEventsStay(): FhirError {
  return new FhirError(
    405,
    [issue('not-supported', 'audit-event-unchangeable', 'An AuditEvent is never changed or deleted. Add a new one instead.')],
    {
      headers: { allow: 'GET, HEAD, POST' },
    },
  );
}

/** A row was refused by the store though nothing in the request says why: the owner was erased while it was written. */
export function refusedByStore(): FhirError {
  return new FhirError(
    409,
    [issue('conflict', 'write-refused', 'The resource could not be written beside a concurrent change. Send the request again.')],
    { headers: { 'retry-after': '1' } },
  );
}
