import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { EXCEPTIONS } from '../../src/cli/examples/exceptions.ts';
import { compileShapes } from '../../src/validation/shape.ts';
import { openTestValidator, readPackage, type TestValidator } from '../support/validation.ts';

const root = join(import.meta.dirname, '../..');
const folder = join(root, 'node_modules/hl7.fhir.r4.examples');

/** The errors of the official examples that are wrong themselves; why they are stands with the exceptions of `npm run examples`. */
const WRONG: Readonly<Record<string, readonly string[]>> = {
  'ActivityDefinition-blood-tubes-supply.json': ['narrative-empty ActivityDefinition.text.`div`'],
  'ActivityDefinition-heart-valve-replacement.json': ['narrative-empty ActivityDefinition.text.`div`'],
  'Bundle-dataelements.json': [
    'identifier-uri Bundle.entry.resource.snapshot.element.example.value.value',
    'invariant-bdl-7 Bundle.entry.fullUrl',
  ],
  'Bundle-hla-1.json': ['extension-part Bundle.entry.resource.extension.extension'],
  'Bundle-resources.json': [
    'identifier-uri Bundle.entry.resource.snapshot.element.example.value.value',
    'identifier-uri Bundle.entry.resource.differential.element.example.value.value',
  ],
  'Bundle-valueset-expansions.json': ['extension-context Bundle.entry.resource.expansion.contains.extension', 'shape-more '],
  'DeviceMetric-example.json': ['reference-target DeviceMetric.parent'],
  'DeviceUseStatement-example.json': ['reference-target DeviceUseStatement.reasonReference'],
  'DiagnosticReport-example-pgx.json': ['attachment-hash DiagnosticReport.presentedForm.hash'],
  'EventDefinition-example.json': ['narrative-empty EventDefinition.text.`div`'],
  ...Object.fromEntries(
    ['ImplementationGuide-fhir.json', 'ig-r4.json'].map((file) => [
      file,
      [
        'reference-form ImplementationGuide.manifest.resource.reference.reference',
        'shape-required ImplementationGuide.name',
        'shape-required ImplementationGuide.status',
      ],
    ]),
  ),
  'Library-zika-virus-intervention-logic.json': ['uri-oid Library.dataRequirement.codeFilter.valueSet'],
  'List-example-double-cousin-relationship.json': ['binding-maximum List.contained.age'],
  'MedicationRequest-medrx0301.json': ['reference-target MedicationRequest.dispenseRequest.performer'],
  'Observation-clinical-gender.json': ['reference-target Observation.performer'],
  'Organization-2.16.840.1.113883.19.5.json': ['identifier-uri Organization.identifier.value'],
  'Questionnaire-qs1.json': [
    'shape-required Questionnaire.item.item.linkId',
    'shape-required Questionnaire.item.item.item.linkId',
    'shape-required Questionnaire.item.item.item.item.linkId',
  ],
  'Questionnaire-zika-virus-exposure-assessment.json': ['narrative-empty Questionnaire.text.`div`'],
  'SearchParameter-questionnaireresponse-extensions-QuestionnaireResponse-item-subject.json': ['shape-format SearchParameter.id'],
  'StructureDefinition-Consent.json': [
    'identifier-uri StructureDefinition.snapshot.element.example.value.value',
    'identifier-uri StructureDefinition.differential.element.example.value.value',
  ],
  ...Object.fromEntries(
    ['Definition', 'Event', 'FiveWs', 'Request'].map((id) => [`StructureDefinition-${id}.json`, ['invariant-sdf-4 StructureDefinition']]),
  ),
  ...Object.fromEntries(
    ['codesystem-extensions-CodeSystem', 'valueset-extensions-ValueSet'].flatMap((stem) =>
      ['author', 'effective', 'end', 'keyword', 'workflow'].map((code) => [
        `SearchParameter-${stem}-${code}.json`,
        ['shape-required SearchParameter.base'],
      ]),
    ),
  ),
};

let validator: TestValidator;
beforeAll(async () => {
  validator = await openTestValidator();
});

async function errorsOf(text: Buffer, by: TestValidator): Promise<string[]> {
  const errors = (await by.validate(text)).filter(({ severity }) => severity === 'error');
  return [...new Set(errors.map(({ id, expression }) => `${id} ${(expression?.[0] ?? '').replace(/\[\d+\]/g, '')}`))];
}

describe('the official examples', () => {
  test('are valid, except those that are wrong themselves', { timeout: 300_000 }, async () => {
    const files = readdirSync(folder).filter((name) => name.endsWith('.json') && name !== 'package.json' && !name.startsWith('.'));
    const found: Record<string, readonly string[]> = {};
    for (const file of files) {
      const errors = await errorsOf(readFileSync(join(folder, file)), validator);
      if (errors.length > 0) found[file] = errors;
    }
    expect(files.length).toBe(5_306);
    expect(found).toEqual(WRONG);
  });

  test('that are wrong are those that a server is allowed to refuse', () => {
    expect(Object.keys(WRONG).toSorted()).toEqual(EXCEPTIONS.map(({ file }) => file).toSorted());
  });
});

/** The examples of packages, by the profiles they claim; with the errors of those that break R4 itself. */
const PACKAGES: readonly (readonly [string, string, number, Readonly<Record<string, readonly string[]>>])[] = [
  ['IPS 2.0.0', 'node_modules/hl7.fhir.uv.ips', 44, {}],
  [
    'US Core 3.1.1',
    '../shared/us-core/hl7.fhir.us.core-3.1.1.tgz',
    84,
    {
      // A hash that isn't base64, and a fullUrl that isn't absolute.
      'DiagnosticReport-cardiology-report.json': ['shape-format DiagnosticReport.presentedForm.hash'],
      'Bundle-uscore-mo3.json': ['bundle-full-url Bundle.entry.fullUrl'],
    },
  ],
  ['US Core 6.1.0', '../shared/us-core/hl7.fhir.us.core-6.1.0.tgz', 183, {}],
  ['US Core 7.0.0', '../shared/us-core/hl7.fhir.us.core-7.0.0.tgz', 214, {}],
];

/** Those of US Core are looked for beside the checkout. */
const isHere = (path: string): boolean => !path.startsWith('..') || existsSync(join(root, path));

describe('the examples of packages are valid by their profiles', () => {
  for (const [name, path, count, wrong] of PACKAGES) {
    test.skipIf(!isHere(path))(`${name}, all that are there`, { timeout: 120_000 }, async () => {
      const { definitions, examples } = await readPackage(join(root, path));
      const withPackage = await openTestValidator(definitions);
      const found: Record<string, readonly string[]> = {};
      for (const [file, text] of examples) {
        const errors = await errorsOf(text, withPackage);
        if (errors.length > 0) found[file] = errors;
      }
      expect(examples.size).toBe(count);
      expect(found).toEqual(wrong);
    });
  }
});

test('every type of the definitions compiles', () => {
  const check = compileShapes(validator.definitions.schema);
  const missed = validator.definitions.resourceTypes.map((resourceType) => check({ resourceType }, new Map()));
  expect(missed).toHaveLength(146);
  expect(new Set(missed.flat().map(({ id }) => id))).toEqual(new Set(['shape-required']));
});
