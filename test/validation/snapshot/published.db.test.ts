import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { zstdDecompressSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { readPackage } from '../../../src/cli/ig/read-package.ts';
import { FhirError } from '../../../src/fhir/error.ts';
import type { StructureDefinition } from '../../../src/fhir/structure-definition.ts';
import { completeSnapshot } from '../../../src/validation/snapshot/complete.ts';
import { differencesOf } from './normal-form.ts';

/** Where packages lie: those of npm, and beside the checkout US Core, which isn't ours to give away. */
const paths = {
  r4: packageOf('hl7.fhir.r4.examples'),
  extensions: packageOf('hl7.fhir.uv.extensions.r4'),
  ips: packageOf('hl7.fhir.uv.ips'),
  ...Object.fromEntries(
    ['3.1.1', '6.1.0', '7.0.0'].map((version) => [
      `us-core-${version}`,
      fileURLToPath(new URL(`../../../../shared/us-core/hl7.fhir.us.core-${version}.tgz`, import.meta.url)),
    ]),
  ),
} as Readonly<Record<string, string>>;

function packageOf(name: string): string {
  return fileURLToPath(new URL(`../../../node_modules/${name}`, import.meta.url));
}

const packages = new Map<string, Promise<ReadonlyMap<string, StructureDefinition>>>();

function definitionsIn(name: string): Promise<ReadonlyMap<string, StructureDefinition>> {
  const read = async () => {
    const { resources } = await readPackage(paths[name] ?? '');
    const found = new Map<string, StructureDefinition>();
    for (const { type, url, content } of resources) {
      if (type === 'StructureDefinition') found.set(url, JSON.parse(zstdDecompressSync(content).toString()) as StructureDefinition);
    }
    return found;
  };
  const known = packages.get(name) ?? read();
  packages.set(name, known);
  return known;
}

/**
 * Published snapshots that are not what the published differential makes of the published base. Each reason was looked into; all others
 * come out the same in all that validation reads.
 */
const reasons = {
  choice:
    'the publisher of its day took the short name of an optional choice (valueQuantity 0..1) for the only choice; that of today, and of US Core 6 on, leaves the other types open',
  slices:
    "the slices are made from the base's element in it, not from what the differential says of all slices, which holds of them all the same",
  max: 'the extension may come once by its own definition, which the publisher of its day left out',
  unfolded: "children of a slice stand there as its type has them, which its type's definition says already",
  typo: 'the differential gives value[x] a content reference, which the publisher left out',
  root: "constraints of the type's profile, which are checked by that profile, are left out",
  sdc: 'the base is in a package that is not here',
} as const;

const exceptions: Readonly<Record<string, Readonly<Record<string, keyof typeof reasons>>>> = {
  r4: {
    bodyheight: 'choice',
    bodytemp: 'choice',
    bodyweight: 'choice',
    bp: 'choice',
    cholesterol: 'choice',
    hdlcholesterol: 'choice',
    headcircum: 'choice',
    heartrate: 'choice',
    ldlcholesterol: 'choice',
    oxygensat: 'choice',
    resprate: 'choice',
    triglyceride: 'choice',
    clinicaldocument: 'max',
    'elementdefinition-de': 'unfolded',
    'provenance-relevant-history': 'slices',
  },
  extensions: { 'artifactassessment-content': 'typo', 'medicationdispense-quantityRemaining': 'root' },
  ips: {},
  'us-core-3.1.1': {
    'head-occipital-frontal-circumference-percentile': 'choice',
    'pediatric-bmi-for-age': 'choice',
    'pediatric-weight-for-height': 'choice',
    'us-core-goal': 'choice',
    'us-core-race': 'unfolded',
    'us-core-ethnicity': 'unfolded',
    'us-core-organization': 'slices',
    'us-core-practitioner': 'slices',
    'us-core-provenance': 'slices',
  },
  'us-core-6.1.0': {
    'us-core-organization': 'slices',
    'us-core-practitioner': 'slices',
    'us-core-provenance': 'slices',
    'us-core-questionnaireresponse': 'sdc',
  },
  'us-core-7.0.0': {
    'us-core-average-blood-pressure': 'slices',
    'us-core-organization': 'slices',
    'us-core-practitioner': 'slices',
    'us-core-provenance': 'slices',
    'us-core-questionnaireresponse': 'sdc',
  },
};

describe.each(Object.keys(paths))('the snapshots of %s', (name) => {
  const here = existsSync(paths[name] ?? '');
  const equal: string[] = [];
  const unequal: Record<string, readonly string[]> = {};

  beforeAll(async () => {
    if (!here) return;
    const own = await definitionsIn(name);
    const others = [...(name === 'extensions' ? [own] : []), await definitionsIn('r4'), own, await definitionsIn('extensions')];
    const find = (canonical: string) => {
      const url = canonical.split('|')[0] ?? '';
      return Promise.resolve(others.map((definitions) => definitions.get(url)).find((found) => found !== undefined));
    };
    for (const definition of own.values()) {
      if (definition.derivation !== 'constraint' || definition.snapshot === undefined || definition.differential === undefined) continue;
      const { snapshot, ...rest } = definition;
      const id = definition.id ?? '';
      try {
        const made = await completeSnapshot(rest, find);
        const differences = differencesOf(snapshot.element, made.snapshot?.element ?? []);
        if (differences.length === 0) equal.push(id);
        else unequal[id] = differences;
      } catch (error) {
        if (!(error instanceof FhirError)) throw error;
        unequal[id] = error.issues.map(({ text }) => text);
      }
    }
  });

  test.skipIf(!here)('are what their differentials make, but for those that are listed', () => {
    const unlisted = Object.entries(unequal).filter(([id]) => exceptions[name]?.[id] === undefined);
    expect(unlisted).toEqual([]);
    expect(equal.filter((id) => exceptions[name]?.[id] !== undefined)).toEqual([]);
    expect(equal.length).toBeGreaterThan(5);
    process.stderr.write(`${name}: ${equal.length} snapshots are made as published, ${Object.keys(unequal).length} are not\n`);
  });
});
