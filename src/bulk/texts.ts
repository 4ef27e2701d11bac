/** Encodings a file may have by their names in `charset`; without it UTF-8, or UTF-16 where a byte order mark says so. */
export const charsets: Readonly<Record<string, string>> = {
  'utf-8': 'utf-8',
  utf8: 'utf-8',
  'us-ascii': 'utf-8',
  'utf-16': 'utf-16le',
  'utf-16le': 'utf-16le',
  'utf-16be': 'utf-16be',
  'iso-8859-1': 'windows-1252',
  latin1: 'windows-1252',
  'windows-1252': 'windows-1252',
};

/** A text in UTF-8 without byte order mark. What isn't UTF-8 is handed on as it is: its records are refused, each by itself. */
export async function* utf8Of(chunks: AsyncIterable<Buffer>, charset: string | undefined): AsyncGenerator<Buffer, void, undefined> {
  let decoder: TextDecoder | undefined;
  let first: Buffer | undefined = Buffer.alloc(0);
  const decoded = (bytes: Buffer): Buffer => (decoder === undefined ? bytes : Buffer.from(decoder.decode(bytes, { stream: true })));
  const begun = (bytes: Buffer): Buffer => {
    decoder = decoderOf(bytes, charset);
    return decoded(decoder === undefined && isMarked(bytes) ? bytes.subarray(3) : bytes);
  };
  for await (const chunk of chunks) {
    if (first !== undefined) {
      first = Buffer.concat([first, chunk]);
      // A mark has up to three bytes.
      if (first.length < 3) continue;
    }
    const text = first === undefined ? decoded(chunk) : begun(first);
    first = undefined;
    if (text.length > 0) yield text;
  }
  if (first !== undefined) yield begun(first);
  yield Buffer.from(decoder?.decode() ?? '');
}

const isMarked = (bytes: Buffer): boolean => bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;

/** A mark tells more than what was said beside the text. Broken UTF-16 becomes replacement characters, which no field takes. */
function decoderOf(bytes: Buffer, charset: string | undefined): TextDecoder | undefined {
  if (isMarked(bytes)) return undefined;
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le');
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be');
  return charset === undefined || charset === 'utf-8' ? undefined : new TextDecoder(charset);
}
