import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fhirpath from 'fhirpath';
import r4 from 'fhirpath/fhir-context/r4';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Definitions, loadDefinitions } from '../../src/definitions/load.ts';
import type { SearchParameterDef } from '../../src/fhir/schema.ts';
import { type CompiledPath, compilePaths } from '../../src/fhirpath/compile.ts';

/** Our closures and the library as judge, over the official examples and every search parameter that has an expression. */

type Resource = { readonly resourceType: string };
/** What was found: type and value as JSON, each pair once and in order, as a union keeps no order. */
type Findings = readonly string[];

const EXAMPLES_PER_TYPE = 6;
const folder = dirname(createRequire(import.meta.url).resolve('hl7.fhir.r4.examples/package.json'));
let definitions: Definitions;
let compared = 0;
let found = 0;

beforeAll(async () => {
  definitions = await loadDefinitions({ cacheDir: join(tmpdir(), 'anamnesis-test-definitions') });
}, 60_000);

const types = exampleTypes();

test('there are examples of nearly all types', () => {
  expect(types.length).toBeGreaterThan(135);
});

describe('our paths and the library find the same', () => {
  test.each(types)('in %s', (type) => {
    const parameters = definitions.searchParameters.filter(
      ({ base, expression }) => expression !== undefined && base.some((name) => [type, 'Resource', 'DomainResource'].includes(name)),
    );
    const before = compared;
    for (const name of examplesOf(type)) {
      const resource = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Resource;
      for (const parameter of parameters) compare(resource, parameter, name);
    }
    expect(compared).toBeGreaterThan(before);
  });

  test('and that was enough to mean something', () => {
    expect(compared).toBeGreaterThan(8000);
    expect(found).toBeGreaterThan(6000);
  });
});

function compare(resource: Resource, parameter: SearchParameterDef, name: string): void {
  const paths = compilePaths(parameter.expression ?? '', resource.resourceType, definitions.schema);
  const ours = findings(paths, resource);
  expect(ours, `${name} ${parameter.url}`).toEqual(byLibrary(parameter.expression ?? '', resource));
  compared++;
  found += ours.length;
  for (const component of parameter.components) {
    for (const path of paths) {
      path.each(resource, (item, type) => compareComponent(component.expression, { item: item as object, type, resource }, name));
    }
  }
}

function compareComponent(
  expression: string,
  { item, type, resource }: { item: object; type: string; resource: Resource },
  name: string,
): void {
  const ours = findings(compilePaths(expression, type, definitions.schema), item, resource);
  const base = definitions.schema(type)?.kind === 'resource' ? undefined : type;
  expect(ours, `${name} ${type} ${expression}`).toEqual(byLibrary(expression, item, base, resource));
  compared++;
  found += ours.length;
}

function findings(paths: readonly CompiledPath[], item: object, resource: object = item): Findings {
  const all = new Set<string>();
  for (const path of paths) {
    expect(path.simple, path.path).toBe(true);
    path.each(path.onResource === true ? resource : item, (value, type, holder, key) => {
      expect(path.types).toContain(type);
      if (holder !== undefined && key !== undefined) expect((holder as Record<string | number, unknown>)[key]).toBe(value);
      all.add(finding(type, value));
    });
  }
  return [...all].sort();
}

function byLibrary(expression: string, item: object, base?: string, resource: object = item): Findings {
  const text = forLibrary(expression);
  const evaluate = fhirpath.compile(base === undefined ? text : { base, expression: text }, r4, { resolveInternalTypes: false });
  const results = evaluate(item, { resource });
  const kinds = fhirpath.types(results);
  const values: unknown[] = fhirpath.resolveInternalTypes(results);
  return [...new Set(values.map((value, index) => finding((kinds[index] ?? '').replace(/^\w+\./, ''), value)))].sort();
}

/** What the library can't do, or means otherwise, written so that it can. */
function forLibrary(expression: string): string {
  return expression
    .replace(/\.where\(resolve\(\) is \w+\)/g, '')
    .replace(/\(([\w.]+) as (\w+)\)/g, '$1.ofType($2)')
    .replaceAll('.as(', '.ofType(')
    .replaceAll('DateTime', 'dateTime')
    .replace(/hasExtension\(('[^']*')\)/g, 'extension($1).exists()')
    .replace(/^(\w+\.extension\('[^']*'\))$/, '$1.value');
}

function finding(type: string, value: unknown): string {
  return `${comparableType(type, value)} ${JSON.stringify(value)}`;
}

/** The library tells what a contained resource is, has one name for all backbones, and calls ids and truth by its own types. */
function comparableType(type: string, value: unknown): string {
  const isResource = typeof value === 'object' && value !== null && 'resourceType' in value;
  if (isResource || type.includes('.') || type === 'BackboneElement') return '';
  return type === 'String' ? 'id' : type === 'Boolean' ? 'boolean' : type;
}

function exampleTypes(): string[] {
  return [...new Set(readdirSync(folder).map((name) => name.split('-')[0] ?? ''))].filter((name) => /^[A-Z]\w+$/.test(name)).sort();
}

function examplesOf(type: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith(`${type}-`))
    .sort((a, b) => Number(b.includes('example')) - Number(a.includes('example')) || a.localeCompare(b))
    .slice(0, EXAMPLES_PER_TYPE);
}
