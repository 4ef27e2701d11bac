import { type Designation, designationsOf, isNode, listOf, type Node, textOf } from './code-system.ts';

/** A ValueSet as membership asks it: the parts it takes in, and those it leaves out again. */
export type ValueSet = {
  readonly url: string | undefined;
  readonly version: string | undefined;
  readonly name: string | undefined;
  readonly include: readonly Part[];
  readonly exclude: readonly Part[];
  /** Concepts that are inactive in their code system are left out. */
  readonly activeOnly: boolean;
  /** Why more may be in it than its parts say; undefined: they say all. */
  readonly open: string | undefined;
  /** About how many bytes of memory it takes. */
  readonly weight: number;
};

/** Codes of `system`, those listed or all that the filters let through, that are in all of the value sets as well. */
export type Part = {
  readonly system: string | undefined;
  readonly version: string | undefined;
  readonly listed: ReadonlyMap<string, Listed> | undefined;
  readonly filters: readonly Filter[];
  readonly valueSets: readonly string[];
};

/** What a value set itself says of one of its codes. */
export type Listed = {
  readonly display: string | undefined;
  readonly designations: readonly Designation[];
  readonly abstract?: true;
  readonly inactive?: true;
};

export type Filter = { readonly property: string; readonly op: string; readonly value: string };

/**
 * Reads a ValueSet: its composition, or where it has none the expansion it was stored with. It may come from a client, so anything
 * may be anything; what isn't as the standard says it isn't there.
 *
 * @see https://hl7.org/fhir/R4/valueset.html#compositions
 */
export function readValueSet(resource: object): ValueSet {
  const { url, version, name, title, compose, expansion } = resource as Node;
  const about = { url: textOf(url), version: textOf(version), name: textOf(title) ?? textOf(name) };
  if (isNode(compose)) {
    const include = listOf(compose['include']).map(partOf);
    const exclude = listOf(compose['exclude']).map(partOf);
    const activeOnly = compose['inactive'] === false;
    return { ...about, include, exclude, activeOnly, open: undefined, weight: weightOf([...include, ...exclude]) };
  }
  const include = partsOfExpansion(expansion);
  const known = include.reduce((sum, { listed }) => sum + (listed?.size ?? 0), 0);
  const total = isNode(expansion) ? expansion['total'] : undefined;
  const whole = known > 0 && !(typeof total === 'number' && total > known);
  const open = whole ? undefined : 'it has neither a composition nor a whole expansion';
  return { ...about, include, exclude: [], activeOnly: false, open, weight: weightOf(include) };
}

function partOf({ system, version, concept, filter, valueSet }: Node): Part {
  const concepts = listOf(concept);
  return {
    system: textOf(system),
    version: textOf(version),
    listed: concepts.length === 0 ? undefined : new Map(concepts.flatMap(listedOf)),
    filters: listOf(filter).map(({ property, op, value }) => ({
      property: textOf(property) ?? '',
      op: textOf(op) ?? '',
      value: typeof value === 'string' ? value : '',
    })),
    valueSets: Array.isArray(valueSet) ? valueSet.filter((each) => typeof each === 'string') : [],
  };
}

function listedOf(node: Node): [string, Listed][] {
  const { code, display } = node;
  return typeof code === 'string' ? [[code, { display: textOf(display), designations: designationsOf(node) }]] : [];
}

/** One part for each code system and version; entries that only group others have no code, or are abstract. */
function partsOfExpansion(expansion: unknown): Part[] {
  const parts = new Map<string, Part & { readonly listed: Map<string, Listed> }>();
  const open = isNode(expansion) ? [...listOf(expansion['contains'])] : [];
  for (let at = 0; at < open.length; at++) {
    const node: Node = open[at] ?? {};
    open.push(...listOf(node['contains']));
    const { system, version, code, display, abstract, inactive } = node;
    if (typeof system !== 'string' || typeof code !== 'string') continue;
    const key = `${system}|${textOf(version) ?? ''}`;
    const part = parts.get(key) ?? { system, version: textOf(version), listed: new Map(), filters: [], valueSets: [] };
    parts.set(key, part);
    part.listed.set(code, {
      display: textOf(display),
      designations: designationsOf(node),
      ...(abstract === true ? { abstract } : {}),
      ...(inactive === true ? { inactive } : {}),
    });
  }
  return [...parts.values()];
}

function weightOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { listed, filters }) => sum + 500 + 250 * (listed?.size ?? 0) + 200 * filters.length, 1_000);
}
