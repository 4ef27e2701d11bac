import type { TermRow } from '../../storage/terminology-load.ts';
import type { Format } from './format.ts';
import type { Release } from './sources.ts';
import { tabRows, UnreadableFile } from './tables.ts';

const concepts = /(?:^|\/)x?sct2_Concept_Snapshot_.*\.txt$/;
const descriptions = /(?:^|\/)x?sct2_Description_Snapshot-.*\.txt$/;
const relationships = /(?:^|\/)x?sct2_Relationship_Snapshot_.*\.txt$/;
const languages = /(?:^|\/)x?der2_cRefset_LanguageSnapshot-.*\.txt$/;

const isA = '116680003';
const preferred = '900000000000548007';
const synonym = '900000000000013009';
const fullyDefined = '900000000000073002';

/**
 * A release in RF2 as it is downloaded, zip or folder: the snapshots of concepts, descriptions, relationships and, for the preferred
 * terms, language reference sets.
 *
 * @see https://confluence.ihtsdotools.org/display/DOCRELFMT
 */
export const snomed: Format = {
  name: 'SNOMED CT',
  recognises: ({ files }) => files.some((file) => concepts.test(file)),
  read(release, { url = 'http://snomed.info/sct', version, name = 'SNOMED CT' }) {
    const [, date] = /_(\d{8})(?:T\d+Z)?(?:\.txt)?$/.exec(release.files.find((file) => concepts.test(file)) ?? '') ?? [];
    // Of no other edition the file names tell which module it is.
    const international = release.files.some((file) => /_Snapshot_INT_\d{8}/.test(file));
    const edition = international && date !== undefined ? `http://snomed.info/sct/900000000000207008/version/${date}` : date;
    const properties = {
      moduleId: { type: 'code', description: 'The module it is maintained in' },
      effectiveTime: { type: 'string', description: 'When it came to be as it is' },
      sufficientlyDefined: { type: 'boolean', description: 'Its relationships define it in full' },
    } as const;
    return { head: { url, name, version: version ?? edition, subsumes: true, properties }, rows: rowsOf(release) };
  },
};

async function* rowsOf(release: Release): AsyncGenerator<TermRow> {
  const found = (pattern: RegExp): readonly string[] => release.files.filter((file) => pattern.test(file));
  for (const [pattern, what] of [
    [descriptions, 'descriptions'],
    [relationships, 'relationships'],
  ] as const)
    if (found(pattern).length === 0) throw new UnreadableFile(`${release.name} has no snapshot of ${what}`);
  const rows = async function* (pattern: RegExp, columns: readonly string[]) {
    for (const file of found(pattern)) yield* tabRows(file, await release.open(file), columns);
  };
  // A concept finds its display among the designations, and these are preferred by what came before them.
  for await (const row of rows(languages, ['active', 'referencedComponentId', 'acceptabilityId']))
    if (row['active'] === '1' && row['acceptabilityId'] === preferred) yield { kind: 'preferred', key: row['referencedComponentId'] ?? '' };
  for await (const row of rows(descriptions, ['id', 'active', 'conceptId', 'languageCode', 'typeId', 'term'])) {
    if (row['active'] !== '1') continue;
    const { id, conceptId: code = '', languageCode: language, typeId: use, term: value = '' } = row;
    // Every concept has a preferred name in full, too; what it is called is the preferred synonym.
    yield { kind: 'designation', code, language, use, value, key: use === synonym ? id : undefined };
  }
  for await (const row of rows(concepts, ['id', 'active', 'definitionStatusId'])) {
    yield {
      kind: 'concept',
      code: row['id'] ?? '',
      active: row['active'] === '1',
      properties: {
        sufficientlyDefined: [String(row['definitionStatusId'] === fullyDefined)],
        ...(row['moduleId'] ? { moduleId: [row['moduleId']] } : {}),
        ...(row['effectiveTime'] ? { effectiveTime: [row['effectiveTime']] } : {}),
      },
    };
  }
  for await (const row of rows(relationships, ['active', 'sourceId', 'destinationId', 'typeId']))
    if (row['active'] === '1' && row['typeId'] === isA)
      yield { kind: 'link', parent: row['destinationId'] ?? '', child: row['sourceId'] ?? '' };
}
