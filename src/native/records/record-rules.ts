import type { components } from '../api-types.ts';
import type { Detail } from '../error.ts';
import { invalid } from '../existing.ts';
import { given } from '../parts.ts';
import type { Kind } from './kinds.ts';

type Sent = components['schemas']['RecordInput'];

/** Clocks differ. */
const aheadMs = 5 * 60_000;

/** What each kind says, and what it doesn't have. */
const fields: Readonly<Record<Kind, { readonly needed: keyof Sent; readonly others: readonly (keyof Sent)[] }>> = {
  diagnosis: { needed: 'diagnosis', others: ['attachment'] },
  allergy: { needed: 'text', others: ['diagnosis', 'attachment'] },
  document: { needed: 'attachment', others: ['diagnosis'] },
  note: { needed: 'text', others: ['diagnosis', 'attachment'] },
};

/**
 * What the contract's schema can't say of a record.
 *
 * @param isNew  what is replaced keeps the file it has
 * @throws       NativeError 422
 */
export function assertRecord(input: Sent, now: number, isNew: boolean): void {
  const { needed, others } = fields[input.kind];
  const details: Detail[] = [];
  if (isMissing(input[needed]) && (isNew || needed !== 'attachment'))
    details.push({ field: needed, code: 'required', message: `A record of the kind ${input.kind} needs it.` });
  for (const field of others)
    if (input[field] != null) details.push({ field, code: 'unknown', message: `A record of the kind ${input.kind} has none.` });
  details.push(...attachmentFaults(input.attachment));
  if (input.recorded_at !== undefined && Date.parse(input.recorded_at) > now + aheadMs)
    details.push({ field: 'recorded_at', code: 'in_future', message: 'It is a time in the future.' });
  if (details.length > 0) throw invalid(details);
}

const isMissing = (value: unknown): boolean => value == null || (typeof value === 'string' && given(value) === undefined);

function attachmentFaults(attachment: Sent['attachment']): Detail[] {
  if (attachment == null) return [];
  const { data, url, content_type: contentType } = attachment;
  if (data != null && url != null) return [{ field: 'attachment', code: 'ambiguous', message: 'Send data or a url, not both.' }];
  if (data != null && contentType == null)
    return [{ field: 'attachment.content_type', code: 'required', message: 'It is needed with data.' }];
  if (data != null && !isBase64(data)) return [{ field: 'attachment.data', code: 'format', message: 'It is no base64.' }];
  return [];
}

/** Node reads anything as base64: only what it would write itself is some. */
function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text);
}
