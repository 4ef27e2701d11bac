import type { Conformance } from '../../fhir/conformance.ts';
import { FhirError } from '../../fhir/error.ts';
import type { StructureDefinition } from '../../fhir/structure-definition.ts';
import type { Profiles } from '../profile.ts';
import type { Walk } from '../walk.ts';
import { profileCompiler } from './compile.ts';
import type { CompiledProfile, ProfileParts } from './compiler.ts';

export type ProfilesParts = ProfileParts & {
  readonly conformance: Conformance;
  /** Completes a profile that has only a differential; throws if what it derives from isn't known. */
  readonly snapshotOf: (
    definition: StructureDefinition,
    find: (canonical: string) => Promise<object | undefined>,
  ) => Promise<StructureDefinition>;
  /** How many profiles are kept; beyond that those that weren't asked for longest go. */
  readonly profilesMax?: number;
};

type Entry = { readonly found: CompiledProfile | 'absent'; readonly whyNot?: string; used: number };

/**
 * The profiles in force: looked for and compiled when they are first asked for, by canonical url with or without `|version`, and
 * forgotten when definitions change.
 */
export function makeProfiles({ conformance, snapshotOf, profilesMax = 1_000, ...parts }: ProfilesParts): Profiles {
  const entries = new Map<string, Entry>();
  const loading = new Map<string, Promise<void>>();
  let clock = 0;
  let generation = 0;

  const get = (canonical: string): CompiledProfile | 'absent' | undefined => {
    const entry = entries.get(canonical);
    if (entry === undefined) return undefined;
    entry.used = ++clock;
    return entry.found;
  };
  const find = (walk: Walk, canonical: string): CompiledProfile | 'absent' | undefined => {
    const found = get(canonical);
    if (found === undefined) {
      walk.doubts++;
      walk.needs.set(`profile ${canonical}`, () => load(canonical));
    }
    return found;
  };
  const compile = profileCompiler(parts, find);

  const read = async (canonical: string): Promise<Omit<Entry, 'used'>> => {
    const definition = await conformance.find('StructureDefinition', canonical);
    if (definition === undefined) return { found: 'absent' };
    try {
      if (!isStructureDefinition(definition)) throw new Error('is no StructureDefinition');
      const complete =
        definition.snapshot === undefined
          ? await snapshotOf(definition, (url) => conformance.find('StructureDefinition', url))
          : definition;
      return { found: compile(complete) };
    } catch (error) {
      // The definition is at fault, and that is told where the profile is asked for.
      return { found: 'absent', whyNot: reasonOf(error) };
    }
  };
  const keep = (canonical: string, entry: Omit<Entry, 'used'>): void => {
    entries.set(canonical, { ...entry, used: ++clock });
    if (entries.size <= profilesMax) return;
    const [oldest] = [...entries].reduce((least, other) => (other[1].used < least[1].used ? other : least));
    entries.delete(oldest);
  };
  const load = (canonical: string): Promise<void> => {
    const under = loading.get(canonical);
    if (under !== undefined) return under;
    const begun = generation;
    const work = read(canonical)
      .then((entry) => {
        // What was read before a change may be out of date; who asked asks again.
        if (generation === begun) keep(canonical, entry);
      })
      .finally(() => {
        if (loading.get(canonical) === work) loading.delete(canonical);
      });
    loading.set(canonical, work);
    return work;
  };

  conformance.onChange(() => {
    generation++;
    entries.clear();
    loading.clear();
  });
  return { get, load, whyNot: (canonical) => entries.get(canonical)?.whyNot };
}

/** As it follows `which`: what snapshots are refused with are sentences of their own. */
function reasonOf(error: unknown): string {
  if (error instanceof FhirError) return `can't be used here: ${error.message.replace(/\.$/, '')}`;
  return error instanceof Error ? error.message : String(error);
}

/** What a client stored has been checked for its shape; a package's files are taken by the few parts that are needed here. */
function isStructureDefinition(resource: object): resource is StructureDefinition {
  const { url, type, kind } = resource as Partial<StructureDefinition>;
  return typeof url === 'string' && typeof type === 'string' && typeof kind === 'string';
}
