import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDatabase } from '../support/cluster.ts';
import { described, type DescribedOperation } from '../support/contract.ts';
import { ask, type Change, everything, makeNamed } from '../support/contract-requests.ts';
import { makeValues } from '../support/contract-values.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const contract = await described();
const { sampleBody } = makeValues(contract, () => ['unknown-1']);

let server: TestServer;
/** A body limit and budgets that are spent at once. */
let tight: TestServer;
/** Its database is away. */
let out: TestServer;
let line: Line;
let database: Awaited<ReturnType<typeof createDatabase>>;
beforeAll(async () => {
  database = await createDatabase('main');
  line = await openLine(database.url);
  const budgets = { RATE_LIMIT_READS: '1', RATE_LIMIT_SEARCHES: '1', RATE_LIMIT_WRITES: '1' };
  [server, tight, out] = await Promise.all([
    startTestServer({ CARE_RELATIONSHIPS: 'all' }),
    startTestServer({ CARE_RELATIONSHIPS: 'all', BODY_LIMIT_BYTES: '1024', ...budgets }),
    startTestServer({ CARE_RELATIONSHIPS: 'all', LOG_LEVEL: 'fatal', DATABASE_URL: line.url }),
  ]);
  line.cut();
  await makeNamed(server, contract.operations.map(sampleBody));
});
afterAll(async () => {
  await Promise.all([server?.stop(), tight?.stop(), out?.stop()]);
  await database?.drop();
});

type Line = { readonly url: string; readonly cut: () => void };

/** A way to a database that can be cut. */
async function openLine(databaseUrl: string): Promise<Line> {
  const to = new URL(databaseUrl);
  const open = new Set<Socket>();
  const relay = createServer((socket) => {
    const host = decodeURIComponent(to.hostname);
    const port = Number(to.port || 5432);
    const onward = connect(host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port });
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      open.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy()).on('close', () => open.delete(one));
    }
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String((relay.address() as AddressInfo).port);
  return {
    url: url.href,
    cut() {
      relay.close();
      for (const socket of open) socket.destroy();
    },
  };
}

/** @returns status and code */
async function refusal(at: TestServer, operation: DescribedOperation, change?: Change): Promise<[number, unknown]> {
  const { status, json } = await ask(at, operation, sampleBody(operation), change);
  return [status, json.code];
}

const answering = (status: number): [string, DescribedOperation][] =>
  contract.operations.filter(({ responses }) => responses[status] !== undefined).map((operation) => [operation.id, operation]);
const takesJson = ({ body }: DescribedOperation): boolean => body?.content['application/json'] !== undefined;

describe('an operation of the contract', () => {
  test.each(answering(400))('%s takes no parameter that it has not', async (_, operation) => {
    expect(await refusal(server, operation, { query: 'nonsense=1' })).toEqual([400, 'invalid_request']);
  });

  test.each(answering(401))('%s needs credentials that are good', async (_, operation) => {
    expect(await refusal(server, operation, { token: null })).toEqual([401, 'unauthenticated']);
    expect(await refusal(server, operation, { token: 'e30.e30.e30' })).toEqual([401, 'unauthenticated']);
  });

  test.each(answering(403))('%s needs scopes', async (_, operation) => {
    const token = await server.token({
      scope: 'user/Basic.r',
      user: 'Practitioner/few',
      roles: ['viewer'],
      ...(operation.path.includes('/me') ? { patient: 'unknown-1' } : {}),
    });
    const answer = await refusal(server, operation, { token });
    // Of one thing it may be said that it isn't there.
    expect(
      operation.path.includes('{')
        ? [
            [403, 'forbidden'],
            [404, 'not_found'],
          ]
        : [[403, 'forbidden']],
    ).toContainEqual(answer);
  });

  test.each(answering(403))('%s takes no token whose scopes contradict each other', async (_, operation) => {
    const token = await server.token({ scope: 'user/*.cruds system/*.cruds', user: 'Practitioner/both', roles: ['admin'] });
    expect(await refusal(server, operation, { token })).toEqual([403, 'forbidden']);
  });

  // What lists things by their ids says which of them is unknown.
  test.each(answering(404).filter(([id, { path }]) => path.includes('{') && id !== 'restrictRecords'))(
    '%s finds nothing that does not exist',
    async (_, operation) => {
      expect(await refusal(server, operation)).toEqual([404, 'not_found']);
    },
  );

  test.each(answering(413).filter(([, operation]) => takesJson(operation) && operation.responses[202] === undefined))(
    '%s takes no body beyond the limit',
    async (_, operation) => {
      expect(await refusal(tight, operation, { body: JSON.stringify('x'.repeat(2000)) })).toEqual([413, 'too_large']);
    },
  );

  test.each(answering(415).filter(([, { body }]) => body?.content['*/*'] === undefined))('%s takes no other type', async (_, operation) => {
    expect(await refusal(server, operation, { headers: { 'content-type': 'text/x-unknown' } })).toEqual([415, 'unsupported_media_type']);
  });

  test.each(answering(422).filter(([, operation]) => takesJson(operation)))('%s takes no field that it has not', async (_, operation) => {
    expect(await refusal(server, operation, { body: '{"nonsense":1}' })).toEqual([422, 'validation_failed']);
  });

  test.each(answering(428))('%s needs the version that is known', async (_, operation) => {
    expect(await refusal(server, operation, { headers: { 'if-match': undefined } })).toEqual([428, 'precondition_required']);
  });

  test.each(answering(429))('%s is refused to who asks too often', async (_, operation) => {
    const token = await everything(tight, operation.path.includes('/me') ? 'unknown-1' : undefined);
    // Twice: the first may have been of the minute before.
    for (let n = 0; n < 2; n++) await refusal(tight, operation, { token });
    expect(await refusal(tight, operation, { token })).toEqual([429, 'rate_limited']);
  });

  test.each(answering(503))('%s says that it is unavailable while the database is', async (_, operation) => {
    expect(await refusal(out, operation)).toEqual([503, operation.isPublic ? undefined : 'unavailable']);
  });
});
