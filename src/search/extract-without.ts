import { type Extracted, type Extractor } from './extract.ts';
import { isRecord } from './sink.ts';
import { localTarget } from './types/reference.ts';

/** What can be found of a resource once these patients (ids) are left out of it. */
export type ExtractWithout = (json: Buffer, type: string, id: string, patients: ReadonlySet<string>) => Extracted;

/**
 * Makes the function that extracts from a resource as if it didn't name some patients: every reference to one is left out whole,
 * with the identifier and the display beside it, and in a Bundle the patient himself.
 */
export function makeExtractWithout(extract: Extractor, base: string): ExtractWithout {
  return (json, type, id, patients) => {
    const resource: unknown = JSON.parse(json.toString('utf8'));
    const without = patients.size === 0 ? resource : withoutPatients(resource, base, patients);
    return extract(isRecord(without) ? without : {}, type, id);
  };
}

function withoutPatients(value: unknown, base: string, patients: ReadonlySet<string>): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutPatients(item, base, patients)).filter((item) => item !== undefined);
  if (!isRecord(value)) return value;
  if (tellsOf(value, base, patients)) return undefined;
  const kept: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    const without = withoutPatients(member, base, patients);
    if (without !== undefined) kept[name] = without;
  }
  return kept;
}

function tellsOf(value: Readonly<Record<string, unknown>>, base: string, patients: ReadonlySet<string>): boolean {
  const target = localTarget(value, base);
  if (target?.type === 'Patient' && patients.has(target.id)) return true;
  return value.resourceType === 'Patient' && typeof value.id === 'string' && patients.has(value.id);
}
