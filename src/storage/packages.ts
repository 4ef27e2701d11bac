import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import type { Pool } from 'pg';
import { compareVersions, isVersion } from '../fhir/version.ts';
import { inTransaction, type Queryable } from './database.ts';
import { statement } from './sql.ts';

export type PackageHead = {
  readonly name: string;
  readonly version: string;
  readonly title?: string;
  readonly canonical?: string;
  /** Versions by name. */
  readonly dependencies: Readonly<Record<string, string>>;
};

/** A conformance resource of a package, packed by `packResource`. */
export type PackageResource = {
  readonly type: string;
  readonly url: string;
  readonly id: string;
  readonly version?: string;
  readonly name?: string;
  /** The resource type a profile is of: a StructureDefinition of kind resource with derivation constraint. */
  readonly constrains: string | undefined;
  readonly content: Buffer;
};

export type ListedPackage = PackageHead & { readonly resources: number };

/** So many go in one statement. */
const batchRows = 200;

const compress = promisify(zstdCompress);
const expand = promisify(zstdDecompress);

export function packResource(json: string): Promise<Buffer> {
  return compress(json, { params: { [constants.ZSTD_c_compressionLevel]: 6, [constants.ZSTD_c_checksumFlag]: 1 } });
}

/**
 * Adds a package, all of it or, if it fails, nothing; all processes are told.
 *
 * @returns false if this version is here already: nothing is done then
 */
export function addPackage(pool: Pool, head: PackageHead, resources: readonly PackageResource[]): Promise<boolean> {
  return inTransaction(pool, { retriesMax: 3 }, async ({ client }) => {
    const { name, version, title, canonical, dependencies } = head;
    // Who adds the same version at the same time is waited for.
    const { rows } = await client.query<{ id: string }>(
      `insert into package (name, version, title, canonical, dependencies) values ($1, $2, $3, $4, $5)
       on conflict (name, version) do nothing returning id`,
      [name, version, title ?? null, canonical ?? null, JSON.stringify(dependencies)],
    );
    const [added] = rows;
    if (added === undefined) return false;
    for (let at = 0; at < resources.length; at += batchRows) await insertResources(client, added.id, resources.slice(at, at + batchRows));
    return true;
  });
}

async function insertResources(client: Queryable, id: string, resources: readonly PackageResource[]): Promise<void> {
  await client.query(
    `insert into package_resource (package, type, url, id, version, name, constrains, content)
     select $1, r.* from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bytea[]) as r on conflict do nothing`,
    [
      id,
      resources.map(({ type }) => type),
      resources.map(({ url }) => url),
      resources.map((resource) => resource.id),
      resources.map(({ version }) => version ?? null),
      resources.map(({ name }) => name ?? null),
      resources.map(({ constrains }) => constrains ?? null),
      resources.map(({ content }) => content),
    ],
  );
}

/** @returns false if there is no such package */
export async function removePackage(pool: Pool, { name, version }: Pick<PackageHead, 'name' | 'version'>): Promise<boolean> {
  const { rowCount } = await pool.query('delete from package where name = $1 and version = $2', [name, version]);
  return rowCount === 1;
}

/** By name, and of each name the newest first. */
export async function listPackages(db: Queryable): Promise<readonly ListedPackage[]> {
  type Row = {
    name: string;
    version: string;
    title: string | null;
    canonical: string | null;
    dependencies: Record<string, string>;
    resources: number;
  };
  const { rows } = await db.query<Row>(
    `select name, version, title, canonical, dependencies,
       (select count(*)::int4 from package_resource r where r.package = p.id) as resources from package p`,
  );
  return rows
    .map(({ title, canonical, ...row }) => ({
      ...row,
      ...(title === null ? {} : { title }),
      ...(canonical === null ? {} : { canonical }),
    }))
    .sort((a, b) => (a.name === b.name ? compareVersions(b.version, a.version) : a.name < b.name ? -1 : 1));
}

/**
 * A resource of the packages. Rides package_resource_url; the text of only one is read.
 *
 * @param version  exactly, or a beginning like `6.1`; undefined: the newest, of the newest package that has it
 */
export async function findPackaged(db: Queryable, type: string, url: string, version?: string): Promise<object | undefined> {
  type Row = { package: string; id: string; version: string | null; of: string };
  const { rows } = await db.query<Row>(
    statement(
      `select r.package, r.id, r.version, p.version as of from package_resource r join package p on p.id = r.package
       where r.type = $1 and r.url = $2`,
      [type, url],
    ),
  );
  const [best] = rows
    .filter((row) => version === undefined || isVersion(row.version ?? undefined, version))
    .sort((a, b) => compareVersions(b.version ?? undefined, a.version ?? undefined) || compareVersions(b.of, a.of));
  if (best === undefined) return undefined;
  const { rows: found } = await db.query<{ content: Buffer }>(
    statement('select content from package_resource where package = $1 and type = $2 and url = $3 and id = $4', [
      best.package,
      type,
      url,
      best.id,
    ]),
  );
  // It may have been removed in between.
  const [row] = found;
  if (row === undefined) return undefined;
  return JSON.parse((await expand(row.content)).toString('utf8')) as object;
}

/**
 * The profiles of resource types that packages have, by type and url, each once whatever its versions.
 * Rides the index on (constrains, url), which holds nothing else.
 */
export async function packagedProfiles(db: Queryable, limit: number): Promise<readonly { readonly type: string; readonly url: string }[]> {
  const { rows } = await db.query<{ type: string; url: string }>(
    statement(
      'select distinct constrains as type, url from package_resource where constrains is not null order by constrains, url limit $1',
      [limit],
    ),
  );
  return rows;
}
