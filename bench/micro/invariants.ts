/**
 * How long R4's invariants take: `node bench/micro/invariants.ts [cache folder]`.
 * Prints µs per resource, the median of 15 rounds, for the invariants of a blood pressure and of a patient: those of the resource
 * itself by our closures and by the fhirpath library, then ours of all its elements but ele-1, and with ele-1.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fhirpath from 'fhirpath';
import r4 from 'fhirpath/fhir-context/r4';
import { loadDefinitions } from '../../src/definitions/load.ts';
import type { Json, JsonObject } from '../../src/fhir/json.ts';
import { compileInvariant } from '../../src/fhirpath/compile-invariant.ts';
import type { InvariantScope } from '../../src/fhirpath/invariant.ts';

type Constraint = { readonly key: string; readonly expression?: string };
type Check = { readonly key: string; readonly expression: string; readonly run: () => boolean | undefined };

const { schema } = await loadDefinitions({ cacheDir: process.argv[2] ?? join(tmpdir(), 'anamnesis-bench') });
const folder = dirname(createRequire(import.meta.url).resolve('hl7.fhir.r4.examples/package.json'));
const constraints = readConstraints();

for (const file of ['Observation-blood-pressure.json', 'Patient-example.json']) {
  const resource = JSON.parse(readFileSync(join(folder, file), 'utf8')) as JsonObject;
  const checks = checksOf(resource);
  const own = checks.slice(0, constraints.get(resource['resourceType'] as string)?.length ?? 0);
  const library = own.map(({ expression }) =>
    fhirpath.compile(expression.replaceAll('.as(', '.ofType('), r4, { resolveInternalTypes: false, traceFn: () => {} }),
  );
  const others = checks.filter(({ key }) => key !== 'ele-1');
  const env = { resource, rootResource: resource };
  console.log(
    [
      `${resource['resourceType'] as string}: its ${own.length} invariants ${medianMicros(() => own.forEach(({ run }) => run())).toFixed(2)} µs`,
      `by the library ${medianMicros(() => library.forEach((evaluate) => evaluate(resource, env))).toFixed(1)} µs`,
      `all ${others.length} of its elements ${medianMicros(() => others.forEach(({ run }) => run())).toFixed(2)} µs`,
      `with ele-1 ${checks.length}: ${medianMicros(() => checks.forEach(({ run }) => run())).toFixed(2)} µs`,
    ].join(', '),
  );
}

/** The invariants of a resource, its own first, then those of its elements. */
function checksOf(resource: JsonObject): Check[] {
  const scope: InvariantScope = {
    resource,
    rootResource: resource,
    resolve: () => undefined,
    memberOf: () => undefined,
    conformsTo: () => undefined,
  };
  const checks: Check[] = [];
  const add = (value: Json, type: string, path: string): void => {
    const keys = new Set<string>();
    for (const { key, expression } of [...(constraints.get(path) ?? []), ...(constraints.get(type) ?? [])]) {
      if (expression === undefined || keys.has(key)) continue;
      keys.add(key);
      const invariant = compileInvariant(expression, type, schema);
      if (invariant !== undefined) checks.push({ key, expression, run: () => invariant(value, scope) });
    }
    const type_ = schema(type);
    if (typeof value !== 'object' || value === null || type_ === undefined) return;
    for (const element of type_.elements.values()) {
      const child = (value as JsonObject)[element.name];
      const below = schema(element.type)?.kind === 'backbone' ? element.type : `${type_.name}.${element.element}`;
      for (const each of Array.isArray(child) ? child : child === undefined ? [] : [child]) add(each, element.type, below);
    }
  };
  const type = resource['resourceType'] as string;
  add(resource, type, type);
  return checks;
}

function readConstraints(): Map<string, Constraint[]> {
  const found = new Map<string, Constraint[]>();
  for (const name of readdirSync(folder).filter((file) => /^StructureDefinition-[A-Za-z]+\.json$/.test(file))) {
    const definition = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
      readonly derivation?: string;
      readonly snapshot?: { readonly element: readonly { readonly path: string; readonly constraint?: readonly Constraint[] }[] };
    };
    if (definition.derivation === 'constraint') continue;
    for (const { path, constraint } of definition.snapshot?.element ?? []) found.set(path, [...(constraint ?? [])]);
  }
  return found;
}

function medianMicros(run: () => void): number {
  const roundMs = 40;
  const rounds: number[] = [];
  for (let round = 0; round < 15; round++) {
    let runs = 0;
    const start = performance.now();
    let elapsed = 0;
    while (elapsed < roundMs) {
      for (let i = 0; i < 50; i++) run();
      runs += 50;
      elapsed = performance.now() - start;
    }
    rounds.push((elapsed * 1000) / runs);
  }
  return rounds.sort((a, b) => a - b)[rounds.length >> 1] ?? Number.NaN;
}
