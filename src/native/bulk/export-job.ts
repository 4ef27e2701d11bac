import type { AuditedAgent } from '../../audit/event.ts';
import { eventsOf, type Trail } from '../../audit/trail.ts';
import type { Access, AccessOfGrant } from '../../authorization/access.ts';
import type { Run, Work } from '../../bulk/runner.ts';
import { FhirError } from '../../fhir/error.ts';
import type { Call, Context } from '../../interactions/context.ts';
import { type ExportFormat, type ExportKind, exportKinds, exportText, type Page, pageOf } from './export-rows.ts';
import { grantFrom, type StoredGrant } from './stored-grant.ts';

/** What an export was asked to do, as it is kept. */
export type ExportAsked = {
  readonly resource: string;
  readonly format: ExportFormat;
  readonly grant: StoredGrant;
  readonly agent: AuditedAgent;
  readonly requestId: string;
};

/** How far an export is. `total`: the rows that it is about, as far as they could be counted. `kept`: bytes of the file on the disk. */
export type ExportProgress = { readonly rows: number; readonly total: number; readonly kept: number; readonly attempt: number };

/** Each attempt has a file of its own: who is late with the one before writes into none that counts. */
export const exportFile = (attempt: number): string => `export-${attempt}`;

export type ExportOptions = { readonly ctx: Context; readonly accessOfGrant: AccessOfGrant };

/** Exports into a sealed file. After a crash it begins anew: what a page showed then may have changed. */
export function exportWork({ ctx, accessOfGrant }: ExportOptions): Work {
  return async (run) => {
    const asked = run.job.asked as ExportAsked;
    const kind = exportKinds[asked.resource];
    if (kind === undefined) return 'resource_unknown';
    const before = run.job.progress as unknown as ExportProgress;
    const progress = { rows: 0, total: before.total, kept: 0, attempt: before.attempt + 1 };
    await run.note(ctx.pool, progress);
    const file = await run.job.write(exportFile(progress.attempt));
    try {
      const callOf = async (): Promise<Call> => callFor(asked, await accessOfGrant(grantFrom(asked.grant), run.job.createdAt));
      async function* pages(of: ExportKind): AsyncGenerator<Page> {
        let cursor: string | null = null;
        do {
          const page: Page = await pageOf({ ctx, call: await callOf() }, of, cursor);
          yield page;
          progress.rows += page.views.length;
          await noted(ctx, run, progress);
          cursor = page.next;
        } while (cursor !== null);
      }
      for await (const text of exportText(pages(kind), kind, asked.format)) await file.write(text);
      progress.kept = await file.flush();
      await run.note(ctx.pool, progress);
      await recordExport(ctx, callFor(asked).trail, asked, progress.rows);
      return undefined;
    } catch (error) {
      if (error instanceof FhirError && error.status === 403) return 'forbidden';
      throw error;
    } finally {
      await file.close();
    }
  };
}

async function noted(ctx: Context, { note, signal }: Run, progress: ExportProgress): Promise<void> {
  await note(ctx.pool, progress);
  if (signal.aborted) throw new Error('the process stops');
}

function callFor({ agent, requestId }: ExportAsked): { trail: Trail };
function callFor({ agent, requestId }: ExportAsked, access: Access): Call;
function callFor({ agent, requestId }: ExportAsked, access?: Access): object {
  return { access, lenient: false, trail: { agent, requestId, asked: { kind: 'export' } } };
}

/** The whole of it, beside the events of its pages. */
export async function recordExport(
  ctx: Context,
  trail: Trail,
  { resource, format }: Pick<ExportAsked, 'resource' | 'format'>,
  rows: number,
): Promise<void> {
  const details = { resource, format, rows: String(rows) };
  await ctx.audit.record(await eventsOf(ctx.audit, { ...trail, asked: { kind: 'export' } }, { code: 0, details }));
}
