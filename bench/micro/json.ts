/**
 * Times parseJson and writeJson beside JSON.parse and JSON.stringify.
 *
 *     node bench/micro/json.ts [seconds per figure, default 0.4]
 *
 * The first block repeats one Observation of about 1.5 kB, as received; the second goes through the official examples up to
 * 8 kB in turn, so that no call site sees one shape only. Prints ns of CPU per document, which neighbours on the machine
 * disturb less than time: the median of seven rounds, all candidates taking turns.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { type JsonLimits, parseJson, writeJson } from '../../src/fhir/json.ts';

const limits: JsonLimits = { depthMax: 64, containerMax: 100_000, stringBytesMax: 20_000_000 };
const seconds = Number(process.argv[2] ?? 0.4);
const folder = new URL('../../node_modules/hl7.fhir.r4.examples/', import.meta.url);

const observation = JSON.parse(readFileSync(new URL('Observation-f001.json', folder), 'utf8'));
observation.text.div = `<div xmlns="http://www.w3.org/1999/xhtml"><p><b>Generated Narrative</b></p><p>${'x'.repeat(400)}</p></div>`;
const examples = readdirSync(folder)
  .filter((name) => name.endsWith('.json') && name !== 'package.json')
  .filter((_, index) => index % 13 === 0)
  .map((name) => readFileSync(new URL(name, folder), 'utf8'))
  .filter((text) => text.length < 8_000);

report('one Observation, compact', [JSON.stringify(observation)]);
report('one Observation, indented', [JSON.stringify(observation, null, 2)]);
report(
  `${examples.length} examples, compact`,
  examples.map((text) => JSON.stringify(JSON.parse(text))),
);
report(`${examples.length} examples, as published`, examples);

function report(title: string, texts: readonly string[]): void {
  const bytes = texts.map((text) => Buffer.from(text));
  const parsed = bytes.map((body) => parseJson(body, limits));
  const size = Math.round(bytes.reduce((sum, body) => sum + body.length, 0) / bytes.length);
  const timed = medians({
    'JSON.parse(bytes.toString())': () => bytes.forEach((body) => JSON.parse(body.toString())),
    'parseJson(bytes)': () => bytes.forEach((body) => parseJson(body, limits)),
    'parseJson(bytes) with links': () => bytes.forEach((body) => parseJson(body, limits, { links: true })),
    'JSON.stringify(value)': () => parsed.forEach(({ value }) => JSON.stringify(value)),
    'writeJson(value)': () => parsed.forEach(({ value, decimals }) => writeJson(value, decimals)),
  });
  console.log(`\n${title}, ${size} bytes`);
  const base = timed.get('JSON.parse(bytes.toString())') ?? Number.NaN;
  for (const [name, ns] of timed) {
    console.log(`${name.padEnd(32)} ${(ns / texts.length).toFixed(0).padStart(8)} ns  ${(ns / base).toFixed(2)}`);
  }
}

function medians(candidates: Readonly<Record<string, () => unknown>>): Map<string, number> {
  const rounds = new Map<string, number[]>();
  for (let round = -2; round < 7; round++) {
    for (const [name, run] of Object.entries(candidates)) {
      const end = performance.now() + (seconds * 1_000) / 9;
      const begin = process.cpuUsage();
      let count = 0;
      for (; performance.now() < end; count++) run();
      const { user, system } = process.cpuUsage(begin);
      if (round >= 0) rounds.set(name, [...(rounds.get(name) ?? []), ((user + system) * 1_000) / count]);
    }
  }
  return new Map([...rounds].map(([name, list]) => [name, list.toSorted((a, b) => a - b)[3] ?? Number.NaN]));
}
