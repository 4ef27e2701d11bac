import type { ElementDefinition } from '../../fhir/structure-definition.ts';

/** One step to an element: `{ name: 'extension', slice: 'race' }`. */
export type Step = { readonly name: string; readonly slice: string | undefined };

/** An element of a differential, and where it belongs. */
export type Change = {
  readonly element: ElementDefinition;
  /** Its index in the differential. */
  readonly at: number;
  /** From the root, whose step is the first. */
  readonly steps: readonly Step[];
};

/**
 * Finds out where the elements of a differential belong: by their ids where these agree with the paths, else by their order, an element
 * without a slice of its own being in the slices of the element before it.
 *
 * @see https://hl7.org/fhir/R4/elementdefinition.html#id
 */
export function changesOf(differential: readonly ElementDefinition[]): Change[] {
  let before: readonly Step[] = [];
  return differential.map((element, at) => {
    const steps = stepsByIds(element) ?? stepsByOrder(element, before);
    before = steps;
    return { element, at, steps };
  });
}

function stepsByIds({ id, path, sliceName }: ElementDefinition): Step[] | undefined {
  const names = path.split('.');
  const parts = id?.split('.') ?? [];
  if (parts.length !== names.length) return undefined;
  const steps: Step[] = [];
  for (const [at, part] of parts.entries()) {
    const colon = part.indexOf(':');
    const name = colon < 0 ? part : part.slice(0, colon);
    const slice = colon < 0 ? undefined : part.slice(colon + 1);
    const isLast = at === parts.length - 1;
    // `value[x]:valueQuantity` may have the path `valueQuantity`.
    if (name !== names[at] && !(name.endsWith('[x]') && names[at]?.startsWith(name.slice(0, -3)) === true)) return undefined;
    steps.push({ name, slice: isLast ? (sliceName ?? slice) : slice });
  }
  return steps;
}

function stepsByOrder({ path, sliceName }: ElementDefinition, before: readonly Step[]): Step[] {
  let isSame = true;
  const names = path.split('.');
  return names.map((name, at) => {
    if (at === names.length - 1) return { name, slice: sliceName };
    isSame &&= before[at]?.name === name;
    return { name, slice: isSame ? before[at]?.slice : undefined };
  });
}
