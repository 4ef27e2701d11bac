import type { Config } from '../config.ts';
import type { Conformance } from '../fhir/conformance.ts';
import type { Schema } from '../fhir/schema.ts';
import { prepareLibrary } from '../fhirpath/library.ts';
import type { CodeTables } from '../storage/terminology.ts';
import { makeTerminology, type Terminology } from '../terminology/terminology.ts';
import type { Profiles } from '../validation/profile.ts';
import { makeValidator, type Validator } from '../validation/validate.ts';

export type ValidationParts = {
  readonly config: Pick<Config, 'requiredProfiles' | 'unknownProfiles' | 'bestPractice'>;
  readonly schema: Schema;
  readonly conformance: Conformance;
  readonly codeTables?: CodeTables;
};

/** The validator of all writes and of `$validate`, and the terminology it asks. */
export function openValidation({ config, schema, conformance, codeTables: tables }: ValidationParts): {
  readonly validator: Validator;
  readonly terminology: Terminology;
} {
  const { requiredProfiles, unknownProfiles, bestPractice } = config;
  const terminology = makeTerminology(tables === undefined ? { conformance } : { conformance, tables });
  const validator = makeValidator({
    schema,
    codes: terminology.checker,
    profiles: noProfiles,
    compileInvariant: () => () => undefined,
    prepareLibrary,
    options: {
      requiredProfiles,
      unknownProfiles: unknownProfiles === 'refuse' ? 'error' : 'warning',
      ...(bestPractice === undefined ? {} : { bestPractice }),
    },
  });
  return { validator, terminology };
}

const noProfiles: Profiles = { get: () => 'absent', load: () => Promise.resolve(), whyNot: () => undefined };
