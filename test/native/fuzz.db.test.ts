import { writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { prepareOutcomes } from '../../src/native/interactions/prepare-outcomes.ts';
import { contractPath, described } from '../support/contract.ts';
import { canary, type FuzzRequest, fuzzRequests } from '../support/contract-fuzz.ts';
import { nativeClient } from '../support/native.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const contract = await described();
/** FUZZ_RUNS=10000 looks longer, FUZZ_SEED elsewhere; FUZZ_REPORT is a file for how often each operation answered what. */
const numRuns = Number(process.env.FUZZ_RUNS ?? 1500);
const seed = Number(process.env.FUZZ_SEED ?? 20_260_301);

const lines: string[] = [];
/** How often each operation was answered so, and by what that isn't one. */
const seen = new Map<string, number>();
/** By the name of the field that told them. */
const ids = new Map<string, string[]>([
  ['patient_id', ['pa', 'pb', 'gone', 'unknown-1']],
  ['provider_id', ['dr', 'unknown-1']],
]);
const alike: Readonly<Record<string, string>> = { job: 'job_id', prescriber_id: 'provider_id', sender_id: 'provider_id' };
const known = (kind?: string): readonly string[] =>
  (kind === undefined ? undefined : ids.get(alike[kind] ?? kind)) ?? [...ids.values()].flat();

function note(kind: string, id: string): void {
  const told = ids.get(kind) ?? [];
  if (!told.includes(id)) told.push(id);
  // The newest are there yet.
  if (told.length > 12) told.splice(3, 4);
  ids.set(kind, told);
}
/** Requests are looked at, not counted: test/native/refusals.db.test.ts asks too often. */
const budgets = {
  RATE_LIMIT_READS: '100000',
  RATE_LIMIT_SEARCHES: '100000',
  RATE_LIMIT_WRITES: '100000',
  RATE_LIMIT_REFUSED: '100000',
  BULK_JOBS_MAX: '20',
};
let server: TestServer;
let key: string;
let tokens: readonly (string | undefined)[];
beforeAll(async () => {
  server = await startTestServer(
    { CARE_RELATIONSHIPS: 'all', LOG_LEVEL: 'debug', BODY_LIMIT_BYTES: '65536', ...budgets },
    { write: (line) => lines.push(line) },
  );
  for (const [type, id] of [
    ['Patient', 'pa'],
    ['Patient', 'pb'],
    ['Patient', 'gone'],
    ['Practitioner', 'dr'],
  ])
    await server.request('PUT', `/${type}/${id}`, { body: { resourceType: type, id } });
  await server.request('DELETE', '/Patient/gone');
  await prepareOutcomes(server.services.context);
  const everything = { scope: 'user/*.cruds', user: 'Practitioner/dr' };
  tokens = [
    await server.token({ ...everything, roles: ['admin'], patient: 'pa' }),
    await server.token({ scope: 'system/*.cruds' }),
    await server.token({ ...everything, roles: ['provider'] }),
    await server.token({ scope: 'patient/*.cruds', patient: 'pb', user: 'Patient/pb' }),
    await server.token({ scope: 'user/Patient.rs', user: 'Practitioner/dr', roles: ['viewer'] }),
    await server.token({ ...everything, roles: ['admin'] }),
    undefined,
  ];
  const response = await fetch(`${server.origin}/api/v1/api-keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${tokens.at(-2)}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'fuzz', scopes: ['user/*.cruds'], roles: ['provider'], fhir_user: 'Practitioner/dr' }),
  });
  key = ((await response.json()) as { secret: string }).secret;
  // What is of one patient alone is met by luck too seldom: a document and a message that stay known.
  const [, system = ''] = tokens;
  const v1 = nativeClient(server, system);
  const attachment = { content_type: 'text/plain', data: 'SGVsbG8=' };
  const document = await v1('POST', '/patients/pa/records', { body: { kind: 'document', text: 'Letter', attachment } });
  const message = await v1('POST', '/messages', { body: { patient_id: 'pb', provider_id: 'dr', body: 'Please come by.' } });
  note('record_id', document.json.record_id as string);
  note('message_id', message.json.message_id as string);
});
afterAll(() => server?.stop());

/** @returns what is wrong with the answer */
async function faults({ method, path, headers, body, role }: FuzzRequest): Promise<string[]> {
  const bearer = tokens[role];
  const credentials = role === tokens.length ? { 'x-api-key': key } : bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
  // test/support/contract-watch.ts holds the answer against the contract, and rejects where it isn't as that says.
  const response = await fetch(`${server.origin}/api/v1${path}`, {
    method,
    headers: { ...headers, ...credentials },
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  for (const [, kind = '', id = ''] of text.matchAll(/"(\w+_id)":"([A-Za-z0-9\-.]{1,64})"/g)) note(kind, id);
  const line = `${contract.idOf(method, contractPath(response.url) ?? '')} ${response.status}`;
  seen.set(line, (seen.get(line) ?? 0) + 1);
  return response.status >= 500 ? [`${response.status}: ${text}`] : [];
}

test('whatever is sent, the contract is kept, nothing fails, and nothing that was sent is in the log', {
  timeout: numRuns * 200 + 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fuzzRequests(contract, known, tokens.length + 1), async (request) => {
      expect(await faults(request)).toEqual([]);
    }),
    { numRuns, seed, endOnFailure: true },
  );
  // Refusals alone would say little: in a long run most operations do something, too.
  const done = new Set([...seen.keys()].filter((line) => / [23]\d\d$/.test(line)).map((line) => line.split(' ')[0]));
  if (process.env.FUZZ_REPORT !== undefined) await writeFile(process.env.FUZZ_REPORT, JSON.stringify(Object.fromEntries(seen), null, 1));
  if (numRuns >= 10_000) expect(done.size).toBeGreaterThan(60);
  expect(lines.filter((line) => line.toLowerCase().includes(canary.toLowerCase()))).toEqual([]);
});
