import type { CompileInvariant } from '../fhirpath/invariant.ts';
import type { Profiles } from './profile.ts';

/** What the checks of a type draw on beside its definition. */
export type Rules = {
  readonly profiles: Profiles;
  readonly compileInvariant: CompileInvariant;
  /** Loads what `compileInvariant` may lack. */
  readonly prepareLibrary: () => Promise<void>;
  readonly options: ValidationOptions;
};

export type ValidationOptions = {
  /** What a claimed profile that no place has is. */
  readonly unknownProfiles: 'warning' | 'error';
  /** What breaking an invariant is that is only best practice; undefined: a warning, and for dom-6 (no narrative) information. */
  readonly bestPractice?: 'ignore' | 'information' | 'warning' | 'error';
  /** Canonical urls by resource type: every resource of the type has to conform to each of them. */
  readonly requiredProfiles: ReadonlyMap<string, readonly string[]>;
};
