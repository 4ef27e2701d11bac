import { isIP } from 'node:net';

/** What files of the configuration are read with. Errors name the place in the file and what is wrong with it, never a value. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('expected JSON');
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

/** @throws Error for a member that isn't among `keys` */
export function assertKnown(value: Readonly<Record<string, unknown>>, keys: readonly string[], at: string): void {
  const unknown = Object.keys(value).find((key) => !keys.includes(key));
  if (unknown !== undefined) throw new Error(`${at}: ${JSON.stringify(unknown)} is not known; known are ${keys.join(', ')}`);
}

/** Whether it is reached over TLS, or stands on this very machine; and holds no password. */
export function isSafeAddress({ protocol, hostname, username, password }: URL): boolean {
  const isHere = hostname === 'localhost' || hostname === '[::1]' || (isIP(hostname) === 4 && hostname.startsWith('127.'));
  return (protocol === 'https:' || (protocol === 'http:' && isHere)) && username === '' && password === '';
}
