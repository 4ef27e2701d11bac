import { isUtf8 } from 'node:buffer';
import { CsvError, parse } from 'csv-parse/sync';
import { type RawRecord, splitRecords } from './records.ts';

/** A record of a CSV file: its cells in the order of the header. Without them `fault` says why it can't be read. */
export type CsvRecord = RawRecord & { readonly cells?: readonly string[]; readonly fault?: CsvFault };
export type CsvFault = 'too_long' | 'encoding' | 'malformed';

const delimiters = [0x2c, 0x3b, 0x09];

/**
 * Reads a CSV file (RFC 4180) a record at a time. The delimiter is what separates the names in the first line: a comma, a semicolon or a tab.
 *
 * @param bytesMax  of one record
 */
export async function* readCsv(chunks: AsyncGenerator<Buffer>, bytesMax: number): AsyncGenerator<CsvRecord, void, undefined> {
  const { delimiter, all } = await sniffed(chunks);
  const options = {
    delimiter: String.fromCharCode(delimiter),
    record_delimiter: '\n',
    relax_column_count: true,
    max_record_size: 2 * bytesMax,
  } as const;
  let group: RawRecord[] = [];
  for await (const record of splitRecords(all, bytesMax, { delimiter })) {
    group.push(record);
    if (group.length < groupMax && (record.bytes?.length ?? 0) < groupedBytesMax) continue;
    yield* readGroup(group, options);
    group = [];
  }
  yield* readGroup(group, options);
}

/** A parser costs more to make than to parse a record: so many records share one. */
const groupMax = 100;
const groupedBytesMax = 10_000;

function readGroup(group: readonly RawRecord[], options: object): readonly CsvRecord[] {
  const readable = group.flatMap(({ bytes }) => (bytes !== undefined && isUtf8(bytes) ? [bytes, lineEnd] : []));
  const rows = rowsOf(Buffer.concat(readable), options);
  if (rows?.length !== readable.length / 2) return group.map((record) => readAlone(record, options));
  let next = 0;
  return group.map((record) =>
    record.bytes !== undefined && isUtf8(record.bytes) ? withCells(record, rows[next++]) : readAlone(record, options),
  );
}

const lineEnd = Buffer.from('\n');

function readAlone(record: RawRecord, options: object): CsvRecord {
  const { bytes } = record;
  if (bytes === undefined) return { ...record, fault: 'too_long' };
  if (!isUtf8(bytes)) return { ...record, fault: 'encoding' };
  const rows = rowsOf(bytes, options);
  return withCells(record, rows?.length === 1 ? rows[0] : undefined);
}

function withCells(record: RawRecord, cells: readonly string[] | undefined): CsvRecord {
  return cells === undefined ? { ...record, fault: 'malformed' } : { ...record, cells };
}

function rowsOf(bytes: Buffer, options: object): string[][] | undefined {
  try {
    return parse(bytes, options);
  } catch (error) {
    if (error instanceof CsvError) return undefined;
    throw error;
  }
}

/** The delimiter, and the text from its beginning. */
async function sniffed(chunks: AsyncGenerator<Buffer>): Promise<{ delimiter: number; all: AsyncIterable<Buffer> }> {
  const { value: first } = (await chunks.next()) as IteratorResult<Buffer, undefined>;
  if (first === undefined) return { delimiter: delimiters[0] ?? 0, all: chunks };
  const end = first.indexOf(0x0a);
  const header = first.subarray(0, end === -1 ? first.length : end);
  const delimiter = delimiters.find((each) => header.includes(each)) ?? 0x2c;
  async function* joined(): AsyncGenerator<Buffer> {
    if (first !== undefined) yield first;
    yield* chunks;
  }
  return { delimiter, all: joined() };
}
