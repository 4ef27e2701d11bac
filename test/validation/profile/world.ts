import type { Definitions } from '../../../src/definitions/load.ts';
import type { Conformance } from '../../../src/fhir/conformance.ts';
import type { Issue } from '../../../src/fhir/error.ts';
import { type JsonObject, parseJson } from '../../../src/fhir/json.ts';
import { compileInvariant, prepareLibrary } from '../../../src/fhirpath/compile-invariant.ts';
import { makeTerminology } from '../../../src/terminology/terminology.ts';
import type { Profiles } from '../../../src/validation/profile.ts';
import { makeProfiles } from '../../../src/validation/profile/profiles.ts';
import { completeSnapshot } from '../../../src/validation/snapshot/complete.ts';
import { makeValidator } from '../../../src/validation/validate.ts';

/** Definitions beside R4's own, and a validator that finds them. */
export type World = {
  readonly profiles: Profiles;
  readonly validate: (resource: object, profiles?: readonly string[]) => Promise<readonly Issue[]>;
  /** What is wrong, as `id expression key`. */
  readonly faults: (resource: object, profiles?: readonly string[]) => Promise<readonly string[]>;
  /** Puts another definition into the place of one, as a change in storage does. */
  readonly replace: (definition: Defined) => void;
};

type Defined = { readonly resourceType: string; readonly url: string; readonly version?: string };

const limits = { depthMax: 100, containerMax: 1_000_000, stringBytesMax: 100_000_000 };

export function makeWorld(definitions: Definitions, defined: readonly object[], options: { profilesMax?: number } = {}): World {
  const places = new Map<string, object>();
  const listeners: (() => void)[] = [];
  const put = (definition: Defined): void => {
    places.set(`${definition.resourceType} ${definition.url}`, definition);
    places.set(`${definition.resourceType} ${definition.url}|${definition.version}`, definition);
  };
  for (const definition of defined) put(definition as Defined);
  const conformance: Conformance = {
    find: async (type, canonical) => {
      const found = places.get(`${type} ${canonical}`) ?? (await definitions.resource(type, canonical));
      return typeof found === 'object' && found !== null ? found : undefined;
    },
    onChange: (listener) => listeners.push(listener),
  };
  const { schema } = definitions;
  const profiles = makeProfiles({ conformance, schema, compileInvariant, prepareLibrary, snapshotOf: completeSnapshot, ...options });
  const codes = makeTerminology({ conformance }).checker;
  const validator = makeValidator({
    schema,
    codes,
    profiles,
    compileInvariant,
    prepareLibrary,
    options: { unknownProfiles: 'warning', requiredProfiles: new Map() },
  });
  const validate: World['validate'] = async (resource, asked = []) => {
    const { value, decimals } = parseJson(JSON.stringify(resource), limits);
    return validator.validate({ value: value as JsonObject, decimals }, { profiles: asked });
  };
  return {
    profiles,
    validate,
    faults: async (resource, asked) => {
      const issues = await validate(resource, asked);
      return issues.filter(({ severity }) => severity === 'error').map(line);
    },
    replace: (definition) => {
      put(definition);
      for (const listener of listeners) listener();
    },
  };
}

export function line({ id, expression = [], rule }: Issue): string {
  // Of what is missing the element stands before its parent, and need not be told twice here.
  const places = expression.filter((place, at) => !expression.slice(0, at).some((other) => other.startsWith(`${place}.`)));
  return [id, places.join(), ...(rule === undefined ? [] : [rule.key])].join(' ');
}

export const EXAMPLE = 'http://example.org/fhir/StructureDefinition/';

/** A profile of which only those elements are said that it changes; the others are as their type has them. */
export function profileOf(name: string, type: string, elements: readonly object[], more: object = {}): Defined {
  const kind = /^(?:Patient|Observation|Bundle|Questionnaire|Composition|DomainResource|Resource)$/.test(type)
    ? 'resource'
    : 'complex-type';
  const defined = {
    resourceType: 'StructureDefinition',
    url: EXAMPLE + name,
    version: '1.0.0',
    ...{ name, kind, abstract: false, type, derivation: 'constraint', status: 'active' },
    snapshot: { element: [{ path: type, id: type }, ...elements] },
    ...more,
  };
  return defined;
}
