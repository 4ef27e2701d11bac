import { fileTypeFromBuffer } from 'file-type';
import { type Detail, NativeError } from '../error.ts';
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

/** So much of a file's beginning is looked at, before anything of it is handed on. */
const headBytes = 196_608;

/**
 * Hands a file on while it comes, and refuses what isn't what it is called, what runs where it is opened, what is empty and what is too large.
 *
 * @param declared  a media type without parameters, in lower case
 * @throws          NativeError 413, 422: at the end of a text, too
 */
export async function* checkedFile(
  source: AsyncIterable<Buffer>,
  declared: string,
  mibMax: number,
): AsyncGenerator<Buffer, void, undefined> {
  let size = 0;
  let head: Buffer[] | undefined = [];
  let text: TextCheck | undefined;
  for await (const bytes of source) {
    size += bytes.length;
    if (size > mibMax * 1_048_576) throw fileTooLarge(mibMax);
    if (head === undefined) {
      text?.add(bytes);
      yield bytes;
      continue;
    }
    head.push(bytes);
    if (size < headBytes) continue;
    const first = Buffer.concat(head);
    head = undefined;
    text = await checkHead(first, declared, true);
    yield first;
  }
  if (size === 0) throw invalid([{ field: 'attachment', code: 'required', message: 'The file is empty.' }]);
  if (head !== undefined) {
    const whole = Buffer.concat(head);
    text = await checkHead(whole, declared, false);
    text?.end();
    yield whole;
  } else text?.end();
}

export function fileTooLarge(mibMax: number): NativeError {
  return new NativeError('too_large', `A file has at most ${mibMax} MiB.`, { headers: { connection: 'close' } });
}

/** @returns what the rest of the file has to pass, where it has to be text */
async function checkHead(head: Buffer, declared: string, isCutOff: boolean): Promise<TextCheck | undefined> {
  const found = (await fileTypeFromBuffer(head))?.mime ?? (isCutOff ? longMarkOf(head) : undefined);
  if (executableDeclared.test(declared) || (found !== undefined && executables.has(found)) || isScript(head))
    throw refused(field, 'executable', 'Files that can run are not taken.');
  if (found === undefined ? marked.test(declared) && !texts.test(declared) : !isSame(found, declared)) throw otherType();
  if (found !== undefined || !texts.test(declared)) return undefined;
  const text = textCheck();
  text.add(head);
  return text;
}

/** What can't be told without the end of the file, but begins so. */
const longMarkOf = (head: Buffer): string | undefined =>
  ['II*\0', 'MM\0*'].includes(head.toString('latin1', 0, 4)) ? 'image/tiff' : undefined;

const field = 'attachment';

const otherType = (): NativeError => refused(`${field}.content_type`, 'other_type', 'The file is not of this type.');

const isSame = (found: string, declared: string): boolean =>
  found === declared || (otherNames[found]?.includes(declared) ?? false) || (found === 'application/xml' && declared.endsWith('+xml'));

/** `#!`, or the two letters that DOS programs begin with. */
const isScript = (content: Buffer): boolean => ['#!', 'MZ'].includes(content.subarray(0, 2).toString('latin1'));

type TextCheck = { readonly add: (bytes: Buffer) => void; readonly end: () => void };

/** UTF-8 without NUL, piece by piece. */
function textCheck(): TextCheck {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decode = (bytes: Buffer | undefined): void => {
    try {
      if (bytes === undefined) decoder.decode();
      else decoder.decode(bytes, { stream: true });
    } catch {
      throw otherType();
    }
  };
  return {
    add(bytes) {
      if (bytes.includes(0)) throw otherType();
      decode(bytes);
    },
    end: () => decode(undefined),
  };
}

const refused = (field: string, code: string, message: string) => invalid([{ field, code, message } satisfies Detail]);
