import type { Definitions } from '../definitions/load.ts';
import { FhirError, issue } from '../fhir/error.ts';
import type { ElementNumbers } from '../storage/elements.ts';
import { type Extractor, type ExtractorOptions, makeExtractor } from './extract.ts';
import { type AddedParameter, buildRegistry, type Registry } from './registry.ts';

/**
 * The registry of this moment: parameters come and go while the server runs. Each change makes a new registry; who holds an older one
 * goes on with it. What is extracted always includes what is being built.
 */
export type LiveRegistry = {
  readonly definitions: Definitions;
  /** Without any added parameter. */
  readonly standard: Registry;
  readonly current: () => Registry;
  readonly added: () => readonly AddedParameter[];
  /** By the newest registry. @throws FhirError 503 while it isn't known which one that is */
  readonly extract: Extractor;
  /** Notes a write that has begun, and gives back what notes its end. */
  readonly beginWrite: () => () => void;
  readonly replace: (added: readonly AddedParameter[], numbers: ElementNumbers) => void;
  /** Resolves when no write is under way that began before the registry was replaced last. */
  readonly drained: () => Promise<void>;
  /** Until it is, others may be building by a newer registry, and nothing is extracted. */
  readonly setKnown: (known: boolean) => void;
  readonly isKnown: () => boolean;
};

type Generation = { readonly registry: Registry; readonly extract: Extractor; readonly added: readonly AddedParameter[]; writes: number };

const drainedCheckMs = 10;

export function liveRegistry(definitions: Definitions, numbers: ElementNumbers, options: Omit<ExtractorOptions, 'registry'>): LiveRegistry {
  const standard = buildRegistry(definitions, numbers);
  const generationOf = (registry: Registry, added: readonly AddedParameter[]): Generation => ({
    registry,
    extract: makeExtractor({ ...options, registry }),
    added,
    writes: 0,
  });
  let generation = generationOf(standard, []);
  let older: Generation[] = [];
  let known = false;
  return {
    definitions,
    standard,
    current: () => generation.registry,
    added: () => generation.added,
    extract(resource, type, id) {
      if (!known) throw parametersUnknown();
      return generation.extract(resource, type, id);
    },
    beginWrite() {
      const begun = generation;
      begun.writes++;
      let ended = false;
      return () => {
        if (!ended) begun.writes--;
        ended = true;
      };
    },
    replace(added, newNumbers) {
      older.push(generation);
      generation = generationOf(added.length === 0 ? standard : standard.with(added, newNumbers), added);
    },
    async drained() {
      for (;;) {
        older = older.filter(({ writes }) => writes > 0);
        if (older.length === 0) return;
        await new Promise((resolve) => setTimeout(resolve, drainedCheckMs));
      }
    },
    setKnown(now) {
      known = now;
    },
    isKnown: () => known,
  };
}

function parametersUnknown(): FhirError {
  return new FhirError(
    503,
    [
      issue(
        'transient',
        'search-parameters-unknown',
        'The server is finding out which search parameters are in force. Send the request again.',
      ),
    ],
    { headers: { 'retry-after': '1' } },
  );
}
