import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { evaluate } from 'fhirpath';
import r4 from 'fhirpath/fhir-context/r4';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Definitions, loadDefinitions } from '../../src/definitions/load.ts';
import type { Issue } from '../../src/fhir/error.ts';
import { type Json, type JsonObject } from '../../src/fhir/json.ts';
import type { ElementDef, TypeDef } from '../../src/fhir/schema.ts';
import { compileShapes } from '../../src/validation/shape.ts';

const EXAMPLES = [
  'Observation-f001',
  'Observation-blood-pressure',
  'Patient-example',
  'Patient-proband',
  'Bundle-bundle-example',
  'Questionnaire-f201',
  'MedicationRequest-medrx0301',
  'Encounter-f001',
  'CarePlan-example',
  'Claim-100150',
  'ValueSet-example-expansion',
  'StructureDefinition-Period',
  'Bundle-bundle-transaction',
  'AuditEvent-example',
  'PlanDefinition-low-suicide-risk-order-set',
];

/** A JSON property of the resource that the definitions know, and the element's FHIRPath. */
type Place = {
  readonly holder: JsonObject;
  readonly name: string;
  readonly path: string;
  readonly element: ElementDef;
  readonly type: TypeDef;
};

let definitions: Definitions;
let check: (resource: JsonObject) => Issue[];
let texts: string[];

beforeAll(async () => {
  const cacheDir = mkdtempSync(join(tmpdir(), 'definitions-'));
  definitions = await loadDefinitions({ cacheDir });
  const shapes = compileShapes(definitions.schema);
  check = (resource) => shapes(resource, new Map());
  texts = EXAMPLES.map(textOf);
  return () => rmSync(cacheDir, { recursive: true });
});

function textOf(name: string): string {
  return readFileSync(new URL(`../../node_modules/hl7.fhir.r4.examples/${name}.json`, import.meta.url), 'utf8');
}

/**
 * Damages one place of a fresh copy of an example at a time.
 *
 * @param damage  does it, and answers which issues would tell, one of which there must be; undefined if it can't be done there
 * @returns       the paths where no issue told, with the issues there were
 */
function missed(select: (place: Place) => boolean, damage: (place: Place) => readonly string[] | undefined): string[] {
  let tried = 0;
  const misses = fc.sample(fc.tuple(fc.nat(), fc.nat()), 300).flatMap(([example, at]) => {
    const resource = JSON.parse(texts[example % texts.length] ?? '') as JsonObject;
    const places = placesIn(resource, typeOf(resource)).filter(select);
    const place = places[at % places.length];
    const expected = place === undefined ? undefined : damage(place);
    if (place === undefined || expected === undefined) return [];
    tried++;
    const found = check(resource).map(({ id, expression }) => `${id} ${expression?.[0]}`);
    return expected.some((issue) => found.includes(issue)) ? [] : [`${place.path}: ${found.join('; ')}`];
  });
  if (tried < 150) throw new Error(`only ${tried} places were damaged`);
  return misses;
}

function typeOf(resource: JsonObject): string {
  return typeof resource.resourceType === 'string' ? resource.resourceType : '';
}

function placesIn(object: JsonObject, path: string, type = typeOf(object)): Place[] {
  const definition = definitions.schema(type);
  return Object.entries(object).flatMap(([name, value]): Place[] => {
    const element = definition?.elements.get(name);
    if (definition === undefined || element === undefined) return [];
    const step = element.element === 'div' ? '`div`' : element.element.replace('[x]', '');
    const here: Place = { holder: object, name, path: `${path}.${step}`, element, type: definition };
    const items = Array.isArray(value)
      ? value.map((item, index): [Json, string] => [item, `${here.path}[${index}]`])
      : [[value, here.path] as const];
    const inner = items.flatMap(([item, at]) =>
      isObject(item) ? placesIn(item, at, definitions.schema(element.type)?.kind === 'resource' ? typeOf(item) : element.type) : [],
    );
    return [here, ...inner];
  });
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

test('the examples to be damaged are whole', () => {
  for (const text of texts) expect(check(JSON.parse(text))).toEqual([]);
});

describe('damage anywhere in a valid resource is found at its place', () => {
  test('a required element is gone', () => {
    expect(
      missed(
        ({ element, holder }) => element.min > 0 && Object.keys(holder).length > 2,
        ({ holder, name, path }) => {
          delete holder[name];
          return holder[`_${name}`] === undefined ? [`shape-required ${path}`] : undefined;
        },
      ),
    ).toEqual([]);
  });

  test('an element is renamed', () => {
    expect(
      missed(
        () => true,
        ({ holder, name, path }) => {
          holder[`${name}Zz`] = holder[name] ?? null;
          delete holder[name];
          return [`shape-unknown-element ${path.slice(0, path.lastIndexOf('.'))}.${name}Zz`];
        },
      ),
    ).toEqual([]);
  });

  test('a single element is wrapped in an array', () => {
    expect(
      missed(
        ({ element }) => !element.array,
        ({ holder, name, path }) => {
          holder[name] = [holder[name] ?? null];
          return [`shape-single ${path}`];
        },
      ),
    ).toEqual([]);
  });

  test('an array is replaced by its first item', () => {
    expect(
      missed(
        ({ element }) => element.array,
        ({ holder, name, path }) => {
          const [first] = holder[name] as Json[];
          if (first === null) return undefined;
          holder[name] = first ?? null;
          return [`shape-array ${path}`];
        },
      ),
    ).toEqual([]);
  });

  test.each<[string, Json, (value: Json) => boolean]>([
    ['a string', 'true', (value) => value !== null && typeof value !== 'string'],
    ['a number', 4711, (value) => value !== null && typeof value !== 'number'],
    ['a boolean', true, (value) => value !== null && typeof value !== 'boolean'],
    ['an object', { id: 'x' }, (value) => value !== null && !isObject(value)],
  ])('a value becomes %s', (_, kind, differs) => {
    expect(
      missed(
        ({ holder, name }) => differs(firstOf(holder[name] ?? null)),
        ({ holder, name, path, element }) => {
          const value = holder[name] ?? null;
          if (!Array.isArray(value)) {
            holder[name] = kind;
            return [`shape-kind ${path}`];
          }
          value[0] = kind;
          return element.type === 'Resource' ? [`shape-kind ${path}[0]`, `shape-resource-type ${path}[0]`] : [`shape-kind ${path}[0]`];
        },
      ),
    ).toEqual([]);
  });

  test('a value becomes null', () => {
    expect(
      missed(
        () => true,
        ({ holder, name, path }) => {
          const value = holder[name];
          if (!Array.isArray(value)) {
            holder[name] = null;
            return [`shape-null ${path}`];
          }
          const shadow = holder[`_${name}`];
          if (Array.isArray(shadow) && shadow[0] !== null) return undefined;
          value[0] = null;
          return [`shape-null ${path}[0]`];
        },
      ),
    ).toEqual([]);
  });

  test('a value becomes empty', () => {
    expect(
      missed(
        ({ element }) => element.type !== 'Resource',
        ({ holder, name, path }) => {
          const value = holder[name] ?? null;
          if (typeof value !== 'string' && typeof value !== 'object') return undefined;
          holder[name] = typeof value === 'string' ? '' : Array.isArray(value) ? [] : {};
          return [`shape-empty ${path}`];
        },
      ),
    ).toEqual([]);
  });

  test('a choice is given twice', () => {
    expect(
      missed(
        ({ element }) => element.element.endsWith('[x]'),
        ({ holder, name, path, element, type }) => {
          const added = [...type.elements.values()].find((other) => other.element === element.element && other.name !== name)?.name;
          if (added === undefined) return undefined;
          holder[added] = holder[name] ?? null;
          return [`shape-choice ${path}`];
        },
      ),
    ).toEqual([]);
  });
});

function firstOf(value: Json): Json {
  return Array.isArray(value) ? (value[0] ?? null) : value;
}

test('expressions are FHIRPaths that lead to the element', { timeout: 60_000 }, () => {
  for (const text of texts) {
    const whole = JSON.parse(text) as JsonObject;
    const places = placesIn(whole, typeOf(whole)).filter((_, index) => index % 7 === 0);
    for (const { path } of places.slice(0, 60)) {
      expect([path, evaluate(whole, path, undefined, r4)]).not.toEqual([path, []]);
    }
  }
});
