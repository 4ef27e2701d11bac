import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Config } from '../../config.ts';

/** Who runs this server, for apps that let patients choose their provider: a Bundle of Organizations and Endpoints. */
export type Brands = {
  readonly text: string;
  /** Weak: what it says, not when it was said. */
  readonly etag: string;
  /** Of the one Organization that is this server's. */
  readonly identifier: Identifier;
};

type Identifier = { readonly system: string; readonly value: string };

type Resource = Readonly<Record<string, unknown>>;

const identifierSystem = 'urn:ietf:rfc:3986';
const bytesMax = 5_000_000;

/**
 * Reads BRANDS_FILE, or makes up the little that the configuration tells.
 *
 * @throws Error where the file is no such Bundle, or more or fewer than one of its Organizations is this server's
 * @see    https://hl7.org/fhir/smart-app-launch/brands.html
 */
export async function loadBrands({ brandsFile, baseUrl }: Pick<Config, 'brandsFile' | 'baseUrl'>): Promise<Brands> {
  if (brandsFile === undefined) return brandsOf(plainBundle(baseUrl, new Date()), baseUrl);
  try {
    const text = await readFile(brandsFile, 'utf8');
    if (text.length > bytesMax) throw new Error('it is too long');
    return brandsOf(JSON.parse(text), baseUrl);
  } catch (error) {
    throw new Error(`BRANDS_FILE, ${brandsFile}: ${error instanceof Error ? error.message : 'it cannot be read'}`, { cause: error });
  }
}

export function brandsOf(bundle: unknown, baseUrl: string): Brands {
  if (!isRecord(bundle) || bundle['resourceType'] !== 'Bundle' || bundle['type'] !== 'collection')
    throw new Error('it is no Bundle of the type collection');
  const { timestamp } = bundle;
  if (typeof timestamp !== 'string' || Number.isNaN(Date.parse(timestamp))) throw new Error('it has no timestamp');
  const resources = recordsOf(bundle['entry']).map(({ resource }) => resource);
  const others = resources.filter((each) => !isRecord(each) || !['Organization', 'Endpoint'].includes(String(each['resourceType'])));
  if (others.length > 0) throw new Error('it holds more than Organizations and Endpoints');
  return { text: JSON.stringify(bundle), etag: etagOf(bundle), identifier: ownIdentifier(resources.filter(isRecord), baseUrl) };
}

/** The brand that has the Endpoint at our base, by an identifier that no other has. */
function ownIdentifier(resources: readonly Resource[], baseUrl: string): Identifier {
  const ofType = (type: string): readonly Resource[] => resources.filter(({ resourceType }) => resourceType === type);
  const references = ofType('Endpoint')
    .filter(({ address }) => address === baseUrl || address === `${baseUrl}/`)
    .map(({ id }) => `Endpoint/${String(id)}`);
  const own = ofType('Organization').filter(
    ({ endpoint, partOf }) =>
      partOf === undefined &&
      recordsOf(endpoint).some(({ reference }) => references.includes(String(reference).split('/').slice(-2).join('/'))),
  );
  const [first, ...more] = own.flatMap(identifiersOf);
  if (first === undefined || more.length > 0)
    throw new Error(
      `one Organization that is part of no other, with one identifier of ${identifierSystem}, has to have the Endpoint ${baseUrl}`,
    );
  if (
    ofType('Organization')
      .flatMap(identifiersOf)
      .filter(({ value }) => value === first.value).length > 1
  )
    throw new Error(`more than one Organization has the identifier ${first.value}`);
  return first;
}

function identifiersOf({ identifier }: Resource): Identifier[] {
  return recordsOf(identifier).flatMap(({ system, value }) =>
    system === identifierSystem && typeof value === 'string' ? [{ system, value }] : [],
  );
}

function etagOf({ timestamp: _when, ...said }: Resource): string {
  return `W/"${hash('sha256', JSON.stringify(said), 'base64url').slice(0, 22)}"`;
}

function plainBundle(baseUrl: string, now: Date): Resource {
  const { origin, host } = new URL(baseUrl);
  const organization = {
    resourceType: 'Organization',
    id: 'brand',
    identifier: [{ system: identifierSystem, value: origin }],
    active: true,
    name: host,
    telecom: [{ system: 'url', value: origin }],
    endpoint: [{ reference: 'Endpoint/fhir' }],
  };
  const endpoint = {
    resourceType: 'Endpoint',
    id: 'fhir',
    extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/endpoint-fhir-version', valueCode: '4.0.1' }],
    status: 'active',
    connectionType: { system: 'http://terminology.hl7.org/CodeSystem/endpoint-connection-type', code: 'hl7-fhir-rest' },
    name: `FHIR R4 at ${host}`,
    contact: [{ system: 'url', value: origin }],
    payloadType: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/endpoint-payload-type', code: 'none' }] }],
    address: baseUrl,
  };
  const entry = [organization, endpoint].map((resource) => ({
    fullUrl: `${origin}/brands/${resource.resourceType}/${resource.id}`,
    resource,
  }));
  return { resourceType: 'Bundle', type: 'collection', timestamp: now.toISOString(), entry };
}

function recordsOf(value: unknown): Resource[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function isRecord(value: unknown): value is Resource {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
