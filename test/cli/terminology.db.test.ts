import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { loincFiles, snomedFiles, writeFolder, writeZip } from '../terminology/releases.ts';
import { type Cli, cliBeside } from '../support/cli.ts';

let server: TestServer;
let folder: string;
let cli: Cli;

beforeAll(async () => {
  [server, folder] = await Promise.all([startTestServer(), mkdtemp(join(tmpdir(), 'anamnesis-terminology-'))]);
  cli = cliBeside(server);
}, 60_000);
afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

const terminology = (...args: string[]) => cli(['terminology', ...args]);

async function isSnomed(code: string): Promise<unknown> {
  const { json } = await server.request('GET', `/CodeSystem/$validate-code?url=http://snomed.info/sct&code=${code}`);
  return json.parameter?.[0].valueBoolean ?? json.issue[0].code;
}

/** Another process tells by a notification, which takes a moment. */
async function until(wanted: unknown, ask: () => Promise<unknown>): Promise<void> {
  for (let waited = 0; waited < 5_000 && (await ask()) !== wanted; waited += 50) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await ask()).toBe(wanted);
}

test('loads, lists and removes code systems beside the running server, which knows at once', async () => {
  expect(await isSnomed('195967001')).toBe('not-found');
  expect(await terminology('list')).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('No code systems') });
  const loaded = await terminology('load', await writeFolder(join(folder, 'sct'), snomedFiles));
  expect(loaded).toMatchObject({ code: 0, stdout: expect.stringMatching(/^http:\/\/snomed\.info\/sct\|.*20240101: 7 concepts in /) });
  await until(true, () => isSnomed('195967001'));
  expect(await isSnomed('5')).toBe(false);
  expect(await terminology('load', await writeZip(join(folder, 'Loinc_2.77.zip'), loincFiles))).toMatchObject({ code: 0 });
  const { stdout } = await terminology('list');
  expect(stdout).toMatch(/^http:\/\/loinc\.org\|2\.77 {2}LOINC {2}11 concepts {2}20\d\d-.*Z\nhttp:\/\/snomed\.info\/sct\|/);
  expect(await terminology('remove', 'http://snomed.info/sct')).toMatchObject({ code: 0 });
  await until('not-found', () => isSnomed('195967001'));
  expect(await terminology('remove', 'http://snomed.info/sct')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is not loaded'),
  });
}, 120_000);

test('says what is wrong, and changes nothing then', async () => {
  await writeFile(join(folder, 'codes.csv'), 'code,display\na,A\n');
  await writeFile(join(folder, 'notes.txt'), 'x');
  const before = await terminology('list');
  for (const [args, code, text] of [
    [[], 2, 'load, list or remove'],
    [['drop'], 2, 'none of load, list, remove'],
    [['load'], 2, 'needs a file'],
    [['load', join(folder, 'nothing.csv')], 2, "can't be read"],
    [['load', join(folder, 'codes.csv'), '--url', 'x'], 2, 'must be a URL'],
    [['load', join(folder, 'codes.csv')], 1, 'give --url'],
    [['load', join(folder, 'notes.txt')], 1, 'no release of LOINC'],
  ] as const)
    expect(await terminology(...args)).toMatchObject({ code, stderr: expect.stringContaining(text) });
  expect(await terminology('list')).toEqual(before);
}, 120_000);
