import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../src/fhir/json.ts';
import { isFault } from '../../../src/validation/walk.ts';
import { type ConformanceResource, openTestValidator, readPackage, type TestValidator } from '../../support/validation.ts';
import { isObject, mutationsOf } from '../mutate.ts';

const paths = {
  'the International Patient Summary': new URL('../../../node_modules/hl7.fhir.uv.ips', import.meta.url),
  'US Core 7.0.0': new URL('../../../../shared/us-core/hl7.fhir.us.core-7.0.0.tgz', import.meta.url),
};

/** Of each example, as it is and broken in so many ways. */
const mutants = 6;
/** So many examples are enough to meet every profile; the rest repeat them. */
const examplesMax = 60;

describe.each(Object.entries(paths))('the profiles of %s without their snapshots', (_name, url) => {
  const path = fileURLToPath(url);

  test.skipIf(!existsSync(path))('judge its examples, and these broken, as the published ones do', { timeout: 120_000 }, async () => {
    const { definitions, examples } = await readPackage(path);
    const [published, made] = await Promise.all([openTestValidator(definitions), openTestValidator(definitions.map(withoutSnapshot))]);
    const step = Math.ceil(examples.size / examplesMax);
    let judged = 0;
    let refused = 0;
    for (const [, text] of [...examples].filter((_example, at) => at % step === 0)) {
      const value = JSON.parse(text.toString('utf8')) as JsonObject;
      if (!isObject(value.meta ?? null)) continue;
      const broken = mutationsOf(value, published.definitions.schema, { seed: judged, each: 1 }).filter((_mutation, at) => at % 3 === 0);
      for (const resource of [value, ...broken.slice(0, mutants).map((mutation) => mutation.resource)]) {
        const theirs = await faultsOf(published, resource);
        expect(await faultsOf(made, resource)).toEqual(theirs);
        judged++;
        if (theirs.length > 0) refused++;
      }
    }
    expect(judged).toBeGreaterThan(100);
    expect(refused).toBeGreaterThan(50);
  });
});

function withoutSnapshot(definition: ConformanceResource): ConformanceResource {
  if (definition.resourceType !== 'StructureDefinition' || definition.derivation !== 'constraint') return definition;
  const { snapshot: _snapshot, ...rest } = definition;
  return rest;
}

/** What breaks what where: how often it is said may differ, where a rule stands in two places. */
async function faultsOf({ validate }: TestValidator, resource: JsonObject): Promise<string[]> {
  const issues = await validate(JSON.stringify(resource));
  return [...new Set(issues.filter(isFault).map(({ id, expression = [] }) => `${id} ${expression.join()}`))].toSorted((a, b) =>
    a < b ? -1 : 1,
  );
}
