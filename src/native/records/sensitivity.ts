import { type Part, partOf, partsOf, textOf } from '../parts.ts';
import type { Resource } from '../view.ts';

export type Sensitivity = 'normal' | 'restricted';

/** @see https://terminology.hl7.org/CodeSystem-v3-Confidentiality.html */
const confidentiality = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';
export const restrictedLabel = { system: confidentiality, code: 'R' } as const;
/** `V`, very restricted, is more than we write: an EHR's, it stays as long as the record is restricted. */
const restricting = new Set(['R', 'V']);

/** Under whatever system it stands, as it takes rows away. */
const isRestricting = ({ code }: Part): boolean => restricting.has(textOf(code) ?? '');

export function sensitivityOf(resource: Resource): Sensitivity {
  return partsOf(partOf(resource.meta)?.security).some(isRestricting) ? 'restricted' : 'normal';
}

/** The meta with the label that says so; all other labels, profiles and tags stay. Undefined where nothing is in it. */
export function withSensitivity(meta: Part | undefined, sensitivity: Sensitivity): Part | undefined {
  const { security, ...rest } = meta ?? {};
  const labels = partsOf(security);
  const others = labels.filter((label) => !isRestricting(label));
  const isRestricted = labels.length > others.length;
  const next = sensitivity === 'normal' ? others : isRestricted ? labels : [...labels, restrictedLabel];
  const all: Part = next.length === 0 ? rest : { ...rest, security: next };
  return Object.keys(all).length === 0 ? undefined : all;
}
