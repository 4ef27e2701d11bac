import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Definitions, loadDefinitions } from '../../src/definitions/load.ts';
import { FhirError } from '../../src/fhir/error.ts';
import type { JsonObject } from '../../src/fhir/json.ts';
import { makeTerminology, type Terminology } from '../../src/terminology/terminology.ts';

/** HL7's own expansions of R4's value sets are the oracle: every one that is expanded here has the same codes. */
const require = createRequire(import.meta.url);
const folder = dirname(require.resolve('hl7.fhir.r4.expansions/package.json'));

/** What this server doesn't expand, as it hasn't the codes, and HL7 did; each with what is missing. */
const notHere: Readonly<Record<string, RegExp>> = {
  'codes of SNOMED CT, LOINC and CVX': /draws on http:\/\/(?:snomed\.info\/sct|loinc\.org|hl7\.org\/fhir\/sid\/cvx),/,
  'code systems that R4 names and does not define':
    /draws on (?:http:\/\/ihe\.net|urn:iso-astm|urn:oid:1\.2\.36|http:\/\/terminology\.hl7\.org\/CodeSystem\/v2-0360\|2\.7,)/,
  'code systems of which R4 has an example or a part only':
    /draws on http:\/\/terminology\.hl7\.org\/CodeSystem\/(?:appointment-cancellation-reason|insurance-plan-type|program|service-category|service-type),/,
  'codes that are made by rules': /draws on (?:urn:ietf:bcp:13|http:\/\/unitsofmeasure\.org), whose codes can't be listed/,
  'a value set of DICOM that R4 has no definition of': /sect_CID_29\.html is not known/,
};

/** Expansions that differ, each with the reason; the codes are those that HL7's lacks (+) and has (-). */
const otherwise: Readonly<Record<string, string>> = {
  'http://hl7.org/fhir/ValueSet/c80-doc-typecodes': "HL7's ends after a thousand codes",
  'http://hl7.org/fhir/ValueSet/detectedissue-category':
    "HL7's leaves out what stands under _AdministrationDetectedIssueCode by the property child, and all below that",
  'http://hl7.org/fhir/ValueSet/currencies': 'the list of ISO 4217 is newer here: SLE, UYW, VED, VES and others came since',
};

let definitions: Definitions;
let terminology: Terminology;

beforeAll(async () => {
  definitions = await loadDefinitions({ cacheDir: join(import.meta.dirname, '..', '..', '.cache') });
  const find = async (type: string, canonical: string): Promise<object | undefined> =>
    (await definitions.resource(type, canonical)) as object | undefined;
  terminology = makeTerminology({ conformance: { find, onChange: () => {} } });
});

type Contains = { readonly system?: string; readonly code?: string; readonly contains?: readonly Contains[] };
type Expanded = { readonly url: string; readonly expansion?: { readonly contains?: readonly Contains[] } };

function codesOf(list: readonly Contains[] = []): string[] {
  return list.flatMap(({ system, code, contains }) => [...(code === undefined ? [] : [`${system}|${code}`]), ...codesOf(contains)]);
}

async function expandedHere(url: string): Promise<string[] | string> {
  try {
    return codesOf(codesIn(await terminology.expand({ url })));
  } catch (error) {
    if (error instanceof FhirError) return error.message;
    throw error;
  }
}

const codesIn = (valueSet: JsonObject): Contains[] => (valueSet as unknown as Expanded).expansion?.contains as Contains[];

/** Codes that are deprecated or retired in their code system, or stand under one that is. HL7's expander leaves them out. */
async function endedCodes(systems: ReadonlySet<string>): Promise<ReadonlySet<string>> {
  const ended = new Set<string>();
  type Concept = { code: string; property?: readonly { code: string; valueCode?: string }[]; concept?: readonly Concept[] };
  for (const system of systems) {
    const { concept = [] } = ((await definitions.resource('CodeSystem', system)) ?? {}) as { concept?: readonly Concept[] };
    const walk = (list: readonly Concept[], above: boolean): void => {
      for (const { code, property = [], concept: below = [] } of list) {
        const own = above || property.some((each) => each.code === 'status' && ['deprecated', 'retired'].includes(each.valueCode ?? ''));
        if (own) ended.add(`${system}|${code}`);
        walk(below, own);
      }
    };
    walk(concept, false);
  }
  return ended;
}

describe("HL7's expansions of R4's value sets", () => {
  const files = readdirSync(folder).filter((name) => /^ValueSet-.*\.json$/.test(name));

  test('are the same here, but for listed ones', { timeout: 60_000 }, async () => {
    const counts = { same: 0, withEnded: 0, notHere: 0 };
    const faults: string[] = [];
    for (const file of files) {
      const { url, expansion } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Expanded;
      if (expansion === undefined) continue;
      const here = await expandedHere(url);
      if (typeof here === 'string') {
        if (Object.values(notHere).some((reason) => reason.test(here))) counts.notHere++;
        else faults.push(`${url}: ${here}`);
        continue;
      }
      const [wanted, found] = [new Set(codesOf(expansion.contains)), new Set(here)];
      const more = [...found].filter((code) => !wanted.has(code));
      const less = [...wanted].filter((code) => !found.has(code));
      if (more.length === 0 && less.length === 0) {
        expect(otherwise[url]).toBeUndefined();
        counts.same++;
      } else if (otherwise[url] === undefined) {
        const ended = await endedCodes(new Set(more.map((code) => code.slice(0, code.lastIndexOf('|')))));
        const unexplained = more.filter((code) => !ended.has(code));
        if (less.length === 0 && unexplained.length === 0) counts.withEnded++;
        else faults.push(`${url}: +${unexplained.slice(0, 5).join(' ')} -${less.slice(0, 5).join(' ')}`);
      }
    }
    expect(faults).toEqual([]);
    expect(counts.same).toBeGreaterThanOrEqual(475);
    expect(counts.withEnded).toBeLessThanOrEqual(15);
    expect(counts.notHere).toBeLessThanOrEqual(63);
  });
});
