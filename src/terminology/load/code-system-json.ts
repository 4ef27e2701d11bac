import { text } from 'node:stream/consumers';
import type { TableProperty } from '../../storage/terminology.ts';
import type { TermRow } from '../../storage/terminology-load.ts';
import { type CodeSystem, isNode, listOf, type Node, readCodeSystem, textOf } from '../code-system.ts';
import type { Format } from './format.ts';
import { UnreadableFile } from './tables.ts';

const types: ReadonlySet<string> = new Set<TableProperty['type']>(['code', 'string', 'boolean', 'integer', 'decimal', 'dateTime']);

/** A CodeSystem resource, which is read as a whole. */
export const codeSystemJson: Format = {
  name: 'CodeSystem',
  recognises: ({ files }) => files.length === 1 && /\.json$/i.test(files[0] ?? ''),
  async read(release, { url, version, name }) {
    const [file = ''] = release.files;
    const resource = parsed(file, await text(await release.open(file)));
    if (resource['resourceType'] !== 'CodeSystem') throw new UnreadableFile(`${file} is no CodeSystem`);
    const system = readCodeSystem(resource);
    const named = url ?? textOf(resource['url']);
    if (named === undefined) throw new UnreadableFile(`${file} does not name its url: give --url.`);
    if (!system.complete) throw new UnreadableFile(`${file} has not all codes of its code system: its "content" is not "complete".`);
    const head = {
      url: named,
      version: version ?? system.version,
      name: name ?? system.name,
      subsumes: system.subsumes,
      properties: declared(resource),
    };
    return { head, rows: rowsOf(system) };
  },
};

function parsed(file: string, json: string): Node {
  try {
    const value: unknown = JSON.parse(json);
    return isNode(value) ? value : {};
  } catch (error) {
    throw new UnreadableFile(`${file} is no JSON`, { cause: error });
  }
}

function declared(resource: Node): Record<string, TableProperty> {
  const properties = listOf(resource['property']).flatMap(({ code, type, description }) => {
    if (typeof code !== 'string' || typeof type !== 'string') return [];
    const known = (types.has(type) ? type : 'code') as TableProperty['type'];
    return [[code, { type: known, ...(typeof description === 'string' ? { description } : {}) }] as const];
  });
  return Object.fromEntries(properties);
}

function* rowsOf({ concepts }: CodeSystem): Generator<TermRow> {
  for (const { code, display, definition, inactive, abstract, properties } of concepts.values()) {
    const values: Record<string, string[]> = {};
    for (const each of properties) (values[each.code] ??= []).push(each.value);
    yield { kind: 'concept', code, display, definition, active: !inactive, abstract, properties: values };
  }
  for (const { code, children } of concepts.values()) for (const child of children) yield { kind: 'link', parent: code, child };
  for (const { code, designations } of concepts.values())
    for (const { language, use, value } of designations) yield { kind: 'designation', code, language, use: use?.code, value };
}
