import { NativeError } from '../error.ts';
import type { NativeAnswer, NativeCall, NativeHandler } from '../handler.ts';
import { askOperation, askSearch } from '../ask.ts';
import { parsed } from '../view.ts';
import { type ExportAsked, exportFile, type ExportProgress, recordExport } from './export-job.ts';
import { type ExportFormat, type ExportKind, exportKinds, exportText, exportTypes, type Page, pageOf } from './export-rows.ts';
import { cancelled, discardUnlessTaken, jobFields, jobOf, noRoom, submitted } from './import.ts';
import { storedGrant } from './stored-grant.ts';
import { streamed } from './streamed.ts';

export const exportHandlers = {
  exportNow,
  startExport: start,
  getExport: (request) => askOperation(request, 'export-job', () => show(request)),
  getExportFile: showFile,
  cancelExport: (request) => askOperation(request, 'export-cancel', () => cancelled(request, 'export')),
} as const satisfies Record<string, NativeHandler>;

function askedBy({ parameters }: NativeCall): { kind: ExportKind; resource: string; format: ExportFormat } {
  const { resource = 'patients', format = 'ndjson' } = parameters.query;
  const kind = exportKinds[String(resource)];
  if (kind === undefined) throw new NativeError('invalid_request', 'There is nothing to export.');
  return { kind, resource: String(resource), format: format as ExportFormat };
}

/** Rows as they are found, a page at a time. */
async function exportNow(request: NativeCall): Promise<NativeAnswer> {
  const { kind, resource, format } = askedBy(request);
  const { ctx, call } = request;
  const most = ctx.config.exportRowsMax;
  const count = await countOf(request, kind);
  if (count === undefined || count > most)
    throw new NativeError('too_large', `More than ${most} rows are exported by a job: POST /export.`);
  // Before the status is sent: who may not ask is refused.
  const first = await pageOf(request, kind, null);
  async function* pages(): AsyncGenerator<Page> {
    let rows = 0;
    let page = first;
    try {
      for (;;) {
        rows += page.views.length;
        yield page;
        if (page.next === null) break;
        page = await pageOf(request, kind, page.next);
      }
    } finally {
      // Who goes away before the end has what was sent until then.
      await recordExport(ctx, call.trail, { resource, format }, rows);
    }
  }
  return streamed(exportText(pages(), kind, format), exportTypes[format], `${resource}.${format}`);
}

/** Undefined: they are too many to be counted in time. */
async function countOf(request: NativeCall, kind: ExportKind): Promise<number | undefined> {
  const bundle = parsed(await askSearch(request, { type: kind.type }, [...kind.shows, ['_summary', 'count']]));
  return typeof bundle.total === 'number' ? bundle.total : undefined;
}

async function start(request: NativeCall): Promise<NativeAnswer> {
  const { kind, resource, format } = askedBy(request);
  const { call, grant, requestId, services } = request;
  call.access.permit('s', kind.type);
  if (!(await services.jobs.hasRoom())) throw noRoom();
  const total = (await countOf(request, kind)) ?? 0;
  const asked: ExportAsked = { resource, format, grant: storedGrant(grant), agent: call.trail.agent, requestId };
  const begins: ExportProgress = { rows: 0, total, kept: 0, attempt: 0 };
  const draft = await services.jobs.draft();
  try {
    return await submitted(request, draft, 'export', asked, begins);
  } catch (error) {
    await discardUnlessTaken(services.jobs, draft, error);
    throw error;
  }
}

async function show(request: NativeCall): Promise<NativeAnswer> {
  const job = await jobOf(request, 'export');
  const { resource, format } = job.asked as ExportAsked;
  const { rows, total } = job.progress as unknown as ExportProgress;
  const isDone = job.state === 'done';
  const percent = isDone ? 100 : total === 0 ? 0 : Math.min(99, Math.floor((100 * rows) / total));
  const file = isDone ? `/api/v1/export/${job.id}/file` : null;
  return { status: 200, body: { ...jobFields(job), resource, format, percent, rows, file } };
}

async function showFile(request: NativeCall): Promise<NativeAnswer> {
  const job = await jobOf(request, 'export');
  if (job.state !== 'done') throw new NativeError('conflict', 'The export is not done.', { headers: { 'retry-after': '5' } });
  const { resource, format } = job.asked as ExportAsked;
  const { kept, rows, attempt } = job.progress as unknown as ExportProgress;
  // Who may see these rows no more gets none of them.
  request.call.access.permit('s', exportKinds[resource]?.type ?? 'Patient');
  await recordExport(request.ctx, request.call.trail, { resource, format }, rows);
  return streamed(job.read(exportFile(attempt), kept), exportTypes[format], `${resource}.${format}`);
}
