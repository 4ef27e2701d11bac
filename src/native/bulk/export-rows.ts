import { stringify } from 'csv-stringify/sync';
import { writeCell } from '../../bulk/cells.ts';
import type { Call, Context } from '../../interactions/context.ts';
import type { Pairs } from '../../interactions/search.ts';
import { askSearch } from '../ask.ts';
import { interactionView } from '../interactions/interaction-view.ts';
import { withCreated } from '../patients/created.ts';
import { patientView } from '../patients/patient-view.ts';
import { entriesOf, nextOf, parsed, type Resource } from '../view.ts';

export type ExportFormat = 'csv' | 'json' | 'ndjson';

/** What can be exported. */
export type ExportKind = {
  readonly type: string;
  readonly shows: Pairs;
  readonly toViews: (ctx: Context, resources: readonly Resource[]) => Promise<readonly object[]>;
  /** Of CSV: paths into the view. */
  readonly columns: readonly string[];
};

const patientExport: ExportKind = {
  type: patientView.type,
  shows: patientView.shows,
  toViews: (ctx, resources) => withCreated({ ctx }, resources.map(patientView.toView)),
  columns: [
    'patient_id',
    'given_name',
    'middle_name',
    'family_name',
    'date_of_birth',
    'sex_at_birth',
    'gender_identity',
    'gender_identity_text',
    'email',
    'phone_e164',
    'address.line1',
    'address.line2',
    'address.city',
    'address.state_province',
    'address.postal_code',
    'address.country',
    'emergency_contact.name',
    'emergency_contact.phone_e164',
    'emergency_contact.relationship',
    'preferred_language',
    'consent_to_contact',
    'created_at',
    'updated_at',
    'version',
  ],
};

const interactionExport: ExportKind = {
  type: interactionView.type,
  shows: interactionView.shows,
  toViews: (_ctx, resources) => Promise.resolve(resources.map(interactionView.toView)),
  columns: [
    'interaction_id',
    'patient_id',
    'provider_id',
    'type',
    'setting',
    'started_at',
    'ended_at',
    'note',
    'outcome',
    'outcome_label',
    'status',
    'updated_at',
    'version',
  ],
};

export const exportKinds: Readonly<Record<string, ExportKind>> = { patients: patientExport, interactions: interactionExport };

export type Page = { readonly views: readonly object[]; readonly next: string | null };

const pageRows = 200;

/** A page of what the caller may see, in the order it was stored. */
export async function pageOf({ ctx, call }: { ctx: Context; call: Call }, kind: ExportKind, cursor: string | null): Promise<Page> {
  const pairs: [string, string][] = kind.shows.map(([name, value]) => [name, value]);
  pairs.push(['_count', String(Math.min(pageRows, ctx.config.pageSizeMax))]);
  if (cursor !== null) pairs.push(['_page', cursor]);
  const bundle = parsed(await askSearch({ ctx, call }, { type: kind.type }, pairs));
  const resources = entriesOf(bundle).filter(({ resourceType }) => resourceType === kind.type);
  return { views: await kind.toViews(ctx, resources), next: nextOf(bundle) };
}

/** The text of pages as they come: never more than one of them in memory. */
export async function* exportText(
  pages: AsyncIterable<Page>,
  { columns }: ExportKind,
  format: ExportFormat,
): AsyncGenerator<Buffer, void, undefined> {
  let count = 0;
  if (format === 'csv') yield Buffer.from(stringify([columns], csv));
  for await (const { views } of pages) {
    if (views.length === 0) continue;
    if (format === 'csv')
      yield Buffer.from(
        stringify(
          views.map((view) => columns.map((path) => cellOf(view, path))),
          csv,
        ),
      );
    else if (format === 'ndjson') yield Buffer.from(views.map((view) => `${JSON.stringify(view)}\n`).join(''));
    else yield Buffer.from((count === 0 ? '[\n' : ',\n') + views.map((view) => JSON.stringify(view)).join(',\n'));
    count += views.length;
  }
  if (format === 'json') yield Buffer.from(count === 0 ? '[]\n' : '\n]\n');
}

// By itself it would quote what holds the whole delimiter only.
const csv = { record_delimiter: '\r\n', quoted_match: /[\r\n]/ };

function cellOf(view: object, path: string): string {
  let value: unknown = view;
  for (const name of path.split('.'))
    value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  return typeof value === 'string' ? writeCell(value) : typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

export const exportTypes: Readonly<Record<ExportFormat, string>> = {
  csv: 'text/csv; charset=utf-8; header=present',
  ndjson: 'application/x-ndjson',
  json: 'application/json',
};
