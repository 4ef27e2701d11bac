import { isRecord } from '../../search/sink.ts';
import type { PackageHead } from '../../storage/packages.ts';

/** A package that isn't one, or none for this server; the message says what is wrong with it. */
export class UnusablePackage extends Error {
  override readonly name = 'UnusablePackage';
}

export const packageName = /^(?!.*\.\.)[A-Za-z\d][\w.-]{0,213}$/;
export const packageVersion = /^[\w.+-]{1,128}$/;

/**
 * Reads a package's manifest.
 *
 * @throws UnusablePackage if it is no manifest, or that of a package for another version of FHIR
 * @see    https://confluence.hl7.org/display/FHIR/NPM+Package+Specification
 */
export function readManifest(text: string): PackageHead {
  const manifest = parsed(text);
  const { name, version, title, canonical } = manifest;
  if (typeof name !== 'string' || !packageName.test(name)) throw new UnusablePackage('its package.json has no usable name');
  if (typeof version !== 'string' || !packageVersion.test(version)) throw new UnusablePackage('its package.json has no usable version');
  const dependencies = textsOf(manifest.dependencies);
  assertForR4(manifest, dependencies);
  return {
    name,
    version,
    dependencies,
    ...(typeof title === 'string' ? { title } : {}),
    ...(typeof canonical === 'string' ? { canonical } : {}),
  };
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (isRecord(value)) return value;
  } catch (error) {
    throw new UnusablePackage('its package.json is no JSON', { cause: error });
  }
  throw new UnusablePackage('its package.json holds no object');
}

function assertForR4(manifest: Readonly<Record<string, unknown>>, dependencies: Readonly<Record<string, string>>): void {
  const said = [manifest.fhirVersions, manifest['fhir-version-list'], manifest.fhirVersion].flat();
  const versions = said.filter((version) => typeof version === 'string');
  if (versions.some((version) => /^4\.0(?:\.|$)/.test(version))) return;
  if (versions.length > 0) throw new UnusablePackage(`it is for FHIR ${versions.join(', ')}; this server is of FHIR 4.0.1`);
  if (!Object.hasOwn(dependencies, 'hl7.fhir.r4.core')) {
    throw new UnusablePackage('it does not say which version of FHIR it is for: its package.json needs fhirVersions');
  }
}

function textsOf(value: unknown): Record<string, string> {
  if (!isRecord(value)) return {};
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}
