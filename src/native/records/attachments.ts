import { createHash, type Hash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { FhirError } from '../../fhir/error.ts';
import { attachmentAuthor } from '../../authorization/rights/policy.ts';
import { assertCreatable } from '../../interactions/create-many.ts';
import { assertChangeable } from '../../interactions/file.ts';
import { newId } from '../../interactions/ids.ts';
import { read } from '../../interactions/read.ts';
import type { StoredFile } from '../../storage/stored-file.ts';
import { askAhead, askFile, askRemove } from '../ask.ts';
import { NativeError } from '../error.ts';
import type { NativeAnswer, NativeCall, NativeHandler } from '../handler.ts';
import { withOwnReferences } from '../own-references.ts';
import { partOf, resourceFrom, textOf } from '../parts.ts';
import { type Change, transact } from '../transact.ts';
import { documentFrom, notFound, parsed, readShown, type Resource, writtenOnce } from '../view.ts';
import { attachmentIn, binaryIn, inBinary } from './attachment-view.ts';
import { checkedFile, fileTooLarge } from './file-check.ts';
import { readRecord, recordAt } from './read-record.ts';
import { recordOf } from './record-view.ts';
import { type Sensitivity, sensitivityOf, withSensitivity } from './sensitivity.ts';

/** A file that has come and was checked: its bytes are stored, and nobody's until a write takes them. */
export type File = { readonly contentType: string; readonly stored: StoredFile };

export type SentFile = { readonly mediaType: string; readonly content: AsyncIterable<Buffer> };

/**
 * Stores a file while it comes, and does with it what is to be done. What isn't taken then is removed.
 *
 * @throws NativeError 400, 413, 422
 */
export async function withReceived<T>({ ctx }: NativeCall, sent: SentFile, work: (file: File) => Promise<T>): Promise<T> {
  const contentType = sent.mediaType.split(';')[0]?.trim().toLowerCase() ?? '';
  const stored = await ctx.files.write(checkedFile(sent.content, contentType, ctx.config.attachmentMib));
  try {
    return await work({ contentType, stored });
  } finally {
    // What can't be removed now is removed later.
    await ctx.files.discard(stored).catch(() => {});
  }
}

/** What writes a document and its file, all or nothing. The file it had goes. */
export function withFile(document: Resource, file: File, before: Resource | undefined, ifMatch?: string): Change[] {
  const fullUrl = `urn:uuid:${randomUUID()}`;
  const resource = inBinary(document, fullUrl, { contentType: file.contentType, size: file.stored.size });
  const first: Change =
    before === undefined
      ? { method: 'POST', url: 'DocumentReference', resource }
      : { method: 'PUT', url: `DocumentReference/${textOf(document.id)}`, resource, ...(ifMatch === undefined ? {} : { ifMatch }) };
  const old = binaryIn(before);
  return [
    first,
    { method: 'POST', url: 'Binary', fullUrl, resource: binaryFor(document, file.contentType), file: file.stored },
    ...(old === undefined ? [] : [{ method: 'DELETE', url: `Binary/${old}` } as const]),
  ];
}

/** It belongs to the patient, and is as sensitive as its document. */
function binaryFor(document: Resource, contentType: string): Resource {
  const authors = (document.author as readonly { reference?: string }[] | undefined) ?? [];
  const author = authors.flatMap(({ reference = '' }) => /^Practitioner\/(.+)$/.exec(reference)?.[1] ?? [])[0];
  const meta = author === undefined ? undefined : { tag: [{ system: attachmentAuthor, code: author }] };
  return resourceFrom({
    resourceType: 'Binary',
    meta: withSensitivity(meta, sensitivityOf(document)),
    contentType,
    securityContext: document.subject,
  });
}

/** What makes the file of a document as sensitive as the document becomes; none where it is so already. */
export async function labelledFile(request: NativeCall, document: Resource, sensitivity: Sensitivity): Promise<Change[]> {
  const id = binaryIn(document);
  if (id === undefined) return [];
  const answer = await askFile(request, id);
  const { resource: binary, stored } = answer.file;
  if (sensitivityOf(binary) === sensitivity) return [];
  const resource = resourceFrom({ ...binary, meta: withSensitivity(partOf(binary.meta), sensitivity) });
  const change = { method: 'PUT', url: `Binary/${id}`, resource, ifMatch: `W/"${answer.stamp?.version}"` } as const;
  return [stored === undefined ? change : { ...change, file: stored }];
}

/** `POST /patients/{id}/records/{record_id}/attachment`: the file of a document, as it is. */
export async function upload(request: NativeCall): Promise<NativeAnswer> {
  const { stream } = request;
  if (stream === undefined) throw new NativeError('invalid_request', 'This operation needs a body.');
  const mibMax = request.ctx.config.attachmentMib;
  const isKeyed = request.parameters.header['idempotency-key'] !== undefined;
  if (!isKeyed) await assertUploadable(request, stream.mediaType);
  if ((stream.declaredBytes ?? 0) > mibMax * 1_048_576) throw fileTooLarge(mibMax);
  const digest = createHash('sha256');
  const content = arriving(stream.body, digest);
  const once = (work: NativeHandler): Promise<NativeAnswer> => stream.once(work, `${stream.mediaType} ${digest.digest('hex')}`);
  if (isKeyed && !(await isUploadable(request, stream.mediaType))) {
    await readThrough(content, mibMax);
    return once((each) => refuseUpload(each, stream.mediaType));
  }
  return withReceived(request, { mediaType: stream.mediaType, content }, (file) => once((each) => writeUploaded(each, file)));
}

function writeUploaded(request: NativeCall, file: File): Promise<NativeAnswer> {
  const { view, id } = recordAt(request);
  return writtenOnce(view, request, 200, async () => {
    const answer = await readRecord(request);
    const before = parsed(answer);
    const ifMatch = request.parameters.header['if-match'] ?? `W/"${answer.stamp?.version}"`;
    const [written] = await transact(request, withFile({ ...before, id }, file, before, ifMatch));
    return written ?? { status: 200 };
  });
}

/** What was written under the Idempotency-Key before is told again, whatever has become of the document since. All else is refused. */
function refuseUpload(request: NativeCall, mediaType: string): Promise<NativeAnswer> {
  return writtenOnce(recordAt(request).view, request, 200, async () => {
    await assertUploadable(request, mediaType);
    throw new NativeError('conflict', 'The document was changed meanwhile. Send the request again.');
  });
}

/** Who may not write this record, or not this file of it, is refused before anything of the file is read. */
async function assertUploadable(request: NativeCall, mediaType: string, ask: typeof askAhead = askAhead): Promise<void> {
  const { ctx, parameters } = request;
  const { view, id, kind } = recordAt(request);
  if (kind !== 'document') throw notFound(view.name);
  const found = await ask(request, { kind: 'read', data: { type: view.type, id } }, (call) => read(ctx, call, view.type, id));
  const document = parsed(withOwnReferences(ctx, found));
  if (!view.isShown(document) || recordOf(document).patient_id !== parameters.path.id) throw notFound(view.name);
  // What was written under an Idempotency-Key may have changed the version itself.
  const ifMatch = parameters.header['idempotency-key'] === undefined ? parameters.header['if-match'] : undefined;
  const conditions = ifMatch === undefined ? {} : { ifMatch };
  const binary = documentFrom(ctx, binaryFor(document, mediaType));
  await ask(request, { kind: 'transaction' }, async (call) => {
    await assertChangeable(ctx, call, view.type, id, conditions);
    await assertCreatable(ctx, call, { type: 'Binary', id: newId('Binary'), document: binary });
  });
}

/** The same, unrecorded: whether it is refused depends on what is sent under the key. */
async function isUploadable(request: NativeCall, mediaType: string): Promise<boolean> {
  try {
    await assertUploadable(request, mediaType, ({ call }, asked, look) => look({ ...call, trail: { ...call.trail, asked } }));
    return true;
  } catch (error) {
    if ((error instanceof NativeError || error instanceof FhirError) && error.status < 500) return false;
    throw error;
  }
}

/** Nothing of it is kept. */
async function readThrough(content: AsyncIterable<Buffer>, mibMax: number): Promise<void> {
  let bytes = 0;
  for await (const part of content) {
    bytes += part.length;
    if (bytes > mibMax * 1_048_576) throw fileTooLarge(mibMax);
  }
}

/** The body as it comes. What breaks it off is the client's or the network's; what is refused is let go by, so that the answer arrives. */
async function* arriving(body: Readable, digest: Hash): AsyncGenerator<Buffer, void, undefined> {
  try {
    for await (const chunk of body.iterator({ destroyOnReturn: false })) {
      const bytes = chunk as Buffer;
      digest.update(bytes);
      yield bytes;
    }
  } catch {
    throw new NativeError('invalid_request', 'The body could not be read: it ended early or its Content-Encoding is not what it says.');
  } finally {
    if (!body.readableEnded && !body.destroyed) body.resume();
  }
}

/** `GET …/attachment`: never shown by a browser as a page, and never as another type than it is. */
export async function download(request: NativeCall): Promise<NativeAnswer> {
  const { view, kind } = recordAt(request);
  if (kind !== 'document') throw notFound(view.name);
  const answer = await readRecord(request);
  const attachment = attachmentIn(parsed(answer));
  const { contentType, size, content } = await heldFile(request, parsed(answer));
  return {
    status: 200,
    body: Readable.from(content, { objectMode: false, highWaterMark: 65_536 }),
    headers: {
      'content-type': /^[\w.+-]+\/[\w.+-]+$/.test(contentType) ? contentType : 'application/octet-stream',
      'content-length': String(size),
      'content-disposition': dispositionOf(textOf(attachment?.title)),
      'content-security-policy': "default-src 'none'; sandbox",
      'x-content-type-options': 'nosniff',
      etag: `W/"${answer.stamp?.version}"`,
    },
  };
}

type Held = { readonly contentType: string; readonly size: number; readonly content: Iterable<Buffer> | AsyncIterable<Buffer> };

/** The file of a document: in a Binary, or in the document itself, as an EHR may have written it. */
async function heldFile(request: NativeCall, document: Resource): Promise<Held> {
  const binary = binaryIn(document);
  const held = binary === undefined ? inDocument(document) : (await askFile(request, binary)).file;
  if (held === undefined || held.size === 0) throw new NativeError('not_found', 'The document has no file here.');
  return held;
}

function inDocument(document: Resource): Held | undefined {
  const attachment = attachmentIn(document);
  const data = textOf(attachment?.data);
  if (data === undefined) return undefined;
  const content = Buffer.from(data, 'base64');
  return { contentType: textOf(attachment?.contentType) ?? '', size: content.length, content: [content] };
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
