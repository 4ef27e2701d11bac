import { createInterface } from 'node:readline/promises';
import type { Pool } from 'pg';
import { makePassword, passwordRule } from '../authorization/passwords.ts';
import { isRole, type Role } from '../authorization/roles.ts';
import type { UserFault } from '../authorization/user-faults.ts';
import type { User, Users } from '../authorization/users.ts';
import { loadConfig } from '../config.ts';
import type { SecurityEvents } from '../authorization/security-events.ts';
import { openServices } from '../services.ts';
import { inTransaction } from '../storage/database.ts';
import { unbindIdentities } from '../storage/federated-identities.ts';
import { revokeAccount } from '../storage/oauth-revocations.ts';
import { createLog } from '../telemetry/log.ts';
import { readArguments, UsageError, withUsage } from './arguments.ts';
import type { CommandIo } from './io.ts';

const usage = `npm run user -- COMMAND [LOGIN] [options]

Local users, beside the running server or without it. What ends a right ends the user's sessions and tokens at once.

  add LOGIN --role ROLE [--role …] [--name NAME] [--fhir-user TYPE/ID]
  list
  disable LOGIN, enable LOGIN
  password LOGIN       a new password
  totp-reset LOGIN     takes the second factor away: he may set up another
  unlink LOGIN         forgets who he is at outside providers
  roles LOGIN --role ROLE [--role …] [--fhir-user TYPE/ID]

Roles are patient, viewer, provider and admin. --fhir-user says whose record in the store it is: Patient/ID, Practitioner/ID.
A password is made and printed, or with --password-stdin read from the standard input.
`;

export function run(args: readonly string[], io: CommandIo): Promise<number> {
  return withUsage(usage, args, io, async () => {
    const { values, positionals } = readArguments(args, {
      role: { type: 'string', multiple: true },
      name: { type: 'string' },
      'fhir-user': { type: 'string' },
      'password-stdin': { type: 'boolean', default: false },
    });
    const [name = '', login, ...more] = positionals;
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (command === undefined) throw new UsageError(name === '' ? 'a command is needed' : `"${name}" is no command`);
    if ((login === undefined) === command.takesLogin || more.length > 0)
      throw new UsageError(`${name} ${command.takesLogin ? 'takes a login name' : 'takes nothing more'}`);
    const config = loadConfig();
    const services = await openServices(config, createLog({ logLevel: config.logLevel === 'info' ? 'warn' : config.logLevel }), 'attach');
    try {
      return await command.run({
        users: services.users,
        pool: services.context.pool,
        events: services.events,
        io,
        login: login ?? '',
        roles: values.role?.map(roleOf),
        name: values.name,
        fhirUser: values['fhir-user'],
        password: () => (values['password-stdin'] ? readPassword() : Promise.resolve(undefined)),
      });
    } finally {
      await services.close();
    }
  });
}

type Asked = {
  readonly users: Users;
  readonly pool: Pool;
  readonly events: SecurityEvents;
  readonly io: CommandIo;
  readonly login: string;
  readonly roles: readonly Role[] | undefined;
  readonly name: string | undefined;
  readonly fhirUser: string | undefined;
  /** The one that was given; undefined: one is made. */
  readonly password: () => Promise<string | undefined>;
};

type Command = { readonly takesLogin: boolean; readonly run: (asked: Asked) => Promise<number> };

const commands: Readonly<Record<string, Command>> = {
  add: { takesLogin: true, run: add },
  list: { takesLogin: false, run: list },
  disable: { takesLogin: true, run: (asked) => withUser(asked, (user) => asked.users.setEnabled(user, false)) },
  enable: { takesLogin: true, run: (asked) => withUser(asked, (user) => asked.users.setEnabled(user, true)) },
  password: { takesLogin: true, run: (asked) => withUser(asked, (user) => newPassword(asked, user)) },
  'totp-reset': { takesLogin: true, run: (asked) => withUser(asked, (user) => asked.users.resetSecondFactor(user)) },
  unlink: { takesLogin: true, run: (asked) => withUser(asked, (user) => unlink(asked, user)) },
  roles: { takesLogin: true, run: (asked) => withUser(asked, (user) => newRights(asked, user)) },
};

/** His sessions and tokens end: who had them may have been somebody else. */
async function unlink({ pool, events }: Asked, { id }: User): Promise<void> {
  await inTransaction(pool, { retriesMax: 3 }, async ({ client }) => {
    const links = await unbindIdentities(client, id);
    await events({ kind: 'account-unlinked', outcome: 0, account: id, detail: String(links) });
  });
  await revokeAccount(pool, id);
}

async function add({ users, io, login, roles, name, fhirUser, password }: Asked): Promise<number> {
  if (roles === undefined) throw new UsageError('add needs --role');
  const given = await password();
  const chosen = given ?? makePassword();
  const user = { login, name: name ?? login, roles, password: chosen, ...(fhirUser === undefined ? {} : { fhirUser }) };
  const added = await users.add(user);
  if (typeof added === 'string') return refused(io, added);
  io.stderr.write(`${added.login} is added.\n`);
  if (given === undefined) io.stdout.write(`${chosen}\n`);
  return 0;
}

async function list({ users, io }: Asked): Promise<number> {
  for (const { login, name, roles, fhirUser, enabled, hasSecondFactor, signedInAt } of await users.list()) {
    const facts = [
      login,
      roles.join(','),
      fhirUser ?? '-',
      enabled ? 'enabled' : 'disabled',
      hasSecondFactor ? 'totp' : '-',
      signedInAt?.toISOString() ?? '-',
      name,
    ];
    io.stdout.write(`${facts.join('\t')}\n`);
  }
  return 0;
}

async function withUser({ users, io, login }: Asked, work: (user: User) => Promise<UserFault | undefined | void>): Promise<number> {
  const user = await users.findByLogin(login);
  if (user === undefined) {
    io.stderr.write('There is no such user.\n');
    return 1;
  }
  const fault = await work(user);
  if (fault !== undefined) return refused(io, fault);
  io.stderr.write('Done.\n');
  return 0;
}

async function newPassword({ users, io, password }: Asked, user: User): Promise<UserFault | undefined> {
  const given = await password();
  const chosen = given ?? makePassword();
  const fault = await users.setPassword(user, chosen);
  if (fault === undefined && given === undefined) io.stdout.write(`${chosen}\n`);
  return fault;
}

function newRights({ users, roles, fhirUser }: Asked, user: User): Promise<UserFault | undefined> {
  if (roles === undefined && fhirUser === undefined) throw new UsageError('roles needs --role or --fhir-user');
  return users.setRights(user, { ...(roles === undefined ? {} : { roles }), ...(fhirUser === undefined ? {} : { fhirUser }) });
}

const faults: Readonly<Record<UserFault, string>> = {
  'login-invalid': 'A login name has 2 to 100 letters, digits and . _ @ + -, and begins with a letter or digit.',
  'login-taken': 'This login name is taken.',
  'password-weak': passwordRule,
  'roles-invalid': 'Roles are patient, viewer, provider and admin.',
  'fhir-user-invalid': '--fhir-user is Patient/ID, Practitioner/ID, PractitionerRole/ID, RelatedPerson/ID or Person/ID.',
};

function refused({ stderr }: CommandIo, fault: UserFault): number {
  stderr.write(`${faults[fault]}\n`);
  return 1;
}

function roleOf(name: string): Role {
  if (!isRole(name)) throw new UsageError(faults['roles-invalid']);
  return name;
}

/** Never an argument: those are in everybody's list of processes. */
async function readPassword(): Promise<string> {
  const lines = createInterface({ input: process.stdin });
  try {
    for await (const line of lines) return line;
    throw new UsageError('--password-stdin found none');
  } finally {
    lines.close();
  }
}
