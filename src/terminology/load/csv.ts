import type { TableProperty } from '../../storage/terminology.ts';
import type { TermRow } from '../../storage/terminology-load.ts';
import type { Format } from './format.ts';
import type { Release } from './sources.ts';
import { csvRows, UnreadableFile } from './tables.ts';

/** Columns that are no properties. */
const own = new Set(['code', 'display', 'definition', 'parent', 'active', 'abstract']);
const language = /^display:([A-Za-z]{2,3}(?:-[A-Za-z0-9]+)*)$/;

/**
 * A table with a line for each code. Columns: `code`; `display`, `definition`, `parent` (several with `|` between), `active`, `abstract`
 * (both `true` or `false`), `display:de` and the like for other languages; all others are properties by their names.
 */
export const csv: Format = {
  name: 'CSV',
  recognises: ({ files }) => files.length === 1 && /\.csv$/i.test(files[0] ?? ''),
  async read(release, { url, version, name }) {
    if (url === undefined) throw new UnreadableFile('A CSV file does not name its code system: give --url.');
    const [file = ''] = release.files;
    const properties: Record<string, TableProperty> = {};
    for await (const row of csvRows(file, await release.open(file), ['code'])) {
      for (const column of Object.keys(row)) if (isProperty(column)) properties[column] = { type: 'string' };
      break;
    }
    return { head: { url, version, name, subsumes: true, properties }, rows: rowsOf(file, release) };
  },
};

const isProperty = (column: string): boolean => column !== '' && !own.has(column) && !language.test(column);

async function* rowsOf(file: string, release: Release): AsyncGenerator<TermRow> {
  for await (const row of csvRows(file, await release.open(file), ['code'])) {
    const { code = '', display, definition, active, abstract } = row;
    if (code === '') throw new UnreadableFile(`${file}: a row without a code`);
    yield {
      kind: 'concept',
      code,
      display: display || undefined,
      definition: definition || undefined,
      active: truth(file, 'active', active, true),
      abstract: truth(file, 'abstract', abstract, false),
      properties: Object.fromEntries(
        Object.entries(row).flatMap(([name, value]) => (isProperty(name) && value !== '' ? [[name, [value]] as const] : [])),
      ),
    };
  }
  for await (const { code: child = '', parent = '' } of csvRows(file, await release.open(file), ['code']))
    for (const each of parent.split('|')) if (each.trim() !== '') yield { kind: 'link', parent: each.trim(), child };
  for await (const row of csvRows(file, await release.open(file), ['code'])) {
    for (const [name, value] of Object.entries(row)) {
      const [, code] = language.exec(name) ?? [];
      if (code !== undefined && value !== '') yield { kind: 'designation', code: row['code'] ?? '', language: code, value };
    }
  }
}

function truth(file: string, column: string, text: string | undefined, absent: boolean): boolean {
  if (text === undefined || text === '') return absent;
  if (text === 'true' || text === 'false') return text === 'true';
  throw new UnreadableFile(`${file}: "${column}" is true or false`);
}
