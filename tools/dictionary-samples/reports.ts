import {
  CORE,
  codeOnly,
  coding,
  concept,
  day,
  identifier,
  instant,
  inVisit,
  LOINC,
  labs,
  meta,
  number,
  period,
  quantity,
  reference,
  type Sample,
  SNOMED,
  start,
  THO,
  uuid,
} from './parts.ts';

const notes = [coding(LOINC, '34117-2', 'History and physical note'), coding(LOINC, '51847-2', 'Evaluation+Plan note')];
const panels = [
  ['51990-0', 'Basic Metabolic Panel'],
  ['57698-3', 'Lipid Panel'],
  ['58410-2', 'Complete blood count (hemogram) panel - Blood by Automated count'],
] as const;
const DICOM = 'http://dicom.nema.org/resources/ontology/DCM';

const note = () => ({
  contentType: 'text/plain; charset=utf-8',
  language: 'en-US',
  data: Buffer.from(`\n${day()}\n\n# Chief Complaint\n\n# History of Present Illness\n\n# Plan\n`).toString('base64'),
});

export function reports(): Sample[] {
  return [...panels.map(panelReport), noteReport(), documentReference(), ...labs.slice(0, 3).map(order), specimen(), imagingStudy()];
}

function panelReport([code, display]: (typeof panels)[number]): Sample {
  return {
    ...start('DiagnosticReport'),
    ...meta(`${CORE}diagnosticreport-lab`),
    ...identifier('https://example.org/reports'),
    basedOn: [reference('ServiceRequest')],
    status: 'final',
    category: [{ coding: [coding(`${THO}v2-0074`, 'LAB', 'Laboratory')] }],
    code: concept(LOINC, code, display),
    ...inVisit(),
    effectiveDateTime: instant(),
    issued: instant().replace('Z', '.000+00:00'),
    performer: [reference('Organization', 'General Hospital')],
    specimen: [reference('Specimen')],
    result: labs.slice(0, 8).map(([, name]) => reference('Observation', name)),
    conclusion: number(),
  };
}

function noteReport(): Sample {
  return {
    ...start('DiagnosticReport'),
    ...meta(`${CORE}diagnosticreport-note`),
    status: 'final',
    category: [{ coding: notes }],
    code: { coding: notes },
    ...inVisit(),
    effectiveDateTime: instant(),
    issued: instant(),
    performer: [reference('Practitioner', 'Dr. Jones')],
    presentedForm: [note()],
  };
}

function documentReference(): Sample {
  const format = coding(
    'http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode',
    'urn:ihe:iti:xds:2017:mimeTypeSufficient',
    'mimeType Sufficient',
  );
  return {
    ...start('DocumentReference'),
    ...meta(`${CORE}documentreference`),
    identifier: [{ system: 'urn:ietf:rfc:3986', value: `urn:uuid:${uuid()}` }],
    status: 'current',
    docStatus: 'final',
    type: { coding: notes, text: 'History and physical note' },
    category: [codeOnly('http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category', 'clinical-note', 'Clinical Note')],
    subject: reference('Patient'),
    date: instant(),
    author: [reference('Practitioner', 'Dr. Jones')],
    custodian: reference('Organization', 'General Hospital'),
    description: number(),
    content: [
      { attachment: note(), format },
      {
        attachment: { contentType: 'application/pdf', url: `Binary/${uuid()}`, size: 1000, hash: '', title: number(), creation: instant() },
      },
    ],
    context: { encounter: [reference('Encounter')], period: period(), facilityType: concept(SNOMED, '22232009', 'Hospital') },
  };
}

function order([code, display]: (typeof labs)[number]): Sample {
  return {
    ...start('ServiceRequest'),
    ...meta(`${CORE}servicerequest`),
    ...identifier('https://example.org/orders'),
    status: 'completed',
    intent: 'order',
    category: [concept(SNOMED, '108252007', 'Laboratory procedure')],
    priority: 'routine',
    code: concept(LOINC, code, display),
    ...inVisit(),
    occurrenceDateTime: instant(),
    authoredOn: instant(),
    requester: reference('Practitioner', 'Dr. Jones'),
    performer: [reference('Organization')],
    reasonReference: [reference('Condition')],
    specimen: [reference('Specimen')],
  };
}

function specimen(): Sample {
  return {
    ...start('Specimen'),
    ...identifier('https://example.org/specimens'),
    accessionIdentifier: { system: 'https://example.org/accessions', value: number() },
    status: 'available',
    type: concept(SNOMED, '119297000', 'Blood specimen (specimen)'),
    subject: reference('Patient'),
    receivedTime: instant(),
    request: [reference('ServiceRequest')],
    collection: {
      collector: reference('Practitioner'),
      collectedDateTime: instant(),
      quantity: quantity('mL', 'mL'),
      bodySite: concept(SNOMED, '368208006', 'Left upper arm structure'),
    },
  };
}

function imagingStudy(): Sample {
  const modality = coding(DICOM, 'DX', 'Digital Radiography');
  return {
    ...start('ImagingStudy'),
    identifier: [{ use: 'official', system: 'urn:dicom:uid', value: `urn:oid:1.2.840.${number()}` }],
    status: 'available',
    modality: [modality],
    ...inVisit(),
    started: instant(),
    basedOn: [reference('ServiceRequest')],
    numberOfSeries: 1,
    numberOfInstances: 1,
    procedureCode: [concept(SNOMED, '168537006', 'Plain radiography')],
    location: reference('Location', 'General Hospital'),
    description: number(),
    series: [
      {
        uid: `1.2.840.${number()}`,
        number: 1,
        modality,
        description: number(),
        numberOfInstances: 1,
        bodySite: coding(SNOMED, '51185008', 'Thoracic structure'),
        started: instant(),
        instance: [
          {
            uid: `1.2.840.${number()}`,
            sopClass: coding('urn:ietf:rfc:3986', 'urn:oid:1.2.840.10008.5.1.4.1.1.1.1'),
            number: 1,
            title: number(),
          },
        ],
      },
    ],
  };
}
