import { categories, offeredTypes, wordsOfType } from './resource-words.ts';
import type { Texts } from './texts.ts';

/** One scope as the user decides on it. */
export type AskedScope = {
  readonly scope: string;
  readonly group: keyof Texts['consent']['groups'];
  readonly words: string;
  readonly warning?: string;
  /** Whether it can be taken away. */
  readonly isFree: boolean;
  /** What may be left of it instead of all. */
  readonly narrower: readonly { readonly scope: string; readonly words: string }[];
};

/** Scopes in plain words, in the order of the request. Words of the app itself (a category it made up) are quoted, never trusted. */
export function askedScopes(scopes: readonly string[], texts: Texts): AskedScope[] {
  return scopes.map((scope) => resourceScope(scope, texts) ?? otherScope(scope, texts));
}

const lettersOfV1: Readonly<Record<string, string>> = { read: 'rs', write: 'cud', '*': 'cruds' };

function resourceScope(scope: string, texts: Texts): AskedScope | undefined {
  const [, level = '', type = '', access = '', query] = /^(patient|user|system)\/(\*|[A-Za-z]+)\.([a-z*]+)(?:\?(.*))?$/.exec(scope) ?? [];
  if (level === '') return undefined;
  const letters = lettersOfV1[access] ?? access;
  const bounds = query === undefined ? '' : `: ${boundWords(query)}`;
  return {
    scope,
    group: level === 'patient' ? 'patient' : 'user',
    words: sentence(`${verbsOf(letters)} ${wordsOfType(type)}${bounds}`),
    isFree: true,
    narrower: query === undefined ? narrowerOf(level, type, letters) : [],
    ...(level === 'system' ? { warning: texts.consent.groups.user } : {}),
  };
}

const verbOf: Readonly<Record<string, string>> = { c: 'add', r: 'read', u: 'change', d: 'delete', s: 'search' };

/** Who may read may as well look for it: people need not tell the two apart. */
function verbsOf(letters: string): string {
  const told = letters.includes('r') ? letters.replace('s', '') : letters;
  const verbs = ['r', 's', 'c', 'u', 'd'].filter((letter) => told.includes(letter)).map((letter) => verbOf[letter] ?? letter);
  return new Intl.ListFormat('en', { type: 'conjunction' }).format(verbs);
}

function boundWords(query: string): string {
  const bounds = [...new URLSearchParams(query)].map(([name, value]) => {
    const [known] = Object.values(categories).flatMap((list) =>
      list.filter(({ system, code }) => value === `${system}|${code}` || value === code),
    );
    return name === 'category' && known !== undefined ? known.words : `${name} “${value}”`;
  });
  return new Intl.ListFormat('en', { type: 'conjunction' }).format(bounds);
}

function narrowerOf(level: string, type: string, letters: string): AskedScope['narrower'] {
  const kinds = (of: string): AskedScope['narrower'] =>
    (categories[of] ?? []).map(({ system, code, words }) => ({
      scope: `${level}/${of}.${letters}?category=${system}|${code}`,
      words: sentence(words),
    }));
  if (type !== '*') return kinds(type);
  return offeredTypes.flatMap((each) => {
    const whole = { scope: `${level}/${each}.${letters}`, words: sentence(wordsOfType(each)) };
    return [whole, ...kinds(each).map(({ scope, words }) => ({ scope, words: `${each}s: ${words.toLowerCase()}` }))];
  });
}

function otherScope(scope: string, { consent }: Texts): AskedScope {
  const fixed = { scope, isFree: false, narrower: [] };
  switch (scope) {
    case 'openid':
      return { ...fixed, group: 'identity', words: consent.openid };
    case 'fhirUser':
      return { ...fixed, group: 'identity', words: consent.fhirUser };
    case 'profile':
      return { ...fixed, group: 'identity', words: consent.profile, isFree: true };
    case 'email':
      return { ...fixed, group: 'identity', words: consent.email, isFree: true };
    case 'offline_access':
      return { ...fixed, group: 'duration', words: consent.offline, warning: consent.offlineWarning, isFree: true };
    case 'online_access':
      return { ...fixed, group: 'duration', words: consent.online, isFree: true };
    default:
      return /^launch(\/|$)/.test(scope)
        ? { ...fixed, group: 'identity', words: consent.launch }
        : { ...fixed, group: 'other', words: `“${scope}”`, isFree: true };
  }
}

function sentence(words: string): string {
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`;
}
