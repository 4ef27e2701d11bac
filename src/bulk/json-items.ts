import type { RawRecord } from './records.ts';

/** The text is no JSON array, from this line on. */
export class NotAnArray extends Error {
  readonly line: number;

  constructor(line: number) {
    super('the text is no JSON array');
    this.line = line;
  }
}

const at = { open: 0x5b, close: 0x5d, comma: 0x2c, quote: 0x22, backslash: 0x5c, brace: 0x7b, endBrace: 0x7d, lineFeed: 0x0a } as const;
const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;

/**
 * Splits a JSON array into the texts of its items, in constant memory: of an item that is too long nothing is kept. What is inside an item
 * is not looked at beyond its ends: whoever reads it finds what is wrong with it.
 *
 * @throws NotAnArray
 */
export async function* splitItems(chunks: AsyncIterable<Buffer>, bytesMax: number): AsyncGenerator<RawRecord, void, undefined> {
  let state: 'before' | 'first' | 'item' | 'comma' | 'end' = 'before';
  let line = 1;
  let begins = 1;
  let depth = 0;
  let inString = false;
  let escaped = false;
  let parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    let from = state === 'item' ? 0 : chunk.length;
    for (let index = 0; index < chunk.length; index++) {
      const byte = chunk[index] ?? 0;
      if (byte === at.lineFeed) line++;
      if (state === 'item') {
        if (inString) {
          if (escaped) escaped = false;
          else if (byte === at.backslash) escaped = true;
          else if (byte === at.quote) inString = false;
          continue;
        }
        if (byte === at.quote) inString = true;
        else if (byte === at.brace || byte === at.open) depth++;
        else if (depth > 0 && (byte === at.endBrace || byte === at.close)) depth--;
        else if (depth === 0 && (byte === at.comma || byte === at.close)) {
          const last = chunk.subarray(from, index);
          yield { line: begins, bytes: bytes + last.length > bytesMax ? undefined : Buffer.concat([...parts, last]) };
          parts = [];
          bytes = 0;
          from = chunk.length;
          state = byte === at.comma ? 'comma' : 'end';
        }
        continue;
      }
      if (isSpace(byte)) continue;
      if (state === 'before' && byte === at.open) state = 'first';
      else if (state === 'first' && byte === at.close) state = 'end';
      else if ((state === 'first' || state === 'comma') && byte !== at.comma && byte !== at.close) {
        state = 'item';
        begins = line;
        from = index;
        // Its first byte is looked at as all others of it.
        index--;
      } else throw new NotAnArray(line);
    }
    const rest = chunk.subarray(from);
    bytes += rest.length;
    if (bytes > bytesMax) parts = [];
    else if (rest.length > 0) parts.push(rest);
  }
  if (state !== 'end') throw new NotAnArray(line);
}
