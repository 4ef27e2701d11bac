import { readFile, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ownerParts } from '../../src/search/extract.ts';
import { token } from '../../src/encryption/token.ts';
import { keyIdsOf } from '../../src/encryption/seal.ts';
import { erasePatient, replayErasures } from '../../src/interactions/erasure.ts';
import type { ErasureCounts, ErasureStep } from '../../src/storage/erase.ts';
import { loadConfig } from '../../src/config.ts';
import { openServices } from '../../src/services.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { startScript } from '../support/own-process.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server?.stop());

const at = new Date('2026-01-02T03:04:05Z');
const erase = (id: string) => erasePatient(server.services.erasing, { id, reason: 'order 17', at });
const put = (resource: { resourceType: string; id: string; [name: string]: unknown }) =>
  server.request('PUT', `/${resource.resourceType}/${resource.id}`, { body: resource });
const get = (path: string, token?: string) => server.request('GET', path, token === undefined ? {} : { token });
const sql = async <R extends object>(text: string, values: unknown[] = []): Promise<R[]> =>
  (await server.services.context.pool.query<R>(text, values)).rows;

/** Runs one statement on the key database. */
async function keySql<R extends object>(text: string, values: unknown[]): Promise<R[]> {
  const client = new Client({ connectionString: server.keyDatabaseUrl });
  await client.connect();
  try {
    return (await client.query<R>(text, values)).rows;
  } finally {
    await client.end();
  }
}
const keyRows = (owner: string) => keySql<{ wrapped: Buffer | null }>('select wrapped from patient_key where owner = $1', [owner]);

const patient = (id: string) => ({
  resourceType: 'Patient',
  id,
  name: [{ family: `Family${id.replaceAll(/[^a-z]/g, '')}` }],
  birthDate: '1970-01-01',
  identifier: [{ system: 'urn:mrn', value: `mrn-${id}` }],
});
const weight = (id: string, subject: string, more: object = {}) => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '29463-7' }], text: 'weight' },
  subject: { reference: `Patient/${subject}`, identifier: { system: 'urn:mrn', value: `mrn-${subject}` } },
  effectiveDateTime: '2024-03-01',
  valueQuantity: { value: 71.5, unit: 'kg', system: 'http://unitsofmeasure.org', code: 'kg' },
  ...more,
});

/** A patient with two versions of his own record, a weight with two versions and a deleted one. */
async function makeRecord(id: string): Promise<void> {
  await put(patient(id));
  await put({ ...patient(id), gender: 'female' });
  await put(weight(`${id}-weight`, id));
  await put(weight(`${id}-weight`, id, { status: 'amended' }));
  await put(weight(`${id}-deleted`, id));
  await server.request('DELETE', `/Observation/${id}-deleted`);
}

const rowsNaming = async (id: string): Promise<number> => {
  const { key } = server.services.context.planContext();
  const refKey = server.services.context.refKeyOf('Patient', id).toString();
  const owner = `{${token(key, ...ownerParts(id))}}`;
  const [row] = await sql<{ n: string }>(
    `select (select count(*) from resource where tokens && $1::int8[] or patient = $2)
      + (select count(*) from resource_version where tokens && $1::int8[] or patient = $2)
      + (select count(*) from fact_reference where target = $2) as n`,
    [owner, refKey],
  );
  return Number(row?.n);
};

describe('what is the patient’s alone', () => {
  beforeAll(async () => {
    await makeRecord('own');
    before = await rowsNaming('own');
    counts = await erase('own');
  });
  let before: number;
  let counts: ErasureCounts | undefined;

  test('is counted', () => {
    expect(before).toBeGreaterThan(5);
    expect(counts).toEqual({ erased: 3, shared: 0 });
  });

  test.each([
    '/Patient/own',
    '/Patient/own/_history/1',
    '/Patient/own/_history',
    '/Observation/own-weight',
    '/Observation/own-weight/_history/1',
    '/Observation/own-weight/_history/2',
    '/Observation/own-weight/_history',
    '/Observation/own-deleted',
    '/Observation/own-deleted/_history/1',
  ])('answers 410 at %s and says that it was erased', async (path) => {
    const answer = await get(path);
    expect(answer.status).toBe(410);
    expect(answer.json.issue[0].details.coding[0].code).toBe('resource-erased');
  });

  test('is found by no search', async () => {
    for (const query of [
      '/Patient?_id=own',
      '/Patient?identifier=mrn-own',
      '/Observation?subject=Patient/own',
      '/Observation?subject:identifier=urn:mrn|mrn-own',
      '/Observation?_id=own-weight,own-deleted',
    ])
      expect((await get(query)).json.total, query).toBe(0);
  });

  test('leaves no content, fact, patient or owner behind, in no version', async () => {
    expect(await rowsNaming('own')).toBe(0);
    const rows = await sql<{ rid: string; content: Buffer | null; clinical_at: string | null; n: number }>(
      `select rid, content, clinical_at, cardinality(tokens) as n from resource where id like 'own%'
       union all select rid, content, null, cardinality(tokens) from resource_version where id like 'own%'`,
    );
    expect(rows).toHaveLength(3 + 2 + 2 + 2);
    expect(rows.filter(({ content, clinical_at }) => content !== null || clinical_at !== null)).toEqual([]);
    expect(new Set(rows.map(({ n }) => n))).toEqual(new Set([1]));
    const rids = [...new Set(rows.map(({ rid }) => rid))];
    const [facts] = await sql<{ n: string }>(
      `select (select count(*) from fact_date where rid = any($1)) + (select count(*) from fact_quantity where rid = any($1))
        + (select count(*) from fact_reference where rid = any($1)) + (select count(*) from fact_sort where rid = any($1)) as n`,
      [rids],
    );
    expect(facts?.n).toBe('0');
  });

  test('is listed once in the history of its type, as deleted', async () => {
    const { json } = await get('/Observation/_history?_count=500');
    const listed: { fullUrl: string; request: { method: string }; resource?: object }[] = json.entry;
    const entries = listed.filter((entry) => entry.fullUrl.endsWith('/own-weight'));
    expect(entries).toHaveLength(1);
    expect(entries[0]?.request.method).toBe('DELETE');
    expect(entries[0]?.resource).toBeUndefined();
  });

  test('is 410 to who is bound to his compartment, and 404 to who is bound to another', async () => {
    const his = await server.token({ scope: 'patient/*.rs', patient: 'own' });
    const other = await server.token({ scope: 'patient/*.rs', patient: 'other' });
    for (const path of [
      '/Patient/own',
      '/Observation/own-weight',
      '/Observation/own-weight/_history/1',
      '/Observation/own-weight/_history',
    ]) {
      expect((await get(path, his)).status, path).toBe(410);
      expect((await get(path, other)).status, path).toBe(404);
    }
  });

  test('can’t come back: neither he, nor his resources’ ids, nor a reference to him', async () => {
    expect((await put(patient('own'))).status).toBe(410);
    expect((await put(weight('own-weight', 'somebody'))).status).toBe(410);
    expect((await put(weight('new-weight', 'own'))).status).toBe(422);
    const patch = [{ op: 'replace', path: '/status', value: 'final' }];
    const patched = await server.request('PATCH', '/Observation/own-weight', {
      body: JSON.stringify(patch),
      headers: { 'content-type': 'application/json-patch+json' },
    });
    expect(patched.status).toBe(410);
    const bundle = {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [{ resource: weight('x', 'own'), request: { method: 'POST', url: 'Observation' } }],
    };
    expect((await server.request('POST', '', { body: bundle })).status).toBe(422);
  });

  test('is erased once: the order may be repeated and changes nothing', async () => {
    const before = await sql(`select rid, version, xmin from resource where id like 'own%' order by rid`);
    expect(await erase('own')).toEqual({ erased: 0, shared: 0 });
    expect(await sql(`select rid, version, xmin from resource where id like 'own%' order by rid`)).toEqual(before);
  });
});

describe('what he shares', () => {
  beforeAll(async () => {
    await put(patient('stays'));
    await put(patient('goes'));
    await put({ ...patient('sibling'), link: [{ other: { reference: 'Patient/goes' }, type: 'seealso' }] });
    await put({ ...patient('goes'), link: [{ other: { reference: 'Patient/stays' }, type: 'seealso' }] });
    await put(weight('both', 'goes', { performer: [{ reference: 'Patient/stays' }] }));
    await put(weight('both', 'goes', { performer: [{ reference: 'Patient/stays' }], status: 'amended' }));
    await put(weight('both-deleted', 'stays', { performer: [{ reference: 'Patient/goes' }] }));
    await server.request('DELETE', '/Observation/both-deleted');
    await put(weight('corrected', 'goes'));
    await put(weight('corrected', 'stays'));
    counts = await erase('goes');
  });
  let counts: ErasureCounts | undefined;

  test('is counted apart from what is his own', () => {
    expect(counts).toEqual({ erased: 1, shared: 3 });
  });

  test('is still read by the others as it was, every version', async () => {
    for (const path of ['/Observation/both', '/Observation/both/_history/1', '/Observation/both-deleted/_history/1', '/Patient/sibling']) {
      const answer = await get(path);
      expect(answer.status, path).toBe(200);
      expect(answer.text).toContain('Patient/goes');
    }
    expect((await get('/Observation?performer=Patient/stays')).json.total).toBe(1);
  });

  test('is found by nothing that tells of him', async () => {
    for (const query of ['subject=Patient/goes', 'patient=goes', 'subject:identifier=urn:mrn|mrn-goes', 'performer=Patient/goes'])
      expect((await get(`/Observation?${query}`)).json.total, query).toBe(0);
    expect((await get('/Patient?link=Patient/goes')).json.total).toBe(0);
    expect(await rowsNaming('goes')).toBe(0);
  });

  test('has his wrap no more, under every version', async () => {
    const [gone] = await server.services.erasing.keys.idsOf([server.services.context.refKeyOf('Patient', 'goes')]);
    expect(gone?.erased).toBe(true);
    const rows = await sql<{ content: Buffer }>(
      `select content from resource where content is not null union all select content from resource_version where content is not null`,
    );
    expect(rows.filter(({ content }) => keyIdsOf(content).some((id) => id.equals(gone?.id ?? id)))).toEqual([]);
  });

  test('is out of his compartment and stays in the others’', async () => {
    const his = await server.token({ scope: 'patient/*.rs', patient: 'goes' });
    const others = await server.token({ scope: 'patient/*.rs', patient: 'stays' });
    expect((await get('/Observation/both', his)).status).toBe(404);
    expect((await get('/Observation/both', others)).status).toBe(200);
  });

  test('keeps its version and when it was written', async () => {
    const { headers, json } = await get('/Observation/both');
    expect(headers.get('etag')).toBe('W/"2"');
    expect((await get('/Observation/both/_history')).json.total).toBe(2);
    expect(json.status).toBe('amended');
  });

  test('is his own record gone though it names another patient', async () => {
    expect((await get('/Patient/goes')).status).toBe(410);
    expect((await get('/Patient/goes/_history/2')).status).toBe(410);
  });

  test('loses only the versions that were his alone', async () => {
    expect((await get('/Observation/corrected')).status).toBe(200);
    expect((await get('/Observation/corrected/_history/1')).status).toBe(410);
    const { json } = await get('/Observation/corrected/_history');
    const listed: { resource: { meta: { versionId: string } } }[] = json.entry;
    expect(listed.map(({ resource }) => resource.meta.versionId)).toEqual(['2']);
  });

  test('is changed by the others once they leave him out, and not before', async () => {
    const { json } = await get('/Observation/both');
    expect((await put(json)).status).toBe(200);
    expect((await put({ ...json, status: 'corrected' })).status).toBe(422);
    expect((await put({ ...json, status: 'corrected', subject: { reference: 'Patient/stays' } })).status).toBe(200);
  });
});

describe('who may be erased', () => {
  test('is somebody known: an unknown id orders nothing', async () => {
    const ledger = () => readFile(server.services.config.erasureLedger, 'utf8').catch(() => '');
    const before = await ledger();
    expect(await erase('never-seen')).toBeUndefined();
    expect(await ledger()).toBe(before);
    expect((await put(patient('never-seen'))).status).toBe(201);
  });

  test('is also somebody who was only ever referred to', async () => {
    await put(weight('only-named-weight', 'only-named'));
    expect(await erase('only-named')).toEqual({ erased: 1, shared: 0 });
    expect((await put(patient('only-named'))).status).toBe(422);
    expect((await get('/Observation/only-named-weight')).status).toBe(410);
  });
});

describe('an audit event about him', () => {
  test('stays as a row, opens for nobody, and is found by its facts no more', async () => {
    await put(patient('audited'));
    await put(patient('witness'));
    const event = (who: string[]) => ({
      resourceType: 'AuditEvent',
      type: { system: 'http://dicom.nema.org/resources/ontology/DCM', code: '110112' },
      recorded: '2024-03-01T10:00:00Z',
      agent: [{ requestor: true, who: { display: 'x' } }],
      source: { observer: { display: 'x' } },
      entity: who.map((id) => ({ what: { reference: `Patient/${id}` } })),
    });
    const own = await server.request('POST', '/AuditEvent', { body: event(['audited']) });
    const both = await server.request('POST', '/AuditEvent', { body: event(['audited', 'witness']) });
    await erase('audited');
    expect((await get(`/AuditEvent/${own.json.id}`)).status).toBe(410);
    expect((await get(`/AuditEvent/${both.json.id}`)).status).toBe(200);
    const found: { resource: { id: string } }[] = (await get('/AuditEvent?type=110112')).json.entry;
    expect(found.map(({ resource }) => resource.id)).toEqual([both.json.id]);
    expect(await rowsNaming('audited')).toBe(0);
    const [row] = await sql<{ n: string }>('select count(*) as n from fact_date where rid in (select rid from audit_event where id = $1)', [
      own.json.id,
    ]);
    expect(row?.n).toBe('0');
  });
});

describe('an erasure that is interrupted', () => {
  const steps: ErasureStep[] = ['tombstone', 'keys', 'current', 'superseded', 'audit', 'done'];
  test.each(steps)('before the step %s is finished by the next start, and shows nothing meanwhile', async (stop) => {
    const id = `cut-${stop}`;
    await makeRecord(id);
    const interrupted = erasePatient(
      {
        ...server.services.erasing,
        onStep(step) {
          if (step === stop) throw new Error('cut');
        },
      },
      { id, reason: 'cut short', at },
    );
    await expect(interrupted).rejects.toThrow('cut');
    // Once the tombstone stands, nothing new about him is taken; once the key is gone, nothing of his is shown.
    if (stop !== 'tombstone') expect((await put(weight(`${id}-late`, id))).status).toBeGreaterThanOrEqual(409);
    if (!['tombstone', 'keys'].includes(stop)) {
      expect((await get(`/Patient/${id}`)).status).toBe(410);
      expect((await get(`/Patient/${id}/_history/1`)).status).toBe(410);
      expect((await get(`/Patient?_id=${id}`)).json.entry ?? []).toEqual([]);
      expect((await get('/Patient?_sort=family&_count=200')).text).not.toContain(`"${id}"`);
      expect((await get(`/Patient?_id=never-seen,${id}&_revinclude=Observation:subject`)).status).toBe(200);
      expect((await get('/Patient/_history?_count=500')).status).toBe(200);
    }
    expect(await replayErasures(server.services.erasing)).toEqual({ repeated: 1, unlisted: 0 });
    expect(await rowsNaming(id)).toBe(0);
    expect((await get(`/Observation/${id}-weight/_history/1`)).status).toBe(410);
    expect(await replayErasures(server.services.erasing)).toEqual({ repeated: 0, unlisted: 0 });
  });
});

describe('a process killed while it erases', () => {
  const script = fileURLToPath(new URL('../support/own-erasure.ts', import.meta.url));
  const environment = (): Record<string, string> => {
    const { config } = server.services;
    return {
      NODE_ENV: 'test',
      BASE_URL: config.baseUrl,
      DATABASE_URL: server.databaseUrl,
      KEY_DATABASE_URL: server.keyDatabaseUrl,
      DATA_DIR: config.dataDir,
      CACHE_DIR: config.cacheDir,
      KEY_FILE: config.keyFile,
      LOG_LEVEL: 'error',
    };
  };

  test.each(['keys', 'current', 'done'])('before the step %s: the next server to start finishes its work', async (step) => {
    const id = `killed-${step}`;
    await makeRecord(id);
    const env = Object.entries(environment()).map(([name, value]) => `${name}=${value}`);
    const { child, errors } = startScript(script, [id, step], ['env', ...env]);
    const [, signal] = await once(child, 'exit');
    expect(signal, errors()).toBe('SIGKILL');
    expect(await rowsNaming(id)).toBe(step === 'done' ? 0 : 7);
    const next = await openServices(loadConfig(environment()), createLog({ logLevel: 'silent' }));
    await next.close();
    expect(await rowsNaming(id)).toBe(0);
    expect(await replayErasures(server.services.erasing)).toEqual({ repeated: 0, unlisted: 0 });
    // The running server hears of it by itself.
    await expect.poll(async () => (await get(`/Patient/${id}/_history/1`)).status, { timeout: 250, interval: 10 }).toBe(410);
  });
});

describe('the ledger', () => {
  test('brings an erasure into a database that was restored from an older backup', async () => {
    await makeRecord('restored');
    const { context, erasing } = server.services;
    const refKey = context.refKeyOf('Patient', 'restored').toString();
    const [row] = await sql<Record<string, unknown>>('select * from resource where id = $1', ['restored']);
    const [{ wrapped } = { wrapped: null }] = await keyRows(refKey);
    await erase('restored');
    // The main database comes back as it was, and so does the key database.
    await sql('delete from erased_patient where ref_key = $1', [refKey]);
    await sql(`update resource set deleted = false, interaction = 'u', version = $2, content = $3, tokens = $4::int8[] where id = $1`, [
      'restored',
      row?.version,
      row?.content,
      row?.tokens,
    ]);
    await sql('delete from resource_version where id = $1', ['restored']);
    await keySql(`update patient_key set wrapped = $2, erased_at = null where owner = $1`, [refKey, wrapped]);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await keyRows(refKey))[0]?.wrapped).not.toBeNull();
    expect(await replayErasures(erasing)).toEqual({ repeated: 1, unlisted: 0 });
    expect((await get('/Patient/restored')).status).toBe(410);
    expect((await keyRows(refKey))[0]?.wrapped).toBeNull();
  });

  test('tells when it is older than the database', async () => {
    const { erasureLedger } = server.services.config;
    const text = await readFile(erasureLedger, 'utf8');
    const first = text.indexOf('\n') + 1;
    await writeFile(erasureLedger, text.slice(first));
    const missing = JSON.parse(text.slice(0, first)).patient;
    expect(text.slice(first)).not.toContain(`"${missing}"`.repeat(2));
    const others = new Set(
      text
        .slice(first)
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).patient),
    );
    expect((await replayErasures(server.services.erasing)).unlisted).toBe(others.has(missing) ? 0 : 1);
    await writeFile(erasureLedger, text);
  });

  test('holds an order of its own for each call, with time and reason', async () => {
    const lines = (await readFile(server.services.config.erasureLedger, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines[0]).toEqual({ at: at.toISOString(), patient: 'own', reason: 'order 17' });
    expect(lines.filter(({ patient: id }) => id === 'own')).toHaveLength(2);
  });
});
