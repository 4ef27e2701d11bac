import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { described } from '../support/contract.ts';
import { canary, type FuzzRequest, fuzzRequests } from '../support/contract-fuzz.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const contract = await described();
/** FUZZ_RUNS=10000 looks longer, FUZZ_SEED elsewhere. */
const numRuns = Number(process.env.FUZZ_RUNS ?? 1500);
const seed = Number(process.env.FUZZ_SEED ?? 20_260_301);

const lines: string[] = [];
const statuses = new Map<number, number>();
const ids: string[] = ['unknown-1', 'pa', 'pb', 'dr', 'gone'];
let server: TestServer;
let tokens: readonly (string | undefined)[];
beforeAll(async () => {
  server = await startTestServer(
    { CARE_RELATIONSHIPS: 'all', LOG_LEVEL: 'debug', BODY_LIMIT_BYTES: '65536' },
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
  const everything = { scope: 'user/*.cruds', user: 'Practitioner/dr' };
  tokens = [
    await server.token({ ...everything, roles: ['admin'], patient: 'pa' }),
    await server.token({ scope: 'system/*.cruds' }),
    await server.token({ ...everything, roles: ['provider'] }),
    await server.token({ scope: 'patient/*.cruds', patient: 'pb', user: 'Patient/pb' }),
    await server.token({ scope: 'user/Patient.rs', user: 'Practitioner/dr', roles: ['viewer'] }),
    undefined,
  ];
});
afterAll(() => server?.stop());

/** @returns what is wrong with the answer */
async function faults({ method, path, headers, body, role }: FuzzRequest): Promise<string[]> {
  const bearer = tokens[role];
  // test/support/contract-watch.ts holds the answer against the contract, and rejects where it isn't as that says.
  const response = await fetch(`${server.origin}/api/v1${path}`, {
    method,
    headers: { ...headers, ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }) },
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  for (const [, id = ''] of text.matchAll(/"\w+_id":"([A-Za-z0-9\-.]{1,64})"/g)) if (!ids.includes(id)) ids.push(id);
  if (ids.length > 60) ids.splice(5, 20);
  statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
  return response.status >= 500 ? [`${response.status}: ${text}`] : [];
}

test('whatever is sent, the contract is kept, nothing fails, and nothing that was sent is in the log', {
  timeout: numRuns * 200 + 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fuzzRequests(contract, () => ids, tokens.length),
      async (request) => {
        expect(await faults(request)).toEqual([]);
      },
    ),
    { numRuns, seed, endOnFailure: true },
  );
  expect(lines.filter((line) => line.toLowerCase().includes(canary.toLowerCase()))).toEqual([]);
});
