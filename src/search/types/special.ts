import type { SearchElement } from '../registry.ts';
import type { Sink } from '../sink.ts';
import { addQuantity } from './quantity.ts';

/** `near`: latitude and longitude in degrees, as numbers of two elements. @see https://hl7.org/fhir/R4/location.html#positional */
export function extractSpecial(element: SearchElement, value: unknown, type: string, sink: Sink): void {
  addQuantity({ param: element.number, pair: 0n }, value, type, sink);
}
