import { byIdentifier, coding, concept, type Resource, SYSTEM } from './coding.ts';
import { CULTURES, givenName, type Sex, spellingOf } from './names.ts';
import { cityNamed, HOSPITALS, type Hospital } from './places.ts';
import { type Random, randomOf } from './random.ts';
import { type BundleEntry, createIfNone } from './transaction.ts';

type Specialty = {
  readonly code: string;
  readonly display: string;
  readonly short: 'general' | 'children' | 'heart' | 'emergency' | 'nursing';
};

export type Clinician = {
  readonly npi: string;
  readonly display: string;
  readonly specialty: Specialty;
};

/** A hospital with its people; the same for every seed, so that runs share it. */
export type Site = {
  readonly npi: string;
  readonly code: string;
  readonly hospital: Hospital;
  readonly offset: number;
  readonly clinicians: readonly Clinician[];
};

const GENERAL: Specialty = { code: '419772000', display: 'Family practice', short: 'general' };
const INTERNAL: Specialty = { code: '419192003', display: 'Internal medicine', short: 'general' };
const PEDIATRIC: Specialty = { code: '394537008', display: 'Pediatric specialty', short: 'children' };
const CARDIOLOGY: Specialty = { code: '394579002', display: 'Cardiology', short: 'heart' };
const EMERGENCY: Specialty = { code: '773568002', display: 'Emergency medicine', short: 'emergency' };
const NURSING: Specialty = { code: '722165004', display: 'Nursing', short: 'nursing' };
const STAFF = [GENERAL, GENERAL, INTERNAL, PEDIATRIC, PEDIATRIC, CARDIOLOGY, EMERGENCY, NURSING] as const;

const DIRECTORY_SEED = 0x5eed_d1ec;

type Member = Clinician & { readonly sex: Sex; readonly family: string; readonly given: string };
type Staffed = Omit<Site, 'clinicians'> & { readonly clinicians: readonly Member[] };

/** The hospitals that all patients go to. */
export function makeDirectory(): readonly Site[] {
  return staffed();
}

/** The entries that create the directory, each only if the server doesn't know it yet. */
export function directoryEntries(): readonly BundleEntry[] {
  const random = randomOf(DIRECTORY_SEED, 2);
  return staffed().flatMap((site) => siteEntries(site, random));
}

function staffed(): readonly Staffed[] {
  const random = randomOf(DIRECTORY_SEED, 1);
  return HOSPITALS.map((hospital, s) => ({
    npi: npi(900_000_000 + s),
    code: `site-${s + 1}`,
    hospital,
    offset: cityNamed(hospital.city).offset,
    clinicians: STAFF.map((specialty, c) => {
      const culture = random.weighted(CULTURES);
      const sex = random.pick(['female', 'male'] as const);
      const family = spellingOf(random.pick(culture.family), sex).latin;
      const given = givenName(culture, sex, random).latin;
      const title = specialty === NURSING ? '' : 'Dr. ';
      return { npi: npi(910_000_000 + s * 100 + c), display: `${title}${given} ${family}`, specialty, sex, family, given };
    }),
  }));
}

function siteEntries(site: Staffed, random: Random): BundleEntry[] {
  const { hospital } = site;
  const city = cityNamed(hospital.city);
  const telecom = (use: string) => ({ system: 'phone', value: `+1 ${city.area} 555 01${random.int(10, 99)}`, use });
  const address = {
    use: 'work',
    type: 'both',
    line: [`${random.int(100, 999)} ${random.pick(city.streets)}`],
    city: city.name,
    state: city.state,
    postalCode: `${city.postal}${random.int(10, 39)}`,
    country: 'US',
  };
  const organization = createIfNone(
    {
      resourceType: 'Organization',
      identifier: [{ use: 'official', system: SYSTEM.npi, value: site.npi }],
      active: true,
      type: [concept(SYSTEM.organizationType, 'prov', 'Healthcare Provider')],
      name: hospital.name,
      alias: [hospital.alias],
      telecom: [telecom('work')],
      address: [address],
    },
    `identifier=${SYSTEM.npi}|${site.npi}`,
    random,
  );
  const location = createIfNone(
    {
      resourceType: 'Location',
      identifier: [{ system: SYSTEM.site, value: site.code }],
      status: 'active',
      name: `${hospital.alias} outpatient clinic`,
      mode: 'instance',
      type: [concept(SYSTEM.locationType, 'OF', 'Outpatient facility')],
      telecom: [telecom('work')],
      address,
      managingOrganization: { reference: organization.fullUrl, display: hospital.name },
    },
    `identifier=${SYSTEM.site}|${site.code}`,
    random,
  );
  const people = site.clinicians.flatMap((member) => clinicianEntries(member, site, organization.fullUrl, location.fullUrl, random));
  return [organization, location, ...people];
}

function clinicianEntries(member: Member, site: Staffed, organization: string, location: string, random: Random): BundleEntry[] {
  const isNurse = member.specialty === NURSING;
  const [degree, degreeName] = isNurse ? ['RN', 'Registered Nurse'] : ['MD', 'Doctor of Medicine'];
  const practitioner: Resource = {
    resourceType: 'Practitioner',
    identifier: [{ use: 'official', system: SYSTEM.npi, value: member.npi }],
    active: true,
    name: [
      {
        use: 'official',
        family: member.family,
        given: [member.given],
        ...(isNurse ? { suffix: ['RN'] } : { prefix: ['Dr.'], suffix: ['MD'] }),
      },
    ],
    telecom: [{ system: 'email', value: `clinician-${member.npi}@sample.example.org`, use: 'work' }],
    gender: member.sex,
    qualification: [
      {
        code: concept(SYSTEM.degree, degree, degreeName),
        period: { start: String(random.int(1985, 2018)) },
        issuer: { display: 'State board of medicine' },
      },
    ],
  };
  const created = createIfNone(practitioner, `identifier=${SYSTEM.npi}|${member.npi}`, random);
  const role: Resource = {
    resourceType: 'PractitionerRole',
    identifier: [{ system: SYSTEM.staff, value: `${site.code}-${member.npi}` }],
    active: true,
    period: { start: `${random.int(2005, 2018)}-0${random.int(1, 9)}` },
    practitioner: { reference: created.fullUrl, display: member.display },
    organization: { reference: organization, display: site.hospital.name },
    code: [isNurse ? concept(SYSTEM.practitionerRole, 'nurse', 'Nurse') : concept(SYSTEM.practitionerRole, 'doctor', 'Doctor')],
    specialty: [{ coding: [coding(SYSTEM.snomed, member.specialty.code, member.specialty.display)] }],
    location: [{ reference: location }],
    availableTime: [{ daysOfWeek: ['mon', 'tue', 'wed', 'thu', 'fri'], availableStartTime: '08:00:00', availableEndTime: '17:30:00' }],
  };
  return [created, createIfNone(role, `identifier=${SYSTEM.staff}|${site.code}-${member.npi}`, random)];
}

/** A clinician as others refer to him. */
export function clinicianReference(clinician: Clinician) {
  return byIdentifier('Practitioner', SYSTEM.npi, clinician.npi, clinician.display);
}

export function organizationReference(site: Site) {
  return byIdentifier('Organization', SYSTEM.npi, site.npi, site.hospital.name);
}

export function locationReference(site: Site) {
  return byIdentifier('Location', SYSTEM.site, site.code);
}

/** A National Provider Identifier that no one has (they begin with 1 or 2), its check digit right. @see 45 CFR 162.406 */
function npi(number: number): string {
  const digits = `80840${number}0`;
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[i]) * (i % 2 === digits.length % 2 ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return `${number}${(10 - (sum % 10)) % 10}`;
}
