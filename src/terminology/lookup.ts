import type { Json, JsonObject } from '../fhir/json.ts';
import type { Concept, Property } from './code-system.ts';
import { displayOf, isLanguage } from './display.ts';
import { conceptIn } from './membership.ts';
import { misasked, unknown, untellable } from './refusals.ts';
import type { LookupRequest } from './requests.ts';
import { type Needs, settled, type Stock } from './stock.ts';
import type { System } from './system.ts';

/**
 * All that a code system tells of a code: what it is called, its designations and properties, what stands above and below it.
 *
 * @throws FhirError 404 if the code system isn't here or has no such code
 * @see    https://hl7.org/fhir/R4/codesystem-operation-lookup.html
 */
export async function lookup(request: LookupRequest, stock: Stock): Promise<JsonObject> {
  const { coding } = request;
  if (coding !== undefined && request.code !== undefined) throw misasked('Give "coding", or "system" and "code", not both.');
  const { system: url, code, version } = coding ?? request;
  if (url === undefined || code === undefined) throw misasked('Give "system" and "code", or a "coding" with both.');
  const system = await settled(stock, (needs) => stock.system(url, version, needs));
  if (system === undefined || system.kind === 'absent') throw unknown(system?.why ?? `The code system ${url} isn't loaded here.`);
  const member = await settled(stock, (needs) => conceptIn(system, url, version, code, { stock, needs }));
  if (member.kind === 'untold') throw untellable(member.why);
  if (member.kind !== 'in' || member.concept === undefined) throw unknown(`The code system ${url} has no code ${code}.`);
  const { concept } = member;
  const related = await settled(stock, (needs) => relatedOf(concept, system, stock, needs));
  return { resourceType: 'Parameters', parameter: parametersOf(concept, system, related, request) };
}

type Related = { readonly parents: readonly Concept[]; readonly children: readonly Concept[] };

/** So many are told of those below a code. */
const childrenMax = 1_000;

function relatedOf({ parents, children }: Concept, system: System, stock: Stock, needs: Needs): Related {
  const find = (code: string): readonly Concept[] => {
    const found =
      system.kind === 'memory'
        ? system.system.concepts.get(code)
        : system.kind === 'table'
          ? stock.concept(system.table, code, needs)
          : undefined;
    return found === undefined || found === 'none' ? [] : [found];
  };
  return { parents: parents.flatMap(find), children: children.slice(0, childrenMax).flatMap(find) };
}

function parametersOf(
  concept: Concept,
  system: System,
  { parents, children }: Related,
  { property = [], displayLanguage }: LookupRequest,
): JsonObject[] {
  const asked = new Set(property);
  const languages = property.filter((each) => each.startsWith('lang.')).map((each) => each.slice(5));
  const isAsked = (name: string): boolean => asked.size === 0 || asked.has('*') || asked.has(name);
  const { name, version, properties } = aboutOf(system);
  const designations = concept.designations.filter(
    ({ language }) => isAsked('designation') || languages.some((each) => isLanguage(language, each)),
  );
  const told: JsonObject[] = [];
  if (isAsked('definition') && concept.definition !== undefined) told.push(propertyOf('definition', { valueString: concept.definition }));
  if (isAsked('parent')) told.push(...parents.map((each) => related('parent', each)));
  if (isAsked('child')) told.push(...children.map((each) => related('child', each)));
  // Some code systems say these by properties of their own.
  const said = new Set(concept.properties.map(({ code }) => code));
  if (isAsked('inactive') && !said.has('inactive')) told.push(propertyOf('inactive', { valueBoolean: concept.inactive }));
  if (isAsked('notSelectable') && concept.abstract && !said.has('notSelectable'))
    told.push(propertyOf('notSelectable', { valueBoolean: true }));
  for (const each of concept.properties) {
    if (isAsked(each.code) && !['parent', 'child'].includes(each.code))
      told.push(propertyOf(each.code, valueOf(each), properties.get(each.code)));
  }
  return [
    { name: 'name', valueString: name },
    ...(version === undefined ? [] : [{ name: 'version', valueString: version }]),
    { name: 'display', valueString: displayOf({ concept }, displayLanguage) ?? concept.code },
    ...designations.map(({ language, use, value }) => ({
      name: 'designation',
      part: [
        ...(language === undefined ? [] : [{ name: 'language', valueCode: language }]),
        ...(use === undefined ? [] : [{ name: 'use', valueCoding: use as JsonObject }]),
        { name: 'value', valueString: value },
      ],
    })),
    ...told,
  ];
}

type About = { readonly name: string; readonly version: string | undefined; readonly properties: ReadonlyMap<string, string> };

function aboutOf(system: System): About {
  const none = new Map<string, string>();
  switch (system.kind) {
    case 'memory':
      return { name: system.system.name ?? system.system.url, version: system.system.version, properties: none };
    case 'table': {
      const { name, url, version, properties } = system.table;
      const described = Object.entries(properties).flatMap(([code, { description }]) =>
        description === undefined ? [] : [[code, description] as const],
      );
      return { name: name ?? url, version, properties: new Map(described) };
    }
    case 'grammar':
      return { name: system.grammar.name, version: system.grammar.version, properties: none };
    default:
      return { name: '', version: undefined, properties: none };
  }
}

const valueOf = ({ element, raw }: Property): JsonObject => ({ [element]: raw as Json });

function related(name: string, { code, display }: Concept): JsonObject {
  return propertyOf(name, { valueCode: code }, display);
}

function propertyOf(code: string, value: JsonObject, description?: string): JsonObject {
  const part: JsonObject[] = [
    { name: 'code', valueCode: code },
    { name: 'value', ...value },
  ];
  if (description !== undefined) part.push({ name: 'description', valueString: description });
  return { name: 'property', part };
}
