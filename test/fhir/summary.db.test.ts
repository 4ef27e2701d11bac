import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Definitions, loadDefinitions } from '../../src/definitions/load.ts';
import { type Json, type JsonObject, parseJson } from '../../src/fhir/json.ts';
import { selectElements, summarise } from '../../src/fhir/summary.ts';
import { compileShapes } from '../../src/validation/shape.ts';

const folder = new URL('../../node_modules/hl7.fhir.r4.examples/', import.meta.url);
const limits = { depthMax: 100, containerMax: 100_000, stringBytesMax: 20_000_000 };
const EXAMPLES_PER_TYPE = 3;

/** What R4 demands without marking it as summary: the one way in which a summary may be less than valid. */
const UNMARKED = ['Appointment.participant', 'AuditEvent.agent', 'AuditEvent.source', 'Provenance.agent'];

let definitions: Definitions;
let examples: ReturnType<typeof parseJson>[];

beforeAll(async () => {
  const cacheDir = mkdtempSync(join(tmpdir(), 'definitions-'));
  definitions = await loadDefinitions({ cacheDir });
  const files = readdirSync(folder).filter((name) => /^[A-Z].*\.json$/.test(name));
  const chosen = definitions.resourceTypes.flatMap((type) =>
    files.filter((name) => name.startsWith(`${type}-`)).slice(0, EXAMPLES_PER_TYPE),
  );
  examples = chosen.map((name) => parseJson(readFileSync(new URL(name, folder)), limits));
  return () => rmSync(cacheDir, { recursive: true });
});

describe('of official examples of every type', () => {
  test('the summary has summary elements and modifiers alone, in a valid shape', () => {
    const check = compileShapes(definitions.schema);
    expect(examples.length).toBeGreaterThan(250);
    for (const { value, decimals } of examples) {
      if (check(value as JsonObject, decimals).length > 0) continue;
      const summary = summarise(value as JsonObject, decimals, 'true', definitions.schema);
      expect(unmarkedIn(summary.resource, typeOf(summary.resource) ?? '')).toEqual([]);
      const issues = check(summary.resource, summary.decimals).flatMap(({ expression }) => expression?.slice(0, 1) ?? []);
      expect(issues.filter((path) => !UNMARKED.some((unmarked) => path.endsWith(unmarked.replace(/^\w+/, ''))))).toEqual([]);
    }
  });

  test.each(['text', 'data'] as const)('_summary=%s leaves a valid shape', (mode) => {
    const check = compileShapes(definitions.schema);
    for (const { value, decimals } of examples) {
      if (check(value as JsonObject, decimals).length > 0) continue;
      const subset = summarise(value as JsonObject, decimals, mode, definitions.schema);
      expect(check(subset.resource, subset.decimals)).toEqual([]);
    }
  });

  test('_elements=id leaves a valid shape', () => {
    const check = compileShapes(definitions.schema);
    for (const { value, decimals } of examples) {
      if (check(value as JsonObject, decimals).length > 0) continue;
      const subset = selectElements(value as JsonObject, decimals, ['id'], definitions.schema);
      expect(check(subset.resource, subset.decimals)).toEqual([]);
    }
  });
});

/** The properties, at any depth, that no summary has; of types without a summary of their own, none. */
function unmarkedIn(object: JsonObject, type: string): string[] {
  const elements = [...(definitions.schema(type)?.elements.values() ?? [])];
  if (!elements.some(({ summary, name }) => summary && name !== 'modifierExtension')) return [];
  return Object.entries(object).flatMap(([name, value]) => {
    const element = elements.find((candidate) => candidate.name === name.replace(/^_/, ''));
    if (name === 'resourceType') return [];
    if (element === undefined || !(element.summary || element.modifier)) return [`${type}.${name}`];
    const items: Json[] = Array.isArray(value) ? value : [value];
    return name.startsWith('_') ? [] : items.flatMap((item) => (isObject(item) ? unmarkedIn(item, typeOf(item) ?? element.type) : []));
  });
}

function typeOf(object: JsonObject): string | undefined {
  return typeof object.resourceType === 'string' ? object.resourceType : undefined;
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
