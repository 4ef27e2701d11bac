/** Official examples that a right server does not store or give back as they are, with the reason. */
export type Exception = {
  /** The file in the package. */
  readonly file: string;
  /** What is expected: refused by the server, or not sent at all. */
  readonly expect: 'refused' | 'not sent';
  readonly reason: string;
};

const refused = (file: string, reason: string): Exception => ({ file: `${file}.json`, expect: 'refused', reason });

const each = (files: readonly string[], reason: string): Exception[] => files.map((file) => refused(file, reason));

const withoutBase = ['codesystem-extensions-CodeSystem', 'valueset-extensions-ValueSet'].flatMap((stem) =>
  ['author', 'effective', 'end', 'keyword', 'workflow'].map((code) => `SearchParameter-${stem}-${code}`),
);

export const EXCEPTIONS: readonly Exception[] = [
  refused(
    'SearchParameter-questionnaireresponse-extensions-QuestionnaireResponse-item-subject',
    'its id has 67 characters, an id has at most 64 (https://hl7.org/fhir/R4/datatypes.html#id)',
  ),
  refused('ImplementationGuide-fhir', 'it has no name and no status, which are required; it lists what is in the package'),
  { file: 'ig-r4.json', expect: 'not sent', reason: 'it is ImplementationGuide-fhir.json once more' },
  refused('Questionnaire-qs1', 'its nested items have no linkId, which is required'),
  ...each(withoutBase, 'it has no base, which is required'),
  ...each(
    [
      'ActivityDefinition-blood-tubes-supply',
      'ActivityDefinition-heart-valve-replacement',
      'EventDefinition-example',
      'Questionnaire-zika-virus-exposure-assessment',
    ],
    'its narrative is empty (invariant txt-2)',
  ),
  ...each(
    ['StructureDefinition-Definition', 'StructureDefinition-Event', 'StructureDefinition-FiveWs', 'StructureDefinition-Request'],
    'it is not abstract and has no baseDefinition (invariant sdf-4)',
  ),
  refused('DeviceMetric-example', 'its parent is a DeviceDefinition, where only a Device may be'),
  refused('DeviceUseStatement-example', 'its reasonReference is a Procedure, which may not be there'),
  refused('MedicationRequest-medrx0301', 'its dispenseRequest.performer is a Practitioner, where only an Organization may be'),
  refused('Observation-clinical-gender', 'its performer is an Encounter, which may not be there'),
  refused('DiagnosticReport-example-pgx', 'the hash of its presentedForm is written in hexadecimal digits, and in base64 is of other data'),
  refused('List-example-double-cousin-relationship', 'a contained age is in bits (UCUM b), which is no unit of time'),
  refused('Library-zika-virus-intervention-logic', 'a valueSet is "urn:oid:" and no OID after it'),
  ...each(
    ['Organization-2.16.840.1.113883.19.5', 'StructureDefinition-Consent', 'Bundle-resources'],
    'an identifier whose system says that its value is a URI has another value (https://hl7.org/fhir/R4/datatypes.html#Identifier)',
  ),
  refused('Bundle-dataelements', 'several entries have one fullUrl (invariant bdl-7), and an identifier is no URI as its system says'),
  refused('Bundle-hla-1', 'an extension has a part, uri, that its definition does not have'),
  refused('Bundle-valueset-expansions', 'the extension translation stands in expansion.contains, where its definition does not allow it'),
];
