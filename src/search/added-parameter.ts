import type { Definitions } from '../definitions/load.ts';
import { prepareLibrary } from '../fhirpath/compile.ts';
import { FhirError, issue } from '../fhir/error.ts';
import { nearestName } from '../fhir/nearest-name.ts';
import type { SearchParameterDef, SearchParameterType } from '../fhir/schema.ts';
import { compositeItems } from './composites.ts';
import { elementPool } from './elements.ts';
import { type AddedParameter, isFor, pathsOf, type Registry } from './registry.ts';
import { isRecord, textOf } from './sink.ts';

const typeNames = ['number', 'date', 'string', 'token', 'reference', 'composite', 'quantity', 'uri'] as const;
const expressionMax = 1_000;

/**
 * Reads an active SearchParameter resource as a parameter to search by.
 *
 * @param standard  without any added parameter
 * @param added     those that are in force, whatever this one was before among them
 * @returns         undefined if its status isn't `active`: then it is stored and nothing more
 * @throws          FhirError 422 that says why nothing can be searched by it
 */
export async function readParameter(
  resource: Readonly<Record<string, unknown>>,
  id: string,
  definitions: Definitions,
  standard: Registry,
  added: readonly AddedParameter[],
  addedMax: number,
): Promise<SearchParameterDef | undefined> {
  if (resource.status !== 'active') return undefined;
  const others = added.filter((each) => each.id !== id);
  if (others.length >= addedMax)
    throw unusable('SearchParameter.status', `This server takes ${addedMax} active search parameters. Retire one first.`);
  const definition = definitionOf(resource);
  assertNames(definition, definitions);
  await assertFinds(definition, definitions, others);
  assertFree(definition, definitions, standard, others);
  return definition;
}

/** A stored SearchParameter. */
export function parsedParameter(json: Buffer): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(json.toString('utf8'));
  return isRecord(value) ? value : {};
}

/** The definition in a SearchParameter that was checked before. */
export function definitionOf(resource: Readonly<Record<string, unknown>>): SearchParameterDef {
  const type = typeNames.find((name) => name === resource.type);
  const expression = textOf(resource.expression);
  if (type === undefined) throw unusable('SearchParameter.type', `The type of a search parameter is one of ${typeNames.join(', ')}.`);
  if (expression === undefined) throw unusable('SearchParameter.expression', 'An active search parameter needs an expression.');
  return {
    url: textOf(resource.url) ?? '',
    code: textOf(resource.code) ?? '',
    base: textsOf(resource.base),
    type,
    expression,
    targets: textsOf(resource.target),
    components: listOf(resource.component).flatMap((each) => {
      const definition = isRecord(each) ? textOf(each.definition) : undefined;
      const path = isRecord(each) ? textOf(each.expression) : undefined;
      return definition === undefined || path === undefined ? [] : [{ definition: definition.split('|', 1)[0] ?? '', expression: path }];
    }),
  };
}

/** Loads the library for those whose expressions only it can evaluate. To be awaited before a registry has them. */
export async function prepareParameters(parameters: readonly SearchParameterDef[], definitions: Definitions): Promise<void> {
  const needed = parameters.some((parameter) =>
    definitions.resourceTypes.some((type) => isFor(parameter, type, definitions) && !isSimple(parameter, type, definitions)),
  );
  if (needed) await prepareLibrary();
}

function isSimple(parameter: SearchParameterDef, type: string, definitions: Definitions): boolean {
  if (parameter.type !== 'composite') return pathsOf(parameter, type, definitions).every(({ simple }) => simple);
  return false; // Its items and components are many paths; the library is loaded without looking at each.
}

function assertNames({ code, base, targets, url, expression = '' }: SearchParameterDef, { resourceTypes }: Definitions): void {
  if (!/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(code)) {
    throw unusable(
      'SearchParameter.code',
      'The code of a search parameter begins with a letter and has letters, digits, "-" and "_", 64 at most.',
    );
  }
  if (url === '') throw unusable('SearchParameter.url', 'A search parameter needs a url.');
  if (expression.length > expressionMax)
    throw unusable('SearchParameter.expression', `The expression is longer than ${expressionMax} characters.`);
  const known = new Set([...resourceTypes, 'Resource', 'DomainResource']);
  if (base.length === 0) throw unusable('SearchParameter.base', 'An active search parameter needs a base.');
  for (const name of [...base, ...targets]) {
    if (known.has(name)) continue;
    const nearest = nearestName(name, known);
    throw unusable(
      'SearchParameter',
      `${JSON.stringify(name.slice(0, 64))} is no resource type.${nearest === undefined ? '' : ` Did you mean "${nearest}"?`}`,
    );
  }
  if (base.includes('AuditEvent')) {
    throw unusable('SearchParameter.base', 'AuditEvents are never changed, so no search parameter can be added to them.');
  }
}

/** The expression compiles, and leads to something that a parameter of its type can be made of. */
async function assertFinds(definition: SearchParameterDef, definitions: Definitions, others: readonly AddedParameter[]): Promise<void> {
  const types = definitions.resourceTypes.filter((type) => isFor(definition, type, definitions));
  try {
    await prepareParameters([definition], definitions);
    const found = types.filter((type) => finds(definition, type, definitions, others));
    const missing = definition.base.find((base) => types.includes(base) && !found.includes(base));
    if (missing === undefined && found.length > 0) return;
    throw unusable(
      'SearchParameter.expression',
      `The expression leads to nothing in ${missing ?? definition.base.join(', ')} that a ${definition.type} parameter can be made of.`,
    );
  } catch (error) {
    if (error instanceof FhirError && error.status !== 422) throw unusable('SearchParameter.expression', error.message, error);
    throw error;
  }
}

function finds(definition: SearchParameterDef, type: string, definitions: Definitions, others: readonly AddedParameter[]): boolean {
  if (definition.type === 'composite') return findsItems(definition, type, definitions, others);
  const accepted = acceptedTypes[definition.type];
  return pathsOf(definition, type, definitions).some(({ types }) => types.length === 0 || types.some((each) => accepted?.has(each)));
}

function findsItems(definition: SearchParameterDef, type: string, definitions: Definitions, others: readonly AddedParameter[]): boolean {
  const definitionOf = (url: string): SearchParameterDef | undefined =>
    others.find((each) => each.definition.url === url)?.definition ?? definitions.searchParameters.find((each) => each.url === url);
  if (definition.components.length < 2) throw unusable('SearchParameter.component', 'A composite has two components at least.');
  for (const { definition: url } of definition.components) {
    const component = definitionOf(url);
    if (component === undefined)
      throw unusable('SearchParameter.component', 'A component is defined by a search parameter that is not known here.');
    if (component.type === 'composite' || component.type === 'special') {
      throw unusable('SearchParameter.component', `A component can't be a ${component.type} parameter.`);
    }
  }
  const pool = elementPool(type, definitions, () => 0);
  return compositeItems(definition, { type, definitions, pool, definitionOf, numberOf: () => 0 }).length > 0;
}

/** Datatypes that extraction makes something of. @see https://hl7.org/fhir/R4/search.html#ptypes */
const acceptedTypes: Readonly<Partial<Record<SearchParameterType, ReadonlySet<string>>>> = {
  number: new Set(['integer', 'decimal', 'positiveInt', 'unsignedInt']),
  date: new Set(['date', 'dateTime', 'instant', 'Period', 'Timing']),
  string: new Set(['string', 'markdown', 'code', 'id', 'uri', 'HumanName', 'Address']),
  token: new Set([
    'CodeableConcept',
    'Coding',
    'Identifier',
    'ContactPoint',
    'code',
    'boolean',
    'string',
    'id',
    'uri',
    'oid',
    'uuid',
    'integer',
  ]),
  reference: new Set(['Reference', 'canonical', 'uri']),
  quantity: new Set(['Quantity', 'Age', 'Count', 'Distance', 'Duration', 'Money', 'SimpleQuantity', 'MoneyQuantity', 'Range']),
  uri: new Set(['uri', 'url', 'canonical', 'oid', 'uuid']),
};

/** Nothing else is searched by its code; what has the same url is replaced by it. */
function assertFree(definition: SearchParameterDef, definitions: Definitions, standard: Registry, others: readonly AddedParameter[]): void {
  const { code, url } = definition;
  const twin = others.find((each) => each.definition.url === url);
  if (twin !== undefined)
    throw unusable('SearchParameter.url', `SearchParameter/${twin.id} has this url already. Change that one, or retire it first.`);
  for (const type of standard.types.filter((each) => isFor(definition, each, definitions))) {
    const other = others.find((each) => each.definition.code === code && isFor(each.definition, type, definitions));
    const taken = other === undefined ? standard.of(type).params.get(code)?.url : other.definition.url;
    if (taken === undefined || taken === url) continue;
    throw unusable(
      'SearchParameter.code',
      `${type} has a search parameter "${code}" already. Choose another code, or give yours the url of the one it replaces.`,
    );
  }
}

function unusable(expression: string, text: string, cause?: unknown): FhirError {
  return new FhirError(422, [issue('business-rule', 'search-parameter-unusable', text, expression)], { cause });
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textsOf(value: unknown): string[] {
  return listOf(value).flatMap((each) => textOf(each) ?? []);
}
