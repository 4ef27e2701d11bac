/** One code of a code system, as it stands in a Coding. */
export type Code = { readonly system: string; readonly code: string; readonly display: string };

const codeOf =
  (system: string) =>
  (code: string, display: string): Code => ({ system, code, display });

/** @see https://dicom.nema.org/medical/dicom/current/output/chtml/part16/chapter_D.html */
export const dicom = codeOf('http://dicom.nema.org/resources/ontology/DCM');
export const restfulInteraction = codeOf('http://hl7.org/fhir/restful-interaction');
export const eventType = codeOf('http://terminology.hl7.org/CodeSystem/audit-event-type');
export const entityType = codeOf('http://terminology.hl7.org/CodeSystem/audit-entity-type');
export const objectRole = codeOf('http://terminology.hl7.org/CodeSystem/object-role');
export const lifecycle = codeOf('http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle');
export const participation = codeOf('http://terminology.hl7.org/CodeSystem/v3-ParticipationType');
export const participant = codeOf('http://terminology.hl7.org/CodeSystem/provenance-participant-type');
export const securityRole = codeOf('http://terminology.hl7.org/CodeSystem/extra-security-role-type');
export const securitySource = codeOf('http://terminology.hl7.org/CodeSystem/security-source-type');
export const iheEvent = codeOf('urn:ihe:event-type-code');
export const iheUserAgent = codeOf('https://profiles.ihe.net/ITI/BALP/CodeSystem/UserAgentTypes');
export const iheEntity = codeOf('https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType');
export const iheAuthorization = codeOf('https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType');
/** What no standard has a code for. */
export const ownEvent = codeOf('https://anamnesis.health/fhir/CodeSystem/audit-event');

export const roleSystem = 'https://anamnesis.health/fhir/CodeSystem/role';
export const reasonSystem = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';
export const uriSystem = 'urn:ietf:rfc:3986';
export const tokenIdPolicy = 'urn:ietf:params:oauth:jti:';

const iheProfile = 'https://profiles.ihe.net/ITI/BALP/StructureDefinition/';

export const profileUrl = (id: string): string => `${iheProfile}${id}`;
