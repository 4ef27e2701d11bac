import { isUtf8 } from 'node:buffer';
import { readCell } from '../../bulk/cells.ts';
import { type CsvRecord, readCsv } from '../../bulk/csv.ts';
import { splitItems } from '../../bulk/json-items.ts';
import { type RawRecord, splitRecords } from '../../bulk/records.ts';
import { utf8Of } from '../../bulk/texts.ts';
import { FhirError } from '../../fhir/error.ts';
import { type JsonLimits, parseJson } from '../../fhir/json.ts';
import type { Detail } from '../error.ts';
import type { Column, ImportKind } from './import-kind.ts';

export type ImportFormat = 'csv' | 'ndjson' | 'json';

/** A line of the file: its value, or what is wrong with it. `header` is what all CSV lines are read by. */
export type ReadLine = {
  readonly line: number;
  readonly bytes: Buffer | undefined;
  readonly value?: object;
  readonly faults?: readonly Detail[];
  readonly isHeader?: true;
};

/** The file as a whole can't be read. `column`: which one of the header is at fault, from 1. */
export class Unreadable extends Error {
  readonly code: string;
  readonly column: number | undefined;

  constructor(code: string, column?: number) {
    super(code);
    this.code = code;
    this.column = column;
  }
}

const recordBytesMax = 1_048_576;
const columnsMax = 500;
const limitsOfLines: JsonLimits = { depthMax: 8, containerMax: 1_000, stringBytesMax: recordBytesMax };

/** @throws Unreadable, NotAnArray */
export async function* readLines(
  chunks: AsyncIterable<Buffer>,
  format: ImportFormat,
  charset: string | undefined,
  kind: ImportKind,
): AsyncGenerator<ReadLine, void, undefined> {
  const text = utf8Of(chunks, charset);
  if (format === 'csv') yield* csvLines(readCsv(text, recordBytesMax), kind);
  else {
    const items = format === 'json' ? splitItems(text, recordBytesMax) : splitRecords(text, recordBytesMax);
    for await (const item of items) yield { ...item, ...jsonValue(item, kind) };
  }
}

function jsonValue({ bytes }: RawRecord, kind: ImportKind): Pick<ReadLine, 'value' | 'faults'> {
  if (bytes === undefined) return fault('too_long');
  if (!isUtf8(bytes)) return fault('encoding');
  try {
    const { value } = parseJson(bytes, limitsOfLines);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return fault('type');
    return { value: Object.fromEntries(Object.entries(value).filter(([name]) => !kind.ignored.has(name))) };
  } catch (error) {
    if (error instanceof FhirError) return fault('malformed');
    throw error;
  }
}

async function* csvLines(records: AsyncIterable<CsvRecord>, kind: ImportKind): AsyncGenerator<ReadLine, void, undefined> {
  let columns: readonly (Column | undefined)[] | undefined;
  for await (const record of records) {
    const { line, bytes, cells } = record;
    if (columns === undefined) {
      columns = headerOf(record, kind);
      yield { line, bytes, isHeader: true };
    } else if (cells === undefined) yield { line, bytes, ...fault(record.fault ?? 'malformed') };
    else if (cells.length !== columns.length) yield { line, bytes, ...fault('columns') };
    else yield { line, bytes, ...csvValue(cells, columns) };
  }
  if (columns === undefined) throw new Unreadable('header_missing');
}

/** Whoever leaves out the header has values there: a name that isn't known is never repeated. */
function headerOf({ cells, fault: wrong }: CsvRecord, kind: ImportKind): readonly (Column | undefined)[] {
  if (cells === undefined) throw new Unreadable(wrong === 'too_long' ? 'header_too_long' : 'header_malformed');
  if (cells.length > columnsMax) throw new Unreadable('too_many_columns');
  const seen = new Set<string>();
  return cells.map((cell, at) => {
    const name = cell.trim();
    const column = kind.columnOf(name);
    if (column === undefined && !kind.ignored.has(name)) throw new Unreadable('header_unknown_column', at + 1);
    if (seen.has(name)) throw new Unreadable('header_repeated_column', at + 1);
    seen.add(name);
    return column;
  });
}

/** What an empty cell stands for isn't sent. */
function csvValue(cells: readonly string[], columns: readonly (Column | undefined)[]): Pick<ReadLine, 'value' | 'faults'> {
  const value: Record<string, unknown> = {};
  const faults: Detail[] = [];
  for (const [at, column] of columns.entries()) {
    const cell = readCell(cells[at] ?? '');
    if (column === undefined || cell === '') continue;
    const read = cellValue(cell, column.kind);
    const [first, second] = column.path;
    if (read === undefined) faults.push({ field: nameOf(column), code: 'type', message: typeTexts[column.kind] });
    else if (cell.includes('\u0000') || cell.includes('\ufffd'))
      faults.push({ field: nameOf(column), code: 'encoding', message: 'It holds characters that no text has.' });
    else if (typeof second === 'number') value[String(first)] = [...((value[String(first)] as unknown[] | undefined) ?? []), read];
    else if (second !== undefined) value[String(first)] = { ...(value[String(first)] as object | undefined), [second]: read };
    else value[String(first)] = read;
  }
  return faults.length > 0 ? { faults } : { value };
}

function cellValue(cell: string, kind: Column['kind']): string | number | boolean | undefined {
  if (kind === 'text') return cell;
  if (kind === 'boolean') return /^(?:true|false)$/i.test(cell) ? cell.toLowerCase() === 'true' : undefined;
  return /^\d{1,9}$/.test(cell) ? Number(cell) : undefined;
}

const typeTexts = { text: 'It is a text.', boolean: 'It is true or false.', whole: 'It is a whole number.' } as const;

const nameOf = ({ path: [first, second] }: Column): string =>
  second === undefined ? String(first) : typeof second === 'number' ? `${first}[${second}]` : `${first}.${second}`;

const faultTexts: Readonly<Record<string, string>> = {
  too_long: `A line has at most ${recordBytesMax} bytes. This one is not in the quarantine.`,
  encoding: 'The line is not UTF-8. Send another encoding with its charset.',
  malformed: 'The line can not be read.',
  columns: 'The line has another number of cells than the header.',
  type: 'It is an object.',
};

const fault = (code: string): { faults: readonly Detail[] } => ({ faults: [{ field: '', code, message: faultTexts[code] ?? '' }] });
