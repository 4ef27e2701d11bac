import type { Json } from '../../fhir/json.ts';
import type { Schema } from '../../fhir/schema.ts';
import { type LinkPlace, memberPlace, typeOfObject } from '../links.ts';
import { isObject } from './fhirpath-patch-operations.ts';
import { own } from './places.ts';

/** What a JSON Pointer leads to by the definitions, whether or not something is there already. */
export function pointerPlace(resource: Json | undefined, tokens: readonly string[], schema: Schema): LinkPlace {
  let value = resource;
  let place: LinkPlace = { name: '', element: undefined, type: schema('Resource'), owner: undefined };
  for (const token of tokens) {
    // An item of a list stands where the list does.
    if (Array.isArray(value)) value = value[Number(token)];
    else {
      place = memberPlace(isObject(value) ? typeOfObject(value, place.type, schema) : place.type, token, schema);
      value = isObject(value) ? own(value, token) : undefined;
    }
  }
  return place;
}
