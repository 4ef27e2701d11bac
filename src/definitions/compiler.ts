import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SearchParameterDef } from '../fhir/schema.ts';
import type { CacheSections } from './cache-file.ts';
import { impliedSystems, type Include, includesOf } from './implied-systems.ts';
import { compress, Pieces } from './pieces.ts';
import type { CompartmentType, Definition } from './r4-source.ts';
import { compileTypes, isTypeDefinition } from './schema-compiler.ts';
import { affectsState, DEFINITION_KINDS, expressionOf, isSearchable, isStandard, membersOf } from './selection.ts';

/** What a start needs, but for the types, which stand apart and are read type by type. */
export type Summary = {
  readonly resourceTypes: readonly string[];
  readonly searchParameters: readonly SearchParameterDef[];
  readonly compartments: Readonly<Record<CompartmentType, Readonly<Record<string, readonly string[]>>>>;
  readonly operations: readonly OperationDef[];
  readonly impliedSystems: Readonly<Record<string, string>>;
  /** Where each type's JSON stands in the section `types`: [offset, length]. */
  readonly types: Readonly<Record<string, readonly [number, number]>>;
};

export type OperationDef = {
  readonly name: string;
  readonly url: string;
  /** Without the `$`. */
  readonly code: string;
  readonly system: boolean;
  readonly type: boolean;
  readonly instance: boolean;
  /** The resource types it is for; `Resource`: all. */
  readonly resource: readonly string[];
  readonly affectsState: boolean;
};

/** Where each document stands in the section `documents`, by `Type/id` and by `Type url`. */
export type Catalogue = Readonly<Record<string, readonly [number, number]>>;

/**
 * Compiles the package's definitions. It goes file by file, so that memory holds one definition at a time.
 *
 * @param folder  of the unpacked `hl7.fhir.r4.examples`
 * @returns       the sections of the cache file; equal for equal input
 */
export async function compileDefinitions(folder: string): Promise<CacheSections> {
  const types = new Pieces();
  const documents = new Pieces();
  const found: Found = {
    resourceTypes: [],
    searchParameters: [],
    compartments: { Patient: {}, Encounter: {}, Practitioner: {}, RelatedPerson: {}, Device: {} },
    operations: [],
    includes: new Map(),
  };
  const typeSpans: Record<string, readonly [number, number]> = {};
  const catalogue: Record<string, readonly [number, number]> = {};

  for (const name of (await readdir(folder)).filter(isDefinitionFile).sort()) {
    const definition = JSON.parse(await readFile(join(folder, name), 'utf8')) as Definition & { text?: unknown };
    if (!isStandard(definition)) continue;
    delete definition.text; // The narrative repeats the rest as HTML, and is half of the bytes.
    const span = documents.add(compress(JSON.stringify(definition)));
    catalogue[`${definition.resourceType}/${definition.id}`] = [span.offset, span.length];
    catalogue[`${definition.resourceType} ${definition.url}`] = [span.offset, span.length];
    gather(definition, found);
    if (definition.resourceType !== 'StructureDefinition' || !isTypeDefinition(definition)) continue;
    for (const type of compileTypes(definition)) {
      const { offset, length } = types.add(Buffer.from(JSON.stringify(type)));
      typeSpans[type.name] = [offset, length];
    }
  }

  const { includes, ...rest } = found;
  const summary: Summary = { ...rest, impliedSystems: impliedSystems(includes), types: typeSpans };
  return {
    summary: Buffer.from(JSON.stringify(summary)),
    types: types.whole(),
    catalogue: compress(JSON.stringify(catalogue satisfies Catalogue)),
    documents: documents.whole(),
  };
}

type Found = {
  readonly resourceTypes: string[];
  readonly searchParameters: SearchParameterDef[];
  readonly compartments: Record<CompartmentType, Readonly<Record<string, readonly string[]>>>;
  readonly operations: OperationDef[];
  readonly includes: Map<string, readonly Include[]>;
};

function gather(definition: Definition, found: Found): void {
  const url = definition.url ?? '';
  switch (definition.resourceType) {
    case 'StructureDefinition':
      if (isTypeDefinition(definition) && definition.kind === 'resource' && !definition.abstract) found.resourceTypes.push(definition.type);
      break;
    case 'SearchParameter': {
      if (!isSearchable(definition)) break;
      const { code, base = [], type, target = [], component = [] } = definition;
      const expression = expressionOf(definition);
      const components = component.map((part) => ({ definition: part.definition, expression: part.expression }));
      found.searchParameters.push({
        url,
        code,
        base,
        type,
        ...(expression === undefined ? {} : { expression }),
        targets: target,
        components,
      });
      break;
    }
    case 'CompartmentDefinition':
      found.compartments[definition.code] = membersOf(definition);
      break;
    case 'OperationDefinition': {
      const { name, code, system, type, instance, resource = [] } = definition;
      found.operations.push({ name, url, code, system, type, instance, resource, affectsState: affectsState(definition) });
      break;
    }
    case 'ValueSet':
      found.includes.set(url, includesOf(definition));
      break;
    case 'CodeSystem':
    case 'ConceptMap':
      break; // Documents only.
  }
}

function isDefinitionFile(name: string): boolean {
  return name.endsWith('.json') && DEFINITION_KINDS.some((kind) => name.startsWith(`${kind}-`));
}
