import { randomBytes } from 'node:crypto';
import { request as send, type IncomingMessage } from 'node:http';
import { gzipSync } from 'node:zlib';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { erasePatient } from '../../src/interactions/erasure.ts';
import { chunkBytes, sweepFiles } from '../../src/storage/files.ts';
import { type Answered, startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let db: Client;
let api: string;
let doctor: string;
let viewer: string;
let patientId: string;

beforeAll(async () => {
  server = await startTestServer({ ATTACHMENT_MIB: '2', RATE_LIMIT_WRITES: '10000', LOG_LEVEL: 'fatal' });
  api = `${server.origin}/api/v1`;
  db = new Client({ connectionString: server.databaseUrl });
  await db.connect();
  await server.request('PUT', '/Practitioner/doc', { body: { resourceType: 'Practitioner', id: 'doc' } });
  patientId = await newPatient();
  const token = (role: string) => server.token({ scope: 'user/*.cruds', user: 'Practitioner/doc', roles: [role] });
  [doctor, viewer] = await Promise.all([token('provider'), token('viewer')]);
});
afterAll(async () => {
  await db.end();
  await server.stop();
});

async function newPatient(): Promise<string> {
  const body = { resourceType: 'Patient', generalPractitioner: [{ reference: 'Practitioner/doc' }] };
  return (await server.request('POST', '/Patient', { body })).json.id as string;
}

function ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}, token = doctor): Promise<Answered> {
  return server.request(method, `${api}${path}`, {
    token,
    ...(body === undefined ? {} : { body }),
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
  });
}

type Made = { readonly path: string; readonly id: string };

async function newDocument(patient = patientId): Promise<Made> {
  const made = await ask('POST', `/patients/${patient}/records`, { kind: 'document', attachment: { title: 'file' } });
  const id = String(made.json.record_id);
  return { path: `/patients/${patient}/records/${id}`, id: id.slice('document-'.length) };
}

const plain = 'application/octet-stream';

const upload = ({ path }: Made, content: Buffer, type = plain, headers: Record<string, string> = {}, token = doctor): Promise<Answered> =>
  ask('POST', `${path}/attachment`, content, { 'content-type': type, ...headers }, token);

async function withFile(content: Buffer, patient = patientId): Promise<Made & { readonly binary: string }> {
  const made = await newDocument(patient);
  const sent = await upload(made, content);
  expect(sent.status, sent.text).toBe(200);
  return { ...made, binary: await binaryOf(made.id) };
}

async function binaryOf(id: string): Promise<string> {
  return (await server.request('GET', `/DocumentReference/${id}`)).json.content[0].attachment.url as string;
}

async function bytesOf(url: string, headers: Record<string, string> = {}, token = doctor): Promise<Buffer> {
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}`, ...headers } });
  expect(response.status).toBe(200);
  return Buffer.from(await response.arrayBuffer());
}

const download = ({ path }: Made): Promise<Buffer> => bytesOf(`${api}${path}/attachment`);

const all = async (): Promise<string> => server.token();

async function count(table: string): Promise<number> {
  return Number((await db.query<{ n: string }>(`select count(*) as n from ${table}`)).rows[0]?.n);
}

async function fileIdOf(binary: string): Promise<string> {
  const { rows } = await db.query<{ id: string }>('select id from binary_file where binary_key = $1', [
    server.services.context.refKeyOf('Binary', binary.slice('Binary/'.length)).toString(),
  ]);
  expect(rows).toHaveLength(1);
  return rows[0]?.id ?? '';
}

const sizes = [1, 2, chunkBytes - 1, chunkBytes, chunkBytes + 1, 3 * chunkBytes, 3 * chunkBytes + 77];

describe('a file', () => {
  test.each(sizes)('of %i bytes comes back from both APIs as it was sent to v1', async (size) => {
    const content = randomBytes(size);
    const made = await withFile(content);
    expect((await download(made)).equals(content)).toBe(true);
    const shown = await server.request('GET', `/${made.binary}`);
    expect(shown.json).toMatchObject({ contentType: plain, securityContext: { reference: `Patient/${patientId}` } });
    expect(Buffer.from(shown.json.data, 'base64').equals(content)).toBe(true);
    expect(shown.json.data.length).toBe(4 * Math.ceil(size / 3));
    expect((await bytesOf(`${server.base}/${made.binary}`, { accept: plain })).equals(content)).toBe(true);
    const { rows } = await db.query('select seq from binary_chunk where file = $1 order by seq', [await fileIdOf(made.binary)]);
    expect(rows).toHaveLength(Math.ceil(size / chunkBytes));
  });

  test.each(sizes)('of %i bytes comes back from v1 and FHIR as it was sent to FHIR', async (size) => {
    const content = randomBytes(size);
    const context = `Patient/${patientId}`;
    const raw = await server.request('POST', '/Binary', {
      body: content,
      headers: { 'content-type': 'image/x-scan', 'x-security-context': context },
    });
    expect([raw.status, raw.text]).toEqual([201, '']);
    const inJson = {
      resourceType: 'Binary',
      contentType: 'image/x-scan',
      securityContext: { reference: context },
      data: content.toString('base64'),
    };
    const sent = await server.request('POST', '/Binary', { body: inJson });
    for (const location of [raw, sent].map(({ headers }) => headers.get('location') ?? '')) {
      const address = location.replace(/\/_history\/.*$/, '');
      const { id, meta, ...shown } = (await server.request('GET', address)).json;
      expect(shown).toEqual(inJson);
      const document = {
        resourceType: 'DocumentReference',
        status: 'current',
        subject: { reference: context },
        content: [{ attachment: { url: `Binary/${id}` } }],
      };
      const { id: documentId } = (await server.request('POST', '/DocumentReference', { body: document })).json;
      const made = { path: `/patients/${patientId}/records/document-${documentId}`, id: documentId };
      expect((await download(made)).equals(content)).toBe(true);
      expect((await bytesOf(location, { accept: 'text/plain, image/*' }, await all())).equals(content)).toBe(true);
      const { status } = await server.request('GET', address, { headers: { accept: 'text/plain' } });
      expect([status, meta.versionId]).toEqual([406, '1']);
    }
  });

  test('in base64 is stored as one that is sent as it is', async () => {
    const content = randomBytes(chunkBytes + 5);
    const attachment = { content_type: plain, data: content.toString('base64') };
    const made = await ask('POST', `/patients/${patientId}/records`, { kind: 'document', attachment });
    const path = `/patients/${patientId}/records/${made.json.record_id}`;
    expect((await bytesOf(`${api}${path}/attachment`)).equals(content)).toBe(true);
    await fileIdOf(await binaryOf(String(made.json.record_id).slice(9)));
    const next = await ask('PUT', path, { kind: 'document', attachment: { content_type: 'text/plain', data: 'SGVsbG8=' } });
    expect([next.status, (await bytesOf(`${api}${path}/attachment`)).toString()]).toEqual([200, 'Hello']);
  });

  test('shows as data wherever its Binary is shown as JSON, and nothing of how it is stored does', async () => {
    const content = randomBytes(1_000);
    const data = content.toString('base64');
    const { binary } = await withFile(content);
    const id = binary.slice(7);
    const bundle = (method: string) => ({ resourceType: 'Bundle', type: method, entry: [{ request: { method: 'GET', url: binary } }] });
    const answers = await Promise.all([
      server.request('GET', `/${binary}`),
      server.request('GET', `/${binary}/_history/1`),
      server.request('GET', `/${binary}/_history`),
      server.request('GET', `/Binary?_id=${id}`),
      server.request('GET', `/Binary/_history?_count=1`),
      server.request('POST', '/', { body: bundle('batch') }),
      server.request('POST', '/', { body: bundle('transaction') }),
    ]);
    const key = await fileIdOf(binary);
    for (const { status, text, json } of answers) {
      expect([status, text.includes(`"data":"${data}"`)], text).toEqual([200, true]);
      expect(JSON.stringify(json)).not.toContain(key);
      for (const each of json.entry ?? [{ resource: json }])
        expect(Object.keys(each.resource).sort()).toEqual(['contentType', 'data', 'id', 'meta', 'resourceType', 'securityContext']);
    }
    const same = answers[0]?.json;
    expect((await server.request('PUT', `/${binary}`, { body: same })).json.meta.versionId).toBe('1');
    const patch = [{ op: 'add', path: '/language', value: 'de' }];
    const patched = await server.request('PATCH', `/${binary}`, {
      body: patch,
      headers: { 'content-type': 'application/json-patch+json' },
    });
    expect([patched.status, patched.json.data, patched.json.language]).toEqual([200, data, 'de']);
    expect((await server.request('GET', `/${binary}/_history/1`)).json.data).toBe(data);
  });

  test('stays the same one when its label changes, and its signatures hold', async () => {
    const content = randomBytes(chunkBytes + 1);
    const made = await withFile(content);
    const file = await fileIdOf(made.binary);
    const admin = await server.token({ scope: 'user/*.cruds', user: 'Practitioner/doc', roles: ['admin'] });
    const restricted = await ask('PUT', `/patients/${patientId}/restrictions`, { records: [`document-${made.id}`] }, {}, admin);
    expect([restricted.status, restricted.json.changed], restricted.text).toEqual([200, 2]);
    const binary = (await server.request('GET', `/${made.binary}`)).json;
    expect([binary.meta.versionId, binary.meta.security[0].code, binary.data]).toEqual(['2', 'R', content.toString('base64')]);
    expect([await fileIdOf(made.binary), (await bytesOf(`${api}${made.path}/attachment`, {}, admin)).equals(content)]).toEqual([
      file,
      true,
    ]);
    await ask('PUT', `/patients/${patientId}/restrictions`, { records: [] }, {}, admin);
  });

  test('that comes compressed counts and is stored as what it is, and HEAD tells of it without it', async () => {
    const content = Buffer.alloc(chunkBytes * 3, 'abc');
    const made = await newDocument();
    const headers = { 'content-encoding': 'gzip' };
    const sent = await upload(made, gzipSync(content), 'text/plain', headers);
    expect([sent.status, sent.json.attachment.size, (await download(made)).equals(content)]).toEqual([200, content.length, true]);
    expect((await upload(made, gzipSync(Buffer.alloc(2 * 1_048_576 + 1, 'a')), 'text/plain', headers)).status).toBe(413);
    const head = await server.request('HEAD', `/${await binaryOf(made.id)}`, { headers: { accept: 'text/*' } });
    expect([head.status, head.headers.get('content-length'), head.headers.get('content-type'), head.text]).toEqual([
      200,
      String(content.length),
      'text/plain',
      '',
    ]);
    expect(head.headers.get('x-security-context')).toBe(`Patient/${patientId}`);
  });

  test('that is larger than what is taken as JSON is left out of JSON, and read as what it is', async () => {
    const small = await startTestServer({ ATTACHMENT_MIB: '2', BODY_LIMIT_BYTES: '100000' });
    try {
      const content = randomBytes(300_000);
      const posted = await small.request('POST', '/Binary', { body: content, headers: { 'content-type': plain } });
      const address = (posted.headers.get('location') ?? '').replace(/\/_history\/.*$/, '');
      const read = await small.request('GET', address);
      expect([read.status, read.json.issue[0].details.coding[0].code], read.text).toEqual([406, 'file-too-large-for-json']);
      const [{ resource }] = (await small.request('GET', '/Binary')).json.entry;
      expect([resource.data, resource.meta.tag[0].code]).toEqual([undefined, 'SUBSETTED']);
      expect((await bytesOf(address, { accept: plain }, await small.token())).equals(content)).toBe(true);
      const patch = [{ op: 'add', path: '/language', value: 'de' }];
      const headers = { 'content-type': 'application/json-patch+json' };
      expect((await small.request('PATCH', address, { body: patch, headers })).status).toBe(406);
      const put = await small.request('PUT', address, { body: randomBytes(10), headers: { 'content-type': plain, 'if-match': 'W/"1"' } });
      expect([put.status, (await small.request('GET', address)).json.meta.versionId]).toEqual([200, '2']);
      expect((await bytesOf(`${address}/_history/1`, { accept: plain }, await small.token())).equals(content)).toBe(true);
    } finally {
      await small.stop();
    }
  });
});

describe('what is refused', () => {
  const chunks = async (): Promise<[number, number]> => [await count('binary_file'), await count('binary_chunk')];

  test('leaves nothing: a lie at the end of a text, one byte too many, nothing at all', async () => {
    const made = await newDocument();
    const before = await chunks();
    const text = Buffer.alloc(3 * chunkBytes, 'a');
    const faults: readonly (readonly [Buffer, string, number, string])[] = [
      [Buffer.concat([text, Buffer.from([0xc3])]), 'text/plain', 422, 'other_type'],
      [Buffer.concat([text, Buffer.from([0])]), 'text/plain', 422, 'other_type'],
      [Buffer.concat([text, Buffer.from([0xff, 0x61])]), 'text/csv', 422, 'other_type'],
      [Buffer.alloc(2 * 1_048_576 + 1, 'a'), 'text/plain', 413, 'too_large'],
      [Buffer.from('MZ'), plain, 422, 'executable'],
    ];
    for (const [content, type, status, code] of faults) {
      for (const sending of [upload(made, content, type), chunked(made, content, type)]) {
        const answer = await sending;
        const { json } = answer as { readonly json: { code: string; details?: readonly { code: string }[] } };
        expect([answer.status, json.details?.[0]?.code ?? json.code]).toEqual([status, code]);
      }
    }
    expect((await chunked(made, Buffer.alloc(0), plain)).json).toMatchObject({ details: [{ code: 'required' }] });
    expect(await chunks()).toEqual(before);
    const umlaut = Buffer.concat([Buffer.alloc(chunkBytes - 1, 'a'), Buffer.from('ü'.repeat(chunkBytes))]);
    expect((await upload(made, umlaut, 'text/plain')).status).toBe(200);
    expect((await chunked(made, Buffer.alloc(2 * 1_048_576, 'a'), 'text/plain')).status).toBe(200);
  });

  test('by who may not write is refused before anything of the file is read', async () => {
    const made = await newDocument();
    const before = await chunks();
    const stranger = await server.token({ scope: 'patient/*.cruds', patient: await newPatient() });
    const noBinary = await server.token({ scope: 'user/DocumentReference.cruds', user: 'Practitioner/doc', roles: ['provider'] });
    const asking: readonly (readonly [string, Record<string, string>, number])[] = [
      [viewer, {}, 403],
      [stranger, {}, 404],
      [noBinary, {}, 403],
      [doctor, { 'if-match': 'W/"7"' }, 412],
    ];
    for (const [token, headers, status] of asking) {
      const { request, ended } = opened(made, token, headers);
      request.flushHeaders();
      const answer = await ended;
      expect(answer.statusCode).toBe(status);
      request.on('error', () => {});
      request.destroy();
    }
    expect((await upload({ ...made, path: made.path.replace(patientId, 'nobody') }, randomBytes(9))).status).toBe(404);
    expect(await chunks()).toEqual(before);
    const denied = await server.request('POST', '/Binary', { token: viewer, body: randomBytes(9), headers: { 'content-type': plain } });
    expect([denied.status, await chunks()]).toEqual([403, before]);
  });

  test('a client that goes away leaves no file, and one whose process ended is swept after an hour', async () => {
    const made = await newDocument();
    const before = await chunks();
    const { request, ended } = opened(made, doctor, {});
    request.write(randomBytes(4 * chunkBytes));
    await until(async () => (await count('binary_chunk')) > before[1]);
    request.destroy();
    await ended.catch(() => {});
    await until(async () => (await count('binary_file')) === before[0]);
    expect(await chunks()).toEqual(before);
    await db.query(
      `insert into binary_file (id, made_at) values (gen_random_uuid(), now() - interval '50 minutes'), (gen_random_uuid(), now() - interval '61 minutes')`,
    );
    const kept = await withFile(randomBytes(5));
    await db.query(`update binary_file set made_at = now() - interval '2 days' where bound_at is not null`);
    await sweepFiles(server.services.context.pool);
    expect((await chunks())[0]).toBe(before[0] + 2);
    expect((await download(kept)).length).toBe(5);
    await db.query('delete from binary_file where bound_at is null');
  });
});

describe('writes at once and again', () => {
  test('of many uploads to one version one is taken, and the others leave nothing', async () => {
    const made = await newDocument();
    const files = await count('binary_file');
    const contents = Array.from({ length: 6 }, () => randomBytes(2 * chunkBytes));
    const answers = await Promise.all(contents.map((content) => upload(made, content, plain, { 'if-match': 'W/"1"' })));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 412, 412, 412, 412, 412]);
    const taken = contents[statuses.indexOf(200)];
    expect((await download(made)).equals(taken ?? Buffer.alloc(0))).toBe(true);
    expect(await count('binary_file')).toBe(files + 1);
  });

  test('an upload that is repeated under its key is answered as the first, though the version has changed by it', async () => {
    const made = await newDocument();
    const content = randomBytes(chunkBytes + 9);
    const headers = { 'idempotency-key': 'again', 'if-match': 'W/"1"' };
    const first = await upload(made, content, plain, headers);
    const files = await count('binary_file');
    const second = await upload(made, content, plain, headers);
    expect([first.status, second.status, second.json, second.headers.get('idempotency-replayed')]).toEqual([200, 200, first.json, 'true']);
    expect(await count('binary_file')).toBe(files);
    expect((await upload(made, randomBytes(chunkBytes), plain, headers)).json.code).toBe('idempotency_mismatch');
    const others = { 'idempotency-key': 'another' };
    expect((await upload(made, content, plain, others, viewer)).status).toBe(403);
    expect((await ask('DELETE', made.path)).status).toBe(204);
    const third = await upload(made, content, plain, headers);
    expect([third.status, third.json]).toEqual([200, first.json]);
    expect((await upload(made, content, plain, others)).status).toBe(410);
    expect((await upload(made, randomBytes(9), plain, headers)).json.code).toBe('idempotency_mismatch');
    expect(await count('binary_file')).toBe(files);
  });
});

describe('a piece that is not what was written', () => {
  const alterations: readonly (readonly [string, string, 'first' | 'later' | 'small'])[] = [
    ['altered', 'update binary_chunk set sealed = set_byte(sealed, 100, get_byte(sealed, 100) # 1) where file = $1 and seq = 2', 'later'],
    [
      'altered at the beginning',
      'update binary_chunk set sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1) where file = $1 and seq = 0',
      'first',
    ],
    ['cut off', 'update binary_chunk set sealed = substr(sealed, 1, length(sealed) - 1) where file = $1 and seq = 2', 'later'],
    ['gone from the end', 'delete from binary_chunk where file = $1 and seq = 3', 'later'],
    ['of few bytes, gone from the end', 'delete from binary_chunk where file = $1 and seq = 3', 'small'],
    ['gone from the middle', 'delete from binary_chunk where file = $1 and seq = 1', 'later'],
    [
      'swapped with another',
      'update binary_chunk c set sealed = (select sealed from binary_chunk o where o.file = c.file and o.seq = 3 - c.seq) where file = $1 and seq in (1, 2)',
      'later',
    ],
    [
      'put in place of the last',
      'update binary_chunk c set sealed = (select sealed from binary_chunk o where o.file = c.file and o.seq = 2) where file = $1 and seq = 3',
      'later',
    ],
  ];

  test.each(alterations)('%s is never given as the whole', async (_, statement, where) => {
    const content = randomBytes(3 * chunkBytes + (where === 'small' ? 10 : chunkBytes));
    const made = await withFile(content);
    await db.query(statement, [await fileIdOf(made.binary)]);
    for (const url of [`${api}${made.path}/attachment`, `${server.base}/${made.binary}`]) {
      const { status, isWhole } = await got(url);
      expect([status === 500, isWhole]).toEqual([where === 'first', where === 'first']);
    }
    expect((await server.request('GET', `/${made.binary}`)).status).toBe(500);
  });

  test('of another file is not taken', async () => {
    const [made, other] = [await withFile(randomBytes(10)), await withFile(randomBytes(10))];
    await db.query('update binary_chunk c set sealed = (select sealed from binary_chunk where file = $2) where file = $1', [
      await fileIdOf(made.binary),
      await fileIdOf(other.binary),
    ]);
    expect((await got(`${api}${made.path}/attachment`)).status).toBe(500);
    expect((await download(other)).length).toBe(10);
  });
});

describe('who owns a file', () => {
  const erase = (id: string) => erasePatient(server.services.erasing, { id, reason: 'test', at: new Date() });

  test('a patient who is erased takes it with him, pieces and all', async () => {
    const patient = await newPatient();
    const made = await withFile(randomBytes(2 * chunkBytes), patient);
    const replaced = await upload(made, randomBytes(2 * chunkBytes));
    expect(replaced.status).toBe(200);
    const files = await count('binary_file');
    await erase(patient);
    expect([await count('binary_file'), (await server.request('GET', `/${made.binary}`)).status]).toEqual([files - 2, 410]);
    expect((await ask('GET', `${made.path}/attachment`, undefined, {}, await all())).status).toBe(410);
  });

  test('of several the last one does; sealing it for another touches no piece', async () => {
    const content = randomBytes(chunkBytes + 3);
    const posted = await server.request('POST', '/Binary', { body: content, headers: { 'content-type': plain } });
    const binary = (posted.headers.get('location') ?? '').replace(/^.*\/(Binary\/[^/]+)\/.*$/, '$1');
    const file = await fileIdOf(binary);
    const digest = async () =>
      (await db.query(`select xmin::text, md5(sealed) as md5 from binary_chunk where file = $1 order by seq`, [file])).rows;
    const before = await digest();
    const patients = [await newPatient(), await newPatient()];
    for (const patient of patients) {
      const body = {
        resourceType: 'DocumentReference',
        status: 'current',
        subject: { reference: `Patient/${patient}` },
        content: [{ attachment: { url: binary } }],
      };
      expect((await server.request('POST', '/DocumentReference', { body })).status).toBe(201);
    }
    expect(await digest()).toEqual(before);
    expect((await bytesOf(`${server.base}/${binary}`, { accept: plain }, await all())).equals(content)).toBe(true);
    await erase(patients[0] ?? '');
    expect((await bytesOf(`${server.base}/${binary}`, { accept: plain }, await all())).equals(content)).toBe(true);
    expect(await digest()).toEqual(before);
    await erase(patients[1] ?? '');
    expect([(await server.request('GET', `/${binary}`)).status, await digest()]).toEqual([410, []]);
  });
});

/** An answer that may break off, even before its head. */
function got(url: string): Promise<{ readonly status?: number; readonly isWhole: boolean }> {
  const headers = { authorization: `Bearer ${doctor}`, accept: plain };
  return new Promise((resolve) => {
    const request = send(url, { headers }, (answer) => {
      const status = answer.statusCode ?? 0;
      answer.on('error', () => {});
      answer.once('close', () => resolve({ status, isWhole: answer.complete }));
      answer.resume();
    });
    request.on('error', () => resolve({ isWhole: false }));
    request.end();
  });
}

/** An upload whose end is still to come. */
function opened(made: Made, token: string, headers: Record<string, string>) {
  const request = send(`${api}${made.path}/attachment`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': plain, ...headers },
  });
  const ended = new Promise<IncomingMessage>((resolve, reject) => request.once('response', resolve).once('error', reject));
  return { request, ended };
}

/** Without a length. */
async function chunked(made: Made, content: Buffer, type: string): Promise<{ readonly status: number; readonly json: unknown }> {
  const { request, ended } = opened(made, doctor, { 'content-type': type, 'transfer-encoding': 'chunked' });
  request.on('error', () => {});
  request.end(content);
  const answer = await ended;
  const parts: Buffer[] = [];
  for await (const part of answer) parts.push(part as Buffer);
  return { status: answer.statusCode ?? 0, json: JSON.parse(Buffer.concat(parts).toString()) };
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error('it never came to be');
}
