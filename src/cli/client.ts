import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Pool } from 'pg';
import type { SecurityEventKind, SecurityEvents } from '../authorization/security-events.ts';
import { redirectUriFault } from '../http/oauth/registration.ts';
import { loadConfig } from '../config.ts';
import { openServices } from '../services.ts';
import {
  type ClientMetadata,
  disableClient,
  enableClient,
  findClient,
  listClients,
  makeClientSecret,
  putClient,
  removeClient,
  rotateClientSecret,
} from '../storage/oauth-clients.ts';
import { createLog } from '../telemetry/log.ts';
import { readArguments, UsageError, withUsage } from './arguments.ts';
import type { CommandIo } from './io.ts';

const usage = `npm run client -- COMMAND [ID] [options]

Apps and back-end clients of the authorization server, beside the running server or without it.

  add [ID] --name NAME --redirect URI [--redirect …] [--scope SCOPES] [--confidential]
      an app: public (a page, a phone), or confidential, with a secret that is printed once
  add [ID] --name NAME --backend --scope SCOPES --jwks-uri URL | --jwks FILE
      a client that acts for itself and signs with its own key (private_key_jwt)
  list
  disable ID, enable ID, remove ID     its tokens end at once
  rotate-secret ID                     the old one ends at once

--jwks and --jwks-uri serve apps too: they are confidential then, with a key in place of a secret.
--client-uri, --policy and --terms are addresses of its pages, shown when users decide on it.
`;

const options = {
  name: { type: 'string' },
  redirect: { type: 'string', multiple: true },
  scope: { type: 'string' },
  confidential: { type: 'boolean', default: false },
  backend: { type: 'boolean', default: false },
  jwks: { type: 'string' },
  'jwks-uri': { type: 'string' },
  'client-uri': { type: 'string' },
  policy: { type: 'string' },
  terms: { type: 'string' },
} as const;

type Values = ReturnType<typeof readArguments<typeof options>>['values'];

export function run(args: readonly string[], io: CommandIo): Promise<number> {
  return withUsage(usage, args, io, async () => {
    const { values, positionals } = readArguments(args, options);
    const [command = '', id, ...more] = positionals;
    if (more.length > 0 || (id === undefined && ['disable', 'enable', 'remove', 'rotate-secret'].includes(command)))
      throw new UsageError(`${command} takes the id of a client`);
    const asked = command === 'add' ? await newClient(id, values) : undefined;
    const config = loadConfig();
    const services = await openServices(config, createLog({ logLevel: config.logLevel === 'info' ? 'warn' : config.logLevel }), 'attach');
    const { events } = services;
    const { pool } = services.context;
    const changed = async (kind: SecurityEventKind, isDone: boolean): Promise<number> => {
      if (isDone) await events({ kind, outcome: 0, client: id ?? '', detail: 'operator' });
      return said(io, isDone);
    };
    try {
      switch (command) {
        case 'add':
          return asked === undefined ? 2 : await add(pool, asked, events, io);
        case 'list':
          return await list(pool, io);
        case 'disable':
          return await changed('client-disabled', await disableClient(pool, id ?? ''));
        case 'enable':
          return await changed('client-enabled', await enableClient(pool, id ?? ''));
        case 'remove':
          return await changed('client-removed', await removeClient(pool, id ?? ''));
        case 'rotate-secret':
          return await rotate(pool, id ?? '', events, io);
        default:
          throw new UsageError(command === '' ? 'a command is needed' : `"${command}" is no command`);
      }
    } finally {
      await services.close();
    }
  });
}

type NewClient = { readonly id: string; readonly metadata: ClientMetadata; readonly secret?: string };

/** The metadata that the options come to. @throws UsageError */
async function newClient(given: string | undefined, values: Values): Promise<NewClient> {
  const { name, redirect = [], scope, confidential, backend } = values;
  const id = given ?? randomUUID();
  if (!/^[\w.~-]{1,100}$/.test(id)) throw new UsageError('an id has letters, digits and . _ ~ -');
  if (name === undefined || name.trim() === '') throw new UsageError('add needs --name');
  const fault = redirect.map(redirectUriFault).find((each) => each !== undefined);
  if (fault !== undefined) throw new UsageError(fault);
  if (backend === redirect.length > 0) throw new UsageError('add needs --redirect, or --backend without it');
  const keys = await keysOf(values);
  if (backend && (keys === undefined || scope === undefined)) throw new UsageError('--backend needs --scope, and --jwks-uri or --jwks');
  if (confidential && keys !== undefined) throw new UsageError('--confidential gives a secret: leave the keys out');
  const metadata: ClientMetadata = {
    client_name: name,
    redirect_uris: redirect,
    application_type: redirect.every((uri) => /^https?:/i.test(uri)) ? 'web' : 'native',
    response_types: backend ? [] : ['code'],
    grant_types: backend ? ['client_credentials'] : ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: keys !== undefined ? 'private_key_jwt' : confidential ? 'client_secret_basic' : 'none',
    ...keys,
    ...(scope === undefined ? {} : { scope }),
    ...webAddresses(values),
  };
  return { id, metadata, ...(confidential ? { secret: makeClientSecret() } : {}) };
}

function webAddresses(values: Values): ClientMetadata {
  const named = { client_uri: values['client-uri'], policy_uri: values.policy, tos_uri: values.terms };
  const given = Object.entries(named).filter(([, uri]) => uri !== undefined);
  const wrong = given.find(([, uri]) => !/^https?:\/\/\S+$/.test(uri ?? ''));
  if (wrong !== undefined) throw new UsageError('--client-uri, --policy and --terms are web addresses');
  return Object.fromEntries(given);
}

async function keysOf({ jwks: file, 'jwks-uri': uri }: Values): Promise<{ jwks: unknown } | { jwks_uri: string } | undefined> {
  if (file !== undefined && uri !== undefined) throw new UsageError('--jwks or --jwks-uri, not both');
  if (uri !== undefined) {
    if (!URL.canParse(uri)) throw new UsageError('--jwks-uri is no address');
    return { jwks_uri: uri };
  }
  if (file === undefined) return undefined;
  const keys: unknown = JSON.parse(await readFile(file, 'utf8'));
  const list = typeof keys === 'object' && keys !== null && 'keys' in keys ? keys.keys : undefined;
  if (!Array.isArray(list) || list.length === 0) throw new UsageError('--jwks holds no keys');
  const secret = list.some((key: unknown) => typeof key === 'object' && key !== null && ('d' in key || 'k' in key));
  if (secret) throw new UsageError('--jwks holds a private key: give public ones only');
  return { jwks: { keys: list } };
}

async function add(pool: Pool, client: NewClient, events: SecurityEvents, io: CommandIo): Promise<number> {
  if ((await findClient(pool, client.id)) !== undefined) {
    io.stderr.write('A client of this id is there already.\n');
    return 1;
  }
  await putClient(pool, { ...client, source: 'operator' });
  await events({ kind: 'client-registered', outcome: 0, client: client.id, detail: 'operator' });
  io.stderr.write(client.secret === undefined ? 'Its id:\n' : 'Its id, and its secret, which is not shown again:\n');
  io.stdout.write([client.id, client.secret].flatMap((each) => (each === undefined ? [] : [`${each}\n`])).join(''));
  return 0;
}

async function list(pool: Pool, { stdout }: CommandIo): Promise<number> {
  for (const { id, metadata, source, disabled, usedAt } of await listClients(pool)) {
    const method = metadata['token_endpoint_auth_method'];
    const facts = [
      id,
      String(method),
      source,
      disabled ? 'disabled' : 'enabled',
      usedAt?.toISOString() ?? '-',
      String(metadata['client_name']),
    ];
    stdout.write(`${facts.join('\t')}\n`);
  }
  return 0;
}

async function rotate(pool: Pool, id: string, events: SecurityEvents, io: CommandIo): Promise<number> {
  const secret = await rotateClientSecret(pool, id);
  if (secret === undefined) {
    io.stderr.write('There is no such client, or it has no secret.\n');
    return 1;
  }
  await events({ kind: 'client-changed', outcome: 0, client: id, detail: 'secret' });
  io.stdout.write(`${secret}\n`);
  return 0;
}

function said({ stderr }: CommandIo, done: boolean): number {
  stderr.write(done ? 'Done.\n' : 'There is no such client.\n');
  return done ? 0 : 1;
}
