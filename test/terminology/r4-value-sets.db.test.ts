import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadDefinitions } from '../../src/definitions/load.ts';
import { makeTerminology, type Terminology } from '../../src/terminology/terminology.ts';

describe("R4's own value sets", () => {
  let r4: Terminology;
  beforeAll(async () => {
    const definitions = await loadDefinitions({ cacheDir: join(import.meta.dirname, '..', '..', '.cache') });
    const find = async (type: string, canonical: string): Promise<object | undefined> =>
      (await definitions.resource(type, canonical)) as object | undefined;
    r4 = makeTerminology({ conformance: { find, onChange: () => {} } });
  });

  test.each([
    ['administrative-gender|4.0.1', undefined, 'male', 'in'],
    ['administrative-gender|4.0.1', undefined, 'Male', 'out'],
    ['observation-status|4.0.1', undefined, 'final', 'in'],
    ['mimetypes|4.0.1', undefined, 'application/pdf', 'in'],
    ['currencies|4.0.1', undefined, 'EUR', 'in'],
    ['all-languages', undefined, 'de-AT', 'in'],
    ['languages', undefined, 'de-AT', 'in'],
    ['languages', undefined, 'tlh', 'out'],
    ['timezones', undefined, 'Europe/Vienna', 'in'],
    ['resource-types|4.0.1', undefined, 'Patient', 'in'],
    ['resource-types|4.0.1', undefined, 'Patients', 'out'],
    ['marital-status', 'http://terminology.hl7.org/CodeSystem/v3-MaritalStatus', 'M', 'in'],
    ['marital-status', 'http://terminology.hl7.org/CodeSystem/v3-NullFlavor', 'UNK', 'in'],
    ['marital-status', 'http://terminology.hl7.org/CodeSystem/v3-MaritalStatus', 'X', 'out'],
    ['condition-code', 'http://snomed.info/sct', '44054006', 'unchecked'],
    ['observation-vitalsignresult', 'http://loinc.org', '8867-4', 'in'],
    ['observation-vitalsignresult', 'http://loinc.org', '1-8', 'out'],
    ['duration-units', 'http://unitsofmeasure.org', 'wk', 'in'],
    ['duration-units', 'http://unitsofmeasure.org', 'kg', 'out'],
  ])('%s: %s %s is %s', async (name, system, code, kind) => {
    const [found] = await r4.checker.later([{ valueSet: `http://hl7.org/fhir/ValueSet/${name}`, system, code }]);
    expect(found?.kind).toBe(kind);
  });
});
