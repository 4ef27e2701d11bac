import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addPackage, listPackages, packResource, removePackage } from '../../../src/storage/packages.ts';
import { createLog } from '../../../src/telemetry/log.ts';
import { openServices, type Services } from '../../../src/services.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';

let server: TestServer;
/** A second process' worth of services on the same databases. */
let other: Services;

beforeAll(async () => {
  server = await startTestServer();
  other = await openServices(server.services.config, createLog({ logLevel: 'error' }), 'attach');
});
afterAll(async () => {
  await other?.close();
  await server?.stop();
});

const observation = 'http://hl7.org/fhir/StructureDefinition/Observation';

function codeSystem(url: string, version: string, more: object = {}) {
  return { resourceType: 'CodeSystem', url, version, status: 'active', content: 'complete', concept: [{ code: version }], ...more };
}

async function addOne(name: string, version: string, ...resources: { resourceType: string; url: string; version?: string }[]) {
  const packed = resources.map(async (resource, at) => ({
    type: resource.resourceType,
    url: resource.url,
    id: `r${at}`,
    constrains: undefined,
    ...(resource.version === undefined ? {} : { version: resource.version }),
    content: await packResource(JSON.stringify(resource)),
  }));
  return addPackage(server.services.context.pool, { name, version, dependencies: { 'a.b': '1.0' } }, await Promise.all(packed));
}

const find = (canonical: string, type: 'CodeSystem' | 'StructureDefinition' | 'ValueSet' = 'CodeSystem') =>
  server.services.context.conformance.find(type, canonical);

describe('conformance resources', () => {
  test('are found in R4, with its version, the beginning of it or none', async () => {
    for (const suffix of ['', '|4.0.1', '|4.0'])
      expect(await find(observation + suffix, 'StructureDefinition')).toMatchObject({ type: 'Observation' });
    expect(await find(`${observation}|5.0.0`, 'StructureDefinition')).toBeUndefined();
    expect(await find('Observation', 'StructureDefinition')).toBeUndefined();
  });

  test('are found in packages: the version asked for, or the newest', async () => {
    const url = 'http://example.org/cs';
    expect(await addOne('example.ten', '1.0.0', codeSystem(url, '10.0.0'))).toBe(true);
    await addOne('example.two', '9.0.0', codeSystem(url, '2.0.0'));
    expect(await find(url)).toMatchObject({ version: '10.0.0' });
    expect(await find(`${url}|2.0.0`)).toMatchObject({ version: '2.0.0' });
    expect(await find(`${url}|2.0`)).toMatchObject({ version: '2.0.0' });
    expect(await find(`${url}|3.0.0`)).toBeUndefined();
    await addOne('example.two', '9.0.1', codeSystem(url, '2.0.0', { title: 'of the newer package' }));
    expect(await find(`${url}|2.0.0`)).toMatchObject({ title: 'of the newer package' });
  });

  test('of a package that is added again stay as they are', async () => {
    const url = 'http://example.org/again';
    await addOne('example.again', '1.0.0', codeSystem(url, '1.0.0'));
    expect(await addOne('example.again', '1.0.0', codeSystem(url, '1.0.1'))).toBe(false);
    expect(await find(url)).toMatchObject({ version: '1.0.0' });
  });

  test('of a package that two add at once come from one of them, whole', async () => {
    const url = 'http://example.org/once';
    const adding = ['1', '2', '3'].map((title) =>
      addOne('example.once', '1.0.0', codeSystem(url, '1.0.0', { title }), codeSystem(`${url}2`, '1.0.0', { title })),
    );
    expect((await Promise.all(adding)).filter(Boolean)).toHaveLength(1);
    const [first, second] = await Promise.all([find(url), find(`${url}2`)]);
    expect((first as { title: string }).title).toBe((second as { title: string }).title);
  });

  test('of a removed package are gone', async () => {
    const url = 'http://example.org/removed';
    await addOne('example.removed', '1.0.0', codeSystem(url, '1.0.0'));
    const listed = await listPackages(server.services.context.pool);
    expect(listed.find(({ name }) => name === 'example.removed')).toMatchObject({ resources: 1, dependencies: { 'a.b': '1.0' } });
    expect(await removePackage(server.services.context.pool, { name: 'example.removed', version: '1.0.0' })).toBe(true);
    expect(await removePackage(server.services.context.pool, { name: 'example.removed', version: '1.0.0' })).toBe(false);
    expect(await find(url)).toBeUndefined();
  });

  test("of R4 are no package's to redefine, but for HL7's terminology", async () => {
    const gender = 'http://hl7.org/fhir/administrative-gender';
    const category = 'http://terminology.hl7.org/CodeSystem/observation-category';
    await addOne('example.over', '1.0.0', codeSystem(gender, '9.0.0'), codeSystem(category, '0.1.0'));
    expect(await find(gender)).toMatchObject({ version: '4.0.1' });
    // The copy that R4 has says 4.0.1, which isn't HL7's numbering of today.
    expect(await find(category)).not.toMatchObject({ version: expect.stringMatching(/^(?:0\.1\.0|4\.0\.1)$/) });
    expect(await find(`${category}|0.1.0`)).toMatchObject({ version: '0.1.0' });
    await addOne('example.newer', '1.0.0', codeSystem(category, '999.0.0'));
    expect(await find(category)).toMatchObject({ version: '999.0.0' });
    expect(await find(`${category}|4.0.1`)).toMatchObject({ version: '4.0.1' });
  });

  test('that a client stored are found by url and version, and are gone when they are deleted', async () => {
    const url = 'http://example.org/stored';
    const one = await server.request('POST', '/CodeSystem', { body: codeSystem(url, '1.0.0') });
    expect(one.status).toBe(201);
    await server.request('POST', '/CodeSystem', { body: codeSystem(url, '2.0.0') });
    expect(await find(url)).toMatchObject({ version: '2.0.0' });
    expect(await find(`${url}|1.0.0`)).toMatchObject({ version: '1.0.0' });
    expect(await find(url, 'ValueSet')).toBeUndefined();
    await server.request('DELETE', `/CodeSystem/${one.json.id}`);
    expect(await find(`${url}|1.0.0`)).toBeUndefined();
  });
});

describe('a change', () => {
  function counter(services: Services): () => number {
    let heard = 0;
    services.context.conformance.onChange(() => heard++);
    return () => heard;
  }

  test('of a conformance resource is heard before its write is answered, whatever the interaction', async () => {
    const body = { ...codeSystem('http://example.org/heard', '1.0.0'), id: 'heard' };
    const heard = counter(server.services);
    let before = heard();
    const isHeard = async (status: number, ...request: Parameters<TestServer['request']>) => {
      // What another process' notice may add comes later: the number is read in the very turn of the answer.
      before = heard();
      const answer = await server.request(...request);
      expect(answer.status, answer.text).toBe(status);
      expect(heard(), `${request[0]} ${request[1]}`).toBeGreaterThan(before);
    };
    await isHeard(201, 'PUT', '/CodeSystem/heard', { body });
    await isHeard(200, 'PUT', '/CodeSystem/heard', { body: { ...body, title: 'a' } });
    await isHeard(201, 'POST', '/CodeSystem', { body });
    await isHeard(200, 'PATCH', '/CodeSystem/heard', {
      body: '[{"op":"replace","path":"/title","value":"b"}]',
      headers: { 'content-type': 'application/json-patch+json' },
    });
    await isHeard(200, 'PUT', '/CodeSystem?_id=heard', { body: { ...body, title: 'c' } });
    await isHeard(200, 'DELETE', '/CodeSystem/heard');
    for (const type of ['transaction', 'batch']) {
      const entry = [{ resource: body, request: { method: 'POST', url: 'CodeSystem' } }];
      await isHeard(200, 'POST', '/', { body: { resourceType: 'Bundle', type, entry } });
    }
  });

  test('is heard by other processes, and a package is as well', async () => {
    const heard = counter(other);
    const eventually = async (before: number) => {
      const until = performance.now() + 5_000;
      while (heard() === before && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 5));
      expect(heard()).toBeGreaterThan(before);
    };
    await new Promise((resolve) => setTimeout(resolve, 200)); // What earlier tests sent has come by then.
    let before = heard();
    await server.request('POST', '/CodeSystem', { body: codeSystem('http://example.org/told', '1.0.0') });
    await eventually(before);
    before = heard();
    await addOne('example.told', '1.0.0', codeSystem('http://example.org/told2', '1.0.0'));
    await eventually(before);
    before = heard();
    await removePackage(server.services.context.pool, { name: 'example.told', version: '1.0.0' });
    await eventually(before);
  });

  test('may have been missed while the connection was lost, and is heard then', async () => {
    const heard = counter(other);
    await server.services.context.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'anamnesis parameters' and datname = current_database()`,
    );
    await expect.poll(heard, { timeout: 5_000 }).toBeGreaterThan(0);
    await expect.poll(() => other.ready().catch(() => false), { timeout: 5_000 }).toBe(true);
    await expect.poll(() => server.services.ready().catch(() => false), { timeout: 5_000 }).toBe(true);
  });

  test('of anything else is not', async () => {
    await new Promise((resolve) => setTimeout(resolve, 200));
    const heard = [counter(server.services), counter(other)];
    const answer = await server.request('POST', '/Basic', { body: { resourceType: 'Basic', code: { text: 'a' } } });
    expect(answer.status).toBe(201);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(heard.map((count) => count())).toEqual([0, 0]);
  });
});
