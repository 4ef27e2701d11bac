import { fileTypeFromBuffer } from 'file-type';
import type { Detail } from '../error.ts';
import { invalid } from '../existing.ts';

/** What runs where it is opened. Refused whatever it is called. */
const executables = new Set([
  'application/java-vm',
  'application/vnd.android.package-archive',
  'application/vnd.microsoft.portable-executable',
  'application/wasm',
  'application/x-apple-diskimage',
  'application/x-deb',
  'application/x-elf',
  'application/x-ms-shortcut',
  'application/x-mach-binary',
  'application/x-msdownload',
  'application/x-rpm',
  'application/x-sh',
  'application/x-shockwave-flash',
  'application/vnd.ms-htmlhelp',
]);
const executableDeclared =
  /^(?:text\/html|application\/xhtml\+xml|image\/svg\+xml|(?:text|application)\/(?:x-)?(?:java|ecma|type|vb)script|application\/(?:x-)?(?:sh|csh|bat|httpd-php|msdos-program|msi|java-archive|hta)|text\/x-(?:sh|python|script.*)|application\/vnd\.microsoft\.portable-executable|application\/x-(?:elf|msdownload|mach-binary|executable)|application\/wasm)$/;

/** Other names of a type, by the one that is found in the file. */
const otherNames: Readonly<Record<string, readonly string[]>> = {
  'image/jpeg': ['image/jpg', 'image/pjpeg'],
  'audio/wav': ['audio/x-wav', 'audio/wave', 'audio/vnd.wave'],
  'audio/mpeg': ['audio/mp3'],
  'video/mp4': ['audio/mp4', 'application/mp4'],
  'application/xml': ['text/xml'],
  'application/gzip': ['application/x-gzip'],
  'application/zip': ['application/x-zip-compressed'],
  'application/x-cfb': ['application/msword', 'application/vnd.ms-excel', 'application/vnd.ms-powerpoint', 'application/vnd.ms-outlook'],
};

/** Types without a mark of their own: they are text. */
const texts = /^(?:text\/[a-z0-9.+-]+|application\/(?:json|xml|x-ndjson|rtf|hl7-v2|[a-z0-9.-]+\+(?:json|xml)))$/;

/** Types that are known by their first bytes: a file that is called so and isn't found to be so is none. */
const marked =
  /^(?:image\/(?!svg)|audio\/|video\/|application\/(?:pdf|zip|gzip|dicom|x-7z-compressed|vnd\.openxmlformats-officedocument\..*|vnd\.oasis\.opendocument\..*|msword|vnd\.ms-.*)$)/;

/**
 * Refuses a file that isn't what it is called, and what runs where it is opened.
 *
 * @param declared  a media type without parameters, in lower case
 * @throws          NativeError 422
 */
export async function assertFile(content: Buffer, declared: string, field = 'attachment'): Promise<void> {
  const found = (await fileTypeFromBuffer(content))?.mime;
  if (executableDeclared.test(declared) || (found !== undefined && executables.has(found)) || isScript(content))
    throw refused(field, 'executable', 'Files that can run are not taken.');
  if (found === undefined ? isUnmarked(content, declared) : isSame(found, declared)) return;
  throw refused(`${field}.content_type`, 'other_type', 'The file is not of this type.');
}

const isSame = (found: string, declared: string): boolean =>
  found === declared || (otherNames[found]?.includes(declared) ?? false) || (found === 'application/xml' && declared.endsWith('+xml'));

function isUnmarked(content: Buffer, declared: string): boolean {
  if (texts.test(declared)) return isText(content);
  return !marked.test(declared);
}

/** `#!`, or the two letters that DOS programs begin with. */
const isScript = (content: Buffer): boolean => ['#!', 'MZ'].includes(content.subarray(0, 2).toString('latin1'));

function isText(content: Buffer): boolean {
  if (content.includes(0)) return false;
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(content);
    return true;
  } catch {
    return false;
  }
}

const refused = (field: string, code: string, message: string) => invalid([{ field, code, message } satisfies Detail]);
