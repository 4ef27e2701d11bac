import { isIP } from 'node:net';
import { resolve } from 'node:path';

/** One variable of the environment: how it is read, and all that its documentation says. */
export type Variable<T> = {
  /** The default as one would write it; '' when there is none: the value is then `empty`, and `unset` says what follows from that. */
  readonly fallback: string;
  readonly empty?: T;
  readonly unset?: string;
  readonly accepts: string;
  readonly description: string;
  /** It may be given by a file as well: `NAME_FILE` then names it. */
  readonly isSecret?: true;
  /** @returns undefined for a text that isn't accepted; relative paths start at `directory` */
  readonly read: (written: string, directory: string) => T | undefined;
};

/** A variable that need not be set. `unset` is what then holds, in words. */
export function optional<T>(unset: string, variable: Variable<T>): Variable<T | undefined> {
  return { ...variable, unset, empty: undefined };
}

export function secret<T>(variable: Variable<T>): Variable<T> {
  return { ...variable, isSecret: true };
}

/** A rate limit; 0 is none. */
export function perMinute(fallback: string, description: string): Variable<number> {
  return { ...whole(0, [0, 100_000_000], 'requests', `${description} 0 is no limit.`), fallback };
}

/** What opens something: long enough that nobody finds it by trying. */
export function password(fallback: string, description: string): Variable<string> {
  return {
    fallback,
    accepts: 'a text of 32 to 512 letters, digits and - . _ ~',
    description,
    read: (written) => (/^[\w.~-]{32,512}$/.test(written) ? written : undefined),
  };
}

export function hosts(description: string): Variable<readonly string[]> {
  return list('host names or addresses, with or without port, separated by commas', isHost, description);
}

/** `unit` is '' for a number that counts nothing. */
export function whole(fallback: number, [min, max]: readonly [number, number], unit: string, description: string): Variable<number> {
  return {
    fallback: String(fallback),
    accepts: `a whole number${unit === '' ? '' : ` of ${unit}`} from ${min} to ${max}`,
    description,
    read: (written) => within(/^\d{1,15}$/.test(written) ? Number(written) : undefined, min, max),
  };
}

export function choice<const C extends string>(fallback: NoInfer<C> | '', choices: readonly C[], description: string): Variable<C> {
  return {
    fallback,
    accepts: new Intl.ListFormat('en', { type: 'disjunction' }).format(choices),
    description,
    read: (written) => choices.find((one) => one === written),
  };
}

export function onOff(fallback: 'on' | 'off' | '', description: string): Variable<boolean> {
  return {
    fallback,
    accepts: 'on or off',
    description,
    read: (written) => (written === 'on' ? true : written === 'off' ? false : undefined),
  };
}

export function hostName(fallback: string, description: string): Variable<string> {
  return {
    fallback,
    accepts: 'an IP address or a host name, without port or brackets',
    description,
    read: (written) => (isIP(written) > 0 || /^[A-Za-z\d]([A-Za-z\d.-]*[A-Za-z\d])?$/.test(written) ? written : undefined),
  };
}

export function path(fallback: string, description: string): Variable<string> {
  return { fallback, accepts: 'a path', description, read: (written, directory) => resolve(directory, written) };
}

/** The public address of an API: kept as written, but for a slash at its end. */
export function webAddress(fallback: string, description: string): Variable<string> {
  const read = (written: string) => {
    const url = parseUrl(written);
    const isPlain = url?.username === '' && url.password === '' && !/[?#\s]/.test(written);
    return isPlain && /^https?:$/.test(url.protocol) ? `${url.origin}${url.pathname}`.replace(/\/+$/, '') : undefined;
  };
  return { fallback, accepts: 'an http or https address without user, query and fragment', description, read };
}

export function databaseUrl(fallback: string, description: string): Variable<string> {
  const read = (written: string) => {
    const url = parseUrl(written);
    return url !== undefined && /^postgres(ql)?:$/.test(url.protocol) && url.pathname.length > 1 ? written : undefined;
  };
  return { fallback, accepts: 'an address of the form postgres://user:password@host:5432/database', description, read };
}

export function valkeyUrl(fallback: string, description: string): Variable<string> {
  const read = (written: string) => (/^(?:valkey|redis)s?:$/.test(parseUrl(written)?.protocol ?? '') ? written : undefined);
  return { fallback, accepts: 'an address of the form valkey://user:password@host:6379/0, with TLS valkeys://', description, read };
}

/** Addresses and networks of proxies, separated by commas. */
export function networks(description: string): Variable<readonly string[]> {
  return list('IP addresses or networks (10.0.0.0/8), separated by commas', isNetwork, description);
}

/** Web origins as a browser sends them, separated by commas, or `*` alone. */
export function origins(description: string): Variable<readonly string[]> {
  const { read, ...rest } = list(
    'origins (https://app.example.org) separated by commas, or * alone',
    (item) => item === '*' || isOrigin(item),
    description,
  );
  return {
    ...rest,
    read: (written, directory) => {
      const found = read(written, directory);
      return found?.includes('*') && found.length > 1 ? undefined : found;
    },
  };
}

/** Canonical urls by resource type: `Patient=https://example.org/p,Observation=https://example.org/o`, or a JSON object of lists. */
export function profilesByType(description: string): Variable<ReadonlyMap<string, readonly string[]>> {
  return {
    fallback: '',
    empty: new Map(),
    unset: 'none',
    accepts: 'Type=url pairs separated by commas, or a JSON object of lists of urls by type',
    description,
    read(written) {
      const pairs = written.startsWith('{') ? pairsOfJson(written) : written.split(',').map(pairOf);
      if (pairs?.every(([type, url]) => /^[A-Z][A-Za-z]+$/.test(type) && /^[a-z][a-z\d+.-]*:[^\s,]+$/i.test(url)) !== true)
        return undefined;
      return new Map([...new Set(pairs.map(([type]) => type))].map((type) => [type, urlsOf(pairs, type)]));
    },
  };
}

/** Words separated by commas; `none` for no word at all. */
export function words(fallback: string, form: RegExp, accepts: string, description: string): Variable<readonly string[]> {
  const { read } = list('', (item) => form.test(item), description);
  return {
    fallback,
    accepts: `${accepts}, separated by commas, or none`,
    description,
    read: (written, directory) => (written === 'none' ? [] : read(written, directory)),
  };
}

/** A part of the day by the clock; its end may be on the next day. */
export function hoursOfDay(description: string): Variable<string> {
  const form = /^((?:[01]\d|2[0-3]):[0-5]\d)-(?!\1)(?:[01]\d|2[0-3]):[0-5]\d$/;
  return {
    fallback: '',
    accepts: 'hours of the form 20:00-06:00',
    description,
    read: (written) => (form.test(written) ? written : undefined),
  };
}

export function timeZone(fallback: string, description: string): Variable<string> {
  const read = (written: string) => {
    try {
      return new Intl.DateTimeFormat('en', { timeZone: written }).resolvedOptions().timeZone;
    } catch {
      return undefined;
    }
  };
  return { fallback, accepts: 'the name of a time zone (Europe/Berlin)', description, read };
}

/** Pairs of a name and a word, separated by commas: `provider=PSY,provider=ETH`. */
export function wordsByName(accepts: string, form: RegExp, description: string): Variable<ReadonlyMap<string, readonly string[]>> {
  return {
    fallback: '',
    empty: new Map(),
    unset: 'none',
    accepts: `${accepts}, separated by commas`,
    description,
    read(written) {
      const pairs = written.split(',').map((item) => item.trim());
      if (!pairs.every((pair) => form.test(pair))) return undefined;
      const split = pairs.map((pair): readonly [string, string] => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]);
      return new Map(
        [...new Set(split.map(([name]) => name))].map((name) => [name, split.flatMap(([each, word]) => (each === name ? [word] : []))]),
      );
    },
  };
}

/** A JSON object of texts by name. */
export function secretsByName(description: string): Variable<ReadonlyMap<string, string>> {
  return {
    fallback: '',
    empty: new Map(),
    unset: 'none',
    accepts: 'a JSON object of texts by id',
    description,
    read(written) {
      let value: unknown;
      try {
        value = JSON.parse(written);
      } catch {
        return undefined;
      }
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
      const pairs = Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === 'string' && pair[1] !== '');
      return pairs.length === Object.keys(value).length ? new Map(pairs) : undefined;
    },
  };
}

type ProfilePair = readonly [type: string, url: string];

const urlsOf = (pairs: readonly ProfilePair[], type: string): readonly string[] =>
  Object.freeze(pairs.filter(([each]) => each === type).map(([, url]) => url));

function pairOf(item: string): ProfilePair {
  const [type = '', ...url] = item.split('=');
  return [type.trim(), url.join('=').trim()];
}

function pairsOfJson(written: string): ProfilePair[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(written);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const lists = Object.entries(value).map(([type, urls]): [string, readonly unknown[]] => [type, Array.isArray(urls) ? urls : [urls]]);
  return lists.flatMap(([type, urls]) => urls.map((url): ProfilePair => [type, typeof url === 'string' ? url : '']));
}

function list(accepts: string, isItem: (item: string) => boolean, description: string): Variable<readonly string[]> {
  const read = (written: string) => {
    const items = written.split(',').map((item) => item.trim());
    return items.every(isItem) ? Object.freeze(items) : undefined;
  };
  return { fallback: '', empty: [], unset: 'none', accepts, description, read };
}

function within(value: number | undefined, min: number, max: number): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined;
}

function isNetwork(item: string): boolean {
  const [address = '', prefix, ...rest] = item.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128));
}

function isOrigin(item: string): boolean {
  const url = parseUrl(item);
  return url !== undefined && url.origin !== 'null' && url.origin === item.toLowerCase();
}

function parseUrl(written: string): URL | undefined {
  return URL.parse(written) ?? undefined;
}

function isHost(item: string): boolean {
  return URL.canParse(`https://${item}/`) && new URL(`https://${item}/`).host.replace(/:443$/, '') === item.replace(/:443$/, '');
}
