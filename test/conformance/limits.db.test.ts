import { once } from 'node:events';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { brotliCompressSync, constants, createGzip, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rawRequest } from '../support/raw-request.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { issueId, observation, patient } from './samples.ts';

let server: TestServer;
let authorization = '';
const mebibyte = 1_048_576;
beforeAll(async () => {
  server = await startTestServer({ BODY_LIMIT_BYTES: String(2 * mebibyte), JSON_CONTAINER_MAX: '5000', JSON_STRING_BYTES_MAX: '100000' });
  authorization = `Bearer ${await server.token()}`;
});
afterAll(() => server?.stop());

const post = (body: Buffer | AsyncIterable<Buffer>, headers: Readonly<Record<string, string>> = {}) =>
  rawRequest(server.origin, 'POST', '/fhir/R4/Observation', {
    headers: { authorization, 'content-type': 'application/fhir+json', ...headers },
    body,
  });
const outcome = (answer: { bytes: Buffer }) => JSON.parse(answer.bytes.toString());

describe('compressed bodies', () => {
  const body = Buffer.from(JSON.stringify(observation()));

  test.each([
    ['gzip', gzipSync(body)],
    ['br', brotliCompressSync(body)],
    ['deflate', deflateSync(body)],
    ['GZIP', gzipSync(body)],
    ['identity', body],
  ])('in %s are read', async (encoding, bytes) => {
    expect((await post(bytes, { 'content-encoding': encoding })).status).toBe(201);
  });

  test.each(['zstd', 'gzip, br', 'x'])('in %s are 415', async (encoding) => {
    const answer = await post(body, { 'content-encoding': encoding });
    expect(answer.status).toBe(415);
    expect(answer.headers['accept-encoding']).toMatch(/gzip/);
  });

  test.each([
    ['gzip', body],
    ['br', Buffer.from('not brotli at all, by no means')],
    ['gzip', gzipSync(body).subarray(0, -9)],
  ])('that are no or only half %s are 400', async (encoding, bytes) => {
    const answer = await post(bytes, { 'content-encoding': encoding });
    expect(answer.status).toBe(400);
    expect(issueId(outcome(answer))).toBe('body-unreadable');
  });

  test('a bomb of 1 GB is 413 before it is unpacked, in little memory', async () => {
    const bombs = { gzip: await gigabyteOfZeros(), br: brotliBomb() };
    const before = process.memoryUsage().rss;
    let peak = before;
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().rss);
    }, 5);
    for (const [encoding, bytes] of Object.entries(bombs)) {
      const begun = Date.now();
      const answer = await post(bytes, { 'content-encoding': encoding });
      expect(answer.status).toBe(413);
      expect(issueId(outcome(answer))).toBe('body-too-large');
      expect(Date.now() - begun).toBeLessThan(2_000);
    }
    clearInterval(watch);
    expect(peak - before).toBeLessThan(150 * mebibyte);
  });

  test('a client that breaks off in the middle holds nothing open', async () => {
    const { hostname, port } = new URL(server.origin);
    const half = gzipSync(Buffer.from(JSON.stringify(observation({ note: [{ text: 'x'.repeat(50_000) }] })))).subarray(0, 100);
    for (let n = 0; n < 5; n++) {
      const socket = connect(Number(port), hostname);
      await once(socket, 'connect');
      socket.write(
        `POST /fhir/R4/Observation HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Type: application/fhir+json\r\nContent-Encoding: gzip\r\nContent-Length: 100000\r\n\r\n`,
      );
      socket.write(half);
      await new Promise((resolve) => setTimeout(resolve, 20));
      socket.destroy();
    }
    expect((await post(body)).status).toBe(201);
  });
});

describe('size', () => {
  const text = (bytes: number) =>
    Buffer.from(JSON.stringify(observation({ note: Array.from({ length: bytes / 1_000 }, () => ({ text: 'x'.repeat(985) })) })));

  test('a body up to the limit is taken, a larger one is 413, declared or not', async () => {
    expect((await post(text(1.9 * mebibyte))).status).toBe(201);
    const large = text(3 * mebibyte);
    const declared = await post(large, { 'content-length': String(large.length) });
    expect(declared.status).toBe(413);
    const chunked = await post(pieces(large, 65_536), { 'transfer-encoding': 'chunked' });
    expect(chunked.status).toBe(413);
    expect(issueId(outcome(chunked))).toBe('body-too-large');
  });

  test.each([
    ['a long string', JSON.stringify(observation({ note: [{ text: 'x'.repeat(100_001) }] })), 413],
    ['a long array', JSON.stringify(observation({ note: Array.from({ length: 5_001 }, () => ({ text: 'x' })) })), 413],
    ['deep nesting', `${'{"a":'.repeat(65)}1${'}'.repeat(65)}`, 400],
    ['very deep nesting', '['.repeat(100_000), 400],
  ])('%s is refused with an outcome', async (_, body, status) => {
    const answer = await post(Buffer.from(body));
    expect(answer.status).toBe(status);
    expect(outcome(answer).resourceType).toBe('OperationOutcome');
  });

  test('base64 data may be longer than other strings', async () => {
    const data = Buffer.alloc(200_000, 7).toString('base64');
    const answer = await server.request('POST', '/Binary', { body: { resourceType: 'Binary', contentType: 'text/plain', data } });
    expect(answer.status).toBe(201);
  });
});

describe('addresses', () => {
  const search = (bytes: number): string => `/fhir/R4/Patient?name=${'x'.repeat(bytes - '/fhir/R4/Patient?name='.length)}`;
  const get = (path: string) => rawRequest(server.origin, 'GET', path, { headers: { authorization } });

  test('a URL up to the limit is answered, a longer one is 414 with advice', async () => {
    expect((await get(search(16_384))).status).toBe(200);
    const answer = await get(search(16_385));
    expect(answer.status).toBe(414);
    expect(issueId(outcome(answer))).toBe('url-too-long');
  });

  test('a URL far over the limit is refused, with an outcome', async () => {
    const answer = await get(search(100_000));
    expect([414, 431]).toContain(answer.status);
    expect(outcome(answer).resourceType).toBe('OperationOutcome');
  });

  test('an id of 64 characters is taken, one of 65 is not', async () => {
    const [fits, long] = ['x'.repeat(64), 'x'.repeat(65)];
    expect((await server.request('PUT', `/Patient/${fits}`, { body: patient({ id: fits }) })).status).toBe(201);
    expect((await server.request('PUT', `/Patient/${long}`, { body: patient({ id: long }) })).status).toBe(400);
    expect((await server.request('GET', `/Patient/${long}`)).status).toBe(400);
  });
});

function pieces(bytes: Buffer, size: number): Readable {
  return Readable.from(Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => bytes.subarray(n * size, (n + 1) * size)));
}

async function gigabyteOfZeros(): Promise<Buffer> {
  const packer = createGzip({ level: 9 });
  const chunks: Buffer[] = [];
  packer.on('data', (chunk: Buffer) => chunks.push(chunk));
  const zeros = Buffer.alloc(16 * mebibyte);
  for (let n = 0; n < 64; n++) if (!packer.write(zeros)) await once(packer, 'drain');
  packer.end();
  await once(packer, 'end');
  return Buffer.concat(chunks);
}

function brotliBomb(): Buffer {
  return brotliCompressSync(Buffer.alloc(256 * mebibyte), {
    params: { [constants.BROTLI_PARAM_QUALITY]: 1, [constants.BROTLI_PARAM_LGWIN]: 24 },
  });
}
