import { fromNative } from './native-scopes.ts';

/** The SMART v2 interactions: create, read (with vread and instance history), update (with patch), delete, search (with type history). */
export type Letter = 'c' | 'r' | 'u' | 'd' | 's';

export type Scope = {
  readonly level: 'patient' | 'user' | 'system';
  /** A resource type, or `*`. */
  readonly type: string;
  readonly letters: ReadonlySet<Letter>;
  /** Decoded search parameters that narrow it: `category=…|laboratory`. */
  readonly params: readonly (readonly [string, string])[];
};

const lettersOfV1: Readonly<Record<string, string>> = { read: 'rs', write: 'cud', '*': 'cruds' };

/**
 * Reads one SMART scope, v1 (`system/Patient.read`) or v2 (`patient/Observation.rs?category=laboratory`). Letters must come
 * in the order of `cruds`. Some providers allow no slash in a scope: there it is a point (`system.Patient.rs`). Anything that is no such scope (`openid`, `launch/patient`) gives undefined and grants nothing.
 *
 * @see https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html
 */
function parseScope(text: string): Scope | undefined {
  const parts = /^(patient|user|system)[/.](\*|[A-Z][A-Za-z]*)\.([a-z*]+)(?:\?(.*))?$/.exec(text);
  if (parts === null) return undefined;
  const [, level = '', type = '', access = '', query] = parts;
  const letters = lettersOfV1[access] ?? (/^c?r?u?d?s?$/.test(access) ? access : undefined);
  if (letters === undefined) return undefined;
  return {
    level: level as Scope['level'],
    type,
    letters: new Set(letters.split('') as Letter[]),
    params: query === undefined ? [] : [...new URLSearchParams(query)],
  };
}

/**
 * Reads scopes, SMART's and the short ones of internal clients (`patient:read`).
 *
 * @param level  of the short ones, which don't tell theirs
 */
export function parseScopes(texts: readonly string[], level: 'user' | 'system'): Scope[] {
  return texts.flatMap((text) => (fromNative(text)?.map((each) => `${level}/${each}`) ?? [text]).flatMap((each) => parseScope(each) ?? []));
}
