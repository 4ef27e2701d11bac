import {
  type ApiKeyFault,
  type ApiKeyField,
  apiKeyDays,
  type ApiKeyRegister,
  apiKeyRegister,
  apiKeyFault,
  type AskedApiKey,
  isApiKeyId,
} from '../authorization/api-key-register.ts';
import { loadConfig } from '../config.ts';
import { openServices } from '../services.ts';
import type { ApiKey } from '../storage/api-keys.ts';
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
    const expiresInDays = wholeNumber('--expires', values.expires, 1, apiKeyDays.max);
    switch (action) {
      case 'create': {
        const asked = askedOf(subject, values, expiresInDays);
        return withRegister((register) => create(register, asked, io));
      }
      case 'list':
        return withRegister((register) => list(register, io));
      case 'rotate': {
        const [id, overlapHours] = [idOf(subject), wholeNumber('--overlap', values.overlap, 0, 720)];
        return withRegister((register) => rotate(register, id, { expiresInDays, overlapHours }, io));
      }
      case 'revoke': {
        const id = idOf(subject);
        return withRegister((register) => revoke(register, id, io));
      }
      default:
        throw new UsageError(action === undefined ? 'say what to do' : `${action} is none of create, list, rotate, revoke`);
    }
  });
}

async function withRegister(work: (register: ApiKeyRegister) => Promise<number>): Promise<number> {
  const config = loadConfig();
  const log = createLog({ logLevel: config.logLevel === 'info' ? 'warn' : config.logLevel });
  const services = await openServices(config, log, 'attach');
  try {
    return await work(apiKeyRegister({ pool: services.context.pool, events: services.events }));
  } finally {
    await services.close();
  }
}

function idOf(id: string | undefined): string {
  if (id === undefined || !isApiKeyId(id)) throw new UsageError('say which key: its id has 16 hexadecimal digits, as list shows it');
  return id;
}

type Asked = {
  readonly scope?: string | undefined;
  readonly role: readonly string[];
  readonly patient?: string | undefined;
  readonly user?: string | undefined;
};

function askedOf(name: string | undefined, { scope = '', role, patient, user }: Asked, expiresInDays: number): AskedApiKey {
  if (name === undefined) throw new UsageError('create needs a name');
  const asked: AskedApiKey = {
    name,
    scopes: scope.split(' ').filter((text) => text !== ''),
    roles: role,
    expiresInDays,
    ...(patient === undefined ? {} : { patient }),
    ...(user === undefined ? {} : { fhirUser: user }),
  };
  const fault = apiKeyFault(asked);
  if (fault !== undefined) throw usageFault(fault);
  return asked;
}

const written: Readonly<Record<ApiKeyField, string>> = {
  name: 'a name',
  scopes: '--scope',
  roles: '--role',
  patient: '--patient',
  fhirUser: '--user',
  expiresInDays: '--expires',
  overlapHours: '--overlap',
};

function usageFault({ field, text }: ApiKeyFault): UsageError {
  return new UsageError(`${written[field]} ${text}`);
}

async function create(register: ApiKeyRegister, asked: AskedApiKey, io: CommandIo): Promise<number> {
  const made = await register.create(asked);
  if ('field' in made) throw usageFault(made);
  io.stdout.write(`${made.secret}\n`);
  io.stderr.write(`Key ${made.key.id} is good until ${made.key.expiresAt.toISOString()}. It is not shown again.\n`);
  return 0;
}

async function list(register: ApiKeyRegister, io: CommandIo): Promise<number> {
  const keys = await register.list();
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
  register: ApiKeyRegister,
  id: string,
  asked: { readonly expiresInDays: number; readonly overlapHours: number },
  io: CommandIo,
): Promise<number> {
  const rotated = await register.rotate(id, asked);
  if (rotated === undefined) return missing(id, io);
  if ('field' in rotated) throw usageFault(rotated);
  io.stdout.write(`${rotated.secret}\n`);
  io.stderr.write(`Key ${id} is good until ${rotated.key.expiresAt.toISOString()}; the one before for ${asked.overlapHours} hours yet.\n`);
  return 0;
}

async function revoke(register: ApiKeyRegister, id: string, io: CommandIo): Promise<number> {
  if (!(await register.revoke(id))) return missing(id, io);
  io.stderr.write(`Key ${id} is revoked.\n`);
  return 0;
}

function missing(id: string, io: CommandIo): number {
  io.stderr.write(`There is no key ${id} in force.\n`);
  return 1;
}
