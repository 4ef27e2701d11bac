import type { ElementDefinition } from '../../../src/fhir/structure-definition.ts';

/**
 * What validation reads of a snapshot, in one of the forms that mean the same: the publisher of each year writes it another way.
 */
function normalForm(elements: readonly ElementDefinition[]): Map<string, Record<string, unknown>> {
  const single = withoutSingleChoices(elements.map((element) => ({ ...element })));
  const sums = new Map<string, number>();
  for (const { id = '', sliceName, min = 0 } of single) {
    if (sliceName === undefined || sliceName.includes('/')) continue;
    const sliced = id.slice(0, id.lastIndexOf(':'));
    sums.set(sliced, (sums.get(sliced) ?? 0) + min);
  }
  // As many as its slices need have to be there, whether or not it is said.
  return new Map(
    single.map((element) => [element.id ?? '', factsOf({ ...element, min: Math.max(element.min ?? 0, sums.get(element.id ?? '') ?? 0) })]),
  );
}

/** All that differs, an element and a fact each. */
export function differencesOf(published: readonly ElementDefinition[], made: readonly ElementDefinition[]): string[] {
  const [theirs, ours] = [normalForm(published), normalForm(made)];
  const differences: string[] = [];
  for (const [id, facts] of theirs) {
    const other = ours.get(id);
    if (other === undefined) differences.push(`${id} is missing`);
    else {
      for (const name of new Set([...Object.keys(facts), ...Object.keys(other)])) {
        const [a, b] = [canonical(facts[name]), canonical(other[name])];
        if (a !== b) differences.push(`${id} ${name}: ${a} is published, ${b} is made`);
      }
    }
  }
  for (const id of ours.keys()) if (!theirs.has(id)) differences.push(`${id} is too many`);
  if (differences.length === 0 && [...theirs.keys()].join() !== [...ours.keys()].join()) differences.push('the order differs');
  return differences;
}

/** A choice whose only type has a slice of its own is that slice. */
function withoutSingleChoices(elements: ElementDefinition[]): ElementDefinition[] {
  let all = elements;
  for (const choice of elements) {
    const { id = '', slicing, type } = choice;
    if (!id.endsWith('[x]') || slicing === undefined) continue;
    const slices = all.filter((each) => each.id?.startsWith(`${id}:`) === true && !each.id.slice(id.length).includes('.'));
    const [slice, another] = slices;
    if (slice === undefined || another !== undefined || codes(type) !== codes(slice.type)) continue;
    const merged = { ...slice, min: Math.max(slice.min ?? 0, choice.min ?? 0), mustSupport: slice.mustSupport ?? choice.mustSupport };
    all = all
      .filter((each) => each !== choice)
      .map((each) => (each === slice ? merged : each))
      .map((each) =>
        each.id === slice.id || each.id?.startsWith(`${slice.id}.`) === true
          ? { ...each, id: id + (each.id ?? '').slice((slice.id ?? '').length) }
          : each,
      )
      .map(({ sliceName, ...each }) => (each.id === id || sliceName === undefined ? each : { ...each, sliceName }) as ElementDefinition);
  }
  return all;
}

const codes = (types: ElementDefinition['type']): string => (types ?? []).map(({ code }) => code).join();

/** R4's own definitions are meant with and without their version. */
const unversioned = (url = ''): string => url.replace(/\|4\.0\.1$/, '');
const sorted = (urls: readonly string[]): string[] => urls.toSorted((a, b) => (a < b ? -1 : 1));

function factsOf(element: ElementDefinition): Record<string, unknown> {
  const { path, sliceName, min, max, slicing, type, binding, constraint = [], contentReference, mustSupport, isModifier } = element;
  const values = Object.entries(element).filter(([name]) => /^(?:fixed|pattern|minValue|maxValue|maxLength)/.test(name));
  return {
    path,
    sliceName,
    min,
    max,
    ...Object.fromEntries(values),
    mustSupport: mustSupport === true,
    isModifier: isModifier === true,
    slicing: slicing && {
      by: (slicing.discriminator ?? []).map((each) => `${each.type} ${each.path}`).toSorted(),
      ordered: slicing.ordered ?? false,
      rules: slicing.rules,
    },
    type: type?.map(({ code, profile = [], targetProfile = [] }) => [
      code,
      sorted(profile.map(unversioned)),
      sorted(targetProfile.map(unversioned)),
    ]),
    binding: binding && [binding.strength, unversioned(binding.valueSet)],
    constraint: [...new Set(constraint.map(({ key }) => key))].toSorted(),
    contentReference: contentReference?.replace(/^.*#/, '#'),
  };
}

function canonical(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
