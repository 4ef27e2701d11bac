/**
 * The ceilings that the server is measured beside, as a process of their own: a Node http server with a fixed answer, one with
 * one prepared SELECT by key, and a bare multi-row INSERT. Started by bench/run.ts, which speaks with it by IPC.
 */
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'pg';
import { type Command, type Reply, ROW_BYTES, ROWS_PER_INSERT, TABLE_ROWS } from './ceiling-process.ts';

const POOL_SIZE = 16;
const SCHEMA = 'bench_ceiling';
const HEADERS = { 'content-type': 'application/fhir+json' };

let pool: Pool | undefined;

if (process.send === undefined) throw new Error('bench/run.ts starts this');
const reply = (message: Reply): void => void process.send?.(message);

process.on('message', (command: Command) => {
  obey(command).then(reply, (error: unknown) => reply({ failed: error instanceof Error ? error.message : String(error) }));
});
process.on('disconnect', () => {
  const dropped = pool?.query(`drop schema if exists ${SCHEMA} cascade`) ?? Promise.resolve();
  dropped.finally(() => process.exit(0)).catch(() => undefined);
});

async function obey(command: Command): Promise<Reply> {
  if ('insert' in command) return { inserted: { rowsPerSecond: await insertFor(command.insert.seconds, command.insert.connections) } };
  const body = randomBytes(ROW_BYTES);
  const fixed = await listen((_request, response) => respond(response, body));
  const { databaseUrl } = command.open;
  if (databaseUrl === undefined) return { opened: { fixed, select: undefined } };
  const opened = new Pool({ connectionString: databaseUrl, max: POOL_SIZE });
  pool = opened;
  await fill(opened);
  const select = await listen((request, response) => {
    // Rides item_pkey.
    const query = { name: 'by-key', text: `select content from ${SCHEMA}.item where key = $1`, values: [request.url?.slice(1)] };
    opened.query<{ content: Buffer }>(query).then(
      ({ rows: [row] }) => (row === undefined ? response.writeHead(404).end() : respond(response, row.content)),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  return { opened: { fixed, select } };
}

function respond(response: http.ServerResponse, body: Buffer): void {
  response.writeHead(200, { ...HEADERS, 'content-length': body.length }).end(body);
}

async function listen(handler: http.RequestListener): Promise<string> {
  const server = http.createServer(handler);
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Rows of random bytes, as long as a sealed resource: they don't compress either. */
async function fill(opened: Pool): Promise<void> {
  await opened.query(`drop schema if exists ${SCHEMA} cascade`);
  await opened.query(`create schema ${SCHEMA}`);
  await opened.query(`create table ${SCHEMA}.item (key bigint primary key, content bytea not null)`);
  await opened.query(`create table ${SCHEMA}.inserted (key bigint generated always as identity primary key, content bytea not null)`);
  for (let first = 0; first < TABLE_ROWS; first += 1000) {
    const contents = Array.from({ length: 1000 }, () => randomBytes(ROW_BYTES));
    await opened.query(
      `insert into ${SCHEMA}.item select $1::bigint + n - 1, content from unnest($2::bytea[]) with ordinality as row (content, n)`,
      [first, contents],
    );
  }
  await opened.query(`vacuum analyze ${SCHEMA}.item`);
}

/** Inserts rows, so many in a statement and a commit each, from all connections; the table is emptied first. */
async function insertFor(seconds: number, connections: number): Promise<number> {
  const opened = pool;
  if (opened === undefined) throw new Error('no database');
  await opened.query(`truncate ${SCHEMA}.inserted`);
  const contents = Array.from({ length: ROWS_PER_INSERT }, () => randomBytes(ROW_BYTES));
  const query = { name: 'insert', text: `insert into ${SCHEMA}.inserted (content) select * from unnest($1::bytea[])`, values: [contents] };
  let rows = 0;
  const start = performance.now();
  const end = start + seconds * 1000;
  const loop = async (): Promise<void> => {
    while (performance.now() < end) {
      await opened.query(query);
      rows += ROWS_PER_INSERT;
    }
  };
  await Promise.all(Array.from({ length: connections }, loop));
  return rows / ((performance.now() - start) / 1000);
}
