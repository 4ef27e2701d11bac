import {
  address,
  CORE,
  codeOnly,
  coding,
  concept,
  day,
  email,
  FHIR,
  meta,
  narrative,
  number,
  phone,
  reference,
  type Sample,
  start,
  THO,
  typedIdentifier,
} from './parts.ts';

const raceOrEthnicity = (name: string, code: string, display: string) => ({
  url: CORE + name,
  extension: [
    { url: 'ombCategory', valueCoding: coding('urn:oid:2.16.840.1.113883.6.238', code, display) },
    { url: 'text', valueString: display },
  ],
});

const person = (gender: string) => ({
  active: true,
  name: [{ use: 'official', family: number(), given: [number(), number()], prefix: ['Mr.'] }],
  telecom: [phone('home'), phone('mobile'), email()],
  gender,
  birthDate: day(),
  deceasedBoolean: false,
  address: [{ use: 'home', type: 'both', ...address() }],
});

export function patients(): Sample[] {
  return [
    usCore(),
    {
      ...start('Patient'),
      ...meta(`${CORE}patient`),
      identifier: [{ use: 'usual', type: codeOnly(`${THO}v2-0203`, 'MR'), system: `urn:oid:${number()}`, value: number() }],
      ...person('male'),
    },
    {
      ...start('Patient'),
      identifier: [{ use: 'official', system: 'https://example.org/mrn', value: number() }],
      ...person('male'),
      address: [{ extension: [geolocation()], use: 'home', ...address(), period: { start: day() } }],
    },
    {
      ...start('RelatedPerson'),
      ...meta(`${CORE}relatedperson`),
      active: true,
      patient: reference('Patient'),
      relationship: [concept(`${THO}v3-RoleCode`, 'MTH', 'mother')],
      name: [{ family: number(), given: [number()] }],
      telecom: [phone('home')],
      gender: 'female',
      birthDate: day(),
      address: [address()],
    },
  ];
}

function usCore(): Sample {
  return {
    ...start('Patient'),
    ...meta(`${CORE}patient`),
    ...narrative('Generated'),
    extension: [
      raceOrEthnicity('race', '2106-3', 'White'),
      raceOrEthnicity('ethnicity', '2186-5', 'Not Hispanic or Latino'),
      { url: `${FHIR}patient-mothersMaidenName`, valueString: number() },
      { url: `${CORE}birthsex`, valueCode: 'F' },
      { url: `${FHIR}patient-birthPlace`, valueAddress: { city: 'Boston', state: 'Massachusetts', country: 'US' } },
    ],
    identifier: [
      typedIdentifier('MR', 'Medical Record Number', 'http://hospital.example.org'),
      typedIdentifier('SS', 'Social Security Number', 'http://hl7.org/fhir/sid/us-ssn'),
      typedIdentifier('DL', "Driver's License", 'urn:oid:2.16.840.1.113883.4.3.25'),
      typedIdentifier('PPN', 'Passport Number', 'urn:oid:2.16.840.1.113883.4.330'),
    ],
    ...person('female'),
    maritalStatus: concept(`${THO}v3-MaritalStatus`, 'M', 'Married'),
    multipleBirthBoolean: false,
    contact: [
      {
        relationship: [concept(`${THO}v2-0131`, 'N', 'Next-of-Kin')],
        name: { family: number(), given: [number()] },
        telecom: [phone('home')],
      },
    ],
    communication: [{ language: concept('urn:ietf:bcp:47', 'en-US', 'English'), preferred: true }],
    generalPractitioner: [reference('Practitioner')],
    managingOrganization: reference('Organization'),
  };
}

const geolocation = () => ({
  url: `${FHIR}geolocation`,
  extension: [
    { url: 'latitude', valueDecimal: 42.1 },
    { url: 'longitude', valueDecimal: -71.5 },
  ],
});
