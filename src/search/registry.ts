import type { Definitions } from '../definitions/load.ts';
import type { CompiledPath } from '../fhirpath/compile.ts';
import { compilePaths } from '../fhirpath/compile.ts';
import type { ElementDef, SearchParameterDef, SearchParameterType } from '../fhir/schema.ts';
import type { ElementName, ElementNumbers } from '../storage/elements.ts';
import { mainDateOf } from './main-dates.ts';
import { type Pair, pairsOf } from './pairs.ts';

/**
 * One element of a type that search asks for. Facts and tokens are kept by element, not by parameter: parameters that
 * look at the same element (`code` and `combo-code`, `patient` and `subject`) share what is stored.
 */
export type SearchElement = {
  readonly kind: SearchParameterType;
  /** The element's place: `Observation.value.ofType(Quantity)`. */
  readonly path: string;
  readonly types: readonly string[];
  readonly each: CompiledPath['each'];
  /** Its number in the fact tables. */
  readonly number: number;
  /** Some parameter counts only references to certain types: which types there are is kept too. */
  readonly narrowed: boolean;
  /** The one system of a `code` element's codes, where its required binding names just one. */
  readonly system?: string;
};

/** A search parameter of one type: the elements it looks at, each with the reference targets that count. */
export type SearchParam = {
  readonly code: string;
  readonly type: SearchParameterType;
  readonly url: string;
  readonly elements: readonly { readonly element: SearchElement; readonly targets?: readonly string[] }[];
  /** Resource types a reference parameter may point to. */
  readonly targets: readonly string[];
};

/** Membership of a compartment by one of the type's reference elements. */
export type CompartmentRule = { readonly compartment: string; readonly element: SearchElement };

export type TypeSearch = {
  readonly type: string;
  readonly params: ReadonlyMap<string, SearchParam>;
  readonly elements: readonly SearchElement[];
  /** What its composite parameters ask for. */
  readonly pairs: readonly Pair[];
  readonly compartments: readonly CompartmentRule[];
  /** The elements of `patient`, or else `subject`: whose one Patient becomes the row's patient column. */
  readonly patientElements: readonly SearchElement[];
  /** They hold at most one reference, so that no row is missing from the column: a search for a patient may ride it. */
  readonly namesOnePatient: boolean;
  /** The type's main date, by which it is sorted. */
  readonly mainDate: SearchParam | undefined;
};

export type Registry = {
  readonly types: readonly string[];
  readonly isType: (name: string) => boolean;
  /** Compiled on first use. */
  readonly of: (type: string) => TypeSearch;
};

/** Params that are answered from columns or say how to answer, and so have no elements. */
const withoutElements = new Set(['_id', '_lastUpdated', '_content', '_text', '_query', '_list', '_has', '_type', '_filter']);

/** Where special parameters look, whose own expressions end at something that can't be kept: a position is two numbers. */
const specialExpressions: Readonly<Record<string, string>> = {
  near: 'Location.position.latitude | Location.position.longitude',
};

export function buildRegistry(definitions: Definitions, numbers: ElementNumbers): Registry {
  const byBase = parametersByBase(definitions);
  const built = new Map<string, TypeSearch>();
  const types = new Set(definitions.resourceTypes);
  return {
    types: definitions.resourceTypes,
    isType: (name) => types.has(name),
    of(type) {
      let search = built.get(type);
      if (search === undefined) {
        if (!types.has(type)) throw new Error(`no such resource type: ${type}`);
        search = buildType(type, byBase, definitions, numbers);
        built.set(type, search);
      }
      return search;
    },
  };
}

/** All elements of all types, for numbering. Compiles everything: only for a new edition of the definitions. */
export function allElements(definitions: Definitions): ElementName[] {
  const byBase = parametersByBase(definitions);
  const names = definitions.resourceTypes.flatMap((type) =>
    numberedElements(buildType(type, byBase, definitions, () => 0)).map((path) => ({ type, path })),
  );
  return names;
}

/** To be raised whenever `allElements` of the same definitions changes. */
export const elementsEdition = 2;

function numberedElements({ elements, pairs }: TypeSearch): string[] {
  return [...elements.map(nameOf), ...pairs.map(({ path }) => nameOf({ kind: 'composite', path }))];
}

const nameOf = (element: Pick<SearchElement, 'kind' | 'path'>): string => `${element.kind} ${element.path}`;

function parametersByBase(definitions: Definitions): Map<string, SearchParameterDef[]> {
  const byBase = new Map<string, SearchParameterDef[]>();
  for (const parameter of definitions.searchParameters) {
    for (const base of parameter.base) {
      const list = byBase.get(base);
      if (list === undefined) byBase.set(base, [parameter]);
      else list.push(parameter);
    }
  }
  return byBase;
}

function buildType(
  type: string,
  byBase: ReadonlyMap<string, SearchParameterDef[]>,
  definitions: Definitions,
  numbers: ElementNumbers,
): TypeSearch {
  const elements = new Map<string, GrowingElement>();
  const params = new Map<string, SearchParam>();
  for (const parameter of parametersOf(type, byBase, definitions)) {
    if (params.has(parameter.code)) continue;
    params.set(parameter.code, {
      code: parameter.code,
      type: parameter.type,
      url: parameter.url,
      elements: elementsOf(parameter, type, definitions, elements, numbers),
      targets: parameter.targets,
    });
  }
  const patient = params.get('patient') ?? params.get('subject');
  const patientElements = patient?.type === 'reference' ? patient.elements.map(({ element }) => element) : [];
  return {
    type,
    params,
    elements: [...elements.values()],
    pairs: pairsOf(parametersOf(type, byBase, definitions), type, definitions, (path) =>
      numbers({ type, path: nameOf({ kind: 'composite', path }) }),
    ),
    compartments: compartmentRules(type, params, definitions),
    patientElements,
    namesOnePatient: patientElements.length === 1 && patientElements.every(({ path }) => isSingle(path, definitions)),
    mainDate: params.get(mainDateOf(type) ?? ''),
  };
}

function parametersOf(type: string, byBase: ReadonlyMap<string, SearchParameterDef[]>, definitions: Definitions): SearchParameterDef[] {
  const domain = definitions.schema(type)?.base === 'DomainResource' ? (byBase.get('DomainResource') ?? []) : [];
  return [...(byBase.get(type) ?? []), ...domain, ...(byBase.get('Resource') ?? [])];
}

/** While a type is built, its elements still learn who looks at them. */
type GrowingElement = Omit<SearchElement, 'narrowed'> & { narrowed: boolean };

function elementsOf(
  parameter: SearchParameterDef,
  type: string,
  definitions: Definitions,
  elements: Map<string, GrowingElement>,
  numbers: ElementNumbers,
): SearchParam['elements'] {
  const expression = parameter.type === 'special' ? specialExpressions[parameter.code] : parameter.expression;
  if (expression === undefined || withoutElements.has(parameter.code) || parameter.type === 'composite') return [];
  return compilePaths(expression, type, definitions.schema)
    .filter(isIndexable(parameter.type))
    .map((compiled) => {
      const key = nameOf({ kind: parameter.type, path: compiled.path });
      let element = elements.get(key);
      if (element === undefined) {
        element = {
          kind: parameter.type,
          path: compiled.path,
          types: compiled.types,
          each: compiled.each,
          number: numbers({ type, path: key }),
          narrowed: false,
          ...impliedSystem(compiled, definitions),
        };
        elements.set(key, element);
      }
      if (compiled.targets === undefined) return { element };
      element.narrowed = true;
      return { element, targets: compiled.targets };
    });
}

/** A plain path none of whose steps repeats. */
function isSingle(path: string, definitions: Definitions): boolean {
  let type: string | undefined;
  for (const name of path.split('.')) {
    const element = type === undefined ? undefined : definitions.schema(type)?.elements.get(name);
    if (type !== undefined && (element === undefined || element.array)) return false;
    type = element?.type ?? name;
  }
  return true;
}

function impliedSystem(compiled: CompiledPath, definitions: Definitions): { system?: string } {
  if (compiled.types.join() !== 'code') return {};
  const [root = '', ...names] = compiled.path.split('.');
  let type: string | undefined = root;
  let valueSet: string | undefined;
  for (const name of names) {
    const element: ElementDef | undefined = definitions.schema(type ?? '')?.elements.get(name);
    valueSet = element?.binding?.strength === 'required' ? element.binding.valueSet : undefined;
    type = element?.type;
  }
  const system = valueSet === undefined ? undefined : definitions.codeSystemOf(valueSet);
  return system === undefined ? {} : { system };
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
