import { type Difference, differencesOf, type Version } from '../../fhir/diff.ts';
import { FhirError } from '../../fhir/error.ts';
import type { Json } from '../../fhir/json.ts';
import { parseStored } from '../../interactions/document.ts';
import type { components } from '../api-types.ts';
import { askVersion } from '../ask.ts';
import type { NativeCall } from '../handler.ts';
import { filled, partOf } from '../parts.ts';
import type { VersionAt } from './event-view.ts';

export type Diff = NonNullable<components['schemas']['AuditEntry']['diff']>;

/** More of one change isn't told; `$diff` tells all. */
const changesMax = 200;

/** What a change changed, if the caller may read the version before and the one after; of the first version, all that it has. */
export async function diffOf(request: NativeCall, { type, id, version }: VersionAt): Promise<Diff | undefined> {
  const newer = await versionOf(request, type, id, version);
  const older =
    version === 1 ? { value: { resourceType: type, id }, decimals: new Map() } : await versionOf(request, type, id, version - 1);
  if (newer === undefined || older === undefined) return undefined;
  const all = differencesOf(older, newer, request.ctx.definitions.schema);
  const changes = all.slice(0, changesMax).map(changeOf);
  return filled({
    old_version: version === 1 ? undefined : version - 1,
    new_version: version,
    changes,
    is_cut: all.length > changesMax ? true : undefined,
  }) as Diff;
}

function changeOf({ path, before, after }: Difference): Diff['changes'][number] {
  return filled({ path, before: before?.value ?? before?.extras, after: after?.value ?? after?.extras }) as Diff['changes'][number];
}

/** What may not be seen, was never there or was a deletion is not compared. */
async function versionOf(request: NativeCall, type: string, id: string, version: number): Promise<Version | undefined> {
  try {
    const { body, asStored = body ?? '{}' } = await askVersion(request, type, id, version);
    const { value, decimals } = parseStored(Buffer.from(asStored));
    const resource = value as { [name: string]: Json };
    const { versionId: _, lastUpdated: __, ...meta } = partOf(resource.meta) ?? {};
    return { value: { ...resource, meta }, decimals };
  } catch (error) {
    if (error instanceof FhirError && [403, 404, 410].includes(error.status)) return undefined;
    throw error;
  }
}
