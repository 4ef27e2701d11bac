/** One record of a file as it was sent. `line`: where it begins, from 1. Without bytes: it is longer than records may be. */
export type RawRecord = { readonly line: number; readonly bytes: Buffer | undefined };

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const quote = 0x22;

/** How quoted fields may hold line ends: what is between quotes that begin a field is no end of a record. */
export type Quoting = { readonly delimiter: number };

/**
 * Splits a stream into its records by line ends, in constant memory: of a record that is too long nothing is kept. Empty lines are left out.
 *
 * @param quoting  undefined: each line is a record
 */
export async function* splitRecords(
  chunks: AsyncIterable<Buffer>,
  bytesMax: number,
  quoting?: Quoting,
): AsyncGenerator<RawRecord, void, undefined> {
  let parts: Buffer[] = [];
  let bytes = 0;
  let line = 1;
  let begins = 1;
  let quoted = false;
  let fieldBegins = true;
  let afterQuote = false;
  const record = (last: Buffer): RawRecord | undefined => {
    const length = bytes + last.length;
    const whole = length > bytesMax ? undefined : withoutReturn(parts.length === 0 ? Buffer.from(last) : Buffer.concat([...parts, last]));
    const found = whole?.length === 0 ? undefined : { line: begins, bytes: whole };
    parts = [];
    bytes = 0;
    return found;
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at];
      if (quoting === undefined) {
        // Nothing but line ends counts: the next one is found natively.
        at = chunk.indexOf(lineFeed, at);
        if (at === -1) break;
      } else if (byte !== lineFeed) {
        if (byte === quote) {
          // A second quote goes on with the text that the first seemed to end.
          const goesOn: boolean = !quoted && (fieldBegins || afterQuote);
          afterQuote = quoted;
          quoted = goesOn;
          fieldBegins = false;
        } else if (!quoted) {
          fieldBegins = byte === quoting.delimiter;
          afterQuote = false;
        }
        continue;
      }
      line++;
      if (quoted && bytes + at - from <= bytesMax) continue;
      const found = record(chunk.subarray(from, at));
      if (found !== undefined) yield found;
      begins = line;
      from = at + 1;
      quoted = false;
      fieldBegins = true;
      afterQuote = false;
    }
    const rest = chunk.subarray(from);
    bytes += rest.length;
    if (bytes > bytesMax) parts = [];
    else if (rest.length > 0) parts.push(rest);
  }
  const found = record(Buffer.alloc(0));
  if (found !== undefined) yield found;
}

function withoutReturn(bytes: Buffer): Buffer {
  return bytes.at(-1) === carriageReturn ? bytes.subarray(0, -1) : bytes;
}
