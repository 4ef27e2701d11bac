import type { Readable } from 'node:stream';
import { parse } from 'csv-parse';

/** A file is not laid out as its format says. */
export class UnreadableFile extends Error {}

export type Row = Readonly<Record<string, string>>;

/**
 * The rows of a file with comma separated values, by the names in its first line.
 *
 * @throws UnreadableFile that names the line, or a column that is missing
 */
export async function* csvRows(file: string, stream: Readable, required: readonly string[]): AsyncGenerator<Row> {
  const parser = parse({
    bom: true,
    columns: (names: string[]) => names.map((name) => name.trim()),
    skip_empty_lines: true,
    max_record_size: 1_048_576,
  });
  stream.on('error', (error) => parser.destroy(error));
  let isFirst = true;
  try {
    for await (const row of stream.pipe(parser) as AsyncIterable<Row>) {
      if (isFirst) assertColumns(file, Object.keys(row), required);
      isFirst = false;
      yield row;
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('CSV_'))
      throw new UnreadableFile(`${file}: ${error.message}`, { cause: error });
    throw error;
  }
}

/** The rows of a file of SNOMED CT's release format: separated by tabs, without quotes, so that no parser is needed. */
export async function* tabRows(file: string, stream: Readable, required: readonly string[]): AsyncGenerator<Row> {
  let names: readonly string[] | undefined;
  for await (const line of linesOf(stream)) {
    const cells = line.split('\t');
    if (names === undefined) {
      names = cells;
      assertColumns(file, names, required);
      continue;
    }
    if (cells.length !== names.length)
      throw new UnreadableFile(`${file}: a row of ${cells.length} cells, where there are ${names.length} columns`);
    yield Object.fromEntries(names.map((name, at) => [name, cells[at] ?? '']));
  }
}

const lineMax = 1_048_576;

async function* linesOf(stream: Readable): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > lineMax) throw new UnreadableFile(`a line of more than ${lineMax} letters`);
    for (const line of lines) if (line !== '' && line !== '\r') yield line.endsWith('\r') ? line.slice(0, -1) : line;
  }
  rest += decoder.decode();
  if (rest.trim() !== '') yield rest.trimEnd();
}

function assertColumns(file: string, names: readonly string[], required: readonly string[]): void {
  const missing = required.filter((name) => !names.includes(name));
  if (missing.length > 0) throw new UnreadableFile(`${file} has no column ${missing.join(', ')}; it has ${names.slice(0, 20).join(', ')}`);
}
