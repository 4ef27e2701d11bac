import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { attachmentAuthor } from '../../authorization/rights/policy.ts';
import { askRead, askRemove } from '../ask.ts';
import { NativeError } from '../error.ts';
import { invalid } from '../existing.ts';
import type { NativeAnswer, NativeCall } from '../handler.ts';
import { partOf, resourceFrom, textOf } from '../parts.ts';
import { type Change, transact } from '../transact.ts';
import { notFound, parsed, readShown, type Resource, writtenOnce } from '../view.ts';
import { attachmentIn, binaryIn, inBinary } from './attachment-view.ts';
import { assertFile } from './file-check.ts';
import { readRecord, recordAt } from './read-record.ts';
import { type Sensitivity, sensitivityOf, withSensitivity } from './sensitivity.ts';

export type File = { readonly contentType: string; readonly content: Buffer };

/** A file that was sent, checked. @throws NativeError 413, 422 */
export async function fileOf({ ctx }: NativeCall, contentType: string, content: Buffer): Promise<File> {
  const most = ctx.config.attachmentMib * 1_048_576;
  if (content.length > most) throw new NativeError('too_large', `A file has at most ${ctx.config.attachmentMib} MiB.`);
  if (content.length === 0) throw invalid([{ field: 'attachment', code: 'required', message: 'The file is empty.' }]);
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  await assertFile(content, type);
  return { contentType: type, content };
}

/** What writes a document and its file, all or nothing. The file it had goes. */
export function withFile(document: Resource, file: File, before: Resource | undefined, ifMatch?: string): Change[] {
  const fullUrl = `urn:uuid:${randomUUID()}`;
  const resource = inBinary(document, fullUrl, { contentType: file.contentType, size: file.content.length });
  const first: Change =
    before === undefined
      ? { method: 'POST', url: 'DocumentReference', resource }
      : { method: 'PUT', url: `DocumentReference/${textOf(document.id)}`, resource, ...(ifMatch === undefined ? {} : { ifMatch }) };
  const old = binaryIn(before);
  return [
    first,
    { method: 'POST', url: 'Binary', fullUrl, resource: binaryOf(document, file) },
    ...(old === undefined ? [] : [{ method: 'DELETE', url: `Binary/${old}` } as const]),
  ];
}

/** It belongs to the patient, and is as sensitive as its document. */
function binaryOf(document: Resource, { contentType, content }: File): Resource {
  const authors = (document.author as readonly { reference?: string }[] | undefined) ?? [];
  const author = authors.flatMap(({ reference = '' }) => /^Practitioner\/(.+)$/.exec(reference)?.[1] ?? [])[0];
  const meta = author === undefined ? undefined : { tag: [{ system: attachmentAuthor, code: author }] };
  return resourceFrom({
    resourceType: 'Binary',
    meta: withSensitivity(meta, sensitivityOf(document)),
    contentType,
    securityContext: document.subject,
    data: content.toString('base64'),
  });
}

/** What makes the file of a document as sensitive as the document becomes; none where it is so already. */
export async function labelledFile(request: NativeCall, document: Resource, sensitivity: Sensitivity): Promise<Change[]> {
  const id = binaryIn(document);
  if (id === undefined) return [];
  const answer = await askRead(request, 'Binary', id);
  const binary = parsed(answer);
  if (sensitivityOf(binary) === sensitivity) return [];
  const resource = resourceFrom({ ...binary, meta: withSensitivity(partOf(binary.meta), sensitivity) });
  return [{ method: 'PUT', url: `Binary/${id}`, resource, ifMatch: `W/"${answer.stamp?.version}"` }];
}

/** `POST /patients/{id}/records/{record_id}/attachment`: the file of a document, as it is. */
export async function upload(request: NativeCall): Promise<NativeAnswer> {
  const { sent } = request;
  const { view, id, kind } = recordAt(request);
  if (kind !== 'document') throw notFound(view.name);
  return writtenOnce(view, request, 200, async () => {
    if (sent === undefined) throw new NativeError('invalid_request', 'This operation needs a body.');
    const answer = await readRecord(request);
    const before = parsed(answer);
    const file = await fileOf(request, sent.mediaType, sent.content);
    const ifMatch = request.parameters.header['if-match'] ?? `W/"${answer.stamp?.version}"`;
    const [written] = await transact(request, withFile({ ...before, id }, file, before, ifMatch));
    return written ?? { status: 200 };
  });
}

/** `GET …/attachment`: never shown by a browser as a page, and never as another type than it is. */
export async function download(request: NativeCall): Promise<NativeAnswer> {
  const { view, kind } = recordAt(request);
  if (kind !== 'document') throw notFound(view.name);
  const answer = await readRecord(request);
  const document = parsed(answer);
  const attachment = attachmentIn(document);
  const binary = binaryIn(document);
  const held = binary === undefined ? attachment : parsed(await askRead(request, 'Binary', binary));
  const data = textOf(held?.data);
  if (data === undefined) throw new NativeError('not_found', 'The document has no file here.');
  const content = Buffer.from(data, 'base64');
  const type = textOf(held?.contentType) ?? 'application/octet-stream';
  return {
    status: 200,
    body: Readable.from(pieces(content)),
    headers: {
      'content-type': /^[\w.+-]+\/[\w.+-]+$/.test(type) ? type : 'application/octet-stream',
      'content-length': String(content.length),
      'content-disposition': dispositionOf(textOf(attachment?.title)),
      'content-security-policy': "default-src 'none'; sandbox",
      'x-content-type-options': 'nosniff',
      etag: `W/"${answer.stamp?.version}"`,
    },
  };
}

const pieceBytes = 65_536;

function* pieces(content: Buffer): Generator<Buffer> {
  for (let at = 0; at < content.length; at += pieceBytes) yield content.subarray(at, at + pieceBytes);
}

/** @see https://www.rfc-editor.org/rfc/rfc6266, https://www.rfc-editor.org/rfc/rfc8187 */
function dispositionOf(title: string | undefined): string {
  const name = (title ?? '')
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}/\\]/gu, ' ')
    .trim()
    .slice(0, 200);
  if (name === '') return 'attachment';
  const plain = name.replaceAll(/[^\x20-\x7e]|["%]/g, '_');
  const encoded = encodeURIComponent(name).replaceAll(/['()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}

/** Deletes a document with the file it has. */
export async function removeDocument(request: NativeCall, id: string): Promise<NativeAnswer> {
  const { view } = recordAt(request);
  const answer = await readShown(view, request, id);
  const binary = binaryIn(parsed(answer));
  const ifMatch = request.parameters.header['if-match'];
  if (binary === undefined) await askRemove(request, view.type, id, ifMatch);
  else
    await transact(request, [
      { method: 'DELETE', url: `DocumentReference/${id}`, ...(ifMatch === undefined ? {} : { ifMatch }) },
      { method: 'DELETE', url: `Binary/${binary}` },
    ]);
  return { status: 204 };
}
