import type { JsonObject } from '../../fhir/json.ts';
import type { components } from '../api-types.ts';
import { type Extension, extensionOf, own, withExtensions } from '../extensions.ts';
import { filled, keptOf, type Part, partOf, partsOf, replacedFirst, resourceFrom, stampOf, textOf } from '../parts.ts';
import type { Resource, View } from '../view.ts';

type Schemas = components['schemas'];
export type PatientInput = Schemas['PatientInput'];
export type Patient = Schemas['Patient'];

const sexAtBirth = `${own}StructureDefinition/sex-at-birth`;
const genderIdentity = 'http://hl7.org/fhir/StructureDefinition/individual-genderIdentity';
const genderIdentities = `${own}CodeSystem/gender-identity`;
const consentToContact = `${own}StructureDefinition/consent-to-contact`;
const ours = [sexAtBirth, genderIdentity, consentToContact];

/** `/patients`: a Patient's demographics. */
export const patientView: View<PatientInput, Patient> = {
  type: 'Patient',
  name: 'patient',
  shows: [],
  isShown: () => true,
  toView,
  toResource,
  queries: {
    family_name: (value) => [['family', escaped(value)]],
    given_name: (value) => [['given', escaped(value)]],
    dob: (value) => [['birthdate', value]],
    email: (value) => [['email', escaped(value.toLowerCase())]],
    // A plus that isn't escaped arrives as a space.
    phone: (value) => [['phone', escaped(value.replace(/^ (?=\d)/, '+'))]],
  },
  sort: '-_lastUpdated',
  path: (id) => `/patients/${id}`,
};

/** A value with the characters that mean something in a search escaped. @see https://hl7.org/fhir/R4/search.html#escaping */
export function escaped(value: string): string {
  return value.replaceAll(/[\\$,|]/g, '\\$&');
}

function toView(resource: Resource): Patient {
  const name = officialOf(resource);
  const [given, ...middle] = Array.isArray(name?.given) ? (name.given as string[]) : [];
  const identity = identityOf(resource);
  return filled({
    patient_id: textOf(resource.id) ?? '',
    given_name: given,
    middle_name: middle.length === 0 ? undefined : middle.join(' '),
    family_name: textOf(name?.family),
    date_of_birth: textOf(resource.birthDate),
    sex_at_birth: textOf(extensionOf(resource, sexAtBirth)?.valueCode),
    gender_identity: identity.code,
    gender_identity_text: identity.text,
    email: telecomOf(resource, 'email'),
    phone_e164: telecomOf(resource, 'phone'),
    address: addressOf(partsOf(resource.address)[0]),
    emergency_contact: contactOf(partsOf(resource.contact)[0]),
    preferred_language: languageOf(resource),
    consent_to_contact: extensionOf(resource, consentToContact)?.valueBoolean === true,
    ...stampOf(resource),
    is_deleted: false,
  }) as Patient;
}

const officialOf = (resource: Resource): Part | undefined => {
  const names = partsOf(resource.name);
  return names.find(({ use }) => use === 'official') ?? names[0];
};

function identityOf(resource: Resource): { code?: string; text?: string } {
  const value = partOf(extensionOf(extensionOf(resource, genderIdentity), 'value')?.valueCodeableConcept);
  const code = textOf(partsOf(value?.coding).find(({ system }) => system === genderIdentities)?.code);
  const text = textOf(value?.text);
  return { ...(code === undefined ? {} : { code }), ...(text === undefined ? {} : { text }) };
}

const telecomOf = (resource: Part, system: string): string | undefined =>
  textOf(partsOf(resource.telecom).find((each) => each.system === system && each.use !== 'old')?.value);

function addressOf(address: Part | undefined): Patient['address'] {
  if (address === undefined) return undefined;
  const [line1, ...rest] = Array.isArray(address.line) ? (address.line as string[]) : [];
  return filled({
    line1,
    line2: rest.length === 0 ? undefined : rest.join(', '),
    city: textOf(address.city),
    state_province: textOf(address.state),
    postal_code: textOf(address.postalCode),
    country: textOf(address.country),
  }) as Patient['address'];
}

function contactOf(contact: Part | undefined): Patient['emergency_contact'] {
  if (contact === undefined) return undefined;
  const name = partOf(contact.name);
  const parts = [...(Array.isArray(name?.given) ? (name.given as string[]) : []), textOf(name?.family) ?? ''];
  return filled({
    name: textOf(name?.text) ?? (name === undefined ? undefined : parts.join(' ').trim()),
    phone_e164: telecomOf(contact, 'phone'),
    relationship: textOf(partsOf(contact.relationship)[0]?.text),
  }) as Patient['emergency_contact'];
}

function languageOf(resource: Resource): string | undefined {
  const all = partsOf(resource.communication);
  const one = all.find(({ preferred }) => preferred === true) ?? all[0];
  return textOf(partsOf(partOf(one?.language)?.coding)[0]?.code);
}

/** The R4 code for those who don't know our extension. */
const administrative: Readonly<Record<string, string>> = {
  female: 'female',
  male: 'male',
  intersex: 'other',
  unknown: 'unknown',
  undisclosed: 'unknown',
};

function toResource(input: PatientInput, before: Resource | undefined): Resource {
  return resourceFrom({
    ...keptOf(before),
    resourceType: 'Patient',
    extension: withExtensions(before, ours, [
      input.sex_at_birth === undefined ? undefined : { url: sexAtBirth, valueCode: input.sex_at_birth },
      identityExtension(input),
      { url: consentToContact, valueBoolean: input.consent_to_contact ?? false },
    ]),
    name: replacedFirst(
      partsOf(before?.name),
      before === undefined ? undefined : officialOf(before),
      nameOf(input, before && officialOf(before)),
    ),
    telecom: telecoms(input, before),
    gender: input.sex_at_birth === undefined ? undefined : administrative[input.sex_at_birth],
    birthDate: input.date_of_birth,
    address: replacedFirst(
      partsOf(before?.address),
      partsOf(before?.address)[0],
      input.address == null ? undefined : addressFor(input.address),
    ),
    contact: replacedFirst(
      partsOf(before?.contact),
      partsOf(before?.contact)[0],
      input.emergency_contact == null ? undefined : contactFor(input.emergency_contact),
    ),
    communication: communications(input, before),
  });
}

function nameOf(input: PatientInput, before: Part | undefined): JsonObject {
  const given = [input.given_name, ...(input.middle_name == null || input.middle_name.trim() === '' ? [] : [input.middle_name])].map(
    squeezed,
  );
  const { prefix, suffix, period } = before ?? {};
  return JSON.parse(JSON.stringify({ use: 'official', family: squeezed(input.family_name), given, prefix, suffix, period })) as JsonObject;
}

/** Trimmed, inner white space collapsed. */
export const squeezed = (text: string): string => text.trim().replaceAll(/\s+/g, ' ');

function identityExtension({ gender_identity: code, gender_identity_text: text }: PatientInput): Extension | undefined {
  if (code === undefined) return undefined;
  const concept: JsonObject = { coding: [{ system: genderIdentities, code }], ...(text == null ? {} : { text }) };
  return { url: genderIdentity, extension: [{ url: 'value', valueCodeableConcept: concept }] };
}

function telecoms(input: PatientInput, before: Resource | undefined): Part[] | undefined {
  const all = partsOf(before?.telecom);
  const first = (system: string): Part | undefined => all.find((each) => each.system === system && each.use !== 'old');
  const replaced = [first('phone'), first('email')];
  const given = [
    input.phone_e164 == null ? undefined : { ...first('phone'), system: 'phone', value: input.phone_e164 },
    input.email == null ? undefined : { ...first('email'), system: 'email', value: input.email.toLowerCase() },
  ];
  const list = [...given.flatMap((each) => each ?? []), ...all.filter((each) => !replaced.includes(each))];
  return list.length === 0 ? undefined : list;
}

function addressFor(address: NonNullable<PatientInput['address']>): JsonObject {
  const { line1, line2, city, state_province: state, postal_code: postalCode, country } = address;
  const line = line2 == null || line2 === '' ? [line1] : [line1, line2];
  return JSON.parse(JSON.stringify({ line, ...present({ city, state, postalCode, country }) })) as JsonObject;
}

function contactFor({ name, phone_e164: phone, relationship }: NonNullable<PatientInput['emergency_contact']>): JsonObject {
  return JSON.parse(
    JSON.stringify({
      relationship: relationship == null || relationship === '' ? undefined : [{ text: relationship }],
      name: { text: name },
      telecom: phone == null ? undefined : [{ system: 'phone', value: phone }],
    }),
  ) as JsonObject;
}

const present = (values: Readonly<Record<string, string | null | undefined>>) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value != null && value !== ''));

function communications(input: PatientInput, before: Resource | undefined): object[] | undefined {
  const all = partsOf(before?.communication);
  const old = all.find(({ preferred }) => preferred === true) ?? all[0];
  if (input.preferred_language == null) return replacedFirst(all, old, undefined);
  const concept = { coding: [{ system: 'urn:ietf:bcp:47', code: input.preferred_language }] };
  return replacedFirst(all, old, { language: concept, preferred: true });
}
