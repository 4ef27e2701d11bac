import type { components } from '../api-types.ts';
import { filled, given, idIn, type Part, partOf, partsOf, textOf } from '../parts.ts';
import type { Resource } from '../view.ts';
import { recordIdOf } from './kinds.ts';

type Attachment = NonNullable<components['schemas']['Record']['attachment']>;
type AttachmentInput = NonNullable<components['schemas']['RecordInput']['attachment']>;

/** The one file of a document that the view shows; others that an EHR set stay beside it. */
export const attachmentIn = (resource: Resource | undefined): Part | undefined => partOf(partsOf(resource?.content)[0]?.attachment);

/** The Binary that holds it, where it is stored here. */
export function binaryIn(resource: Resource | undefined): string | undefined {
  return idIn({ reference: textOf(attachmentIn(resource)?.url) ?? '' }, 'Binary');
}

/** Whether there is something here to be downloaded. */
const isHeld = (resource: Resource): boolean => binaryIn(resource) !== undefined || attachmentIn(resource)?.data !== undefined;

export function attachmentShown(resource: Resource): Attachment | undefined {
  const attachment = attachmentIn(resource);
  if (attachment === undefined) return undefined;
  const { contentType, title, url, size } = attachment;
  return filled({
    content_type: textOf(contentType),
    title: textOf(title),
    size: typeof size === 'number' ? size : undefined,
    url: isHeld(resource) ? downloadOf(resource) : textOf(url),
  }) as Attachment;
}

/** Where it is downloaded, relative to the API's base. */
function downloadOf(resource: Resource): string {
  const patient = idIn(resource.subject, 'Patient') ?? '';
  return `patients/${patient}/records/${recordIdOf('document', textOf(resource.id) ?? '')}/attachment`;
}

/** Whether the input brings a file of its own: what says nothing of it, or names where the present one is, leaves it. */
export function bringsFile(input: AttachmentInput | null | undefined, before: Resource | undefined): boolean {
  if (input?.data != null) return true;
  return input?.url != null && input.url !== (before === undefined ? undefined : attachmentShown(before)?.url);
}

/** The content with its first attachment as the input has it. Data go into a Binary beside: here they leave the rest alone. */
export function contentFor(input: AttachmentInput | null | undefined, before: Resource | undefined): object[] | undefined {
  const [first, ...others] = partsOf(before?.content);
  if (input == null) return first === undefined ? undefined : [first, ...others];
  const old = bringsFile(input, before) ? {} : (attachmentIn(before) ?? {});
  const { creation, language } = attachmentIn(before) ?? {};
  const attachment = {
    creation,
    language,
    ...old,
    contentType: input.content_type ?? old.contentType,
    title: given(input.title) ?? undefined,
    ...(bringsFile(input, before) && input.url != null ? { url: input.url } : {}),
  };
  return [{ ...first, attachment }, ...others];
}

/** The document with its file in this Binary. */
export function inBinary(document: Resource, binary: string, file: { readonly contentType: string; readonly size: number }): Resource {
  const [first, ...others] = partsOf(document.content);
  const { title, creation, language } = attachmentIn(document) ?? {};
  const attachment = filled({ contentType: file.contentType, language, url: binary, size: file.size, title, creation });
  return { ...document, content: [{ ...first, attachment }, ...others] } as Resource;
}
