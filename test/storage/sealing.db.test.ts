import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { keyIdsOf } from '../../src/encryption/seal.ts';
import { erasePatient } from '../../src/interactions/erasure.ts';
import { startServer } from '../../src/server.ts';
import { openServices } from '../../src/services.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { createDatabase } from '../support/cluster.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const servers: TestServer[] = [];
async function start(env: Record<string, string> = {}): Promise<TestServer> {
  const server = await startTestServer(env);
  servers.push(server);
  return server;
}
afterAll(async () => {
  for (const server of servers) await server.stop();
});

const put = (server: TestServer, resource: { resourceType: string; id: string; [name: string]: unknown }) =>
  server.request('PUT', `/${resource.resourceType}/${resource.id}`, { body: resource });
const sql = async <R extends object>(server: TestServer, text: string, values: unknown[] = []): Promise<R[]> =>
  (await server.services.context.pool.query<R & Record<string, unknown>>(text, values)).rows;
const contentOf = async (server: TestServer, id: string): Promise<Buffer> =>
  (await sql<{ content: Buffer }>(server, 'select content from resource where id = $1', [id]))[0]?.content ?? Buffer.alloc(0);
const note = (id: string, ...patients: string[]) => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  code: { text: 'Wombat' },
  ...(patients.length === 0 ? {} : { performer: patients.map((patient) => ({ reference: `Patient/${patient}` })) }),
});

describe('a stored text is sealed', () => {
  let server: TestServer;
  /** A second process over the same databases, whose log is at hand. */
  let listening: string;
  const lines: string[] = [];
  let stop: () => Promise<void>;
  afterAll(() => stop?.());
  beforeAll(async () => {
    server = await start();
    const log = createLog({ logLevel: 'warn' }, { write: (line) => void lines.push(line) });
    const second = await startServer(await openServices({ ...server.services.config, port: 0 }, log));
    stop = second.stop;
    lines.length = 0;
    listening = `http://127.0.0.1:${second.port}/fhir/R4`;
    await put(server, note('of-one', 'a'));
    await put(server, note('of-two', 'a', 'b'));
    await put(server, note('of-none'));
    await put(server, { resourceType: 'Patient', id: 'a' });
    await put(server, {
      ...note('contained'),
      contained: [{ resourceType: 'Specimen', id: 's', subject: { reference: 'Patient/b' } }],
      specimen: { reference: '#s' },
    });
    await put(server, {
      ...note('extended'),
      extension: [{ url: 'urn:x', valueReference: { reference: `${server.base}/Patient/b/_history/3` } }],
    });
  });

  const idsOf = async (...patients: string[]) => {
    const { context, erasing } = server.services;
    const rows = await erasing.keys.idsOf(patients.map((id) => context.refKeyOf('Patient', id)));
    return rows.map(({ id }) => id.toString('hex')).sort();
  };
  const sealedFor = async (id: string) =>
    keyIdsOf(await contentOf(server, id))
      .map((keyId) => keyId.toString('hex'))
      .sort();

  test('with the key of the one patient it names', async () => expect(await sealedFor('of-one')).toEqual(await idsOf('a')));
  test('for each of several patients', async () => expect(await sealedFor('of-two')).toEqual(await idsOf('a', 'b')));
  test('with the patient’s own key, of his own record', async () => expect(await sealedFor('a')).toEqual(await idsOf('a')));
  test('for patients that only a contained resource names', async () => expect(await sealedFor('contained')).toEqual(await idsOf('b')));
  test('for patients that only an extension names, by a URL of ours', async () =>
    expect(await sealedFor('extended')).toEqual(await idsOf('b')));
  test('with the common key if it names none', async () =>
    expect(await sealedFor('of-none')).toEqual([server.services.erasing.keys.common.id.toString('hex')]));

  test('and never in clear', async () => {
    for (const id of ['of-one', 'of-two', 'of-none', 'a']) expect((await contentOf(server, id)).includes('Wombat')).toBe(false);
  });

  test.each([
    [
      'another resource of the same patient',
      `update resource set content = (select content from resource where id = 'of-one') where id = 'moved'`,
    ],
    [
      'another version of the same resource',
      `update resource set content = (select content from resource_version where id = 'moved' and version = 1) where id = 'moved'`,
    ],
    [
      'a changed byte',
      `update resource set content = set_byte(content, length(content) - 20, get_byte(content, length(content) - 20) # 1) where id = 'moved'`,
    ],
    ['a cut', `update resource set content = substring(content for 30) where id = 'moved'`],
    ['a text in clear', `update resource set content = '\\x00'::bytea || content where id = 'moved'`],
  ])('so that %s in its place is a fault, shows nothing of either, and is logged', async (_what, tampering) => {
    await put(server, note('moved', 'a'));
    await put(server, { ...note('moved', 'a'), status: 'amended' });
    await put(server, { ...note('moved', 'a'), status: 'corrected' });
    const whole = await contentOf(server, 'moved');
    await sql(server, tampering);
    const answer = await server.request('GET', `${listening}/Observation/moved`);
    const found = await server.request('GET', `${listening}/Observation?_id=moved`);
    for (const { status, text, json } of [answer, found]) {
      expect(status).toBe(500);
      expect(json.resourceType).toBe('OperationOutcome');
      expect(text).not.toContain('Wombat');
    }
    expect(lines.splice(0).map((line) => JSON.parse(line).message)).toEqual(['a request failed', 'a request failed']);
    await sql(server, `update resource set content = $1 where id = 'moved'`, [whole]);
    expect((await server.request('GET', '/Observation/moved')).status).toBe(200);
  });
});

describe('PHI_ENCRYPTION=off', () => {
  test('stores and reads all the same, and erases', async () => {
    const server = await start({ PHI_ENCRYPTION: 'off' });
    await put(server, note('clear', 'a', 'b'));
    await put(server, note('clear-own', 'a'));
    expect((await server.request('GET', '/Observation/clear')).json.code.text).toBe('Wombat');
    expect((await contentOf(server, 'clear'))[0]).toBe(0);
    expect(await erasePatient(server.services.erasing, { id: 'a', reason: 'x', at: new Date() })).toEqual({ erased: 1, shared: 1 });
    expect((await server.request('GET', '/Observation/clear')).status).toBe(200);
    expect((await server.request('GET', '/Observation/clear-own')).status).toBe(410);
    expect(await contentOf(server, 'clear-own')).toHaveLength(0);
  });
});

describe('TOKEN_ALGORITHM=sha256', () => {
  test('finds what it stored, and what is bound to a compartment', async () => {
    const server = await start({ TOKEN_ALGORITHM: 'sha256' });
    await put(server, note('one', 'a'));
    await put(server, note('two', 'b'));
    expect((await server.request('GET', '/Observation?performer=Patient/a')).json.total).toBe(1);
    expect((await server.request('GET', '/Observation?status=final')).json.total).toBe(2);
    await put(server, { resourceType: 'Patient', id: 'a', name: [{ family: 'Quokka' }] });
    expect((await server.request('GET', '/Patient?family=quok')).json.total).toBe(1);
    const token = await server.token({ scope: 'patient/*.rs', patient: 'a' });
    expect((await server.request('GET', '/Observation', { token })).json.total).toBe(1);
  });
});

describe('a start under other choices than the first', () => {
  let folder: string;
  let env: Record<string, string>;
  const drops: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    const [main, keys] = await Promise.all([createDatabase('main'), createDatabase('keys')]);
    drops.push(main.drop, keys.drop);
    folder = await mkdtemp(join(tmpdir(), 'anamnesis-choices-'));
    env = {
      NODE_ENV: 'test',
      DATABASE_URL: main.url,
      KEY_DATABASE_URL: keys.url,
      DATA_DIR: join(folder, 'data'),
      CACHE_DIR: join(import.meta.dirname, '../../.cache'),
      KEY_FILE: join(folder, 'keys', 'root.json'),
    };
    await startWith({});
  });
  afterEach(() => startWith({}));
  afterAll(async () => {
    for (const drop of drops) await drop();
    await rm(folder, { recursive: true, force: true });
  });

  async function startWith(more: Record<string, string>): Promise<void> {
    const services = await openServices(loadConfig({ ...env, ...more }), createLog({ logLevel: 'silent' }));
    await services.close();
  }

  test.each([{ PHI_ENCRYPTION: 'off' }, { TOKEN_ALGORITHM: 'sha256' }])('%o is refused, by name', async (choice) => {
    const [name = ''] = Object.keys(choice);
    await expect(startWith(choice as unknown as Record<string, string>)).rejects.toThrow(new RegExp(`^${name} was "`));
  });

  test('another key database is refused', async () => {
    const { url, drop } = await createDatabase('keys');
    drops.push(drop);
    await expect(startWith({ KEY_DATABASE_URL: url, KEY_FILE: join(folder, 'second', 'root.json') })).rejects.toThrow(
      /key database is not the one/,
    );
  });

  test('keys on the server of the data are refused in production', async () => {
    const { url, drop } = await createDatabase('main');
    drops.push(drop);
    await expect(startWith({ NODE_ENV: 'production', KEY_DATABASE_URL: url })).rejects.toThrow(/whose backups would keep every erased key/);
  });

  test('a missing key file is refused, and none is made', async () => {
    await expect(startWith({ KEY_FILE: join(folder, 'nowhere', 'root.json') })).rejects.toThrow(/nowhere\/root\.json is missing/);
  });
});
