import type { Resource } from './coding.ts';
import type { Random } from './random.ts';

export type BundleEntry = {
  readonly fullUrl: string;
  readonly resource: Resource;
  readonly request: { readonly method: 'POST'; readonly url: string; readonly ifNoneExist?: string };
};

/** The entries of one transaction in the making. */
export type Transaction = {
  readonly entries: BundleEntry[];
  /** What others refer to a resource by that is added later. */
  reserve(): string;
  /** Adds a resource to create; returns what others refer to it by. */
  add(resource: Resource, reserved?: string): string;
};

export function makeTransaction(random: Random): Transaction {
  const entries: BundleEntry[] = [];
  const reserve = (): string => `urn:uuid:${random.uuid()}`;
  return {
    entries,
    reserve,
    add: (resource, fullUrl = reserve()) => {
      entries.push({ fullUrl, resource, request: { method: 'POST', url: resource.resourceType } });
      return fullUrl;
    },
  };
}

/** An entry that creates its resource only if nothing matches the criteria. @see https://hl7.org/fhir/R4/http.html#ccreate */
export function createIfNone(resource: Resource, ifNoneExist: string, random: Random): BundleEntry {
  return { fullUrl: `urn:uuid:${random.uuid()}`, resource, request: { method: 'POST', url: resource.resourceType, ifNoneExist } };
}

/** A transaction Bundle as one line of NDJSON, without its line end. */
export function writeTransaction(entries: readonly BundleEntry[]): string {
  return JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry: entries });
}
