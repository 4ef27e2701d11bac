import type { components } from '../api-types.ts';
import { filled, given, keptOf, type Part, partOf, partsOf, replacedFirst, resourceFrom, stampOf, textOf, wordsOf } from '../parts.ts';
import { escaped } from '../patients/patient-view.ts';
import type { Resource, View } from '../view.ts';

type Schemas = components['schemas'];
export type ProviderInput = Schemas['ProviderInput'];
export type Provider = Schemas['Provider'];

const npiSystem = 'http://hl7.org/fhir/sid/us-npi';

/** `/providers`: a Practitioner. What he practises stands in his PractitionerRole, beside this view. */
export const providerView: View<ProviderInput, Provider> = {
  type: 'Practitioner',
  name: 'provider',
  shows: [],
  isShown: () => true,
  toView,
  toResource,
  queries: {
    name: (value) => [['name', escaped(value)]],
    npi: (value) => [['identifier', `${npiSystem}|${value}`]],
  },
  sort: '-_lastUpdated',
  path: (id) => `/providers/${id}`,
};

function toView(resource: Resource): Provider {
  return filled({
    provider_id: textOf(resource.id) ?? '',
    name: nameIn(officialOf(resource)),
    npi: textOf(npiOf(resource)?.value),
    email: textOf(telecomOf(resource, 'email')?.value),
    phone: textOf(telecomOf(resource, 'phone')?.value),
    is_active: resource.active !== false,
    ...stampOf(resource),
  }) as Provider;
}

function officialOf(resource: Resource | undefined): Part | undefined {
  const names = partsOf(resource?.name);
  return names.find(({ use }) => use === 'official') ?? names[0];
}

function nameIn(name: Part | undefined): string | undefined {
  if (name === undefined) return undefined;
  const { text, prefix, given: first, family, suffix } = name;
  const parts = [prefix, first, family, suffix].flatMap((each) => (Array.isArray(each) ? (each as string[]) : (textOf(each) ?? [])));
  return textOf(text) ?? (parts.length === 0 ? undefined : parts.join(' '));
}

const npiOf = (resource: Resource | undefined): Part | undefined =>
  partsOf(resource?.identifier).find(({ system }) => system === npiSystem);

const telecomOf = (resource: Resource | undefined, system: string): Part | undefined =>
  partsOf(resource?.telecom).find((each) => each.system === system && each.use !== 'old');

function toResource(input: ProviderInput, before: Resource | undefined): Resource {
  const email = given(input.email)?.toLowerCase();
  const phone = given(input.phone);
  const npi = given(input.npi);
  const oldEmail = telecomOf(before, 'email');
  const oldPhone = telecomOf(before, 'phone');
  const telecom = [
    ...(phone === undefined ? [] : [{ ...oldPhone, system: 'phone', value: phone }]),
    ...(email === undefined ? [] : [{ ...oldEmail, system: 'email', value: email }]),
    ...partsOf(before?.telecom).filter((each) => each !== oldEmail && each !== oldPhone),
  ];
  return resourceFrom({
    ...keptOf(before),
    resourceType: 'Practitioner',
    active: input.is_active ?? true,
    identifier: replacedFirst(
      partsOf(before?.identifier),
      npiOf(before),
      npi === undefined ? undefined : { ...npiOf(before), system: npiSystem, value: npi },
    ),
    name: replacedFirst(partsOf(before?.name), officialOf(before), nameOf(input.name, officialOf(before))),
    telecom: telecom.length === 0 ? undefined : telecom,
  });
}

/** A name that says the same as before keeps its parts. */
function nameOf(name: string, before: Part | undefined): object {
  const text = name.trim().replaceAll(/\s+/g, ' ');
  return nameIn(before) === text ? { ...before } : { use: 'official', text };
}

/** What a PractitionerRole says that its practitioner practises. */
export const specialtyOf = (role: Resource | undefined): string | undefined => wordsOf(partsOf(role?.specialty)[0]);

/** The role of a practitioner with this specialty, told in words. Other specialties, places and organizations stay. */
export function roleFor(practitioner: string, specialty: string | undefined, before?: Resource): Resource {
  const [first, ...others] = partsOf(before?.specialty);
  const own = specialty === undefined ? undefined : specialty === wordsOf(first) ? first : { text: specialty };
  const all = own === undefined ? others : [own, ...others];
  return resourceFrom({
    ...keptOf(before),
    resourceType: 'PractitionerRole',
    active: before?.active ?? true,
    practitioner: before === undefined ? { reference: practitioner } : before.practitioner,
    specialty: all.length === 0 ? undefined : all,
  });
}

/** The Practitioner whom a role is of. */
export const practitionerOf = (role: Resource): string | undefined => textOf(partOf(role.practitioner)?.reference);
