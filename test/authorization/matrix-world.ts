import { makeSecret } from '../../src/authorization/api-keys.ts';
import { developmentKeyFileOf, signDevelopmentToken } from '../../src/authorization/development-issuer.ts';
import { insertApiKey } from '../../src/storage/api-keys.ts';
import type { RequestOptions, TestServer } from '../support/server.ts';

export type Resource = { readonly resourceType: string; readonly id: string } & Readonly<Record<string, unknown>>;

/** In every text of what somebody mustn't learn of. */
export const canary = 'Zqhidden';
export const category = 'http://terminology.hl7.org/CodeSystem/observation-category';
export const numbers = 'http://hospital.example.org/numbers';

const ref = (reference: string) => ({ reference });
const coded = (system: string, code: string, text: string) => ({ coding: [{ system, code }], text });

export function observation(id: string, patient: string, kind: string, text: string, more: object = {}): Resource {
  return {
    resourceType: 'Observation',
    id,
    status: 'final',
    identifier: [{ system: numbers, value: `${id}-${text}` }],
    category: [{ coding: [{ system: category, code: kind }] }],
    code: coded('http://loinc.org', '4548-4', text),
    subject: ref(`Patient/${patient}`),
    effectiveDateTime: '2021-05-06T10:00:00Z',
    valueString: text,
    ...more,
  };
}

function patient(id: string, text: string): Resource {
  return {
    resourceType: 'Patient',
    id,
    identifier: [{ system: numbers, value: `${id}-${text}` }],
    name: [{ family: text, given: ['Robin'] }],
    telecom: [{ system: 'phone', value: `555-${text}` }],
    birthDate: '1970-05-06',
  };
}

/** A patient and what is his, all of one text, pointing to what is another's and to what is shared. */
export function recordOf(id: string, text: string, doctor: string, others: readonly string[]): Resource[] {
  const labs = others.map((other) => ref(`Observation/${other}-lab`));
  const subject = ref(`Patient/${id}`);
  return [
    { ...patient(id, text), generalPractitioner: [ref(`Practitioner/${doctor}`)] },
    {
      resourceType: 'Encounter',
      id: `${id}-enc`,
      status: 'finished',
      class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
      identifier: [{ system: numbers, value: text }],
      subject,
      participant: [{ individual: ref(`Practitioner/${doctor}`) }],
      reasonCode: [{ text }],
      location: [{ location: ref('Location/ward') }],
    },
    {
      resourceType: 'Condition',
      id: `${id}-con`,
      clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }] },
      code: { text },
      subject,
      encounter: ref(`Encounter/${id}-enc`),
      asserter: ref(`Practitioner/${doctor}`),
    },
    observation(`${id}-lab`, id, 'laboratory', text, {
      encounter: ref(`Encounter/${id}-enc`),
      performer: [ref(`Practitioner/${doctor}`), ref('Organization/clinic')],
      focus: others.map((other) => ref(`Patient/${other}`)),
      hasMember: [...labs, ref(`Observation/${id}-vit`)],
    }),
    observation(`${id}-vit`, id, 'vital-signs', text, { derivedFrom: labs }),
    {
      resourceType: 'MedicationRequest',
      id: `${id}-med`,
      status: 'active',
      intent: 'order',
      subject,
      medicationReference: ref('Medication/drug'),
      contained: [{ resourceType: 'Medication', id: 'inner', code: { text } }],
      supportingInformation: [...labs, ref('#inner')],
      note: [{ text }],
    },
    {
      resourceType: 'List',
      id: `${id}-list`,
      status: 'current',
      mode: 'working',
      title: text,
      subject,
      entry: [{ item: ref('Observation/pa-lab') }, { item: ref('Patient/pa') }],
    },
  ];
}

/** Shared, and known to all who may read such types. */
export const shared: readonly Resource[] = [
  { resourceType: 'Organization', id: 'clinic', name: 'Clinic' },
  { resourceType: 'Practitioner', id: 'doc', name: [{ family: 'Doc' }] },
  { resourceType: 'Practitioner', id: 'other-doc', name: [{ family: 'Other' }] },
  { resourceType: 'Location', id: 'ward', name: 'Ward' },
  { resourceType: 'Medication', id: 'drug', code: { text: 'drug' } },
];

/** What is nobody's, or the operator's. */
export const operators = (id: string, about: string, text: string): readonly Resource[] => [
  { resourceType: 'Device', id: `${id}-dev`, deviceName: [{ name: text, type: 'other' }], patient: ref(`Patient/${about}`) },
  {
    resourceType: 'Group',
    id: `${id}-group`,
    type: 'person',
    actual: true,
    name: text,
    member: [{ entity: ref('Patient/pa') }, { entity: ref(`Patient/${about}`) }],
  },
  { resourceType: 'Task', id: `${id}-task`, status: 'requested', intent: 'order', description: text, for: ref('Patient/pa') },
  { resourceType: 'Basic', id: `${id}-basic`, code: { text }, subject: ref(`Patient/${about}`) },
  { resourceType: 'Binary', id: `${id}-bin`, contentType: 'text/plain', data: Buffer.from(text).toString('base64') },
  {
    resourceType: 'Binary',
    id: `${id}-file`,
    contentType: 'text/plain',
    data: Buffer.from(text).toString('base64'),
    securityContext: ref(`Patient/${about}`),
  },
];

/** Of pa, and withheld from clinicians: by its label, and by what he said himself. */
export const withheld: readonly Resource[] = [
  observation('pp-sealed', 'pa', 'vital-signs', canary, {
    meta: { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'PSY' }] },
    hasMember: [ref('Observation/pa-lab')],
  }),
  {
    resourceType: 'MedicationAdministration',
    id: 'pp-adm',
    status: 'completed',
    identifier: [{ system: numbers, value: `pp-adm-${canary}` }],
    medicationReference: ref('Medication/drug'),
    subject: ref('Patient/pa'),
    effectiveDateTime: '2021-05-06',
    note: [{ text: canary }],
  },
];

/** Nobody but pa is to see what was administered to him. */
export const denial: Resource = {
  resourceType: 'Consent',
  id: 'pa-denial',
  status: 'active',
  scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
  category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
  patient: ref('Patient/pa'),
  policyRule: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTIN' }] },
  provision: { type: 'deny', class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'MedicationAdministration' }] },
};

/** Conformance resources, which some callers may read and others not. */
export const terminology = (id: string, text: string): readonly Resource[] => [
  {
    resourceType: 'CodeSystem',
    id: `${id}-cs`,
    url: `urn:${id}-cs`,
    status: 'active',
    content: 'complete',
    title: text,
    concept: [{ code: 'one', display: text, concept: [{ code: 'two', display: text }] }],
  },
  {
    resourceType: 'ValueSet',
    id: `${id}-vs`,
    url: `urn:${id}-vs`,
    status: 'active',
    title: text,
    compose: { include: [{ system: 'http://loinc.org', concept: [{ code: '4548-4', display: text }] }] },
  },
  {
    resourceType: 'ConceptMap',
    id: `${id}-map`,
    url: `urn:${id}-map`,
    status: 'active',
    title: text,
    group: [{ source: `urn:${id}-cs`, target: 'urn:t', element: [{ code: 'one', target: [{ code: text, equivalence: 'equal' }] }] }],
  },
];

/** One kind of caller. */
export type Kind = {
  readonly name: string;
  readonly scope: string;
  readonly patient?: string;
  readonly user?: string;
  /** Seconds until it ends. */
  readonly expiresIn?: number;
  /** Audit events are his to see. */
  readonly audits?: true;
  /** It is an API key in place of a token. */
  readonly isKey?: true;
  /** With each request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What he may learn of, if he may search or read its type at all. */
  readonly sees: (resource: Resource) => boolean;
  /** What he may change, where that is something else. */
  readonly writes?: (resource: Resource) => boolean;
};

const isOf = (id: string) => (resource: Resource) =>
  resource.id === id || (JSON.stringify(resource['subject']) ?? '') === JSON.stringify(ref(`Patient/${id}`));
const isShared = ({ resourceType }: Resource): boolean =>
  ['Organization', 'Practitioner', 'PractitionerRole', 'Location', 'Medication', 'CodeSystem', 'ValueSet', 'HealthcareService'].includes(
    resourceType,
  );
/** Of nobody's record, or of others'. */
const isOperators = ({ resourceType }: Resource): boolean => ['Group', 'ConceptMap'].includes(resourceType);
/** In no compartment of the patient, and his all the same. */
const namesMe = (resource: Resource): boolean =>
  ['for', 'patient', 'securityContext'].some((element) => JSON.stringify(resource[element]) === JSON.stringify(ref('Patient/pa')));
const isMine = (resource: Resource): boolean =>
  ((isOf('pa')(resource) || namesMe(resource)) && !isOperators(resource)) || isShared(resource);
const isWithheld = ({ id }: Resource): boolean => /-(?:sealed|adm)$/.test(id);
const isShown = (resource: Resource): boolean => isMine(resource) && !isWithheld(resource);
const isLaboratory = (resource: Resource): boolean =>
  resource.resourceType === 'Observation' && isOf('pa')(resource) && JSON.stringify(resource['category']).includes('"laboratory"');
const isObservationOfMine = (resource: Resource): boolean => resource.resourceType === 'Observation' && isOf('pa')(resource);
const nothing = (): boolean => false;

/** The callers of the list of attacks. */
export const kinds: readonly Kind[] = [
  { name: 'TP', scope: 'patient/*.cruds', patient: 'pa', sees: isShown },
  { name: 'TL', scope: `patient/Observation.rs?category=${category}|laboratory`, patient: 'pa', sees: isLaboratory },
  { name: 'TLW', scope: `patient/Observation.cruds?category=${category}|laboratory`, patient: 'pa', sees: isLaboratory },
  { name: 'TU', scope: 'user/*.rs', user: 'Practitioner/doc', sees: isShown },
  { name: 'TUW', scope: 'user/*.cruds', user: 'Practitioner/doc', sees: isShown },
  { name: 'TUP', scope: 'patient/*.rs', patient: 'pa', user: 'Practitioner/doc', sees: isShown },
  { name: 'TUO', scope: 'user/*.rs', user: 'Patient/pa', sees: isMine },
  { name: 'TW', scope: 'patient/Observation.cu', patient: 'pa', sees: nothing, writes: isObservationOfMine },
  {
    name: 'TN, narrowed by who granted it',
    scope: `patient/Patient.r patient/Condition.rs patient/Observation.rs?category=${category}|laboratory`,
    patient: 'pa',
    user: 'Patient/pa',
    sees: (resource) => isLaboratory(resource) || (isOf('pa')(resource) && ['Patient', 'Condition'].includes(resource.resourceType)),
  },
  {
    name: 'TB, who breaks the glass',
    scope: 'user/*.rs',
    user: 'Practitioner/stranger',
    headers: { 'x-break-glass': 'unconscious in the emergency room', 'x-break-glass-patient': 'pa', 'x-purpose-of-use': 'BTG' },
    // Labels are opened, consents are not.
    sees: (resource) => isMine(resource) && resource.resourceType !== 'MedicationAdministration',
  },
  { name: 'KP, a key for one patient', scope: 'patient/*.cruds', patient: 'pa', isKey: true, sees: isShown },
  { name: 'KU, a key of a user', scope: 'user/*.rs', user: 'Practitioner/doc', isKey: true, sees: isShown },
  {
    name: 'KS, a key of a back end',
    scope: 'system/Observation.rs',
    isKey: true,
    sees: ({ resourceType }) => resourceType === 'Observation',
  },
  { name: 'TS', scope: 'system/*.rs', audits: true, sees: () => true, writes: nothing },
  { name: 'TSO', scope: 'system/Observation.rs', sees: ({ resourceType }) => resourceType === 'Observation' },
  { name: 'TX', scope: 'openid launch/patient', patient: 'pa', sees: nothing },
  { name: 'expired', scope: 'system/*.cruds', expiresIn: -120, sees: nothing },
];

/** What each of the caller's requests has. */
export async function callerOf(server: TestServer, kind: Kind): Promise<Required<Pick<RequestOptions, 'token' | 'headers'>>> {
  const { headers = {} } = kind;
  if (kind.isKey === undefined) return { token: await tokenOf(server, kind), headers };
  const { id, text, hash } = makeSecret();
  await insertApiKey(server.services.context.pool, {
    id,
    name: kind.name,
    scopes: kind.scope.split(' '),
    roles: kind.user === undefined ? [] : ['provider'],
    patient: kind.patient ?? null,
    fhirUser: kind.user ?? null,
    expiresAt: new Date(Date.now() + 3_600_000),
    secretHash: hash,
  });
  return { token: null, headers: { ...headers, 'x-api-key': text } };
}

function tokenOf(server: TestServer, { scope, patient: id, user, expiresIn = 3600 }: Kind): Promise<string> {
  const { config } = server.services;
  return signDevelopmentToken(developmentKeyFileOf(config), {
    scope,
    audience: config.baseUrl,
    expiresIn,
    ...(id === undefined ? {} : { patient: id }),
    ...(user === undefined ? {} : { fhirUser: user }),
  });
}

/** Stores or, where `gone`, deletes them: one after the other, in one transaction. */
export async function put(server: TestServer, resources: readonly Resource[], gone = false): Promise<void> {
  const entry = resources.map((resource) => {
    const url = `${resource.resourceType}/${resource.id}`;
    return gone ? { request: { method: 'DELETE', url } } : { resource, request: { method: 'PUT', url } };
  });
  const { status, text } = await server.request('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } });
  if (status !== 200) throw new Error(`the world could not be changed: ${status} ${text}`);
}
