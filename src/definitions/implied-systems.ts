import type { ValueSet } from './r4-source.ts';

/**
 * Finds the value sets whose codes all come from one code system, through value sets they import.
 *
 * What a value set excludes is left aside: it can only make the set smaller.
 *
 * @param composed  the systems and value sets each value set includes, by its canonical url
 * @returns         code system by value set, for those that have exactly one
 */
export function impliedSystems(composed: ReadonlyMap<string, readonly Include[]>): Record<string, string> {
  const implied: Record<string, string> = {};
  for (const valueSet of composed.keys()) {
    const systems = systemsOf(valueSet, composed, new Set());
    const [system, ...others] = systems ?? [];
    if (system !== undefined && others.length === 0) implied[valueSet] = system;
  }
  return implied;
}

/** One `compose.include`: codes of `system` that are in all of `valueSets`, or without a system those of the value sets. */
export type Include = { readonly system?: string; readonly valueSets: readonly string[] };

export function includesOf(valueSet: ValueSet): readonly Include[] {
  return (valueSet.compose?.include ?? []).map((include) => ({
    ...(include.system === undefined ? {} : { system: include.system }),
    valueSets: (include.valueSet ?? []).map((canonical) => canonical.replace(/\|.*$/, '')),
  }));
}

/** Undefined if a value set on the way isn't known, for then nothing can be said. `seen` ends circles. */
function systemsOf(valueSet: string, composed: ReadonlyMap<string, readonly Include[]>, seen: Set<string>): Set<string> | undefined {
  const systems = new Set<string>();
  if (seen.has(valueSet)) return systems;
  seen.add(valueSet);
  const includes = composed.get(valueSet);
  if (includes === undefined || includes.length === 0) return undefined;
  for (const include of includes) {
    if (include.system !== undefined) {
      systems.add(include.system);
      continue;
    }
    for (const imported of include.valueSets) {
      const found = systemsOf(imported, composed, seen);
      if (found === undefined) return undefined;
      for (const system of found) systems.add(system);
    }
  }
  return systems;
}
