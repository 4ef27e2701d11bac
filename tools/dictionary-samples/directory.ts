import {
  address,
  CORE,
  concept,
  day,
  email,
  identifier,
  instant,
  meta,
  number,
  phone,
  reference,
  type Sample,
  SNOMED,
  start,
  THO,
} from './parts.ts';

const npi = () => ({ identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: number() }] });
const specialty = () => concept('http://nucc.org/provider-taxonomy', '208D00000X', 'General Practice');

export function directory(): Sample[] {
  return [practitioner(), practitionerRole(), organization(), location(), device()];
}

function practitioner(): Sample {
  return {
    ...start('Practitioner'),
    ...meta(`${CORE}practitioner`),
    ...npi(),
    active: true,
    name: [{ use: 'official', family: number(), given: [number()], prefix: ['Dr.'], suffix: ['MD'] }],
    telecom: [{ extension: [{ url: `${CORE}direct`, valueBoolean: true }], ...email() }, phone('work')],
    address: [address()],
    gender: 'female',
    qualification: [
      {
        identifier: [{ system: 'https://example.org/licences', value: number() }],
        code: concept(`${THO}v2-0360`, 'MD', 'Doctor of Medicine'),
      },
    ],
  };
}

function practitionerRole(): Sample {
  return {
    ...start('PractitionerRole'),
    ...meta(`${CORE}practitionerrole`),
    ...npi(),
    active: true,
    period: { start: day() },
    practitioner: reference('Practitioner', 'Dr. Jones'),
    organization: reference('Organization', 'General Hospital'),
    code: [specialty()],
    specialty: [specialty()],
    location: [reference('Location', 'General Hospital')],
    telecom: [phone('work'), email()],
    availableTime: [{ daysOfWeek: ['mon', 'tue', 'wed', 'thu', 'fri'], availableStartTime: '08:00:00', availableEndTime: '17:00:00' }],
    endpoint: [reference('Endpoint')],
  };
}

function organization(): Sample {
  return {
    ...start('Organization'),
    ...meta(`${CORE}organization`),
    ...npi(),
    active: true,
    type: [concept(`${THO}organization-type`, 'prov', 'Healthcare Provider')],
    name: number(),
    telecom: [phone('work')],
    address: [address()],
    partOf: reference('Organization'),
  };
}

function location(): Sample {
  return {
    ...start('Location'),
    ...meta(`${CORE}location`),
    ...identifier('https://example.org/places'),
    status: 'active',
    name: number(),
    description: number(),
    mode: 'instance',
    type: [concept(`${THO}v3-RoleCode`, 'HOSP', 'Hospital')],
    telecom: [phone('work')],
    address: address(),
    physicalType: concept(`${THO}location-physical-type`, 'bu', 'Building'),
    position: { longitude: -71.1, latitude: 42.3 },
    managingOrganization: reference('Organization', 'General Hospital'),
  };
}

function device(): Sample {
  return {
    ...start('Device'),
    ...meta(`${CORE}implantable-device`),
    udiCarrier: [
      { deviceIdentifier: number(), issuer: 'http://hl7.org/fhir/NamingSystem/gs1', carrierHRF: `(01)${number()}(11)(17)(10)(21)` },
    ],
    status: 'active',
    distinctIdentifier: number(),
    manufacturer: number(),
    manufactureDate: instant(),
    expirationDate: instant(),
    lotNumber: number(),
    serialNumber: number(),
    deviceName: [{ name: number(), type: 'user-friendly-name' }],
    type: concept(SNOMED, '72506001', 'Implantable defibrillator, device (physical object)'),
    patient: reference('Patient'),
  };
}
