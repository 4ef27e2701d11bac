import { createHmac, hkdfSync, randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { openBytes, sealBytes } from '../encryption/seal-bytes.ts';
import { makeDataKey } from '../encryption/seal.ts';
import { endSessions, revokeAccount } from '../storage/oauth-revocations.ts';
import { beginAttempt, type FailureRule, forgetAttempts, forgiveAttempt } from '../storage/sign-in-failures.ts';
import {
  type AccountRow,
  accountById,
  accountByLogin,
  changeAccount,
  insertAccount,
  listAccounts,
  noteSignIn,
  setSecondFactor,
  takeRecoveryCode,
  takeStep,
} from '../storage/users.ts';
import { isGoodPassword, makePasswords, type PasswordCost } from './passwords.ts';
import { isRole, type Role } from './roles.ts';
import { normalisedLogin, rightsFault, type UserFault, userFault } from './user-faults.ts';
import type { SecurityEventKind, SecurityEvents } from './security-events.ts';
import { makeRecoveryCodes, makeTotpSecret, recoveryHash, stepOfCode, totpUri } from './second-factor.ts';

export type User = {
  readonly id: string;
  readonly login: string;
  /** What pages call him. */
  readonly name: string;
  readonly roles: readonly Role[];
  /** `Practitioner/123`. */
  readonly fhirUser?: string;
  /** Who has none signs in elsewhere. */
  readonly hasPassword: boolean;
  readonly hasSecondFactor: boolean;
  readonly enabled: boolean;
  readonly createdAt: Date;
  readonly signedInAt?: Date;
};

/** Without a password he signs in elsewhere. */
export type NewUser = Pick<User, 'login' | 'name' | 'roles' | 'fhirUser'> & { readonly password?: string };

/** What came of a proof of identity. `wait`: it was not looked at, and none will be for so many seconds. */
export type Proof = { readonly user: User } | 'refused' | { readonly waitSeconds: number };

/** `password-weak` is not counted as an attempt: the present one was not looked at. */
export type PasswordChange = 'changed' | 'refused' | 'password-weak' | { readonly waitSeconds: number };

/** `network`: what of the client's address attempts are counted by. */
export type PasswordAttempt = { readonly current: string; readonly next: string; readonly network: string };

export type Enrolment = { readonly secret: string; readonly uri: string };

/** Local accounts. */
export type Users = {
  /** Undefined also for who is disabled. */
  readonly find: (id: string) => Promise<User | undefined>;
  readonly findByLogin: (login: string) => Promise<User | undefined>;
  readonly list: () => Promise<readonly User[]>;
  /** @returns the user, or what is wrong with him */
  readonly add: (user: NewUser) => Promise<User | UserFault>;
  /** All his sessions and tokens end. */
  readonly setPassword: (user: User, password: string) => Promise<UserFault | undefined>;
  /**
   * The user's own change: it takes his present password, and counts as an attempt at it. His sessions end; what his apps have stays.
   *
   * @param session  the id of the one that goes on
   */
  readonly changePassword: (user: User, attempt: PasswordAttempt, session: string) => Promise<PasswordChange>;
  readonly setEnabled: (user: User, enabled: boolean) => Promise<void>;
  readonly setRights: (
    user: User,
    rights: { readonly roles?: readonly Role[]; readonly fhirUser?: string },
  ) => Promise<UserFault | undefined>;
  readonly resetSecondFactor: (user: User) => Promise<void>;
  /**
   * Takes as long, and says the same, whether the login name, the password or the account is to blame.
   *
   * @param attempt.network  what of the client's address attempts are counted by
   */
  readonly provePassword: (attempt: { readonly login: string; readonly password: string; readonly network: string }) => Promise<Proof>;
  /** A code of his authenticator or one of the recovery codes; neither is taken twice. */
  readonly proveSecondFactor: (attempt: { readonly id: string; readonly code: string; readonly network: string }) => Promise<Proof>;
  /** @param how  what he proved himself by: `pwd`, `otp` */
  readonly signedIn: (user: User, how: readonly string[]) => Promise<void>;
  /** A secret for his authenticator; in force once `enrol` saw a code of it. */
  readonly beginEnrolment: (user: User) => Enrolment;
  readonly enrolmentOf: (user: User, secret: string) => Enrolment;
  /** @returns the recovery codes, never to be told again; undefined if the code is not the secret's */
  readonly enrol: (user: User, secret: string, code: string) => Promise<readonly string[] | undefined>;
};

const usersListed = 10_000;

/** One failed password after the fifth makes the account wait 10 s, the next 20 s, up to 15 min. */
const accountRule: FailureRule = { free: 5, waitSeconds: 5, waitSecondsMax: 900, forgetSeconds: 3_600 };
/** Behind one address there may be a whole hospital. */
const addressRule: FailureRule = { free: 20, waitSeconds: 5, waitSecondsMax: 900, forgetSeconds: 30 };

export type UsersOptions = {
  readonly pool: Pool;
  /** 32 bytes that the main database doesn't hold. */
  readonly secret: Buffer;
  readonly events: SecurityEvents;
  readonly passwordCost?: PasswordCost;
  readonly now?: () => number;
};

export function makeUsers({ pool, secret, events, passwordCost, now = Date.now }: UsersOptions): Users {
  const keys = keysOf(secret);
  const passwords = makePasswords(keys.pepper, passwordCost);
  const hashOf = (text: string): Buffer => createHmac('sha256', keys.names).update(text).digest();
  const loginKeyOf = (login: string): Buffer => hashOf(`login\0${normalisedLogin(login)}`);

  function userOf(row: AccountRow): User {
    const { login, name } = JSON.parse(openBytes(keys.seal, `account/${row.id}`, row.profile).toString('utf8')) as Profile;
    return {
      id: row.id,
      login,
      name,
      roles: row.roles.filter(isRole),
      hasPassword: row.password !== undefined,
      hasSecondFactor: row.totp !== undefined,
      enabled: row.enabled,
      createdAt: row.createdAt,
      ...(row.fhirUser === undefined ? {} : { fhirUser: row.fhirUser }),
      ...(row.signedInAt === undefined ? {} : { signedInAt: row.signedInAt }),
    };
  }

  async function enabledRow(id: string): Promise<AccountRow | undefined> {
    const row = isUuid(id) ? await accountById(pool, id) : undefined;
    return row?.enabled === true ? row : undefined;
  }

  /** Both count, whichever is tried; the longer waiting is told. */
  async function attempt(account: Buffer, address: Buffer): Promise<number> {
    const [byAccount, byAddress] = [await beginAttempt(pool, account, accountRule), await beginAttempt(pool, address, addressRule)];
    return Math.max(byAccount, byAddress);
  }

  /** At the cost of an attempt. */
  async function proven(login: string, password: string, network: string): Promise<AccountRow | Exclude<Proof, { user: User }>> {
    const [account, from] = [loginKeyOf(login), hashOf(`network\0${network}`)];
    const waitSeconds = await attempt(account, from);
    if (waitSeconds > 0) {
      await events({ kind: 'locked', outcome: 4, detail: 'password' });
      return { waitSeconds };
    }
    const row = await accountByLogin(pool, account);
    const isRight = await passwords.verify(password.slice(0, passwordCharactersMax), row?.password);
    if (!isRight || row === undefined || !row.enabled) {
      const detail = row === undefined ? 'unknown' : isRight ? 'disabled' : 'password';
      await events({ kind: 'login-failed', outcome: 4, detail, ...(row === undefined ? {} : { account: row.id }) });
      return 'refused';
    }
    await succeeded(account, from);
    return row;
  }

  async function succeeded(account: Buffer, address: Buffer): Promise<void> {
    await Promise.all([forgetAttempts(pool, account), forgiveAttempt(pool, address, addressRule)]);
  }

  async function isSecondFactor(row: AccountRow, code: string): Promise<boolean> {
    if (row.totp === undefined) return false;
    const step = stepOfCode(openBytes(keys.seal, `totp/${row.id}`, row.totp).toString('utf8'), code, now());
    if (step !== undefined) return takeStep(pool, row.id, step);
    const recovery = recoveryHash(keys.names, code);
    if (recovery === undefined || !(await takeRecoveryCode(pool, row.id, recovery))) return false;
    await done('recovery-used', row);
    return true;
  }

  const done = (kind: SecurityEventKind, { id, fhirUser }: Pick<User, 'id' | 'fhirUser'>, detail?: string): Promise<void> =>
    events({
      kind,
      outcome: 0,
      account: id,
      ...(fhirUser === undefined ? {} : { fhirUser }),
      ...(detail === undefined ? {} : { detail }),
    });

  return {
    async find(id) {
      const row = await enabledRow(id);
      return row === undefined ? undefined : userOf(row);
    },
    async findByLogin(login) {
      const row = await accountByLogin(pool, loginKeyOf(login));
      return row === undefined ? undefined : userOf(row);
    },
    list: async () => (await listAccounts(pool, usersListed)).map(userOf),
    async add({ login: given, name, roles, fhirUser, password }) {
      const login = normalisedLogin(given);
      const fault = userFault({ login, roles, fhirUser, password });
      if (fault !== undefined) return fault;
      const id = randomUUID();
      const profile = sealBytes(keys.seal, `account/${id}`, Buffer.from(JSON.stringify({ login, name } satisfies Profile)));
      const hashed = password === undefined ? undefined : await passwords.hash(password);
      const added = await insertAccount(pool, { id, loginKey: loginKeyOf(login), profile, password: hashed, roles, fhirUser });
      const stored = added ? await accountById(pool, id) : undefined;
      if (stored === undefined) return 'login-taken';
      const user = userOf(stored);
      await done('user-created', user, roles.join(' '));
      return user;
    },
    async setPassword(user, password) {
      const { id, login } = user;
      if (!isGoodPassword(password, login)) return 'password-weak';
      await changeAccount(pool, id, { password: await passwords.hash(password) });
      await Promise.all([revokeAccount(pool, id), forgetAttempts(pool, loginKeyOf(login))]);
      await done('password-changed', user, 'operator');
      return undefined;
    },
    async changePassword(user, { current, next, network }, session) {
      if (!isGoodPassword(next, user.login)) return 'password-weak';
      const row = await proven(user.login, current, network);
      if (row === 'refused' || 'waitSeconds' in row) return row;
      // Another change at the same moment, above all an operator's, is not undone by this one.
      const isChanged = await changeAccount(pool, row.id, { password: await passwords.hash(next), passwordBefore: row.password });
      if (!isChanged) return 'refused';
      await endSessions(pool, row.id, session);
      await done('password-changed', user, 'own');
      return 'changed';
    },
    async setEnabled(user, enabled) {
      await changeAccount(pool, user.id, { enabled });
      if (!enabled) await revokeAccount(pool, user.id);
      await done(enabled ? 'user-enabled' : 'user-disabled', user);
    },
    async setRights(user, { roles = user.roles, fhirUser }) {
      const { id } = user;
      const fault = rightsFault(roles, fhirUser);
      if (fault !== undefined) return fault;
      await changeAccount(pool, id, { roles, ...(fhirUser === undefined ? {} : { fhirUser }) });
      await revokeAccount(pool, id);
      await done('roles-changed', fhirUser === undefined ? user : { id, fhirUser }, roles.join(' '));
      return undefined;
    },
    async resetSecondFactor(user) {
      await setSecondFactor(pool, user.id, undefined);
      await revokeAccount(pool, user.id);
      await done('second-factor-removed', user);
    },
    async provePassword({ login, password, network }) {
      const row = await proven(login, password, network);
      return row === 'refused' || 'waitSeconds' in row ? row : { user: userOf(row) };
    },
    async proveSecondFactor({ id, code, network }) {
      const [account, from] = [hashOf(`second\0${id}`), hashOf(`network\0${network}`)];
      const waitSeconds = await attempt(account, from);
      if (waitSeconds > 0) {
        await events({ kind: 'locked', outcome: 4, account: id, detail: 'second-factor' });
        return { waitSeconds };
      }
      const row = await enabledRow(id);
      if (row === undefined || !(await isSecondFactor(row, code.trim()))) {
        await events({ kind: 'second-factor-failed', outcome: 4, account: id });
        return 'refused';
      }
      await succeeded(account, from);
      return { user: userOf(row) };
    },
    async signedIn(user, how) {
      await noteSignIn(pool, user.id);
      await done('login', user, how.join(' '));
    },
    beginEnrolment(user) {
      return this.enrolmentOf(user, makeTotpSecret());
    },
    enrolmentOf: ({ login }, secret) => ({ secret, uri: totpUri(secret, login) }),
    async enrol(user, secret, code) {
      const { id } = user;
      const step = stepOfCode(secret, code.trim(), now());
      if (step === undefined) return undefined;
      const codes = makeRecoveryCodes();
      const totp = sealBytes(keys.seal, `totp/${id}`, Buffer.from(secret));
      await setSecondFactor(pool, id, { totp, step, codes: codes.flatMap((each) => recoveryHash(keys.names, each) ?? []) });
      await done('second-factor-enrolled', user);
      return codes;
    },
  };
}

type Profile = { readonly login: string; readonly name: string };

/** A longer one is wrong, and is not worth hashing to know. */
const passwordCharactersMax = 1_000;

function keysOf(secret: Buffer) {
  const derived = (purpose: string): Buffer => Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), `accounts/${purpose}`, 32));
  return { seal: makeDataKey(Buffer.alloc(16), derived('seal')), names: derived('names'), pepper: derived('pepper') };
}

function isUuid(id: string): boolean {
  return /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(id);
}
