import type { Json, JsonObject } from '../fhir/json.ts';
import type { Resource } from './view.ts';

/** What all our canonical urls begin with. */
export const own = 'https://anamnesis.health/fhir/';

export type Extension = JsonObject & { readonly url: string };

/** The extensions of an element with this url. */
function extensionsOf(element: Readonly<Record<string, Json>> | undefined, url: string): Extension[] {
  const all = element?.extension;
  return Array.isArray(all) ? (all as Extension[]).filter((each) => each.url === url) : [];
}

export function extensionOf(element: Readonly<Record<string, Json>> | undefined, url: string): Extension | undefined {
  return extensionsOf(element, url)[0];
}

/** The extensions a resource had, those with these urls replaced by what is given; undefined members fall away. */
export function withExtensions(
  before: Resource | undefined,
  urls: readonly string[],
  given: readonly (Extension | undefined)[],
): Json | undefined {
  const all = Array.isArray(before?.extension) ? (before.extension as Extension[]) : [];
  const kept = all.filter(({ url }) => !urls.includes(url));
  const extensions = [...kept, ...given.flatMap((each) => each ?? [])];
  return extensions.length === 0 ? undefined : extensions;
}
