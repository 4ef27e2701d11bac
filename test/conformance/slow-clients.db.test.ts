import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { observation } from './samples.ts';

let server: TestServer;
let authorization = '';
beforeAll(async () => {
  server = await startTestServer({
    HEADERS_TIMEOUT_MS: '1000',
    REQUEST_TIMEOUT_MS: '2000',
    SILENCE_TIMEOUT_MS: '2000',
    CONNECTIONS_MAX: '40',
  });
  authorization = `Bearer ${await server.token()}`;
});
afterAll(() => server?.stop());

const open: Socket[] = [];
afterAll(() => {
  for (const socket of open) socket.destroy();
});

type Ended = { readonly ms: number; readonly answer: string };

/** Says `first`, then one more of `more` every 100 ms, until the server ends the connection. */
function drip(first: string, more: string): Promise<Ended> {
  const { hostname, port } = new URL(server.origin);
  const begun = Date.now();
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write(first));
    open.push(socket);
    const dripping = setInterval(() => socket.write(more), 100);
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearInterval(dripping);
      resolve({ ms: Date.now() - begun, answer });
    });
  });
}

const head = (method: string, path: string): string =>
  `${method} /fhir/R4${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n`;

test('a head that never ends is cut off in its time, with an outcome', async () => {
  const { ms, answer } = await drip(head('GET', '/Patient'), 'X: y\r\n');
  expect(ms).toBeLessThan(5_000);
  expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  expect(answer).toContain('"resourceType":"OperationOutcome"');
});

test('a body that never ends is cut off in its time', async () => {
  const post = `${head('POST', '/Observation')}Content-Type: application/fhir+json\r\nContent-Length: 100000\r\n\r\n`;
  const { ms } = await drip(post, ' ');
  expect(ms).toBeGreaterThan(1_000);
  expect(ms).toBeLessThan(6_000);
});

test('a connection on which nothing is said is cut off', async () => {
  const { ms } = await drip('', '');
  expect(ms).toBeLessThan(6_000);
});

test('who takes no answer holds nothing for long', async () => {
  const note = Array.from({ length: 200 }, () => ({ text: 'x'.repeat(20_000) }));
  const { json } = await server.request('POST', '/Observation', { body: observation({ note }) });
  const { hostname, port } = new URL(server.origin);
  const socket = connect({ port: Number(port), host: hostname });
  open.push(socket);
  socket.on('error', () => undefined);
  // Many answers of 4 MB are asked for, and not one byte of them is read.
  socket.pause().write(`${head('GET', `/Observation/${json.id}`)}\r\n`.repeat(8));
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  // By then the server has ended it: what comes is what lay in the buffers of the kernel, not all of them.
  let bytes = 0;
  const ended = new Promise((resolve) => socket.once('close', resolve));
  socket.on('data', (chunk) => (bytes += chunk.length)).resume();
  await ended;
  expect(bytes).toBeLessThan(8 * 4_000_000);
});

test('while thirty clients dawdle, others are answered at once', async () => {
  const slow = Array.from({ length: 30 }, () => drip(head('GET', '/Patient'), 'X: y\r\n'));
  const begun = Date.now();
  for (let n = 0; n < 5; n++) expect((await server.request('GET', '/metadata')).status).toBe(200);
  expect(Date.now() - begun).toBeLessThan(1_500);
  await Promise.all(slow);
});

test('beyond the most connections new ones are closed, and those there are go on', async () => {
  const { hostname, port } = new URL(server.origin);
  expect((await server.request('GET', '/metadata')).status).toBe(200);
  const closed: boolean[] = [];
  const sockets = Array.from({ length: 60 }, (_, n) => {
    closed[n] = false;
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined).on('close', () => (closed[n] = true));
    return socket;
  });
  await expect.poll(() => closed.filter((each) => each).length, { timeout: 900 }).toBeGreaterThanOrEqual(20);
  for (const socket of sockets) socket.destroy();
  await expect.poll(async () => (await server.request('GET', '/metadata')).status).toBe(200);
});

test('C120 a request of very many small headers is refused, and none of them is lost unseen', async () => {
  const { hostname, port } = new URL(server.origin);
  const ask = (count: number): Promise<string> =>
    new Promise((resolve) => {
      let answer = '';
      const fillers = Array.from({ length: count }, (_, n) => `a${n}:\r\n`).join('');
      const socket = connect(Number(port), hostname, () =>
        socket.write(`GET /fhir/R4/Patient HTTP/1.1\r\nHost: x\r\n${fillers}Authorization: ${authorization}\r\nConnection: close\r\n\r\n`),
      );
      socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
      socket.on('error', () => undefined).on('close', () => resolve(answer));
    });
  expect(await ask(150)).toMatch(/^HTTP\/1\.1 200 /);
  for (const count of [250, 2_500, 4_000]) {
    const answer = await ask(count);
    expect(answer, String(count)).toMatch(/^HTTP\/1\.1 431 /);
    expect(answer).toContain('"resourceType":"OperationOutcome"');
  }
});
