import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { loadDefinitions } from '../../src/definitions/load.ts';
import { compileInvariant, isOwnInvariant } from '../../src/fhirpath/compile-invariant.ts';
import { CannotTell } from '../../src/fhirpath/evaluate/expression.ts';
import { patternOf } from '../../src/fhirpath/evaluate/pattern.ts';
import { readPackage } from '../support/validation.ts';

/** The invariants of published profiles: all of them are ours, so that the library isn't loaded for them. */

const inModules = (name: string): string => fileURLToPath(new URL(`../../node_modules/${name}`, import.meta.url));
/** Beside the checkout, if at all: it isn't ours to give away. */
const usCore = (version: string): string =>
  fileURLToPath(new URL(`../../../shared/us-core/hl7.fhir.us.core-${version}.tgz`, import.meta.url));

const packages: readonly (readonly [string, string, number])[] = [
  ['IPS', inModules('hl7.fhir.uv.ips'), 30],
  ['US Core 3.1.1', usCore('3.1.1'), 30],
  ['US Core 6.1.0', usCore('6.1.0'), 40],
  ['US Core 7.0.0', usCore('7.0.0'), 50],
];

type Element = { readonly path: string; readonly constraint?: readonly { readonly expression?: string }[] };

describe.each(packages.filter(([, path]) => existsSync(path)))('%s', (_, path, least) => {
  test('has invariants of ours only', async () => {
    const { schema } = await loadDefinitions({ cacheDir: join(tmpdir(), 'anamnesis-test-definitions') });
    const expressions = new Set<string>();
    for (const definition of (await readPackage(path)).definitions) {
      if (definition.resourceType !== 'StructureDefinition') continue;
      for (const view of ['snapshot', 'differential']) {
        const elements = (definition[view] as { readonly element?: readonly Element[] } | undefined)?.element ?? [];
        for (const { constraint = [] } of elements)
          for (const { expression } of constraint) if (expression !== undefined) expressions.add(expression);
      }
    }
    expect(expressions.size).toBeGreaterThanOrEqual(least);
    expect([...expressions].filter((expression) => !isOwnInvariant(expression, schema))).toEqual([]);
    expect([...expressions].flatMap(patternsIn).filter(isBeyondUs)).toEqual([]);
  }, 60_000);
});

test('an NPI is checked to its last digit', async () => {
  const { schema } = await loadDefinitions({ cacheDir: join(tmpdir(), 'anamnesis-test-definitions') });
  const term = (at: number): string =>
    at % 2 === 0
      ? `(select(value.substring(${at},1).toInteger()).select(iif($this<5, $this*2, (($this*2)-9))))`
      : `(value.substring(${at},1).toInteger())`;
  const expression = `((${Array.from({ length: 10 }, (_, at) => term(at)).join('+')} + 24)mod 10=0)`;
  const invariant = compileInvariant(expression, 'Identifier', schema);
  const resource = { resourceType: 'Practitioner' };
  const scope = { resource, rootResource: resource, resolve: () => undefined, memberOf: () => undefined, conformsTo: () => undefined };
  expect(invariant?.({ value: '1234567893' }, scope)).toBe(true);
  expect(invariant?.({ value: '1234567894' }, scope)).toBe(false);
});

function patternsIn(expression: string): string[] {
  return [...expression.matchAll(/matches\('((?:[^'\\]|\\.)*)'\)/g)].map(([, pattern = '']) => pattern.replace(/\\(.)/g, '$1'));
}

function isBeyondUs(pattern: string): boolean {
  try {
    patternOf(pattern);
    return false;
  } catch (error) {
    return error instanceof CannotTell;
  }
}
