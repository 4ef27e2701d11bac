import type { TableSystem } from '../storage/terminology.ts';
import type { CodeSystem, Concept } from './code-system.ts';

/** Where the codes of a code system are told from. */
export type System =
  | { readonly kind: 'memory'; readonly system: CodeSystem /** Another version than the one asked for. */; readonly otherVersion: boolean }
  | { readonly kind: 'table'; readonly table: TableSystem; readonly otherVersion: boolean }
  | { readonly kind: 'grammar'; readonly grammar: Grammar }
  /** It isn't here; `why` says so, as a sentence for the client. */
  | { readonly kind: 'absent'; readonly why: string };

/** A code system whose codes a library or a grammar tells. */
export type Grammar = {
  readonly url: string;
  readonly name: string;
  readonly version: string | undefined;
  /** The concept of a code as its code system writes it; undefined: it has no such code. */
  readonly find: (code: string) => Concept | undefined;
  /** All codes, where they are a list. */
  readonly list?: () => Iterable<Concept>;
  /** A property of a code that its list doesn't hold. */
  readonly property?: (code: string, property: string) => string | undefined;
};

/** A concept of which nothing more is known than one of its names. */
export function plainConcept(code: string, display?: string): Concept {
  return {
    code,
    display,
    definition: undefined,
    designations: none,
    properties: none,
    parents: none,
    children: none,
    inactive: false,
    abstract: false,
    informal: true,
  };
}

const none: readonly never[] = [];
