import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { connectionUrl } from './address.ts';
import { type Cluster, type ClusterExit, startCluster } from './cluster.ts';
import { machineMemory, settingsFor } from './settings.ts';

/** The server's database on a cluster, in its two roles: the owner of the tables, and the one that only works on their rows. */
export type EmbeddedDatabase = {
  readonly url: string;
  readonly migrationUrl: string;
  readonly serverRole: string;
  readonly stop: () => Promise<void>;
  readonly psql: string;
};

const databaseName = 'anamnesis';
const ownerRole = 'anamnesis_owner';
const serverRole = 'anamnesis';

export type EmbeddedOptions = {
  readonly dir: string;
  readonly kind: 'main' | 'keys';
  readonly onLog: (line: string) => void;
  readonly onExit: (exit: ClusterExit) => void;
};

/** Starts a cluster of the embedded PostgreSQL, and the first time makes the roles and the database in it. */
export async function startEmbeddedDatabase(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  const { kind, onLog, onExit } = options;
  const dir = join(options.dir, kind);
  const cluster = await startCluster({ dir, settings: settingsFor(kind, machineMemory()), onLog, onExit, restart: true });
  try {
    const passwords = await ensureDatabase(cluster, join(dir, 'roles.json'));
    const login = (user: string, password: string) => cluster.url({ user, password, database: databaseName });
    return {
      url: login(serverRole, passwords.server),
      migrationUrl: login(ownerRole, passwords.owner),
      serverRole,
      stop: () => cluster.stop(),
      psql: `psql -h ${cluster.host} -p ${cluster.port} -U ${ownerRole} ${databaseName}`,
    };
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

/** The database of a cluster that a server runs in this folder at this moment, for commands beside that server. */
export async function findEmbeddedDatabase(
  options: Pick<EmbeddedOptions, 'dir' | 'kind'>,
): Promise<Omit<EmbeddedDatabase, 'stop' | 'psql'>> {
  const dir = join(options.dir, options.kind);
  const [running, roles] = await Promise.all([
    readFile(join(dir, 'data', 'postmaster.pid'), 'utf8'),
    readFile(join(dir, 'roles.json'), 'utf8'),
  ]).catch((cause: unknown) => {
    throw new Error(`The PostgreSQL in "${dir}" is not up: wait until the server has started.`, { cause });
  });
  // https://www.postgresql.org/docs/18/storage-file-layout.html: pid, folder, start, port, socket folder, address
  const [, , , port, socketFolder, address] = running.split('\n');
  const passwords = JSON.parse(roles) as Passwords;
  const login = (user: string, password: string) =>
    connectionUrl({ host: socketFolder || address || '', port: Number(port) }, { user, password, database: databaseName });
  return { url: login(serverRole, passwords.server), migrationUrl: login(ownerRole, passwords.owner), serverRole };
}

type Passwords = { readonly owner: string; readonly server: string };

/** The file is written after all is made, so that a start that was cut short is simply repeated. */
async function ensureDatabase(cluster: Cluster, file: string): Promise<Passwords> {
  const known = await readFile(file, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  if (known !== undefined) return JSON.parse(known) as Passwords;
  const passwords = { owner: randomBytes(24).toString('hex'), server: randomBytes(24).toString('hex') };
  const client = new Client({ connectionString: cluster.url({ ...cluster.superuser, database: 'postgres' }) });
  await client.connect();
  try {
    await ensureRole(client, ownerRole, passwords.owner);
    await ensureRole(client, serverRole, passwords.server);
    const { rowCount } = await client.query('select from pg_database where datname = $1', [databaseName]);
    if (rowCount === 0) await client.query(`create database ${databaseName} owner ${ownerRole}`);
  } finally {
    await client.end();
  }
  await writeFile(`${file}.new`, JSON.stringify(passwords), { mode: 0o600, flush: true });
  await rename(`${file}.new`, file);
  return passwords;
}

/** Role and password come from this file alone: no client's text gets here. */
async function ensureRole(client: Client, role: string, password: string): Promise<void> {
  const { rowCount } = await client.query('select from pg_roles where rolname = $1', [role]);
  await client.query(`${rowCount === 0 ? 'create' : 'alter'} role ${role} login password '${password}'`);
}
