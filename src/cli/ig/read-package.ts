import { isRecord } from '../../search/sink.ts';
import { type PackageHead, type PackageResource, packResource } from '../../storage/packages.ts';
import { readManifest, UnusablePackage } from './manifest.ts';
import { type PackageLimits, packageFiles } from './package-files.ts';

export type ReadPackage = { readonly head: PackageHead; readonly resources: readonly PackageResource[] };

/** What others are understood by; examples and pages stay out. */
const types: ReadonlySet<string> = new Set([
  'StructureDefinition',
  'ValueSet',
  'CodeSystem',
  'ConceptMap',
  'NamingSystem',
  'SearchParameter',
  'OperationDefinition',
  'CapabilityStatement',
]);

/**
 * Reads a package with its conformance resources, packed as they are stored, which is a tenth of their size.
 *
 * @param path  a folder or a `.tgz`
 * @throws      UnusablePackage
 */
export async function readPackage(path: string, limits?: PackageLimits): Promise<ReadPackage> {
  let head: PackageHead | undefined;
  const resources: PackageResource[] = [];
  for await (const { name, text } of packageFiles(path, limits)) {
    if (name === 'package.json') head = readManifest(text);
    else resources.push(...(await resourcesOf(name, text)));
  }
  if (head === undefined) throw new UnusablePackage(`${path} has no package.json: it is no FHIR package`);
  return { head, resources };
}

/** None, one, or of a NamingSystem one for each identifier that it names. */
async function resourcesOf(file: string, text: string): Promise<PackageResource[]> {
  const resource = parsed(file, text);
  const { resourceType: type, id, version, name } = resource;
  if (typeof type !== 'string' || !types.has(type)) return [];
  const urls = urlsOf(type, resource);
  if (urls.length === 0) return [];
  delete resource.text;
  const content = await packResource(JSON.stringify(resource));
  return urls.map((url) => ({
    type,
    url,
    id: typeof id === 'string' ? id : file,
    ...(typeof version === 'string' ? { version } : {}),
    ...(typeof name === 'string' ? { name } : {}),
    constrains: constrainedType(type, resource),
    content,
  }));
}

function parsed(file: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
    return isRecord(value) ? { ...value } : {};
  } catch (error) {
    throw new UnusablePackage(`${file} in it is no JSON`, { cause: error });
  }
}

function urlsOf(type: string, { url, uniqueId }: Readonly<Record<string, unknown>>): string[] {
  if (typeof url === 'string') return [url];
  if (type !== 'NamingSystem' || !Array.isArray(uniqueId)) return [];
  const named = uniqueId.flatMap((each: unknown) => {
    if (!isRecord(each) || typeof each.value !== 'string') return [];
    if (each.type === 'oid') return [`urn:oid:${each.value.replace(/^urn:oid:/, '')}`];
    return each.type === 'uri' ? [each.value] : [];
  });
  return [...new Set(named)];
}

function constrainedType(type: string, { kind, derivation, type: constrained }: Readonly<Record<string, unknown>>): string | undefined {
  const isProfile = type === 'StructureDefinition' && kind === 'resource' && derivation === 'constraint';
  return isProfile && typeof constrained === 'string' ? constrained : undefined;
}
