import type { TableProperty } from '../../storage/terminology.ts';
import type { TermRow } from '../../storage/terminology-load.ts';
import type { Format } from './format.ts';
import type { Release } from './sources.ts';
import { csvRows, type Row, UnreadableFile } from './tables.ts';

const table = /(?:^|\/)Loinc\.csv$/i;
const hierarchy = /(?:^|\/)ComponentHierarchyBySystem\.csv$/i;
const answers = /(?:^|\/)AnswerList\.csv$/i;

/** The columns that are told as properties. @see https://hl7.org/fhir/R4/loinc.html#props */
const properties = [
  'COMPONENT',
  'PROPERTY',
  'TIME_ASPCT',
  'SYSTEM',
  'SCALE_TYP',
  'METHOD_TYP',
  'CLASS',
  'CLASSTYPE',
  'STATUS',
  'ORDER_OBS',
  'EXAMPLE_UCUM_UNITS',
  'VersionLastChanged',
] as const;

/** The zip or folder of a release as it is downloaded, or its table of terms alone. */
export const loinc: Format = {
  name: 'LOINC',
  recognises: ({ files }) => files.some((file) => table.test(file)),
  read(release, { url = 'http://loinc.org', version, name = 'LOINC' }) {
    const declared: Record<string, TableProperty> = Object.fromEntries(properties.map((each) => [each, { type: 'string' }]));
    declared['LIST'] = { type: 'code', description: 'The answer lists it is in' };
    const head = { url, name, version: version ?? /(\d+\.\d+)/.exec(release.name)?.[1], subsumes: true, properties: declared };
    return { head, rows: rowsOf(release) };
  },
};

async function* rowsOf(release: Release): AsyncGenerator<TermRow> {
  const find = (pattern: RegExp): string | undefined => release.files.find((file) => pattern.test(file));
  const terms = find(table);
  if (terms === undefined) throw new UnreadableFile(`${release.name} has no Loinc.csv`);
  // Concepts first, then what is told of them: rows of one kind go together.
  for await (const row of csvRows(terms, await release.open(terms), ['LOINC_NUM', 'LONG_COMMON_NAME'])) yield concept(row);
  for await (const row of csvRows(terms, await release.open(terms), ['LOINC_NUM'])) yield* designations(row);
  const tree = find(hierarchy);
  if (tree !== undefined) yield* partsOf(tree, release);
  const lists = find(answers);
  if (lists !== undefined) yield* answersOf(lists, release);
}

function concept(row: Row): TermRow {
  return {
    kind: 'concept',
    code: row['LOINC_NUM'] ?? '',
    display: row['LONG_COMMON_NAME'] || row['COMPONENT'],
    active: row['STATUS'] !== 'DEPRECATED',
    properties: Object.fromEntries(properties.flatMap((name) => (row[name] ? [[name, [row[name]]] as const] : []))),
  };
}

function* designations(row: Row): Generator<TermRow> {
  const code = row['LOINC_NUM'] ?? '';
  const full = ['COMPONENT', 'PROPERTY', 'TIME_ASPCT', 'SYSTEM', 'SCALE_TYP', 'METHOD_TYP'].map((name) => row[name] ?? '');
  yield { kind: 'designation', code, language: 'en-US', use: 'FullySpecifiedName', value: full.join(':').replace(/:+$/, '') };
  for (const name of ['SHORTNAME', 'DisplayName', 'CONSUMER_NAME'])
    if (row[name]) yield { kind: 'designation', code, language: 'en-US', use: name, value: row[name] };
}

/** Parts group terms, and each other; the tree of the terms themselves names them by their parts. */
async function* partsOf(file: string, release: Release): AsyncGenerator<TermRow> {
  const columns = ['IMMEDIATE_PARENT', 'CODE', 'CODE_TEXT'];
  for await (const { CODE: code = '', CODE_TEXT: display } of csvRows(file, await release.open(file), columns))
    if (code.startsWith('LP')) yield { kind: 'concept', code, display, abstract: true };
  for await (const { CODE: child = '', IMMEDIATE_PARENT: parent = '' } of csvRows(file, await release.open(file), columns))
    if (parent !== '' && parent !== child) yield { kind: 'link', parent, child };
}

async function* answersOf(file: string, release: Release): AsyncGenerator<TermRow> {
  const columns = ['AnswerListId', 'AnswerListName', 'AnswerStringId', 'DisplayText'];
  for await (const row of csvRows(file, await release.open(file), columns)) {
    yield { kind: 'concept', code: row['AnswerListId'] ?? '', display: row['AnswerListName'], abstract: true };
    if (row['AnswerStringId']) yield { kind: 'concept', code: row['AnswerStringId'], display: row['DisplayText'] };
  }
  for await (const row of csvRows(file, await release.open(file), columns))
    if (row['AnswerStringId']) yield { kind: 'property', code: row['AnswerStringId'], property: 'LIST', value: row['AnswerListId'] ?? '' };
}
