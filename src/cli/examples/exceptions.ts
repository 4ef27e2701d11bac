/** Official examples that a right server does not store or give back as they are, with the reason. */
export type Exception = {
  /** The file in the package. */
  readonly file: string;
  /** What is expected: refused by the server, or not sent at all. */
  readonly expect: 'refused' | 'not sent';
  readonly reason: string;
};

export const EXCEPTIONS: readonly Exception[] = [
  {
    file: 'SearchParameter-questionnaireresponse-extensions-QuestionnaireResponse-item-subject.json',
    expect: 'refused',
    reason: 'its id has 67 characters, an id at most 64 (https://hl7.org/fhir/R4/datatypes.html#id)',
  },
  {
    file: 'ig-r4.json',
    expect: 'not sent',
    reason: 'ImplementationGuide/fhir is in the package twice, this one under a name of its own',
  },
];
