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
  for await (const chunk of chunks) {
    let bytes = chunk;
    if (first !== undefined) {
      bytes = Buffer.concat([first, chunk]);
      if (bytes.length < 3) {
        first = bytes;
        continue;
      }
      first = undefined;
      decoder = decoderOf(bytes, charset);
      if (decoder === undefined && isMarked(bytes)) bytes = bytes.subarray(3);
    }
    const text = decoder === undefined ? bytes : Buffer.from(decoder.decode(bytes, { stream: true }));
    if (text.length > 0) yield text;
  }
  if (first !== undefined && first.length > 0) yield first;
  const last = Buffer.from(decoder?.decode() ?? '');
  if (last.length > 0) yield last;
}

const isMarked = (bytes: Buffer): boolean => bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;

/** A mark tells more than what was said beside the text. Broken UTF-16 becomes replacement characters, which no field takes. */
function decoderOf(bytes: Buffer, charset: string | undefined): TextDecoder | undefined {
  if (isMarked(bytes)) return undefined;
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le');
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be');
  return charset === undefined || charset === 'utf-8' ? undefined : new TextDecoder(charset);
}
