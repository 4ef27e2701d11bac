import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type LockQueue, openLockQueue } from '../support/lock-queue.ts';
import { type Answered, startTestServer, type TestServer } from '../support/server.ts';
import { bundle, identified, issueId, observation, statuses } from '../conformance/samples.ts';

/**
 * Conditional writes between their search and their lock: the row that matched is held by somebody else, and another request
 * that changes it stands before the conditional one in the queue.
 */
let server: TestServer;
let queue: LockQueue;
beforeAll(async () => {
  server = await startTestServer({ CONDITIONAL_DELETE_MAX: '3' });
});
afterAll(() => server?.stop());
beforeEach(async () => {
  queue = await openLockQueue(server);
});
afterEach(() => queue.end());

async function create(identifier: readonly unknown[]): Promise<string> {
  return (await server.request('POST', '/Observation', { body: observation({ identifier }) })).json.id;
}

const statusOf = async (id: string): Promise<number> => (await server.request('GET', `/Observation/${id}`)).status;
const put = (id: string, identifier: readonly unknown[]) =>
  server.request('PUT', `/Observation/${id}`, { body: observation({ id, identifier }) });
const transact = (method: string, criteria: string, more: object = {}) =>
  server.request('POST', '', { body: bundle('transaction', { ...more, request: { method, url: `Observation?${criteria}` } }) });
const remove = (criteria: string) => server.request('DELETE', `/Observation?${criteria}`);
const removeOne = (criteria: string) =>
  server.request('POST', '', { body: bundle('batch', { request: { method: 'DELETE', url: `Observation?${criteria}` } }) });
const patchBody = [{ op: 'replace', path: '/status', value: 'amended' }];

/** The row matches when `send` searches, and no longer when it has its lock. */
async function changedBefore(send: (criteria: string) => Promise<Answered>): Promise<{ id: string; answer: Answered }> {
  const [before, after] = [identified(), identified()];
  const id = await create(before.identifier);
  await queue.hold('Observation', id);
  const change = await queue.sendBehind(1, () => put(id, after.identifier));
  const conditional = await queue.sendBehind(2, () => send(before.criteria));
  await queue.letGo();
  expect((await change.answer).status).toBe(200);
  return { id, answer: await conditional.answer };
}

describe('what no longer matches once it is locked', () => {
  test('is not deleted', async () => {
    const { id, answer } = await changedBefore(remove);
    expect(answer.status).toBe(200);
    expect(await statusOf(id)).toBe(200);
  });

  test('is not deleted by a single delete', async () => {
    const { id, answer } = await changedBefore(removeOne);
    expect(statuses(answer.json)).toEqual([200]);
    expect(await statusOf(id)).toBe(200);
  });

  test('is not deleted by a transaction', async () => {
    const { id, answer } = await changedBefore((criteria) => transact('DELETE', criteria));
    expect(statuses(answer.json)).toEqual([204]);
    expect(await statusOf(id)).toBe(200);
  });

  test('is not patched', async () => {
    const { id, answer } = await changedBefore((criteria) =>
      server.request('PATCH', `/Observation?${criteria}`, { body: patchBody, headers: { 'content-type': 'application/json-patch+json' } }),
    );
    expect(answer.status).toBe(404);
    expect((await server.request('GET', `/Observation/${id}`)).json.status).toBe('final');
  });

  test('is not updated: another is made', async () => {
    const { id, answer } = await changedBefore((criteria) =>
      server.request('PUT', `/Observation?${criteria}`, { body: observation({ status: 'amended' }) }),
    );
    expect(answer.status).toBe(201);
    expect(answer.json.id).not.toBe(id);
    expect((await server.request('GET', `/Observation/${id}`)).json.status).toBe('final');
  });

  test('is not updated by a transaction: another is made', async () => {
    const { id, answer } = await changedBefore((criteria) => transact('PUT', criteria, { resource: observation({ status: 'amended' }) }));
    expect(statuses(answer.json)).toEqual([201]);
    expect((await server.request('GET', `/Observation/${id}`)).json.status).toBe('final');
  });
});

describe('a delete of many', () => {
  test('deletes the others that still match', async () => {
    const [before, after] = [identified(), identified()];
    const [changing, staying] = [await create(before.identifier), await create(before.identifier)];
    await queue.hold('Observation', changing);
    const change = await queue.sendBehind(1, () => put(changing, after.identifier));
    const { answer } = await queue.sendBehind(2, () => remove(before.criteria));
    await queue.letGo();
    expect([(await change.answer).status, (await answer).status]).toEqual([200, 200]);
    expect([await statusOf(changing), await statusOf(staying)]).toEqual([200, 410]);
  });

  test('is refused if under its locks more match than it may delete', async () => {
    const { identifier, criteria } = identified();
    const ids = [await create(identifier), await create(identifier), await create(identifier)];
    await queue.hold('Observation', ids[0]!);
    const { answer } = await queue.sendBehind(1, () => remove(criteria));
    ids.push(await create(identifier));
    await queue.letGo();
    expect((await answer).status).toBe(412);
    expect(issueId((await answer).json)).toBe('conditional-delete-too-many');
    expect(await Promise.all(ids.map(statusOf))).toEqual([200, 200, 200, 200]);
  });
});

describe.each([
  ['a batch', removeOne],
  ['a transaction', (criteria: string) => transact('DELETE', criteria)],
])('a delete of one in %s', (_, send) => {
  const refusal = ({ status, json }: Answered): number => (json.entry === undefined ? status : statuses(json)[0]!);

  test('is refused if a second one matches under its lock', async () => {
    const { identifier, criteria } = identified();
    const id = await create(identifier);
    await queue.hold('Observation', id);
    const { answer } = await queue.sendBehind(1, () => send(criteria));
    const second = await create(identifier);
    await queue.letGo();
    expect(refusal(await answer)).toBe(412);
    expect([await statusOf(id), await statusOf(second)]).toEqual([200, 200]);
  });

  test('deletes the one that matches under its lock, though it is another', async () => {
    const [before, after] = [identified(), identified()];
    const id = await create(before.identifier);
    await queue.hold('Observation', id);
    const change = await queue.sendBehind(1, () => put(id, after.identifier));
    const { answer } = await queue.sendBehind(2, () => send(before.criteria));
    const second = await create(before.identifier);
    await queue.letGo();
    expect((await change.answer).status).toBe(200);
    expect(refusal(await answer)).toBeLessThan(300);
    expect([await statusOf(id), await statusOf(second)]).toEqual([200, 410]);
  });
});
