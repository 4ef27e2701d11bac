import { argon2, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { commonPasswords } from './common-passwords.ts';

/** Memory in KiB, passes and lanes of argon2id. @see https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html */
export type PasswordCost = { readonly memory: number; readonly passes: number; readonly parallelism: number };

const passwordCost: PasswordCost = { memory: 19_456, passes: 2, parallelism: 1 };

export type Passwords = {
  /** `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`, of the password and the pepper. */
  readonly hash: (password: string) => Promise<string>;
  /** Takes as long where `hashed` is undefined, and is false. @throws PasswordsBusy */
  readonly verify: (password: string, hashed: string | undefined) => Promise<boolean>;
};

/** Too many passwords are being checked at this moment. */
export class PasswordsBusy extends Error {}

const derive = promisify(argon2);
const saltBytes = 16;
const hashBytes = 32;
/** Each takes a thread of the pool, which files and compression need too, and the memory of one hash. */
const runningMax = 2;
const waitingMax = 50;

/**
 * @param pepper  a secret that is not in the database of the hashes: who has these alone can't try passwords on them
 */
export function makePasswords(pepper: Buffer, cost: PasswordCost = passwordCost): Passwords {
  const inTurn = turns(runningMax, waitingMax);
  // Stands in for the hash of a user who isn't there: nothing is its password.
  const nobody = format(cost, randomBytes(saltBytes), randomBytes(hashBytes));
  const hashOf = (password: string, salt: Buffer, { memory, passes, parallelism }: PasswordCost): Promise<Buffer> =>
    inTurn(() =>
      derive('argon2id', {
        message: Buffer.from(normalised(password)),
        nonce: salt,
        memory,
        passes,
        parallelism,
        tagLength: hashBytes,
        secret: pepper,
      }),
    );
  return {
    async hash(password) {
      const salt = randomBytes(saltBytes);
      return format(cost, salt, await hashOf(password, salt, cost));
    },
    async verify(password, hashed) {
      const stored = parse(hashed ?? nobody);
      const hash = await hashOf(password, stored.salt, stored.cost);
      return timingSafeEqual(hash, stored.hash) && hashed !== undefined;
    },
  };
}

export const passwordRule =
  'A password has 12 to 128 characters, of which five are different, and neither is a common one nor holds the login name.';

/** Whether a password may be set. Nothing is asked but length and that it can't be guessed. @see https://pages.nist.gov/800-63-4/sp800-63b.html#passwordver */
export function isGoodPassword(password: string, login: string): boolean {
  const text = normalised(password);
  const plain = text.toLowerCase();
  const characters = [...text];
  return (
    characters.length >= 12 &&
    characters.length <= 128 &&
    new Set(characters).size >= 5 &&
    !commonPasswords.has(plain) &&
    !plain.includes(login.toLowerCase())
  );
}

/** One that nobody guesses: 20 characters, 115 bits, none of which looks like another. */
export function makePassword(): string {
  return Array.from({ length: 20 }, () => madeOf[randomInt(madeOf.length)]).join('');
}

const madeOf = 'abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';

/** The same password, however a keyboard composes its letters. */
function normalised(password: string): string {
  return password.normalize('NFKC');
}

function format({ memory, passes, parallelism }: PasswordCost, salt: Buffer, hash: Buffer): string {
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${salt.toString('base64url')}$${hash.toString('base64url')}`;
}

function parse(hashed: string): { readonly cost: PasswordCost; readonly salt: Buffer; readonly hash: Buffer } {
  const parts = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([\w-]+)\$([\w-]+)$/.exec(hashed);
  if (parts === null) throw new Error('a stored password hash is none');
  const [, memory, passes, parallelism, salt = '', hash = ''] = parts;
  return {
    cost: { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) },
    salt: Buffer.from(salt, 'base64url'),
    hash: Buffer.from(hash, 'base64url'),
  };
}

/** Runs so many at a time; so many more wait, and all others are refused. */
function turns(running: number, waiting: number) {
  let free = running;
  const queue: (() => void)[] = [];
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (free > 0) free--;
    else if (queue.length < waiting) await new Promise<void>((resolve) => queue.push(resolve));
    else throw new PasswordsBusy('too many passwords are being checked');
    try {
      return await work();
    } finally {
      const next = queue.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}
