import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EXCEPTIONS } from '../../../src/cli/examples/exceptions.ts';
import { run } from '../../../src/cli/examples.ts';

let server: http.Server;
let base = '';
/** What the server keeps of a resource, and whether it takes it. */
let keep: (text: string, key: string) => string = (text) => text;
let refusal: (key: string) => string | undefined = () => undefined;

/** The examples that are wrong themselves. */
const wrong = EXCEPTIONS.filter(({ expect: expected }) => expected === 'refused').map(({ file }) =>
  file.replace('-', '/').replace('.json', ''),
);

const withMeta = (text: string): string => {
  const resource = text.replace(/"meta"\s*:\s*\{/, '"meta":{"versionId":"1","lastUpdated":"2026-01-01T00:00:00Z",');
  return resource === text ? text.replace(/\{/, '{"meta":{"versionId":"1"},') : resource;
};

beforeEach(async () => {
  keep = withMeta;
  refusal = (key) => (wrong.includes(key) ? 'this is wrong' : undefined);
  const stored = new Map<string, string>();
  server = http.createServer((request, response) => void respond(request, response));
  const respond = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const key = (request.url ?? '').replace('/fhir/R4/', '');
    const text = Buffer.concat(await request.toArray()).toString('utf8');
    const refused = request.method === 'PUT' ? refusal(key) : undefined;
    if (refused !== undefined) {
      const outcome = { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'value', details: { text: refused } }] };
      response.writeHead(400).end(JSON.stringify(outcome));
    } else if (request.method === 'PUT') {
      response.writeHead(stored.has(key) ? 200 : 201).end();
      stored.set(key, keep(text, key));
    } else response.writeHead(stored.has(key) ? 200 : 404).end(stored.get(key));
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/fhir/R4`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function examples(...args: string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const texts = [stdout, stderr].map(async (stream) => Buffer.concat(await stream.toArray()).toString('utf8'));
  const code = await run([...args, '--base', base], { stdout, stderr });
  stdout.end();
  stderr.end();
  return { code, out: await texts[0]!, err: await texts[1]! };
}

const row = (out: string, type: string): string[] | undefined =>
  out
    .split('\n')
    .find((line) => line.startsWith(`${type} `))
    ?.trim()
    .split(/ +/);

describe('the examples', () => {
  test('end with 0 when all come back as they were sent', async () => {
    const { code, out, err } = await examples('--types', 'Patient,Observation,Questionnaire');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect([row(out, 'Patient'), row(out, 'Observation'), row(out, 'Questionnaire'), row(out, 'all')]).toEqual([
      ['Patient', '22', '0', '0', '0'],
      ['Observation', '63', '0', '0', '1'],
      ['Questionnaire', '5', '0', '0', '2'],
      ['all', '90', '0', '0', '3'],
    ]);
  });

  test('end with 1 and name the place when a digit is lost', async () => {
    keep = (text) =>
      withMeta(text)
        .replace(/:\s*(\d+)\.(\d*)0\b/g, ':$1.$2')
        .replace(/(\d)\.,/g, '$1,');
    const { code, out } = await examples('--types', 'Observation');
    expect(code).toBe(1);
    expect(out).toMatch(/^Observation\/\S+ \(changed\)\n {2}Observation\.\S*: [\d.]+ in place of \d+\.\d*0$/m);
  });

  test('end with 1 and tell the reason when one is refused', async () => {
    refusal = (key) => (key === 'Patient/example' ? 'no Patients today' : undefined);
    const { code, out } = await examples('--types', 'Patient');
    expect(code).toBe(1);
    expect(row(out, 'Patient')).toEqual(['Patient', '21', '0', '1', '0']);
    expect(out).toContain('Patient/example (refused)\n  400 no Patients today\n');
  });

  test('except those that are wrong themselves, and the one that is there twice', async () => {
    const { code, out } = await examples('--types', 'SearchParameter,ImplementationGuide,ig', '--concurrency', '8');
    expect(code).toBe(0);
    expect(row(out, 'SearchParameter')).toEqual(['SearchParameter', '1389', '0', '0', '11']);
    expect(row(out, 'ImplementationGuide')).toEqual(['ImplementationGuide', '1', '0', '0', '2']);
  });

  test('end with 1 when an exception no longer holds', async () => {
    refusal = () => undefined;
    const { code, out } = await examples('--types', 'SearchParameter', '--concurrency', '8');
    expect(code).toBe(1);
    expect(out).toContain('  stored, though its id has 67 characters');
  });

  test('of no known type end with 1: nothing was tried', async () => {
    expect((await examples('--types', 'Patiant')).code).toBe(1);
  });

  test('end with 2 on an unknown option', async () => {
    expect(await examples('--all')).toMatchObject({ code: 2, out: '', err: expect.stringContaining('Usage: npm run -s examples') });
  });
});
