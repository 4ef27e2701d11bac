/**
 * Writes the dictionaries that `src/encryption/codec.ts` compresses with: one for each type that has samples, and `Resource` for all
 * others. They are made from HL7's example resources (CC0) and our own samples, never from stored data: a dictionary lies open beside the
 * code.
 *
 *   node tools/dictionaries.ts 2
 *
 * The number is the version to write. A version that has been released must never change and never go: contents name it and can't be read
 * without it. For a change write the next one and add it to `versions` in `src/encryption/dictionaries.ts`.
 */
import { hash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { samples } from './dictionary-samples/all.ts';
import { type Corpus, train } from './dictionary-training.ts';

const options = { size: 8192, gram: 10, segment: 256 } as const;
/** Examples longer than this are catalogues (of codes, of profiles), not the records a server holds most of. */
const exampleCharactersMax = 20_000;
/** Types of which the package has hundreds; they would drown the rest. */
const definitions = new Set(['CodeSystem', 'ConceptMap', 'OperationDefinition', 'SearchParameter', 'StructureDefinition', 'ValueSet']);
const definitionsOfEach = 10;

function main(version: string | undefined): void {
  if (version === undefined || !/^[1-9][0-9]?$/.test(version)) throw new Error('usage: node tools/dictionaries.ts VERSION');
  const folder = fileURLToPath(new URL(`../src/encryption/dictionaries/${version}/`, import.meta.url));
  if (existsSync(folder)) throw new Error(`${folder} exists; remove it first if that version was never released`);
  mkdirSync(folder, { recursive: true });
  let checksums = '';
  for (const [name, corpora] of corporaByName()) {
    const dictionary = train(corpora, options);
    writeFileSync(join(folder, `${name}.txt`), dictionary);
    checksums += `${hash('sha256', dictionary)}  ${name}.txt\n`;
  }
  writeFileSync(join(folder, 'SHA256SUMS'), checksums);
}

/** What each dictionary is made from. */
function corporaByName(): Map<string, readonly Corpus[]> {
  const sampled = byType(samples().map((sample) => JSON.stringify(sample)));
  const examples = byType(readExamples());
  // What all types have in common (data types, code systems, extensions) fills the space that a type's own text leaves,
  // and is all that types without samples get. There every type counts the same, however many examples it has.
  const common: Corpus[] = [...examples].filter(([type]) => !sampled.has(type)).map(([, documents]) => ({ documents, weight: 1 }));
  for (const [type, documents] of sampled) common.push({ documents, weight: 1 }, { documents: examples.get(type) ?? [], weight: 1 });
  const corpora: [string, readonly Corpus[]][] = [['Resource', common]];
  for (const [type, documents] of sampled) {
    const own = [
      { documents, weight: 2 },
      { documents: examples.get(type) ?? [], weight: 1 },
    ];
    corpora.push([type, [...own, ...common.map((corpus) => ({ ...corpus, weight: 0.2 / common.length }))]]);
  }
  return new Map(corpora.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * The package's examples as they would be stored: no white space, and no narrative, which repeats what the elements say in words of its
 * own.
 */
function readExamples(): string[] {
  const folder = dirname(fileURLToPath(import.meta.resolve('hl7.fhir.r4.examples/package.json')));
  const taken = new Map<string, number>();
  const documents: string[] = [];
  for (const file of readdirSync(folder).sort()) {
    const type = /^([A-Z][A-Za-z]+)-.*\.json$/.exec(file)?.[1];
    if (type === undefined) continue;
    const count = (taken.get(type) ?? 0) + 1;
    if (definitions.has(type) && count > definitionsOfEach) continue;
    taken.set(type, count);
    const resource: { text?: { div?: string } } = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    if (resource.text?.div !== undefined) resource.text.div = '<div xmlns="http://www.w3.org/1999/xhtml"></div>';
    const document = JSON.stringify(resource);
    if (document.length <= exampleCharactersMax) documents.push(document);
  }
  return documents;
}

function byType(documents: readonly string[]): Map<string, string[]> {
  return Map.groupBy(documents, (document) => /^\{"resourceType":"([A-Za-z]+)"/.exec(document)?.[1] ?? '');
}

if (import.meta.main) main(process.argv[2]);
