import type { Pool } from 'pg';
import { makeSecret } from '../authorization/api-keys.ts';
import { assertCoherent } from '../authorization/grant.ts';
import type { SecurityEvents } from '../authorization/security-events.ts';
import { isRole, type Role } from '../authorization/roles.ts';
import { parseScopes } from '../authorization/scopes.ts';
import { loadConfig } from '../config.ts';
import { FhirError } from '../fhir/error.ts';
import { openServices } from '../services.ts';
import { type ApiKey, insertApiKey, listApiKeys, revokeApiKey, rotateApiKey } from '../storage/api-keys.ts';
import { createLog } from '../telemetry/log.ts';
import { readArguments, UsageError, wholeNumber, withUsage } from './arguments.ts';
import type { CommandIo } from './io.ts';

const usage = `npm run -s keys -- create NAME --scope SCOPES [--role ROLE] [--patient ID] [--user TYPE/ID] [--expires DAYS]
npm run -s keys -- list
npm run -s keys -- rotate ID [--overlap HOURS] [--expires DAYS]
npm run -s keys -- revoke ID

API keys, for programs that can't do OAuth: they send "X-Api-Key: ana_…". create and rotate print the key; it is never shown again.
Works beside the running server or without it.

  --scope    SMART scopes, separated by spaces: "system/Observation.rs"
  --role     what user/ scopes go by: patient, viewer, provider or admin; may be given several times
  --patient  the only patient it is good for, an id: the bound of patient/ scopes
  --user     whom it acts for: Practitioner/ID or Patient/ID
  --expires  days until it expires (90)
  --overlap  hours that the key before a rotation is taken yet (24)
`;

export function run(args: readonly string[], io: CommandIo): Promise<number> {
  return withUsage(usage, args, io, async () => {
    const { values, positionals } = readArguments(args, {
      scope: { type: 'string' },
      role: { type: 'string', multiple: true, default: [] },
      patient: { type: 'string' },
      user: { type: 'string' },
      expires: { type: 'string', default: '90' },
      overlap: { type: 'string', default: '24' },
    });
    const [action, subject, ...more] = positionals;
    if (more.length > 0 || (action === 'list' && subject !== undefined)) throw new UsageError(`unexpected argument ${more[0] ?? subject}`);
    const expiresAt = new Date(Date.now() + wholeNumber('--expires', values.expires, 1, 366) * 86_400_000);
    switch (action) {
      case 'create': {
        const key = { name: nameOf(subject), ...boundsOf(values), expiresAt };
        return withStore((store) => create(store, key, io));
      }
      case 'list':
        return withStore(({ pool }) => list(pool, io));
      case 'rotate': {
        const [id, overlap] = [idOf(subject), wholeNumber('--overlap', values.overlap, 0, 720)];
        return withStore((store) => rotate(store, id, { expiresAt, overlapSeconds: overlap * 3_600 }, io));
      }
      case 'revoke': {
        const id = idOf(subject);
        return withStore((store) => revoke(store, id, io));
      }
      default:
        throw new UsageError(action === undefined ? 'say what to do' : `${action} is none of create, list, rotate, revoke`);
    }
  });
}

type Store = { readonly pool: Pool; readonly events: SecurityEvents };

async function withStore(work: (store: Store) => Promise<number>): Promise<number> {
  const config = loadConfig();
  const log = createLog({ logLevel: config.logLevel === 'info' ? 'warn' : config.logLevel });
  const services = await openServices(config, log, 'attach');
  try {
    return await work({ pool: services.context.pool, events: services.events });
  } finally {
    await services.close();
  }
}

function nameOf(name: string | undefined): string {
  if (name === undefined) throw new UsageError('create needs a name');
  if (!/^[^\p{C}]{1,100}$/u.test(name)) throw new UsageError('a name has up to 100 printable characters');
  return name;
}

function idOf(id: string | undefined): string {
  if (id === undefined || !/^[0-9a-f]{16}$/.test(id))
    throw new UsageError('say which key: its id has 16 hexadecimal digits, as list shows it');
  return id;
}

type Bounds = Pick<ApiKey, 'scopes' | 'roles' | 'patient' | 'fhirUser'>;
type Asked = {
  readonly scope?: string | undefined;
  readonly role: readonly string[];
  readonly patient?: string | undefined;
  readonly user?: string | undefined;
};

/** What is asked for, if it grants something at all: a key that can't work is no key. */
function boundsOf({ scope, role, patient, user }: Asked): Bounds {
  const scopes = [...new Set((scope ?? '').split(' ').filter((text) => text !== ''))];
  if (scopes.length === 0) throw new UsageError('--scope is needed');
  const notRole = role.find((name) => !isRole(name));
  if (notRole !== undefined) throw new UsageError(`--role ${notRole} is none of patient, viewer, provider, admin`);
  const level = role.length === 0 ? 'system' : 'user';
  const unknown = scopes.find((text) => parseScopes([text], level).length === 0);
  if (unknown !== undefined) throw new UsageError(`--scope ${unknown} is no scope of resources`);
  if (patient !== undefined && !/^[A-Za-z0-9\-.]{1,64}$/.test(patient)) throw new UsageError('--patient must be an id');
  if (user !== undefined && !/^(?:Patient|Practitioner|PractitionerRole|RelatedPerson|Person)\/[A-Za-z0-9\-.]{1,64}$/.test(user))
    throw new UsageError('--user must be such as Practitioner/ID');
  const grant = { issuer: '', subject: '', clientId: '', roles: role.filter((name): name is Role => isRole(name)) };
  try {
    assertCoherent({ ...grant, scopes: parseScopes(scopes, level), ...(patient === undefined ? {} : { patient }) });
  } catch (error) {
    if (!(error instanceof FhirError)) throw error;
    throw new UsageError('such scopes have no meaning together: patient/ ones need --patient, and go with no system/ ones', {
      cause: error,
    });
  }
  return { scopes, roles: [...new Set(role)], patient: patient ?? null, fhirUser: user ?? null };
}

async function create({ pool, events }: Store, key: Bounds & Pick<ApiKey, 'name' | 'expiresAt'>, io: CommandIo): Promise<number> {
  const { id, text, hash } = makeSecret();
  await insertApiKey(pool, { ...key, id, secretHash: hash });
  await events({ kind: 'api-key-created', outcome: 0, client: id, scope: key.scopes.join(' ') });
  io.stdout.write(`${text}\n`);
  io.stderr.write(`Key ${id} is good until ${key.expiresAt.toISOString()}. It is not shown again.\n`);
  return 0;
}

async function list(pool: Pool, io: CommandIo): Promise<number> {
  const keys = await listApiKeys(pool);
  for (const key of keys) {
    const { id, name, scopes, roles, patient, fhirUser, lastUsedAt } = key;
    const bounds = [
      ...roles.map((role) => `role ${role}`),
      ...(patient === null ? [] : [`patient ${patient}`]),
      ...(fhirUser === null ? [] : [fhirUser]),
    ];
    const used = lastUsedAt === null ? 'never used' : `last used ${lastUsedAt.toISOString().slice(0, 13)}h`;
    io.stdout.write(`${[id, stateOf(key), used, scopes.join(' '), ...bounds, name].join('  ')}\n`);
  }
  if (keys.length === 0) io.stderr.write('There are no API keys.\n');
  return 0;
}

function stateOf({ revokedAt, expiresAt, previousUntil }: ApiKey): string {
  if (revokedAt !== null) return `revoked ${revokedAt.toISOString()}`;
  if (expiresAt.getTime() <= Date.now()) return `expired ${expiresAt.toISOString()}`;
  const overlap =
    previousUntil !== null && previousUntil.getTime() > Date.now() ? `, the key before until ${previousUntil.toISOString()}` : '';
  return `good until ${expiresAt.toISOString()}${overlap}`;
}

async function rotate(
  { pool, events }: Store,
  id: string,
  next: { readonly expiresAt: Date; readonly overlapSeconds: number },
  io: CommandIo,
): Promise<number> {
  const { text, hash } = makeSecret(id);
  if (!(await rotateApiKey(pool, id, { ...next, secretHash: hash }))) return missing(id, io);
  await events({ kind: 'api-key-rotated', outcome: 0, client: id });
  io.stdout.write(`${text}\n`);
  io.stderr.write(
    `Key ${id} is good until ${next.expiresAt.toISOString()}; the one before for ${next.overlapSeconds / 3_600} hours yet.\n`,
  );
  return 0;
}

async function revoke({ pool, events }: Store, id: string, io: CommandIo): Promise<number> {
  if (!(await revokeApiKey(pool, id))) return missing(id, io);
  await events({ kind: 'api-key-revoked', outcome: 0, client: id });
  io.stderr.write(`Key ${id} is revoked.\n`);
  return 0;
}

function missing(id: string, io: CommandIo): number {
  io.stderr.write(`There is no key ${id} in force.\n`);
  return 1;
}
