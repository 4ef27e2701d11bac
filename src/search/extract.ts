import { makeTokenSet } from '../encryption/token-set.ts';
import type { TokenKey } from '../encryption/token.ts';
import type { Facts } from '../storage/rows.ts';
import { containedIn, containsParts, insideTokens } from './contained.ts';
import type { Registry, SearchElement, TypeSearch } from './registry.ts';
import { isRecord, type Sink, textOf } from './sink.ts';
import { extractItem } from './types/composite.ts';
import { extractDate, intervalOf } from './types/date.ts';
import { isBlindDate } from './types/blind-date.ts';
import { extractFullText } from './types/full-text.ts';
import { normalise } from './types/normalise.ts';
import { extractQuantity } from './types/quantity.ts';
import { extractReference, keyedPatient, localTarget, refKeyOf, targetTexts } from './types/reference.ts';
import { extractSpecial } from './types/special.ts';
import { extractString, sortBucket, stringParts } from './types/string.ts';
import { extractToken } from './types/token.ts';
import { extractText } from './types/token-text.ts';
import { extractUri } from './types/uri.ts';

/** All that a search can ask of one resource, and whose data it is. */
export type Extracted = {
  readonly refKey: bigint;
  readonly tokens: Buffer;
  readonly facts: Facts;
  readonly patient: bigint | null;
  readonly clinicalAt: number | null;
  /** Local Patients that any reference in the resource names, as `refKey` to id: they own the key it is sealed with. */
  readonly owners: ReadonlyMap<bigint, string>;
};

export type Extractor = (resource: Readonly<Record<string, unknown>>, type: string, id: string) => Extracted;

export type ExtractorOptions = {
  readonly registry: Registry;
  readonly key: TokenKey;
  readonly base: string;
  /** The words of all texts are indexed too. */
  readonly fullText?: boolean;
};

/** Makes the function that turns resources into facts. It holds one token set, so it belongs to one thread and is not reentrant. */
export function makeExtractor(options: ExtractorOptions): Extractor {
  const { registry, key, base, fullText = false } = options;
  const tokens = makeTokenSet(key);
  const extract: Extractor = (resource, type, id) => {
    const search = registry.of(type);
    const facts = { dates: [], quantities: [], references: [], sorts: [] };
    const sink: Sink = { tokens, facts, key, base };
    extractFound(search, resource, sink, fullText);
    for (const inner of containedIn(resource, registry)) {
      tokens.add(containsParts(inner.type));
      // Facts have no place for whose they are: what they would tell is asked of the opened resource.
      const inside = { tokens: insideTokens(tokens), facts: { dates: [], quantities: [], references: [], sorts: [] }, key, base };
      extractFound(registry.of(inner.type), inner.resource, inside, fullText);
    }
    addCompartments(search, resource, id, sink);
    if (type === 'Binary') addSecurityContext(resource, sink);
    const owners = ownersOf(resource, type, id, sink);
    for (const owner of owners.values()) tokens.add(ownerParts(owner));
    return {
      refKey: refKeyOf(key, type, id),
      tokens: tokens.take(),
      facts,
      patient: patientOf(search, resource, sink),
      clinicalAt: clinicalAtOf(search, resource),
      owners,
    };
  };
  return (resource, type, id) => {
    try {
      return extract(resource, type, id);
    } catch (error) {
      tokens.take(); // What was collected so far must not end up among the next resource's.
      throw error;
    }
  };
}

/** Leaves all that a resource is found by but for whose it is. */
function extractFound({ elements, items }: TypeSearch, resource: object, sink: Sink, fullText: boolean): void {
  for (const element of elements) extractElement(element, resource, sink);
  for (const item of items) extractItem(item, resource, sink);
  if (fullText) extractFullText(resource, sink);
}

function extractElement(element: SearchElement, resource: object, sink: Sink): void {
  let found = false;
  element.each(resource, (value, type) => {
    found = true;
    if (!element.inWhole) extractValue(element, value, type, sink);
  });
  if (!found) return;
  sink.tokens.add(['p', element.path]);
  if (element.kind === 'string' && element.audited === undefined) addSortBuckets(element, resource, sink);
}

/** Leaves one value's tokens and facts. */
export function extractValue(element: SearchElement, value: unknown, type: string, sink: Sink): void {
  switch (element.kind) {
    case 'token':
      extractToken(element, value, type, sink);
      return extractText(element, value, type, sink);
    case 'string':
      return extractString(element, value, type, sink);
    case 'reference':
      return extractReference(element, value, sink);
    case 'date':
      return element.audited === 'column' ? undefined : extractDate(element, value, type, sink);
    case 'number':
    case 'quantity':
      return extractQuantity(element, value, type, sink);
    case 'uri':
      return extractUri(element, value, type, sink);
    case 'special':
      return extractSpecial(element, value, type, sink);
    case 'composite':
      return; // Not elements of their own: their values are extracted as pairs.
  }
}

function addSortBuckets(element: SearchElement, resource: object, sink: Sink): void {
  const sorted = sortedParts(element, resource);
  const [first] = sorted;
  const last = sorted.at(-1);
  if (first !== undefined && last !== undefined)
    sink.facts.sorts.push({ param: element.number, low: sortBucket(first), high: sortBucket(last) });
}

/** The normalised strings of an element in code point order: what it sorts by. */
export function sortedParts(element: SearchElement, resource: object): string[] {
  const parts: string[] = [];
  element.each(resource, (value, type) => {
    for (const part of stringParts(value, type)) parts.push(normalise(part));
  });
  return parts.sort(byCodePoint);
}

/** UTF-16 order differs from code point order only where surrogates meet the top of the basic plane. */
export function byCodePoint(a: string, b: string): number {
  for (let at = 0; at < a.length && at < b.length; at++) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (left !== right) return placeOfUnit(left) - placeOfUnit(right);
  }
  return a.length - b.length;
}

const placeOfUnit = (unit: number): number => (unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit);

/** A compartment's token: the resource is a member, by a reference or because it is the compartment's own resource. */
export function compartmentParts(compartment: string, id: string): string[] {
  return ['k', compartment, id];
}

/** The same among the resources of a type: audit events name Patients by their keys. */
export function compartmentPartsIn(type: string, compartment: string, id: string, key: Sink['key']): string[] {
  const keyed = type === 'AuditEvent' && compartment === 'Patient';
  return keyed ? keyedCompartmentParts(refKeyOf(key, compartment, id)) : compartmentParts(compartment, id);
}

export function keyedCompartmentParts(refKey: bigint): string[] {
  return ['k', keyedPatient(refKey)];
}

/** An owner's token: erasure finds by it all that is sealed with the patient's key. */
export function ownerParts(patient: string): string[] {
  return ['o', patient];
}

/** Leaves a token for each compartment that the resource is in. */
export function addCompartments(search: TypeSearch, resource: object, id: string, sink: Sink): void {
  if (compartmentTypes.has(search.type)) sink.tokens.add(compartmentParts(search.type, id));
  for (const { compartment, element } of search.compartments) {
    element.each(resource, (value) => {
      const target = localTarget(value, sink.base);
      if (target?.type === compartment) sink.tokens.add(compartmentPartsIn(search.type, compartment, target.id, sink.key));
    });
  }
}

export const securityContextPath = 'Binary.securityContext';

/** Who may see a Binary follows from what it names, though nothing is searched by it. @see https://hl7.org/fhir/R4/binary.html#security */
function addSecurityContext(binary: Readonly<Record<string, unknown>>, sink: Sink): void {
  for (const target of targetTexts(binary.securityContext, sink.base)) sink.tokens.add(['r', securityContextPath, target]);
}

const compartmentTypes = new Set(['Patient', 'Encounter', 'Practitioner', 'RelatedPerson', 'Device']);

/** The only Patient of the type's patient parameter, else null. */
function patientOf(search: TypeSearch, resource: object, sink: Sink): bigint | null {
  const patients = new Set<string>();
  for (const element of search.patientElements) {
    element.each(resource, (value) => {
      const target = localTarget(value, sink.base);
      if (target?.type === 'Patient') patients.add(target.id);
    });
  }
  const [only] = patients;
  return patients.size === 1 && only !== undefined ? refKeyOf(sink.key, 'Patient', only) : null;
}

function clinicalAtOf(search: TypeSearch, resource: object): number | null {
  let earliest: number | null = null;
  for (const { element } of search.mainDate?.elements ?? []) {
    if (isBlindDate(element.path)) continue;
    element.each(resource, (value, type) => {
      const interval = intervalOf(value, type);
      // What has no start began before all that has one, as by its fact.
      if (interval !== undefined && (earliest === null || interval.lo < earliest)) earliest = interval.lo;
    });
  }
  return earliest;
}

/**
 * Every Patient a reference anywhere in the resource names, contained resources and extensions included, and itself if it is
 * one; of a stored Bundle also the Patients among its entries.
 */
function ownersOf(resource: unknown, type: string, id: string, sink: Sink): Map<bigint, string> {
  const ids = new Set<string>(type === 'Patient' ? [id] : []);
  collectPatients(resource, sink.base, ids);
  if (type === 'Bundle') for (const patient of bundledPatients(resource)) ids.add(patient);
  return new Map([...ids].map((patient) => [refKeyOf(sink.key, 'Patient', patient), patient]));
}

function bundledPatients(bundle: unknown): string[] {
  const entries = isRecord(bundle) && Array.isArray(bundle.entry) ? bundle.entry : [];
  return entries.flatMap((entry) => {
    const resource = isRecord(entry) && isRecord(entry.resource) ? entry.resource : {};
    return resource.resourceType === 'Patient' ? (textOf(resource.id) ?? []) : [];
  });
}

function collectPatients(value: unknown, base: string, ids: Set<string>): void {
  if (Array.isArray(value)) {
    for (const item of value) collectPatients(item, base, ids);
    return;
  }
  if (!isRecord(value)) return;
  for (const name in value) {
    const member = value[name];
    if (name === 'reference' && typeof member === 'string') {
      const target = member.includes('Patient/') ? localTarget(member, base) : undefined;
      if (target?.type === 'Patient') ids.add(target.id);
    } else if (typeof member === 'object') collectPatients(member, base, ids);
  }
}
