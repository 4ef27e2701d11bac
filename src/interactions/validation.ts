import type { Config } from '../config.ts';
import type { Conformance } from '../fhir/conformance.ts';
import type { Schema } from '../fhir/schema.ts';
import { compileInvariant, prepareLibrary } from '../fhirpath/compile-invariant.ts';
import type { CodeTables } from '../storage/terminology.ts';
import { makeTerminology, type Terminology } from '../terminology/terminology.ts';
import { makeProfiles } from '../validation/profile/profiles.ts';
import { completeSnapshot } from '../validation/snapshot/complete.ts';
import { validatingDefinitions } from '../validation/snapshot/problems.ts';
import { makeValidator, type Validator } from '../validation/validate.ts';

export type ValidationParts = {
  readonly config: Pick<Config, 'requiredProfiles' | 'unknownProfiles' | 'bestPractice' | 'profileCacheMax' | 'terminologyCacheMib'>;
  readonly schema: Schema;
  readonly conformance: Conformance;
  readonly codeTables?: CodeTables;
};

/** The validator of all writes and of `$validate`, and the terminology it asks. */
export function openValidation({ config, schema, conformance, codeTables: tables }: ValidationParts): {
  readonly validator: Validator;
  readonly terminology: Terminology;
} {
  const { requiredProfiles, unknownProfiles, bestPractice, profileCacheMax: profilesMax } = config;
  const memoryBytes = config.terminologyCacheMib * 2 ** 20;
  const terminology = makeTerminology({ conformance, memoryBytes, ...(tables === undefined ? {} : { tables }) });
  const best = bestPractice === undefined ? {} : { bestPractice };
  const rules = { schema, codes: terminology.checker, compileInvariant, prepareLibrary };
  const validator = makeValidator({
    ...rules,
    profiles: makeProfiles({ ...rules, ...best, conformance, profilesMax, snapshotOf: completeSnapshot }),
    options: {
      requiredProfiles,
      unknownProfiles: unknownProfiles === 'refuse' ? 'error' : 'warning',
      ...best,
    },
  });
  const find = (canonical: string): Promise<object | undefined> => conformance.find('StructureDefinition', canonical);
  return { validator: validatingDefinitions(validator, find, rules), terminology };
}
