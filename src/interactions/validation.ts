import type { Config } from '../config.ts';
import type { Schema } from '../fhir/schema.ts';
import { prepareLibrary } from '../fhirpath/library.ts';
import type { CodeChecker } from '../terminology/verdict.ts';
import type { Profiles } from '../validation/profile.ts';
import { makeValidator, type Validator } from '../validation/validate.ts';

export type ValidationOptions = {
  readonly config: Pick<Config, 'requiredProfiles' | 'unknownProfiles' | 'bestPractice'>;
  readonly schema: Schema;
};

/** The validator of all writes and of `$validate`, with what it draws on. */
export function openValidation({ config, schema }: ValidationOptions): Validator {
  const { requiredProfiles, unknownProfiles, bestPractice } = config;
  return makeValidator({
    schema,
    codes: noCodes,
    profiles: noProfiles,
    compileInvariant: () => () => undefined,
    prepareLibrary,
    options: {
      requiredProfiles,
      unknownProfiles: unknownProfiles === 'refuse' ? 'error' : 'warning',
      ...(bestPractice === undefined ? {} : { bestPractice }),
    },
  });
}

const noCodes: CodeChecker = {
  now: () => ({ kind: 'unchecked', why: 'No code system is loaded here.' }),
  later: (questions) => Promise.resolve(questions.map(() => ({ kind: 'unchecked', why: 'No code system is loaded here.' }))),
};

const noProfiles: Profiles = { get: () => 'absent', load: () => Promise.resolve(), whyNot: () => undefined };
