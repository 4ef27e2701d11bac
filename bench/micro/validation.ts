/**
 * Times the check of a resource's shape on parsed resources.
 *
 *     node bench/micro/validation.ts [seconds per figure, default 0.5]
 *
 * An Observation of about 1.5 kB (one quantity; narrative, reference range and interpretation), a blood pressure panel, a
 * Patient and the official examples up to 8 kB in turn, so that no call site sees one shape only. JSON.parse of the same text
 * stands beside it as a measure of the machine. Prints µs per resource, the median of seven rounds, and what is allocated.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadDefinitions } from '../../src/definitions/load.ts';
import { type JsonObject, parseJson } from '../../src/fhir/json.ts';
import { compileShapes } from '../../src/validation/shape.ts';

const limits = { depthMax: 64, containerMax: 100_000, stringBytesMax: 20_000_000 };
const seconds = Number(process.argv[2] ?? 0.5);
const folder = new URL('../../node_modules/hl7.fhir.r4.examples/', import.meta.url);
const cacheDir = mkdtempSync(join(tmpdir(), 'bench-definitions-'));
const { schema } = await loadDefinitions({ cacheDir });
rmSync(cacheDir, { recursive: true });
const check = compileShapes(schema);

const texts = readdirSync(folder)
  .filter((name) => /^[A-Z].*\.json$/.test(name))
  .filter((_, index) => index % 13 === 0)
  .map((name) => readFileSync(new URL(name, folder), 'utf8'))
  .filter((text) => text.length < 8_000);
const observation = JSON.parse(readFileSync(new URL('Observation-f001.json', folder), 'utf8'));
observation.text.div = `<div xmlns="http://www.w3.org/1999/xhtml"><p><b>Generated Narrative</b></p><p>${'x'.repeat(250)}</p></div>`;

report('Observation, one quantity', [JSON.stringify(observation)]);
report('Observation, blood pressure', [example('Observation-blood-pressure.json')]);
report('Patient', [example('Patient-example.json')]);
report(`${texts.length} examples`, texts);

function example(name: string): string {
  return JSON.stringify(JSON.parse(readFileSync(new URL(name, folder), 'utf8')));
}

function report(title: string, documents: readonly string[]): void {
  const parsed = documents.map((text) => parseJson(text, limits));
  const bytes = documents.reduce((sum, text) => sum + text.length, 0) / documents.length;
  const run = () => parsed.reduce((issues, { value, decimals }) => issues + check(value as JsonObject, decimals).length, 0);
  const parse = () => documents.forEach((text) => void JSON.parse(text));
  const shapeUs = median(run) / documents.length;
  const parseUs = median(parse) / documents.length;
  const figures = `${shapeUs.toFixed(2).padStart(7)} µs, JSON.parse ${parseUs.toFixed(2)} µs, ${allocated(run, documents.length)} bytes allocated`;
  console.log(`${title.padEnd(28)} ${String(Math.round(bytes)).padStart(5)} bytes ${figures}, ${run()} issues`);
}

function median(run: () => unknown): number {
  const rounds: number[] = [];
  for (let round = -2; round < 7; round++) {
    const begin = performance.now();
    const end = begin + (seconds * 1_000) / 9;
    let count = 0;
    for (; performance.now() < end; count++) run();
    if (round >= 0) rounds.push(((performance.now() - begin) * 1_000) / count);
  }
  return rounds.toSorted((a, b) => a - b)[3] ?? Number.NaN;
}

/** Bytes a resource costs the young generation; meaningful while no collection falls into the few rounds counted. */
function allocated(run: () => unknown, resources: number): number {
  const rounds = Math.max(1, Math.ceil(200 / resources));
  const before = process.memoryUsage().heapUsed;
  for (let round = 0; round < rounds; round++) run();
  return Math.round((process.memoryUsage().heapUsed - before) / (rounds * resources));
}
