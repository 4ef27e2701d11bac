import { type Answer, bundleOf, type Foreign, must } from './client.ts';
import type { Moved } from './drive.ts';

export function moved(answer: Answer, resources: number): Moved {
  return { resources, bytes: answer.text.length };
}

export function matches(answer: Answer): Foreign[] {
  const bundle = bundleOf(answer, 200);
  must(bundle.resourceType === 'Bundle' && bundle.type === 'searchset', `not a searchset: ${bundle.resourceType} ${bundle.type}`);
  return (bundle.entry ?? []).flatMap(({ resource, search }) => (resource === undefined || search?.mode === 'outcome' ? [] : [resource]));
}
