import { render } from '../../interactions/document.ts';
import { askRecord } from '../ask.ts';
import type { NativeAnswer, NativeCall } from '../handler.ts';
import { listed } from '../view.ts';

/** The patient's whole record, now or as it was: FHIR resources, a page at a time. */
export async function listRecord(request: NativeCall): Promise<NativeAnswer> {
  const { path, query } = request.parameters;
  const { limit = 20, cursor, as_of: asOf } = query;
  const { rows, next } = await askRecord(request, path.id ?? '', {
    count: Number(limit),
    ...(asOf === undefined ? {} : { asOf: new Date(String(asOf)).toISOString() }),
    ...(cursor === undefined ? {} : { cursor: String(cursor) }),
  });
  const data = rows.map((row) => ({
    resource_type: row.type,
    id: row.id,
    version: row.version,
    updated_at: row.lastUpdated,
    resource: JSON.parse(render(row.json, row).toString()) as object,
  }));
  return listed(request, data, next ?? null, undefined);
}
