import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { described } from '../support/contract.ts';
import { openHospital } from '../support/native.ts';

const { server, house } = await openHospital('system', { CORS_ORIGINS: 'https://console.example.org' });

type Answer = { readonly status: number; readonly headers: Headers; readonly body: string };

/** What is answered to these very bytes. */
function said(...lines: readonly string[]): Promise<Answer> {
  const { hostname, port } = new URL(server.origin);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(lines.map((line) => `${line}\r\n`).join('')));
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.once('error', reject);
    socket.once('end', () => {
      const [head = '', body = ''] = Buffer.concat(chunks).toString().split('\r\n\r\n');
      const [first = '', ...fields] = head.split('\r\n');
      const headers = new Headers(fields.map((each) => each.split(': ', 2) as [string, string]));
      resolve({ status: Number(first.split(' ')[1]), headers, body });
      socket.destroy();
    });
  });
}

const bearer = () => `Authorization: Bearer ${house.tokens.system}`;
const get = (path: string, ...more: readonly string[]) => said(`GET ${path} HTTP/1.1`, bearer(), ...more, 'Connection: close', '');

const paths = { fhir: '/fhir/R4/Patient', native: '/api/v1/patients', 'native by its short name': '/v1/patients' };
const faults: readonly (readonly [string, readonly string[], number, string])[] = [
  ['Authorization twice', ['Host: x', 'Authorization: Bearer other'], 400, 'credentials-ambiguous'],
  ['Content-Type twice', ['Host: x', 'Content-Type: text/csv', 'Content-Type: application/json'], 400, 'header-repeated'],
  ['X-Api-Key twice', ['Host: x', 'X-Api-Key: a', 'x-api-key: b'], 400, 'credentials-ambiguous'],
  ['If-None-Exist twice', ['Host: x', 'If-None-Exist: identifier=a', 'If-None-Exist: identifier=b'], 400, 'header-repeated'],
  ['Idempotency-Key twice', ['Host: x', 'Idempotency-Key: a', 'Idempotency-Key: a'], 400, 'header-repeated'],
  ['X-Security-Context twice', ['Host: x', 'X-Security-Context: Patient/a', 'X-Security-Context: Patient/b'], 400, 'header-repeated'],
  ['Host twice', ['Host: x', 'Host: y'], 400, 'header-repeated'],
  ['no Host', [], 400, 'host-missing'],
  ['a coding that nobody undoes', ['Host: x', 'Transfer-Encoding: gzip, chunked', '', '0'], 400, 'transfer-encoding-unsupported'],
  ['very many headers', ['Host: x', ...Array.from({ length: 250 }, (_, n) => `a${n}: b`)], 431, 'headers-too-many'],
];

describe.each(Object.entries(paths))('a request that could be read in two ways, to %s', (_, path) => {
  test.each(faults)('is refused in the words of the API: %s', async (_name, headers, status, id) => {
    const answer = await get(path, 'Origin: https://console.example.org', ...headers);
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://console.example.org');
    expect(answer.headers.get('connection')).toBe('close');
    if (path.startsWith('/fhir')) {
      expect([answer.status, JSON.parse(answer.body).issue[0].details.coding[0].code]).toEqual([status, id]);
      return;
    }
    const contract = await described();
    expect(contract.faultsOf('GET', '/patients', { status: answer.status, headers: answer.headers, body: answer.body })).toEqual([]);
    expect([answer.status, JSON.parse(answer.body).code]).toEqual([400, 'invalid_request']);
  });
});

test.each(Object.values(paths))('a URL that is too long is refused in the words of the API: %s', async (path) => {
  const { status, headers, body } = await get(`${path}?a=${'x'.repeat(17_000)}`, 'Host: x');
  if (path.startsWith('/fhir')) expect([status, JSON.parse(body).resourceType]).toEqual([414, 'OperationOutcome']);
  else {
    expect([status, JSON.parse(body).code]).toEqual([400, 'invalid_request']);
    expect((await described()).faultsOf('GET', '/patients', { status, headers, body })).toEqual([]);
  }
});

test('what may be said several times may', async () => {
  const lists = [
    'Accept: text/html',
    'Accept: application/json',
    'Prefer: return=minimal',
    'Prefer: handling=strict',
    'X-Other: a',
    'X-Other: b',
  ];
  for (const path of Object.values(paths)) expect((await get(path, 'Host: x', ...lists)).status).toBe(200);
});

test('to HTTP/1.0 no Host is needed, and an expectation that nobody knows is passed over', async () => {
  const old = await said(`GET ${paths.native}?limit=1 HTTP/1.0`, bearer(), '');
  const expecting = await get(`${paths.native}?limit=1`, 'Host: x', 'Expect: the-unexpected');
  expect([old.status, expecting.status]).toEqual([200, 200]);
});

test.each(['*', 'ftp://x/fhir/R4/Patient', 'mailto:x'])('what is no path is refused in words: %s', async (target) => {
  const answer = await get(target, 'Host: x');
  expect([answer.status, JSON.parse(answer.body).resourceType]).toEqual([400, 'OperationOutcome']);
});

test('OPTIONS of the whole server tells what it takes', async () => {
  const { status, headers } = await said('OPTIONS * HTTP/1.1', 'Host: x', 'Connection: close', '');
  expect([status, headers.get('allow')]).toEqual([204, 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS']);
});

test('JSON in another charset is refused by the native API as it is by FHIR', async () => {
  const asked = async (path: string, charset: string) => {
    const headers = { authorization: `Bearer ${house.tokens.system}`, 'content-type': `application/json; charset=${charset}` };
    const body = JSON.stringify({ given_name: 'Ada', family_name: 'Lovelace', date_of_birth: '1985-12-10' });
    return (await fetch(server.origin + path, { method: 'POST', headers, body })).status;
  };
  expect([await asked(paths.native, 'utf-16'), await asked(paths.fhir, 'utf-16')]).toEqual([415, 415]);
  expect([await asked(paths.native, 'UTF-8'), await asked(paths.native, '"utf-8"')]).toEqual([201, 201]);
});

test('pages of registered origins may make their writes repeatable, and read of a repetition that it is one', async () => {
  const origin = 'Origin: https://console.example.org';
  const asked = ['Access-Control-Request-Method: POST', 'Access-Control-Request-Headers: authorization,content-type,idempotency-key'];
  const preflight = await said(`OPTIONS ${paths.native} HTTP/1.1`, 'Host: x', origin, ...asked, 'Connection: close', '');
  expect(preflight.headers.get('access-control-allow-headers')).toContain('Idempotency-Key');
  const answer = await get(paths.native, 'Host: x', origin);
  for (const name of ['ETag', 'Location', 'Idempotency-Replayed', 'Content-Disposition', 'Retry-After', 'WWW-Authenticate'])
    expect(answer.headers.get('access-control-expose-headers')).toContain(name);
});

describe('behind a request that came whole, what is no HTTP', () => {
  const patient = JSON.stringify({ given_name: 'Ada', family_name: 'Lovelace', date_of_birth: '1985-12-10' });
  const posted = [`POST ${paths.native} HTTP/1.1`, 'Host: x', bearer(), 'Content-Type: application/json'];

  test.each(['}}', 'garbage', 'POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n'])(
    'takes nothing from its answer, which is the last: %j',
    async (behind) => {
      const { status, headers, body } = await said(...posted, `Content-Length: ${patient.length}`, '', patient + behind);
      expect([status, headers.get('connection'), JSON.parse(body).version]).toEqual([201, 'close', 1]);
    },
  );

  test('within it is the answer', async () => {
    const { status, body } = await said(...posted, 'Transfer-Encoding: chunked', '', 'ZZ');
    expect([status, JSON.parse(body).issue[0].details.coding[0].code]).toEqual([400, 'request-malformed']);
  });
});

test('an answer without a body says that it has none, rather than that it comes in pieces', async () => {
  const body = '{"resourceType":"Patient"}';
  const length = `Content-Length: ${body.length}`;
  const type = 'Content-Type: application/fhir+json';
  const { status, headers } = await said(
    ...[`POST ${paths.fhir} HTTP/1.1`, 'Host: x', bearer(), type, 'Prefer: return=minimal', length, 'Connection: close', '', body],
  );
  expect([status, headers.get('content-length'), headers.get('transfer-encoding')]).toEqual([201, '0', null]);
});
