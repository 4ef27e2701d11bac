import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run } from '../../../src/cli/load.ts';

type Handler = (
  request: { body: string; token: string | undefined; number: number },
  response: http.ServerResponse,
) => void | Promise<void>;

let folder = '';
let server: http.Server;
let base = '';
let handler: Handler = () => undefined;
let requests: { body: string; token: string | undefined }[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'anamnesis-load-'));
  requests = [];
  server = http.createServer((request, response) => void respond(request, response));
  const respond = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const body = Buffer.concat(await request.toArray()).toString('utf8');
    const token = request.headers.authorization?.replace('Bearer ', '');
    requests.push({ body, token });
    await handler({ body, token, number: requests.length }, response);
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/fhir/R4`;
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

const answer = (response: http.ServerResponse, status: number, body: unknown, headers: http.OutgoingHttpHeaders = {}): void =>
  void response.writeHead(status, { 'content-type': 'application/fhir+json', ...headers }).end(JSON.stringify(body));
const outcome = (text: string, expression?: string) => ({
  resourceType: 'OperationOutcome',
  issue: [{ severity: 'error', code: 'invalid', details: { text }, ...(expression === undefined ? {} : { expression: [expression] }) }],
});
const entries = (...statuses: string[]) => statuses.map((status) => ({ response: { status } }));
const stored = (...statuses: string[]) => ({ resourceType: 'Bundle', type: 'transaction-response', entry: entries(...statuses) });
const bundle = (name: string, extra: object = {}) => ({ resourceType: 'Bundle', type: 'transaction', id: name, entry: [], ...extra });

async function file(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function load(...args: string[]) {
  return loadWith(undefined, ...args);
}

async function loadWith(mintToken: ((scope: string) => Promise<string>) | undefined, ...args: string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const texts = [stdout, stderr].map(async (stream) => Buffer.concat(await stream.toArray()).toString('utf8'));
  const code = await run([...args, '--base', base], { stdout, stderr, ...(mintToken === undefined ? {} : { mintToken }) });
  stdout.end();
  stderr.end();
  return { code, out: await texts[0]!, err: await texts[1]! };
}

describe('loading', () => {
  test('posts every Bundle as it was read and ends with 0 and a summary', async () => {
    handler = (_request, response) => answer(response, 200, stored('201 Created', '200 OK'));
    const lines = ['{"resourceType":"Bundle","x":1.0}', '{ "resourceType": "Bundle" }'];
    const files = [await file('a.ndjson', `${lines.join('\n')}\n`), await file('b.json.gz', gzipSync('{"resourceType":"Bundle","y":2}'))];
    const { code, out, err } = await load(...files, '--token', 'T', '--concurrency', '1');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(requests).toEqual([...lines, '{"resourceType":"Bundle","y":2}'].map((body) => ({ body, token: 'T' })));
    expect(out).toMatch(/^3 Bundles, 6 entries in [\d.]+ s: [\d,]+ resources\/s\n {2}200 OK: 3\n {2}201 Created: 3\n$/);
  });

  test('has as many Bundles under way as it may', async () => {
    let [now, most] = [0, 0];
    handler = async (_request, response) => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setTimeout(resolve, 20));
      now--;
      answer(response, 200, stored('201 Created'));
    };
    await load(await file('a.ndjson', `${JSON.stringify(bundle('x'))}\n`.repeat(20)), '--concurrency', '3');
    expect(most).toBe(3);
  });

  test('posts a Bundle that others depend on alone, before them', async () => {
    const events: string[] = [];
    handler = async ({ body }, response) => {
      const { id } = JSON.parse(body);
      events.push(`+${id}`);
      await new Promise((resolve) => setTimeout(resolve, 30));
      events.push(`-${id}`);
      answer(response, 200, stored('201 Created'));
    };
    const directory = bundle('d', { entry: [{ request: { ifNoneExist: 'identifier=1' } }] });
    const dependent = (name: string) =>
      bundle(name, { entry: [{ resource: { subject: { reference: 'Practitioner?identifier=1' } }, request: { ifNoneExist: 'x=1' } }] });
    await load(
      await file('a.ndjson', ['a', 'b'].map((name) => JSON.stringify(bundle(name))).join('\n')),
      await file('d.json', JSON.stringify(directory)),
      await file('e.ndjson', ['e', 'f'].map((name) => JSON.stringify(dependent(name))).join('\n')),
    );
    const at = events.indexOf('+d');
    expect(events.slice(0, at).sort()).toEqual(['+a', '+b', '-a', '-b']);
    expect(events[at + 1]).toBe('-d');
    expect(events.slice(at + 2, at + 4).sort()).toEqual(['+e', '+f']);
  });
});

describe('a failure', () => {
  test('of a transaction is told with the entry that the outcome names, the others go on', async () => {
    handler = ({ number }, response) =>
      number === 1
        ? answer(response, 422, outcome('a status is missing', 'Bundle.entry[3].resource.status'))
        : answer(response, 200, stored('201 Created'));
    const path = await file('a.ndjson', `${JSON.stringify(bundle('x'))}\n`.repeat(2));
    const { code, out } = await load(path, '--concurrency', '1');
    expect(code).toBe(1);
    expect(out).toContain('201 Created: 1\n');
    expect(out).toContain(`1 failure:\n  ${path}:1 entry 3: 422 Bundle.entry[3].resource.status: a status is missing\n`);
  });

  test('of an entry of a batch counts, each with its number', async () => {
    const responses = [
      { response: { status: '201 Created' } },
      { response: { status: '400', outcome: outcome('no such code') } },
      { response: { status: '404 Not Found' } },
      {},
    ];
    handler = (_request, response) => answer(response, 200, { resourceType: 'Bundle', type: 'batch-response', entry: responses });
    const path = await file('a.json', '{"resourceType":"Bundle","type":"batch","entry":[1,2,3,4]}');
    const { code, out } = await load(path);
    expect(code).toBe(1);
    expect(out).toContain(
      `3 failures:\n  ${path} entry 1: 400 no such code\n  ${path} entry 2: 404 no reason given\n  ${path} entry 3: the answer has no response for it\n`,
    );
  });

  test('to read one file is told and the next file is loaded', async () => {
    handler = (_request, response) => answer(response, 200, stored('201 Created'));
    const broken = await file('a.ndjson.gz', gzipSync('{"n":1}\n').subarray(0, -5));
    const empty = await file('b.ndjson', '\n');
    const { code, out } = await load(broken, empty, await file('c.json', '{"n":2}'));
    expect(code).toBe(1);
    expect(out).toContain(`${broken}: reading it broke off`);
    expect(out).toContain(`${empty}: holds no Bundle`);
    expect(requests.at(-1)?.body).toBe('{"n":2}');
  });

  test('of a connection says that what was done is not known, and nothing is posted twice', async () => {
    handler = ({ number }, response) => (number === 1 ? void response.destroy() : answer(response, 200, stored('201 Created')));
    const { code, out } = await load(await file('a.ndjson', '{"n":1}\n{"n":2}\n'), '--concurrency', '1');
    expect(code).toBe(1);
    expect(requests.map((request) => request.body)).toEqual(['{"n":1}', '{"n":2}']);
    expect(out).toMatch(/a\.ndjson:1: no answer \([A-Z_]+\); whether it was carried out is not known/);
  });

  test('is an answer that is no Bundle', async () => {
    handler = (_request, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<p>hello');
    const { code, out } = await load(await file('a.json', '{}'));
    expect(code).toBe(1);
    expect(out).toContain('200 not a Bundle: <p>hello');
  });
});

describe('an answer that says "not now"', () => {
  test.each([409, 412, 429, 503])('%d is asked again', async (status) => {
    handler = ({ number }, response) =>
      number < 3 ? answer(response, status, outcome('not now'), { 'retry-after': '0' }) : answer(response, 200, stored('201 Created'));
    const { code, out } = await load(await file('a.json', '{"n":1}'));
    expect({ code, posted: requests.length }).toEqual({ code: 0, posted: 3 });
    expect(out).toContain(`asked again after ${status} (2)\n`);
  });

  test('is taken as it is after five attempts', async () => {
    handler = (_request, response) => answer(response, 503, outcome('still not'), { 'retry-after': '0' });
    const { code, out } = await load(await file('a.json', '{"n":1}'));
    expect({ code, posted: requests.length }).toEqual({ code: 1, posted: 5 });
    expect(out).toContain('503 still not');
  });

  test('for entries of a batch makes these be posted again, with their numbers as they were written', async () => {
    const batch = '{"resourceType":"Bundle","type":"batch","entry":[{"a":1.0},{"b":2.50},{"c":3}]}';
    handler = ({ number }, response) =>
      answer(response, 200, {
        resourceType: 'Bundle',
        type: 'batch-response',
        entry: number === 1 ? entries('201 Created', '503', '409') : entries('201 Created', '422 Unprocessable Entity'),
      });
    const path = await file('a.json', batch);
    const { code, out } = await load(path);
    expect(requests.map((request) => request.body)).toEqual([
      batch,
      '{"resourceType":"Bundle","type":"batch","entry":[{"b":2.50},{"c":3}]}',
    ]);
    expect(code).toBe(1);
    expect(out).toContain('3 entries');
    expect(out).toContain(`${path} entry 2: 422`);
  });

  test('for entries of a batch over and over ends after three rounds', async () => {
    handler = (_request, response) => answer(response, 200, { resourceType: 'Bundle', type: 'batch-response', entry: entries('503') });
    const { code, out } = await load(await file('a.json', '{"resourceType":"Bundle","type":"batch","entry":[{}]}'));
    expect({ code, posted: requests.length }).toEqual({ code: 1, posted: 3 });
    expect(out).toContain('entry 0: 503 no reason given');
  });
});

describe('the token', () => {
  test('is made for the whole system when none is given, once, and again when it is refused', async () => {
    const asked: string[] = [];
    handler = ({ token, number }, response) =>
      token === 'T1' && number > 2 ? answer(response, 401, outcome('expired')) : answer(response, 200, stored('201 Created'));
    const mint = (scope: string): Promise<string> => Promise.resolve(`T${asked.push(scope)}`);
    const { code } = await loadWith(mint, await file('a.ndjson', '{"n":1}\n'.repeat(4)), '--concurrency', '1');
    expect(code).toBe(0);
    expect(asked).toEqual(['system/*.cruds', 'system/*.cruds']);
    expect(requests.map((request) => request.token)).toEqual(['T1', 'T1', 'T1', 'T2', 'T2']);
  });

  test('that is given and refused ends the load at once', async () => {
    handler = (_request, response) => answer(response, 401, outcome('no'));
    const { code, err } = await load(await file('a.ndjson', '{"n":1}\n'.repeat(50)), '--token', 'bad', '--concurrency', '1');
    expect({ code, posted: requests.length }).toEqual({ code: 1, posted: 1 });
    expect(err).toContain('refuses the token: 401 no\n');
  });
});

test('without a server the load ends with 1 and says where it looked', async () => {
  server.close();
  await new Promise((resolve) => server.once('close', resolve));
  const { code, err } = await load(await file('a.ndjson', '{"n":1}\n'.repeat(50)));
  expect(code).toBe(1);
  expect(err).toBe(`stopped: no server answers at ${base}\n`);
});

describe('wrong use', () => {
  test.each([
    ['no file', []],
    ['an unknown option', ['a.json', '--fast']],
    ['a file that is not there', ['nowhere.json']],
    ['a file of another kind', ['picture.png']],
    ['too many workers', ['a.json', '--concurrency', '1000']],
  ])('(%s) ends with 2 and the usage on stderr', async (_title, args) => {
    const { code, out, err } = await load(...args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('Usage: npm run -s load');
  });

  test('and --help with 0 and the usage on stdout', async () => {
    expect(await load('--help')).toMatchObject({ code: 0, out: expect.stringContaining('Usage: npm run -s load'), err: '' });
  });
});
