import { token } from '../encryption/token.ts';
import { ownerParts } from '../search/extract.ts';
import { isRecord, textOf } from '../search/sink.ts';
import { localTarget } from '../search/types/reference.ts';
import { bindBinaries, type BinaryLink, type LinkedOwner } from '../storage/binary-owners.ts';
import type { Queryable } from '../storage/database.ts';
import type { Address } from '../storage/read.ts';
import type { Context } from './context.ts';
import type { Document } from './document.ts';

/** The types whose attachments lead to Binaries, and where their attachments are. */
const attachments: Readonly<Record<string, (resource: Document['value']) => readonly unknown[]>> = {
  DocumentReference: ({ content }) => listOf(content).map((each) => (isRecord(each) ? each.attachment : undefined)),
  Media: ({ content }) => [content],
  DiagnosticReport: ({ presentedForm }) => listOf(presentedForm),
};

/** The ids of this server's Binaries that the document's attachments name, each once; a query or fragment of the url is left aside. */
export function binariesNamed({ type, value }: Document, base: string): string[] {
  const ids = (attachments[type]?.(value) ?? []).flatMap((attachment) => {
    const url = isRecord(attachment) ? textOf(attachment.url) : undefined;
    const target = url === undefined ? undefined : localTarget(url.replace(/[?#].*$/s, ''), base);
    return target?.type === 'Binary' ? target.id : [];
  });
  return [...new Set(ids)];
}

/** Whether writing the document asks who owns a Binary: then it can't share a statement with other requests. */
export function concernsBinaries(ctx: Context, document: Document): boolean {
  return document.type === 'Binary' || binariesNamed(document, ctx.config.baseUrl).length > 0;
}

/** @param owners  of the document, as its extraction gives them: they own what it names */
export function binaryLinksOf(ctx: Context, document: Document, owners: ReadonlyMap<bigint, string>): readonly BinaryLink[] {
  if (owners.size === 0) return [];
  const { key } = ctx.planContext();
  return binariesNamed(document, ctx.config.baseUrl).flatMap((id) => {
    const binary = { type: 'Binary', id, refKey: ctx.refKeyOf('Binary', id) };
    return [...owners].map(([owner, patient]) => ({ binary, owner, token: token(key, ...ownerParts(patient)) }));
  });
}

/** Before a write in the same transaction whose document has these links. */
export async function bindLinks(ctx: Context, client: Queryable, links: readonly BinaryLink[]): Promise<void> {
  await bindBinaries(client, ctx.reseal, { links, written: [], held: new Set() });
}

/**
 * The owners that a Binary about to be written has by what names it; none, unasked, for any other type.
 *
 * @param isLocked  its row is there and locked; otherwise nobody can name it now until the transaction ends
 */
export async function linkedOwners(
  ctx: Context,
  client: Queryable,
  { type, id, refKey }: Address,
  isLocked: boolean,
): Promise<readonly LinkedOwner[]> {
  if (type !== 'Binary') return [];
  const held = new Set(isLocked ? [refKey] : []);
  const owners = await bindBinaries(client, ctx.reseal, { links: [], written: [{ type, id, refKey }], held });
  return owners.get(refKey) ?? [];
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
