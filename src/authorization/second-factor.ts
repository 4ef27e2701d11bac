import { createHmac, randomBytes, randomInt } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';

const periodSeconds = 30;
const secretBytes = 20;

/** A secret for a user's authenticator: base32, as it is typed in where no camera can read it. */
export function makeTotpSecret(): string {
  return new Secret({ buffer: new Uint8Array(randomBytes(secretBytes)).buffer }).base32;
}

/** What an authenticator reads from the QR code. @see https://github.com/google/google-authenticator/wiki/Key-Uri-Format */
export function totpUri(secret: string, login: string): string {
  return new TOTP({ issuer: 'Anamnesis', label: login, secret, period: periodSeconds }).toString();
}

/**
 * The time step whose code this is: the present one, or one beside it for clocks that go wrong.
 *
 * @param at  epoch ms
 * @see       https://www.rfc-editor.org/rfc/rfc6238
 */
export function stepOfCode(secret: string, code: string, at: number): number | undefined {
  if (!/^\d{6}$/.test(code)) return undefined;
  const delta = new TOTP({ secret, period: periodSeconds }).validate({ token: code, timestamp: at, window: 1 });
  return delta === null ? undefined : Math.floor(at / 1000 / periodSeconds) + delta;
}

const recoveryCodes = 10;
const recoveryLetters = 20;
/** Without those that look alike. */
const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';

/** Codes for when the authenticator is lost: `abcde-fghjk-mnpqr-stuvw`, 99 bits each. */
export function makeRecoveryCodes(): readonly string[] {
  return Array.from({ length: recoveryCodes }, () =>
    Array.from({ length: recoveryLetters }, (_, at) => `${at > 0 && at % 5 === 0 ? '-' : ''}${alphabet[randomInt(alphabet.length)]}`).join(
      '',
    ),
  );
}

/** What of a recovery code is kept; undefined if the text is none. */
export function recoveryHash(key: Buffer, code: string): Buffer | undefined {
  const letters = code.toLowerCase().replaceAll(/[\s-]/g, '');
  if (letters.length !== recoveryLetters || ![...letters].every((letter) => alphabet.includes(letter))) return undefined;
  return createHmac('sha256', key).update(`recovery\0${letters}`).digest();
}
