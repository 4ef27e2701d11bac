import type { Conformance, ConformanceType } from '../../src/fhir/conformance.ts';

type Resource = { readonly resourceType?: string; readonly url?: string; readonly version?: string };

export type ChangingConformance = Conformance & {
  /** Replaces all that is there, and tells. */
  readonly replace: (resources: readonly object[]) => void;
  /** What was asked for, in order. */
  readonly asked: string[];
};

/** Conformance resources out of a list. */
export function conformanceOf(resources: readonly object[]): ChangingConformance {
  let all: readonly Resource[] = resources;
  const listeners: (() => void)[] = [];
  const asked: string[] = [];
  return {
    asked,
    find(type: ConformanceType, canonical: string) {
      asked.push(`${type} ${canonical}`);
      const [url, version] = canonical.split('|');
      const found = all.filter(
        (each) => each.resourceType === type && each.url === url && (version === undefined || each.version === version),
      );
      return Promise.resolve(found.at(-1));
    },
    onChange: (listener) => listeners.push(listener),
    replace(next) {
      all = next;
      for (const listener of listeners) listener();
    },
  };
}
