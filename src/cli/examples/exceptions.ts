/** Official examples that a right server does not store or give back as they are, with the reason. */
export type Exception = {
  /** The file in the package. */
  readonly file: string;
  /** What is expected: refused by the server, or not sent at all. */
  readonly expect: 'refused' | 'not sent';
  readonly reason: string;
};

const refused = (file: string, reason: string): Exception => ({ file, expect: 'refused', reason });

const WITHOUT_BASE = ['codesystem-extensions-CodeSystem', 'valueset-extensions-ValueSet'].flatMap((stem) =>
  ['author', 'effective', 'end', 'keyword', 'workflow'].map((code) => `SearchParameter-${stem}-${code}.json`),
);

export const EXCEPTIONS: readonly Exception[] = [
  refused(
    'SearchParameter-questionnaireresponse-extensions-QuestionnaireResponse-item-subject.json',
    'its id has 67 characters, an id has at most 64 (https://hl7.org/fhir/R4/datatypes.html#id)',
  ),
  refused('ImplementationGuide-fhir.json', 'it has no name and no status, which are required; it lists what is in the package'),
  { file: 'ig-r4.json', expect: 'not sent', reason: 'it is ImplementationGuide-fhir.json once more' },
  refused('Questionnaire-qs1.json', 'its nested items have no linkId, which is required'),
  ...WITHOUT_BASE.map((file) => refused(file, 'it has no base, which is required')),
];
