import { canonicalJson } from '../../fhir/canonical-json.ts';
import type { Json } from '../../fhir/json.ts';
import type { components } from '../api-types.ts';
import { filled, idIn, type Part, partOf, partsOf, referenceTo, resourceFrom, stampOf, textOf } from '../parts.ts';
import { type Kind, noteCategory, recordKinds, recordTypes } from '../records/kinds.ts';
import { restrictedLabel } from '../records/sensitivity.ts';
import type { Resource, View } from '../view.ts';

type Schemas = components['schemas'];
/** A share as it is to be stored. */
export type ShareInput = Schemas['ShareInput'] & { readonly patient_id: string; readonly given_at: string };
export type Share = Schemas['Share'];

/** `/patients/{id}/shares`: a Consent that gives one provider access, or takes it from him. */
export const shareView: View<ShareInput, Share> = {
  type: 'Consent',
  name: 'share',
  shows: [['status', 'active']],
  isShown: (resource) => shareOf(resource) !== undefined,
  toView: (resource) => shareOf(resource) ?? ({} as Share),
  toResource,
  queries: {},
  sort: '-_lastUpdated',
  path: (id) => `/shares/${id}`,
};

const resourceTypes = 'http://hl7.org/fhir/resource-types';
const recipient = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'IRCP' }] };
const noteCode = { system: 'http://loinc.org', code: '34109-9' } as const;
const noteCodes = [noteCode, noteCategory];
const words = { grant: 'permit', refuse: 'deny' } as const;

function toResource(input: ShareInput): Resource {
  const { provider_id: provider, kinds, decision, until, include_restricted: withRestricted = false } = input;
  const type = words[decision];
  const parts = kinds === undefined ? [] : [...new Set(kinds)].map((kind) => ({ type, ...ofKind(kind) }));
  const restricted = { type, ...(kinds === undefined ? {} : { class: kinds.flatMap(classesOf) }), securityLabel: [restrictedLabel] };
  const nested = [...parts, ...(withRestricted ? [restricted] : [])];
  return resourceFrom({
    resourceType: 'Consent',
    status: 'active',
    scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
    patient: referenceTo('Patient', input.patient_id),
    dateTime: input.given_at,
    policy: [{ uri: 'https://anamnesis.health/fhir/share' }],
    provision: {
      // Without kinds the whole record is meant; with them only what is nested.
      type: kinds === undefined ? type : undefined,
      period: until == null ? undefined : { end: until },
      actor: [{ role: recipient, reference: referenceTo('Practitioner', provider) }],
      provision: nested.length === 0 ? undefined : nested,
    },
  });
}

/** A document's file is a resource of its own. */
const classesOf = (kind: Kind): object[] =>
  (kind === 'document' ? [recordTypes.document, 'Binary'] : [recordTypes[kind]]).map((code) => ({ system: resourceTypes, code }));

/** Notes are told from measurements by what they are coded with. */
const ofKind = (kind: Kind): object => ({
  class: classesOf(kind),
  ...(kind === 'note' ? { code: noteCodes.map((coding) => ({ coding: [coding] })) } : {}),
});

/** What a consent says, if it says no more than a share can: undefined for one about several, about purposes or about other data. */
function shareOf(resource: Resource): Share | undefined {
  const provision = partOf(resource.provision);
  const [actor, ...actors] = partsOf(provision?.actor);
  const provider = idIn(actor?.reference, 'Practitioner');
  const nested = partsOf(provision?.provision);
  const isPrivacy = partsOf(partOf(resource.scope)?.coding).some(({ code }) => code === 'patient-privacy');
  if (!isPrivacy || resource.status !== 'active' || provider === undefined || actors.length > 0) return undefined;
  if (!hasOnly(provision, ['type', 'period', 'actor', 'provision'])) return undefined;
  const restricted = nested.filter(({ securityLabel }) => securityLabel !== undefined);
  const parts = nested.filter(({ securityLabel }) => securityLabel === undefined);
  const kinds = parts.map(kindIn);
  const types = new Set([provision?.type, ...nested.map(({ type }) => type)].filter((type) => type !== undefined));
  const [type] = types;
  if (types.size !== 1 || (type !== 'permit' && type !== 'deny')) return undefined;
  if (kinds.includes(undefined) || !restricted.every(isRestricted) || (provision?.type === undefined) === (parts.length === 0))
    return undefined;
  return filled({
    share_id: textOf(resource.id) ?? '',
    patient_id: idIn(resource.patient, 'Patient'),
    provider_id: provider,
    decision: type === 'permit' ? 'grant' : 'refuse',
    kinds: parts.length === 0 ? undefined : kinds,
    until: textOf(partOf(provision?.period)?.end),
    include_restricted: restricted.length > 0,
    given_at: textOf(resource.dateTime),
    ...stampOf(resource),
  }) as Share;
}

function kindIn(part: Part): Kind | undefined {
  if (!hasOnly(part, ['type', 'class', 'code'])) return undefined;
  return recordKinds.find((kind) => same(part, { ...(part.type === undefined ? {} : { type: part.type }), ...ofKind(kind) }));
}

const isRestricted = (part: Part): boolean =>
  hasOnly(part, ['type', 'class', 'securityLabel']) && same(part.securityLabel, [restrictedLabel]);

const same = (a: unknown, b: unknown): boolean => canonicalJson(a as Json) === canonicalJson(b as Json);

const hasOnly = (part: Part | undefined, names: readonly string[]): boolean =>
  Object.keys(part ?? {}).every((name) => names.includes(name));
