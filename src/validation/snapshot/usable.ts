import type { ElementDefinition } from '../../fhir/structure-definition.ts';

/**
 * Whether elements are such as the making of a snapshot relies on. What clients store has been validated; what packages bring hasn't.
 *
 * @returns the index of the first that isn't, or -1
 */
export function unusableAt(elements: readonly ElementDefinition[]): number {
  if (!isList(elements)) return 0;
  return elements.findIndex((element: unknown) => !isUsable(element));
}

function isUsable(element: unknown): boolean {
  if (!isRecord(element)) return false;
  const { id, path, sliceName, min, max, type, slicing, constraint, contentReference } = element;
  return (
    typeof path === 'string' &&
    path !== '' &&
    [id, sliceName, max, contentReference].every((text) => text === undefined || typeof text === 'string') &&
    (min === undefined || typeof min === 'number') &&
    (type === undefined || (isList(type) && type.every(isType))) &&
    (constraint === undefined || (isList(constraint) && constraint.every((each) => isRecord(each) && typeof each.key === 'string'))) &&
    (slicing === undefined ||
      (isRecord(slicing) &&
        (slicing.discriminator === undefined || (isList(slicing.discriminator) && slicing.discriminator.every(isRecord)))))
  );
}

function isType(type: unknown): boolean {
  if (!isRecord(type) || typeof type.code !== 'string') return false;
  return [type.profile, type.targetProfile].every(
    (urls) => urls === undefined || (isList(urls) && urls.every((url) => typeof url === 'string')),
  );
}

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
