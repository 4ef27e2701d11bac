import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';

const folder = mkdtempSync(join(tmpdir(), 'anamnesis-tls-'));
const file = (name: string): string => join(folder, name);

/** A certificate of our own for the loopback address. */
function certify(name: string): void {
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
  execFileSync('openssl', [...args, ...subject, '-keyout', file(`${name}.key`), '-out', file(`${name}.crt`)], { stdio: 'ignore' });
}

function use(name: string): void {
  copyFileSync(file(`${name}.key`), file('key.pem'));
  copyFileSync(file(`${name}.crt`), file('cert.pem'));
}

const settings = { TLS_CERT_FILE: file('cert.pem'), TLS_KEY_FILE: file('key.pem'), HEADERS_TIMEOUT_MS: '1000' };

let server: TestServer;
let port: number;
beforeAll(async () => {
  for (const name of ['first', 'second', 'other']) certify(name);
  use('first');
  server = await startTestServer(settings);
  port = Number(new URL(server.origin).port);
});
afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true });
});

const ca = (): Buffer[] => ['first', 'second'].map((name) => readFileSync(file(`${name}.crt`)));

type Got = { readonly status: number; readonly headers: Readonly<Record<string, unknown>>; readonly text: string };

function get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Got> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, headers, ca: ca(), agent: false }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text }));
    })
      .on('error', reject)
      .end();
  });
}

/** The name in the certificate and the protocol that a handshake ends with. */
function handshake(options: ConnectionOptions = {}): Promise<{ readonly name: string; readonly protocol: string | null }> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connect({ host: '127.0.0.1', port, ca: ca(), ...options }, () => {
      const found = { name: new X509Certificate(socket.getPeerCertificate().raw).subject, protocol: socket.getProtocol() };
      socket.destroy();
      resolve(found);
    });
    socket.once('error', reject);
  });
}

test('the API is there over TLS, says so in its addresses, and has browsers stay with it', async () => {
  expect(server.base).toBe(`https://127.0.0.1:${port}/fhir/R4`);
  const metadata = await get('/fhir/R4/metadata');
  expect(metadata.status).toBe(200);
  expect(metadata.text).toContain(`"url":"${server.base}`);
  expect(metadata.headers['strict-transport-security']).toMatch(/^max-age=\d{8,}$/);
  const authorization = `Bearer ${await server.token()}`;
  expect((await get('/fhir/R4/Patient', { authorization })).status).toBe(200);
  const refused = await get('/fhir/R4/Patient');
  expect([refused.status, refused.headers['strict-transport-security']]).toEqual([401, metadata.headers['strict-transport-security']]);
});

test('A47 TLS 1.2 and 1.3 are spoken, nothing older', async () => {
  expect(await handshake({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })).toMatchObject({ protocol: 'TLSv1.2' });
  expect(await handshake({ minVersion: 'TLSv1.3' })).toMatchObject({ protocol: 'TLSv1.3' });
  for (const version of ['TLSv1', 'TLSv1.1'] as const)
    await expect(handshake({ minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' })).rejects.toMatchObject({
      code: expect.stringMatching(/ERR_SSL|ECONNRESET/),
    });
});

test('what isn’t TLS is cut off, and the server goes on', async () => {
  const answer = await fetch(`http://127.0.0.1:${port}/fhir/R4/metadata`).then(
    () => 'answered',
    () => 'cut off',
  );
  expect(answer).toBe('cut off');
  expect((await get('/livez')).status).toBe(200);
});

test('who begins no handshake is cut off in the time for a head', async () => {
  const begun = Date.now();
  await new Promise<void>((resolve) => {
    const socket = connectPlain(port, '127.0.0.1');
    socket.on('error', () => undefined).on('close', () => resolve());
    socket.resume();
  });
  expect(Date.now() - begun).toBeLessThan(4_000);
});

test('a new certificate is taken on SIGHUP; one that doesn’t fit its key is not', async () => {
  expect((await handshake()).name).toBe('CN=first');
  use('second');
  process.emit('SIGHUP', 'SIGHUP');
  await expect.poll(async () => (await handshake()).name).toBe('CN=second');
  copyFileSync(file('other.key'), file('key.pem'));
  process.emit('SIGHUP', 'SIGHUP');
  writeFileSync(file('cert.pem'), 'nonsense');
  process.emit('SIGHUP', 'SIGHUP');
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect((await handshake()).name).toBe('CN=second');
});

test('a new certificate is taken when the file changes', async () => {
  use('first');
  await expect.poll(async () => (await handshake()).name, { timeout: 12_000, interval: 500 }).toBe('CN=first');
}, 20_000);

test.each([
  ['a key of another certificate', 'TLS_KEY_FILE is not the key', () => ({ TLS_KEY_FILE: file('other.key') })],
  ['a file that isn’t there', 'TLS_CERT_FILE: .* can.t be read', () => ({ TLS_CERT_FILE: file('none') })],
  ['no certificate', 'holds no certificate', () => ({ TLS_CERT_FILE: file('first.key') })],
  ['no key', 'holds no private key', () => ({ TLS_KEY_FILE: file('first.crt') })],
])('%s ends the start, and tells nothing of the key', async (_, text, over) => {
  const fault: unknown = await startTestServer({ ...settings, ...over() }).then(
    (started) => started.stop(),
    (error: unknown) => error,
  );
  expect(fault).toBeInstanceOf(Error);
  expect(String(fault)).toMatch(new RegExp(text));
  expect(String(fault)).not.toContain(readFileSync(file('first.key'), 'utf8').split('\n')[1]);
});

test('without a certificate nothing is said of TLS', async () => {
  const plain = await startTestServer();
  try {
    expect((await plain.request('GET', '/metadata')).headers.get('strict-transport-security')).toBeNull();
  } finally {
    await plain.stop();
  }
});
