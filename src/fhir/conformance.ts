/** The resources that say what others mean and how they have to look. */
export type ConformanceType = 'StructureDefinition' | 'ValueSet' | 'CodeSystem' | 'ConceptMap' | 'NamingSystem';

/**
 * Where conformance resources are found: what R4 defines, then the packages that were added, then what clients stored.
 * Nothing is kept in memory by it; who compiles something from an answer keeps that, and forgets it on a change.
 */
export type Conformance = {
  /**
   * @param canonical  a canonical url, with or without `|version`; without one, the newest of the first place that has it
   * @returns          undefined if no place has it
   */
  readonly find: (type: ConformanceType, canonical: string) => Promise<object | undefined>;
  /** Calls the listener whenever packages or stored conformance resources have changed, here or in another process. */
  readonly onChange: (listener: () => void) => void;
};

export type LiveConformance = Conformance & {
  /** Something has changed: all who listen hear of it before this returns. */
  readonly changed: () => void;
};
