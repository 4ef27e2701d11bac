import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keyIdsOf } from '../../src/encryption/seal.ts';
import { token } from '../../src/encryption/token.ts';
import { erasePatient } from '../../src/interactions/erasure.ts';
import { ownerParts } from '../../src/search/extract.ts';
import type { ErasureCounts } from '../../src/storage/erase.ts';
import { type Answered, startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server?.stop());

type Resource = Readonly<Record<string, unknown>> & { readonly resourceType: string; readonly id?: string };

const erase = (id: string): Promise<ErasureCounts | undefined> =>
  erasePatient(server.services.erasing, { id, reason: 'order 5', at: new Date('2026-01-02T03:04:05Z') });
const put = (resource: Resource): Promise<Answered> =>
  server.request('PUT', `/${resource.resourceType}/${resource.id}`, { body: resource });
const get = (path: string): Promise<Answered> => server.request('GET', path);
const sql = async <R extends object>(text: string, values: unknown[] = []): Promise<R[]> =>
  (await server.services.context.pool.query<R>(text, values)).rows;

const system = 'urn:example:documents';
/** With an empty id, without one. */
const binary = (id: string, text = 'first', more: object = {}): Resource => ({
  resourceType: 'Binary',
  ...(id === '' ? {} : { id }),
  contentType: 'text/plain',
  data: Buffer.from(text).toString('base64'),
  ...more,
});
const documentOf = (patient: string, url?: string, more: object = {}): Resource => ({
  resourceType: 'DocumentReference',
  status: 'current',
  subject: { reference: `Patient/${patient}` },
  content: [{ attachment: url === undefined ? { title: 'none yet' } : { url } }],
  ...more,
});
const linking = (patient: string, url: string): Promise<Answered> => put(documentOf(patient, url, { id: `${patient}-document` }));
const entryOf = (method: string, url: string, resource?: Resource, fullUrl?: string) => ({
  ...(fullUrl === undefined ? {} : { fullUrl }),
  ...(resource === undefined ? {} : { resource }),
  request: { method, url },
});
const bundle = (type: 'batch' | 'transaction', ...entry: object[]): Promise<Answered> =>
  server.request('POST', '', { body: { resourceType: 'Bundle', type, entry } });

/** Whose keys open each version of a Binary, oldest first: patients' ids sorted, `common`, `none` for a version without content. */
async function holders(id: string, ...patients: string[]): Promise<string[]> {
  const { context, erasing } = server.services;
  const byKey = new Map([[erasing.keys.common.id.toString('hex'), 'common']]);
  const owners = new Map(patients.map((patient) => [context.refKeyOf('Patient', patient), patient]));
  for (const known of await erasing.keys.idsOf([...owners.keys()])) byKey.set(known.id.toString('hex'), owners.get(known.owner) ?? '');
  const rows = await sql<{ content: Buffer | null }>(
    `select content, version from resource where type = 'Binary' and id = $1
     union all select content, version from resource_version where type = 'Binary' and id = $1 order by version`,
    [id],
  );
  return rows.map(({ content }) =>
    content === null
      ? 'none'
      : keyIdsOf(content)
          .map((key) => byKey.get(key.toString('hex')) ?? 'unknown')
          .sort()
          .join(),
  );
}

/** How many versions of a Binary hold a patient's owner token. */
async function found(id: string, patient: string): Promise<number> {
  const owner = token(server.services.context.planContext().key, ...ownerParts(patient)).toString();
  const [row] = await sql<{ n: number }>(
    `select ((select count(*) from resource where type = 'Binary' and id = $1 and $2 = any(tokens))
      + (select count(*) from resource_version where type = 'Binary' and id = $1 and $2 = any(tokens)))::int as n`,
    [id, owner],
  );
  return row?.n ?? 0;
}

const text = async (path: string): Promise<string> => Buffer.from((await get(path)).json.data, 'base64').toString();

describe('a Binary that is there before it is named', () => {
  const patchUrl = (url: string) => JSON.stringify([{ op: 'add', path: '/content/0/attachment/url', value: url }]);
  const jsonPatch = { headers: { 'content-type': 'application/json-patch+json' } };
  const ways: Record<string, (patient: string, url: string) => Promise<Answered>> = {
    'by a PUT of a new resource': linking,
    'by a PUT of a resource that is there': async (patient, url) => {
      await put(documentOf(patient, undefined, { id: `${patient}-document` }));
      return linking(patient, url);
    },
    'by a POST': (patient, url) => server.request('POST', '/DocumentReference', { body: documentOf(patient, url) }),
    'by a conditional create': (patient, url) =>
      server.request('POST', '/DocumentReference', {
        body: documentOf(patient, url),
        headers: { 'if-none-exist': `identifier=${system}|${patient}` },
      }),
    'by a conditional update': (patient, url) =>
      server.request('PUT', `/DocumentReference?identifier=${system}|${patient}`, {
        body: documentOf(patient, url, { identifier: [{ system, value: patient }] }),
      }),
    'by a JSON Patch': async (patient, url) => {
      await put(documentOf(patient, undefined, { id: `${patient}-document` }));
      return server.request('PATCH', `/DocumentReference/${patient}-document`, { body: patchUrl(url), ...jsonPatch });
    },
    'in a batch': (patient, url) => bundle('batch', entryOf('POST', 'DocumentReference', documentOf(patient, url))),
    'in a transaction': (patient, url) => bundle('transaction', entryOf('POST', 'DocumentReference', documentOf(patient, url))),
    'by a patch in a transaction': async (patient, url) => {
      await put(documentOf(patient, undefined, { id: `${patient}-document` }));
      const change = binary('', patchUrl(url), { contentType: 'application/json-patch+json' });
      return bundle('transaction', entryOf('PATCH', `DocumentReference/${patient}-document`, change));
    },
    'by a Media': (patient, url) =>
      server.request('POST', '/Media', {
        body: { resourceType: 'Media', status: 'completed', subject: { reference: `Patient/${patient}` }, content: { url } },
      }),
    'by a DiagnosticReport': (patient, url) =>
      server.request('POST', '/DiagnosticReport', {
        body: {
          resourceType: 'DiagnosticReport',
          status: 'final',
          code: { text: 'report' },
          subject: { reference: `Patient/${patient}` },
          presentedForm: [{ url: `${server.base}/${url}/_history/1` }],
        },
      }),
  };

  test.each(Object.keys(ways))('%s is the patient’s in every version, as the version it was, and goes with him', async (way) => {
    const n = Object.keys(ways).indexOf(way);
    const [patient, id] = [`named-${n}`, `early-${n}`];
    await put(binary(id));
    await put(binary(id, 'second'));
    expect(await holders(id)).toEqual(['common', 'common']);
    const before = await get(`/Binary/${id}`);
    const answer = await ways[way]?.(patient, `Binary/${id}`);
    expect([200, 201], answer?.text).toContain(answer?.status);
    expect(await holders(id, patient)).toEqual([patient, patient]);
    expect(await found(id, patient)).toBe(2);
    const after = await get(`/Binary/${id}`);
    expect(after.text).toBe(before.text);
    for (const header of ['etag', 'last-modified']) expect(after.headers.get(header)).toBe(before.headers.get(header));
    expect(await text(`/Binary/${id}/_history/1`)).toBe('first');
    expect((await get(`/Binary/${id}/_history`)).json.total).toBe(2);

    expect((await erase(patient))?.erased).toBeGreaterThanOrEqual(2);
    for (const path of [`/Binary/${id}`, `/Binary/${id}/_history/1`, `/Binary/${id}/_history/2`])
      expect((await get(path)).status, path).toBe(410);
    expect(await holders(id)).toEqual(['none', 'none', 'none']);
    expect(await found(id, patient)).toBe(0);
  });

  test('and was deleted is the patient’s too, and so is what is made of it', async () => {
    await put(binary('was-there'));
    await server.request('DELETE', '/Binary/was-there');
    await linking('late', 'Binary/was-there');
    expect(await holders('was-there', 'late')).toEqual(['late', 'none']);
    expect(await found('was-there', 'late')).toBe(2);
    expect((await put(binary('was-there', 'again'))).status).toBe(201);
    expect(await holders('was-there', 'late')).toEqual(['late', 'none', 'late']);
    await erase('late');
    for (const version of ['', '/_history/1', '/_history/3']) expect((await get(`/Binary/was-there${version}`)).status).toBe(410);
  });

  test('stays as it is when nobody owns what names it', async () => {
    await put(binary('form'));
    const { subject: _, ...anonymous } = documentOf('nobody', 'Binary/form');
    expect((await server.request('POST', '/DocumentReference', { body: anonymous })).status).toBe(201);
    expect(await holders('form')).toEqual(['common']);
  });

  test('stays as it is when what would name it is refused', async () => {
    await put(binary('unnamed'));
    await put({ resourceType: 'Patient', id: 'gone' });
    await erase('gone');
    expect((await linking('gone', 'Binary/unnamed')).status).toBe(422);
    const refused = await bundle(
      'transaction',
      entryOf('POST', 'DocumentReference', documentOf('whole', 'Binary/unnamed')),
      entryOf('POST', 'DocumentReference', documentOf('gone')),
    );
    expect(refused.status).toBe(422);
    expect(await holders('unnamed')).toEqual(['common']);
    expect(
      await sql('select from binary_owner where binary_key = $1', [server.services.context.refKeyOf('Binary', 'unnamed').toString()]),
    ).toEqual([]);
  });
});

describe('a Binary that comes after it is named', () => {
  const ways: Record<string, (id: string) => Promise<Answered>> = {
    'by a PUT': (id) => put(binary(id)),
    'by a conditional update': (id) =>
      server.request('PUT', `/Binary?_tag=${id}`, { body: binary(id, 'first', { meta: { tag: [{ code: id }] } }) }),
    'in a batch': (id) => bundle('batch', entryOf('PUT', `Binary/${id}`, binary(id))),
    'in a transaction': (id) => bundle('transaction', entryOf('PUT', `Binary/${id}`, binary(id))),
  };

  test.each(Object.keys(ways))('%s is the patient’s from its first version, and goes with him', async (way) => {
    const n = Object.keys(ways).indexOf(way);
    const [patient, id] = [`waits-${n}`, `awaited-${n}`];
    expect((await linking(patient, `Binary/${id}`)).status).toBe(201);
    const answer = await ways[way]?.(id);
    expect([200, 201], answer?.text).toContain(answer?.status);
    expect((await put(binary(id, 'second'))).status).toBe(200);
    expect((await bundle('transaction', entryOf('PUT', `Binary/${id}`, binary(id, 'third')))).status).toBe(200);
    const patch = JSON.stringify([{ op: 'replace', path: '/contentType', value: 'text/html' }]);
    const patched = await server.request('PATCH', `/Binary/${id}`, {
      body: patch,
      headers: { 'content-type': 'application/json-patch+json' },
    });
    expect(patched.status).toBe(200);
    expect(await holders(id, patient)).toEqual([patient, patient, patient, patient]);
    expect(await found(id, patient)).toBe(4);
    expect(await text(`/Binary/${id}`)).toBe('third');

    await erase(patient);
    expect((await get(`/Binary/${id}`)).status).toBe(410);
    expect((await get(`/Binary/${id}/_history/1`)).status).toBe(410);
    expect((await put(binary(id, 'again'))).status).toBe(410);
  });

  test('is refused once the patient is erased', async () => {
    await linking('left', 'Binary/never-came');
    await erase('left');
    const refused = await put(binary('never-came'));
    expect(refused.status).toBe(422);
    expect(refused.json.issue[0].details.coding[0].code).toBe('patient-erased');
    expect((await get('/Binary/never-came')).status).toBe(404);
  });
});

describe('one transaction with a Binary and what names it', () => {
  const full = 'urn:uuid:6ec4f0f5-55b6-4d1c-9d9a-1f6f6d1b0c01';
  test.each([
    [
      'first',
      (patient: string) => [entryOf('POST', 'Binary', binary(''), full), entryOf('POST', 'DocumentReference', documentOf(patient, full))],
    ],
    [
      'last',
      (patient: string) => [entryOf('POST', 'DocumentReference', documentOf(patient, full)), entryOf('POST', 'Binary', binary(''), full)],
    ],
  ])('seals the Binary that stands %s for the patient, who takes it with him', async (place, entries) => {
    const patient = `together-${place}`;
    const answer = await bundle('transaction', ...entries(patient));
    expect(answer.status, answer.text).toBe(200);
    const locations: string[] = answer.json.entry.map(({ response }: { response: { location: string } }) => response.location);
    const id =
      locations
        .find((location) => location.includes('Binary/'))
        ?.split('/')
        .at(-3) ?? '';
    expect(await holders(id, patient)).toEqual([patient]);
    expect(await text(`/Binary/${id}`)).toBe('first');
    await erase(patient);
    expect((await get(`/Binary/${id}`)).status).toBe(410);
  });

  test('that changes or deletes a Binary which is there seals what it ends, too', async () => {
    await Promise.all([put(binary('changed')), put(binary('deleted'))]);
    const answer = await bundle(
      'transaction',
      entryOf('PUT', 'Binary/changed', binary('changed', 'second')),
      entryOf('DELETE', 'Binary/deleted'),
      entryOf('POST', 'DocumentReference', documentOf('changes', 'Binary/changed')),
      entryOf('POST', 'DocumentReference', documentOf('changes', 'Binary/deleted')),
    );
    expect(answer.status, answer.text).toBe(200);
    expect(await holders('changed', 'changes')).toEqual(['changes', 'changes']);
    expect(await holders('deleted', 'changes')).toEqual(['changes', 'none']);
    expect([await found('changed', 'changes'), await found('deleted', 'changes')]).toEqual([2, 2]);
    await erase('changes');
    for (const path of ['changed', 'changed/_history/1', 'deleted', 'deleted/_history/1'])
      expect((await get(`/Binary/${path}`)).status, path).toBe(410);
  });
});

describe('a Binary that several patients own', () => {
  test('is read by the others when one is erased, and goes with the last', async () => {
    await put(binary('shared'));
    await linking('one', 'Binary/shared');
    await put(binary('shared', 'second'));
    await linking('two', 'Binary/shared');
    expect(await holders('shared', 'one', 'two')).toEqual(['one,two', 'one,two']);
    expect(await erase('one')).toEqual({ erased: 1, shared: 1 });
    expect(await holders('shared', 'one', 'two')).toEqual(['two', 'two']);
    expect([await found('shared', 'one'), await found('shared', 'two')]).toEqual([0, 2]);
    expect([await text('/Binary/shared'), await text('/Binary/shared/_history/1')]).toEqual(['second', 'first']);
    expect((await put(binary('shared', 'third'))).status).toBe(200);
    expect(await holders('shared', 'one', 'two')).toEqual(['two', 'two', 'two']);
    expect(await erase('two')).toEqual({ erased: 2, shared: 0 });
    for (const path of ['', '/_history/1', '/_history/2', '/_history/3']) expect((await get(`/Binary/shared${path}`)).status).toBe(410);
    expect(await holders('shared')).toEqual(['none', 'none', 'none', 'none']);
    expect(await found('shared', 'two')).toBe(0);
  });

  test('has them all where one resource names several, and one by its securityContext', async () => {
    await put(binary('context', 'first', { securityContext: { reference: 'Patient/guardian' } }));
    await put(documentOf('child', 'Binary/context', { id: 'child-document', author: [{ reference: 'Patient/parent' }] }));
    const all = ['child', 'guardian', 'parent'];
    expect(await holders('context', ...all)).toEqual([all.join()]);
    await erase('child');
    await erase('parent');
    expect(await holders('context', ...all)).toEqual(['guardian']);
    expect((await put(binary('context', 'second', { securityContext: { reference: 'Patient/guardian' } }))).status).toBe(200);
    await erase('guardian');
    expect((await get('/Binary/context')).status).toBe(410);
  });

  test('keeps an owner whose link is taken away', async () => {
    await put(binary('kept'));
    await linking('former', 'Binary/kept');
    await put(documentOf('former', undefined, { id: 'former-document' }));
    await server.request('DELETE', '/DocumentReference/former-document');
    await put(binary('kept', 'second'));
    expect(await holders('kept', 'former')).toEqual(['former', 'former']);
    await erase('former');
    expect((await get('/Binary/kept')).status).toBe(410);
  });
});

describe('writes at once', () => {
  const rounds = Array.from({ length: 40 }, (_, n) => n);

  test('of a Binary and of what names it end with the patient’s key, whoever is first', async () => {
    const answers = await Promise.all(
      rounds.flatMap((n) => [linking(`race-${n}`, `Binary/race-${n}`), put(binary(`race-${n}`))].sort(() => (n % 2 === 0 ? 1 : -1))),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    for (const n of rounds) expect(await holders(`race-${n}`, `race-${n}`), `race-${n}`).toEqual([`race-${n}`]);
  });

  test('of versions of a Binary and of resources of many patients that name it end with all their keys in all versions', async () => {
    const patients = rounds.slice(0, 12).map((n) => `crowd-${String(n).padStart(2, '0')}`);
    const answers = await Promise.all(
      patients.flatMap((patient, n) => [linking(patient, 'Binary/crowded'), put(binary('crowded', `version ${n}`))]),
    );
    expect(answers.map(({ status }) => status).filter((status) => status > 201)).toEqual([]);
    const sealed = await holders('crowded', ...patients);
    expect(sealed).toHaveLength(patients.length);
    expect(new Set(sealed)).toEqual(new Set([patients.join()]));
    expect(await found('crowded', patients[0] ?? '')).toBe(sealed.length);
  });

  test('of transactions that hold both, and of others that cross them, all succeed', async () => {
    const whole = (n: number) =>
      bundle(
        'transaction',
        entryOf('PUT', 'DocumentReference/both', documentOf('both', 'Binary/both', { id: 'both', description: `${n}` })),
        entryOf('PUT', 'Binary/both', binary('both', `version ${n}`)),
      );
    const answers = await Promise.all(rounds.slice(0, 10).flatMap((n) => [whole(n), linking(`crossing-${n}`, 'Binary/both')]));
    expect(answers.map(({ status }) => status).filter((status) => status > 201)).toEqual([]);
    const patients = ['both', ...rounds.slice(0, 10).map((n) => `crossing-${n}`)].sort();
    expect(new Set(await holders('both', ...patients))).toEqual(new Set([patients.join()]));
  });

  test('of a resource that names a Binary and its patient’s erasure leave no Binary that is his alone', async () => {
    for (const n of rounds.slice(0, 8)) {
      const [patient, id] = [`vanishing-${n}`, `vanishing-${n}`];
      await put({ resourceType: 'Patient', id: patient });
      await put(binary(id));
      const [linked] = await Promise.all([linking(patient, `Binary/${id}`), erase(patient)]);
      expect([201, 409, 422]).toContain(linked.status);
      expect(await holders(id, patient)).toEqual(linked.status === 201 ? ['none', 'none'] : ['common']);
      expect(await found(id, patient)).toBe(0);
    }
  });
});
