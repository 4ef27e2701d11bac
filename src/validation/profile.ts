import type { Json } from '../fhir/json.ts';
import type { StructureDefinition } from '../fhir/structure-definition.ts';
import type { Walk } from './walk.ts';

/** A profile, compiled: of a resource, a datatype or an extension. */
export type Profile = {
  readonly url: string;
  readonly version?: string;
  /** Of an extension: whether it changes the meaning of what it stands in. */
  readonly modifier: boolean;
  /** Of an extension: the urls of the extensions it consists of. */
  readonly parts: readonly string[];
  /** The ids of the elements that must be supported: `Patient.extension:race`. */
  readonly mustSupport: readonly string[];
  /** The type it constrains: `Patient`, `Quantity`, `Extension`. */
  readonly type: string;
  readonly definition: Pick<StructureDefinition, 'url' | 'version' | 'name' | 'kind' | 'abstract' | 'context' | 'contextInvariant'>;
  /**
   * Reports what the profile asks beyond its type. The value has been walked by its type's own checks, so what isn't shaped as the
   * type says is passed over in silence here. The walk's path already ends with the value's step.
   */
  readonly check: (walk: Walk, value: Json, holder: object, key: string | number) => void;
};

/** The profiles in force, compiled when they are first asked for. */
export type Profiles = {
  /** In memory, or `absent` if no place has it; undefined: not loaded yet. A walk puts that into its `needs` and goes on. */
  readonly get: (canonical: string) => Profile | 'absent' | undefined;
  /** Loads and compiles it, with no more than it takes to answer `get`. A profile that can't be compiled is absent, and `whyNot` tells why. */
  readonly load: (canonical: string) => Promise<void>;
  readonly whyNot: (canonical: string) => string | undefined;
};
