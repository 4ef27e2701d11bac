import type { Definitions } from '../definitions/load.ts';
import { type CompiledPath, compilePaths } from '../fhirpath/compile.ts';
import type { ElementDef, SearchParameterDef, SearchParameterType } from '../fhir/schema.ts';
import type { ElementName, ElementNumbers } from '../storage/elements.ts';
import { type CompositeItem, compositeItems, type Pair } from './composites.ts';
import { type ElementPool, elementPool, nameOf, type SearchElement } from './elements.ts';
import { mainDateOf } from './main-dates.ts';

export type { SearchElement } from './elements.ts';

/** A search parameter of one type: the elements it looks at, each with the reference targets that count. */
export type SearchParam = {
  readonly code: string;
  readonly type: SearchParameterType;
  readonly url: string;
  readonly elements: readonly { readonly element: SearchElement; readonly targets?: readonly string[] }[];
  /** Of a composite: the items whose values it compares. */
  readonly items?: readonly CompositeItem[];
  /** Resource types a reference parameter may point to. */
  readonly targets: readonly string[];
};

/** Membership of a compartment by one of the type's reference elements. */
export type CompartmentRule = { readonly compartment: string; readonly element: SearchElement };

/** How far the build of a parameter is, in resources. */
export type BuildProgress = { readonly done: number; readonly total: number };

/** A parameter that resources are being prepared for: what is written already has its tokens, what was there may not. */
export type BuildingParam = { readonly id: string; readonly progress: () => BuildProgress };

/** A parameter beside the standard's own, as its SearchParameter resource `id` says; found by once it is no longer building. */
export type AddedParameter = {
  readonly id: string;
  readonly version: number;
  readonly definition: SearchParameterDef;
  readonly building?: BuildingParam['progress'];
};

export type TypeSearch = {
  readonly type: string;
  readonly params: ReadonlyMap<string, SearchParam>;
  /** By code; a search by one of them is refused. */
  readonly building: ReadonlyMap<string, BuildingParam>;
  readonly elements: readonly SearchElement[];
  /** What its composite parameters ask for, each kind of item once. */
  readonly items: readonly CompositeItem[];
  /** The pairs that can be searched by. */
  readonly pairs: readonly Pair[];
  readonly compartments: readonly CompartmentRule[];
  /** The elements of `patient`, or else `subject`: whose one Patient becomes the row's patient column. */
  readonly patientElements: readonly SearchElement[];
  /** They hold at most one reference, so that no row is missing from the column: a search for a patient may ride it. */
  readonly namesOnePatient: boolean;
  /** The type's main date, by which it is sorted. */
  readonly mainDate: SearchParam | undefined;
  /** No resource has more than one of it. */
  readonly hasOneMainDate: boolean;
};

export type Registry = {
  readonly types: readonly string[];
  readonly isType: (name: string) => boolean;
  /** Compiled on first use. */
  readonly of: (type: string) => TypeSearch;
  /** The same with these parameters beside the standard's own. What they don't concern is shared. */
  readonly with: (added: readonly AddedParameter[], numbers: ElementNumbers) => Registry;
};

/** Params that are answered from columns or say how to answer, and so have no elements. */
const withoutElements = new Set(['_id', '_lastUpdated', '_content', '_text', '_query', '_list', '_has', '_type', '_filter']);

/** Where special parameters look, whose own expressions end at something that can't be kept: a position is two numbers. */
const specialExpressions: Readonly<Record<string, string>> = {
  near: 'Location.position.latitude | Location.position.longitude',
};

/** A search by it has something to look at. */
export function isAnswered({ elements, items = [] }: SearchParam): boolean {
  return elements.length > 0 || items.length > 0;
}

export function buildRegistry(definitions: Definitions, numbers: ElementNumbers): Registry {
  const sources = sourcesOf(definitions);
  const types = new Set(definitions.resourceTypes);
  const standard = cached(types, (type) => buildType(type, [], sources, numbers));
  const base: Omit<Registry, 'of'> = {
    types: definitions.resourceTypes,
    isType: (name) => types.has(name),
    with(added, newNumbers) {
      const own = cached(types, (type) => {
        const theirs = added.filter(({ definition }) => isFor(definition, type, definitions));
        return theirs.length === 0 ? standard(type) : buildType(type, theirs, sources, newNumbers);
      });
      return { ...base, of: own };
    },
  };
  return { ...base, of: standard };
}

function cached(types: ReadonlySet<string>, build: (type: string) => TypeSearch): Registry['of'] {
  const built = new Map<string, TypeSearch>();
  return (type) => {
    let search = built.get(type);
    if (search === undefined) {
      if (!types.has(type)) throw new Error(`no such resource type: ${type}`);
      search = build(type);
      built.set(type, search);
    }
    return search;
  };
}

/** All elements of all types, for numbering. Compiles everything: only for a new edition of the definitions. */
export function allElements(definitions: Definitions): ElementName[] {
  return elementsOfTypes(definitions, [], definitions.resourceTypes);
}

/** The elements of all types that these parameters concern. */
export function elementsWith(definitions: Definitions, added: readonly AddedParameter[]): ElementName[] {
  const types = definitions.resourceTypes.filter((type) => added.some(({ definition }) => isFor(definition, type, definitions)));
  return elementsOfTypes(definitions, added, types);
}

/** To be raised whenever `allElements` of the same definitions changes. */
export const elementsEdition = 3;

function elementsOfTypes(definitions: Definitions, added: readonly AddedParameter[], types: readonly string[]): ElementName[] {
  const sources = sourcesOf(definitions);
  return types.flatMap((type) => {
    const theirs = added.filter(({ definition }) => isFor(definition, type, definitions));
    const { elements, items } = buildType(type, theirs, sources, () => 0);
    const pairs = distinct(items.flatMap((item) => item.pairs));
    return [...elements.map(nameOf), ...pairs.map(({ path }) => nameOf({ kind: 'composite', path }))].map((path) => ({ type, path }));
  });
}

/** Audit events are never changed, so nothing can be added to what they are found by. */
export function isFor({ base }: Pick<SearchParameterDef, 'base'>, type: string, { schema }: Pick<Definitions, 'schema'>): boolean {
  if (type === 'AuditEvent') return false;
  return base.includes(type) || base.includes('Resource') || (base.includes('DomainResource') && schema(type)?.base === 'DomainResource');
}

/** The standard's parameters, by base and by url. */
type Sources = {
  readonly definitions: Definitions;
  readonly byBase: ReadonlyMap<string, readonly SearchParameterDef[]>;
  readonly byUrl: ReadonlyMap<string, SearchParameterDef>;
};

function sourcesOf(definitions: Definitions): Sources {
  const { searchParameters } = definitions;
  const bases = new Set(searchParameters.flatMap(({ base }) => base));
  return {
    definitions,
    byBase: new Map([...bases].map((base) => [base, searchParameters.filter((parameter) => parameter.base.includes(base))])),
    byUrl: new Map(searchParameters.map((parameter) => [parameter.url, parameter])),
  };
}

function buildType(type: string, added: readonly AddedParameter[], sources: Sources, numbers: ElementNumbers): TypeSearch {
  const { definitions } = sources;
  const pool = elementPool(type, definitions, numbers);
  const definitionOf = (url: string) => added.find(({ definition }) => definition.url === url)?.definition ?? sources.byUrl.get(url);
  const numberOf = (path: string): number => numbers({ type, path: nameOf({ kind: 'composite', path }) });
  const paramOf = (parameter: SearchParameterDef): SearchParam => {
    const { code, type: kind, url, targets } = parameter;
    if (kind === 'composite') {
      return {
        code,
        type: kind,
        url,
        targets,
        elements: [],
        items: compositeItems(parameter, { type, definitions, pool, definitionOf, numberOf }),
      };
    }
    return { code, type: kind, url, targets, elements: elementsOf(parameter, type, definitions, pool) };
  };
  const standard = new Map<string, SearchParam>();
  for (const parameter of standardOf(type, sources)) if (!standard.has(parameter.code)) standard.set(parameter.code, paramOf(parameter));
  const others = added.map((each) => ({ ...each, param: paramOf(each.definition) }));
  const params = new Map([
    ...standard,
    ...others.flatMap(({ param, building }) => (building === undefined ? [[param.code, param] as const] : [])),
  ]);
  const all = [...standard.values(), ...others.map(({ param }) => param)];
  const items = distinct(all.flatMap((param) => param.items ?? []));
  // Whose data a resource is, is the standard's to say: parameters that replace its own don't change it.
  const patient = standard.get('patient') ?? standard.get('subject');
  const mainDate = standard.get(mainDateOf(type) ?? '');
  const patientElements = patient?.type === 'reference' ? patient.elements.map(({ element }) => element) : [];
  return {
    type,
    params,
    building: new Map(
      others.flatMap(({ param, id, building }) => (building === undefined ? [] : [[param.code, { id, progress: building }]])),
    ),
    elements: pool.all(),
    items,
    pairs: distinct([...params.values()].flatMap((param) => (param.items ?? []).flatMap(({ pairs }) => pairs))),
    compartments: compartmentRules(type, standard, definitions),
    patientElements,
    namesOnePatient: patientElements.length === 1 && patientElements.every(({ path }) => isSingle(path, definitions)),
    mainDate,
    hasOneMainDate: mainDate?.elements.length === 1 && mainDate.elements.every(({ element }) => isSingle(element.path, definitions)),
  };
}

function distinct<T extends { readonly path: string }>(all: readonly T[]): T[] {
  return [...new Map(all.map((each) => [each.path, each])).values()];
}

function standardOf(type: string, { byBase, definitions }: Sources): SearchParameterDef[] {
  const domain = definitions.schema(type)?.base === 'DomainResource' ? (byBase.get('DomainResource') ?? []) : [];
  return [...(byBase.get(type) ?? []), ...domain, ...(byBase.get('Resource') ?? [])];
}

function elementsOf(parameter: SearchParameterDef, type: string, definitions: Definitions, pool: ElementPool): SearchParam['elements'] {
  return pathsOf(parameter, type, definitions).map((compiled) => {
    const element = pool.at(parameter.type, compiled);
    return compiled.targets === undefined ? { element } : { element, targets: compiled.targets };
  });
}

/** Where a parameter that is no composite looks in a resource of the type. @throws FhirError 400 if its expression is wrong */
export function pathsOf(parameter: SearchParameterDef, type: string, definitions: Definitions): CompiledPath[] {
  const expression = parameter.type === 'special' ? specialExpressions[parameter.code] : parameter.expression;
  if (expression === undefined || withoutElements.has(parameter.code) || parameter.type === 'composite') return [];
  return compilePaths(expression, type, definitions.schema).filter(isIndexable(parameter.type));
}

/** A plain path none of whose steps repeats. */
function isSingle(path: string, definitions: Definitions): boolean {
  let type: string | undefined;
  for (const name of path.split('.')) {
    const element = type === undefined ? undefined : elementAt(type, name, definitions);
    if (type !== undefined && (element === undefined || element.array)) return false;
    type = element?.type ?? name;
  }
  return true;
}

/** The element of that name; of a choice, one of its types. */
function elementAt(type: string, name: string, { schema }: Definitions): ElementDef | undefined {
  const { elements } = schema(type) ?? {};
  return elements?.get(name) ?? elements?.values().find(({ element }) => element === `${name}[x]`);
}

/** Datatypes that leave ordered facts; a path that ends at none of them can't be found by a date or a quantity. */
const orderedTypes: Readonly<Partial<Record<SearchParameterType, ReadonlySet<string>>>> = {
  date: new Set(['date', 'dateTime', 'instant', 'Period', 'Timing']),
  number: new Set(['integer', 'decimal', 'positiveInt', 'unsignedInt']),
  quantity: new Set(['Quantity', 'Age', 'Count', 'Distance', 'Duration', 'Money', 'SimpleQuantity', 'MoneyQuantity', 'Range']),
};

function isIndexable(kind: SearchParameterType): (compiled: CompiledPath) => boolean {
  const types = orderedTypes[kind];
  return (compiled) => types === undefined || compiled.types.length === 0 || compiled.types.some((type) => types.has(type));
}

function compartmentRules(type: string, params: ReadonlyMap<string, SearchParam>, definitions: Definitions): CompartmentRule[] {
  return Object.entries(definitions.compartments).flatMap(([compartment, members]) => {
    const own = (members[type] ?? []).flatMap((code) => params.get(code)?.elements ?? []);
    return [...new Set(own.map(({ element }) => element))]
      .filter(({ kind }) => kind === 'reference')
      .map((element) => ({ compartment, element }));
  });
}
