import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Issue } from '../../src/fhir/error.ts';
import type { JsonObject } from '../../src/fhir/json.ts';
import type { StructureDefinition } from '../../src/fhir/structure-definition.ts';
import { openTestValidator, readPackage, type TestValidator } from '../support/validation.ts';
import { type Mutation, mutationsOf, pick, randomOf, withWordsMarked } from './mutate.ts';
import { profileMutationsOf } from './mutate-by-profile.ts';

/** Valid resources with one thing wrong each: all are refused, at the place where it is. */

const root = join(import.meta.dirname, '../..');
const examples = join(root, 'node_modules/hl7.fhir.r4.examples');

/** Official examples that are wrong themselves aren't mutated; `examples.db.test.ts` lists them. */
const KINDS = [
  'AllergyIntolerance',
  'Appointment',
  'AuditEvent',
  'Bundle',
  'CarePlan',
  'Claim',
  'Composition',
  'Condition',
  'Consent',
  'Coverage',
  'Device',
  'DiagnosticReport',
  'DocumentReference',
  'Encounter',
  'Goal',
  'Immunization',
  'Location',
  'Medication',
  'MedicationRequest',
  'MedicationStatement',
  'Observation',
  'Organization',
  'Patient',
  'Practitioner',
  'Procedure',
  'Questionnaire',
  'QuestionnaireResponse',
  'ServiceRequest',
  'Specimen',
  'ValueSet',
];

async function missed(validator: TestValidator, mutations: readonly Mutation[]): Promise<string[]> {
  const misses: string[] = [];
  for (const { title, resource, at } of mutations) {
    const errors = (await validator.validate(JSON.stringify(resource))).filter(isError);
    if (!errors.some((issue) => at.some((place) => isAt(place, issue)))) {
      misses.push(`${title}: awaited at ${at.join()}, found ${errors.map(({ id, expression }) => `${id} ${expression?.[0]}`).join('; ')}`);
    }
  }
  return misses;
}

function isError({ severity }: Issue): boolean {
  return severity === 'error' || severity === 'fatal';
}

function isAt(place: string, { expression = [] }: Issue): boolean {
  const path = place.replace('…', '');
  return expression.some((at) => at === path || (place.endsWith('…') && (at.startsWith(`${path}.`) || at.startsWith(`${path}[`))));
}

describe('official examples with one thing wrong', () => {
  let validator: TestValidator;
  beforeAll(async () => {
    validator = await openTestValidator();
  });

  test.each(KINDS)('%s', { timeout: 60_000 }, async (type) => {
    const random = randomOf(type.length * 131 + type.charCodeAt(0));
    const valid: JsonObject[] = [];
    for (const file of pick(filesOf(type), 12, random)) {
      const text = readFileSync(join(examples, file), 'utf8');
      if (text.length < 100_000 && !(await validator.validate(text)).some(isError)) valid.push(JSON.parse(text) as JsonObject);
    }
    const { schema } = validator.definitions;
    const mutations = valid.slice(0, 6).flatMap((resource, at) => mutationsOf(resource, schema, { seed: at + 1, each: 2 }));
    expect(mutations.length).toBeGreaterThan(30);
    expect(await missed(validator, mutations)).toEqual([]);
  });
});

describe('what is said of a resource', () => {
  test.each(KINDS)('quotes no word, name or reference of a %s', { timeout: 60_000 }, async (type) => {
    const validator = await openTestValidator();
    const { schema } = validator.definitions;
    const mark = 'qzxjvkwpfbdm';
    const texts: string[] = [];
    for (const file of pick(filesOf(type), 3, randomOf(type.length))) {
      const text = readFileSync(join(examples, file), 'utf8');
      if (text.length > 50_000) continue;
      const marked = withWordsMarked(JSON.parse(text) as JsonObject, schema, mark);
      const all = [marked, ...mutationsOf(marked, schema, { seed: 11, each: 2 }).map(({ resource }) => resource)];
      for (const resource of all) texts.push(...(await validator.validate(JSON.stringify(resource))).map((issue) => issue.text));
    }
    expect(texts.length).toBeGreaterThan(10);
    expect(texts.filter((text) => text.includes(mark))).toEqual([]);
  });
});

function filesOf(type: string): string[] {
  return readdirSync(examples).filter((name) => name.startsWith(`${type}-`) && name.endsWith('.json'));
}

/** Packages whose examples lose what their own profile, and no other, asks for. Those of US Core are looked for beside the checkout. */
const PACKAGES = [
  ['IPS 2.0.0', 'node_modules/hl7.fhir.uv.ips', 100],
  ['US Core 3.1.1', '../shared/us-core/hl7.fhir.us.core-3.1.1.tgz', 150],
  ['US Core 6.1.0', '../shared/us-core/hl7.fhir.us.core-6.1.0.tgz', 400],
  ['US Core 7.0.0', '../shared/us-core/hl7.fhir.us.core-7.0.0.tgz', 450],
] as const;

describe('examples of packages with one thing wrong by their profile', () => {
  for (const [name, path, least] of PACKAGES) {
    test.skipIf(path.startsWith('..') && !existsSync(join(root, path)))(`${name}, each in turn`, { timeout: 120_000 }, async () => {
      const { definitions, examples: texts } = await readPackage(join(root, path));
      const validator = await openTestValidator(definitions);
      const profiles = new Map(
        definitions.filter(({ resourceType }) => resourceType === 'StructureDefinition').map((each) => [each.url, each]),
      );
      const mutations: Mutation[] = [];
      for (const text of texts.values()) {
        if ((await validator.validate(text)).some(isError)) continue;
        const resource = JSON.parse(text.toString('utf8')) as JsonObject & { readonly meta?: { readonly profile?: readonly string[] } };
        for (const claimed of resource.meta?.profile ?? []) {
          const profile = profiles.get(claimed.split('|')[0] ?? '') as StructureDefinition | undefined;
          if (profile !== undefined) mutations.push(...profileMutationsOf(resource, profile, validator.definitions.schema));
        }
      }
      expect(mutations.length).toBeGreaterThan(least);
      expect(await missed(validator, mutations)).toEqual([]);
    });
  }
});
