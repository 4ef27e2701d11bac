import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Grammar, plainConcept } from '../system.ts';

/**
 * Tags for languages: `de`, `de-CH`, `zh-Hant-TW`. Their parts have to be registered, in the order that the standard gives them.
 *
 * @see https://www.rfc-editor.org/info/bcp47
 */
export function languageGrammar(): Grammar {
  return {
    url: 'urn:ietf:bcp:47',
    name: 'Tags for Identifying Languages',
    version: undefined,
    find(code) {
      const display = displayOf(code);
      return display === undefined ? undefined : plainConcept(code, display);
    },
  };
}

type Kind = 'language' | 'extlang' | 'script' | 'region' | 'variant' | 'whole';
type Registry = Readonly<Record<Kind, ReadonlyMap<string, string>>>;

/** The longest tags of practice have some thirty letters. */
const lengthMax = 100;

/** @returns undefined if it is no tag, or one of its parts isn't registered */
function displayOf(code: string): string | undefined {
  if (code.length > lengthMax || !/^[A-Za-z0-9]{1,8}(?:-[A-Za-z0-9]{1,8})*$/.test(code)) return undefined;
  const registry = registered();
  const lower = code.toLowerCase();
  const whole = registry.whole.get(lower);
  if (whole !== undefined) return whole;
  if (lower.startsWith('x-')) return code;
  const parts = lower.split('-');
  const language = languageOf(parts[0] ?? '', registry);
  if (language === undefined) return undefined;
  const rest = readRest(parts.slice(1), registry);
  return rest === undefined ? undefined : rest.length === 0 ? language : `${language} (${rest.join(', ')})`;
}

/** `qaa` to `qtz` are for private use. */
function languageOf(part: string, { language }: Registry): string | undefined {
  return language.get(part) ?? (/^q[a-t][a-z]$/.test(part) ? `private ${part}` : undefined);
}

/** Up to three extended languages, a script, a region, variants, extensions, private use: each at most once but variants and extensions. */
function readRest(parts: readonly string[], registry: Registry): string[] | undefined {
  const names: string[] = [];
  let at = 0;
  const take = (matches: RegExp, name: (part: string) => string | undefined): boolean => {
    const part = parts[at];
    const found = part !== undefined && matches.test(part) ? name(part) : undefined;
    if (found === undefined) return false;
    names.push(found);
    at++;
    return true;
  };
  while (at < 3 && take(/^[a-z]{3}$/, (part) => registry.extlang.get(part)));
  take(/^[a-z]{4}$/, (part) => registry.script.get(part) ?? (/^qa[ab][a-z]$/.test(part) ? part : undefined));
  take(/^(?:[a-z]{2}|\d{3})$/, (part) => registry.region.get(part) ?? (/^(?:aa|q[m-z]|x[a-z]|zz)$/.test(part) ? part : undefined));
  while (take(/^(?:[a-z\d]{5,8}|\d[a-z\d]{3})$/, (part) => registry.variant.get(part)));
  const seen = new Set<string>();
  while (/^[a-wy-z\d]$/.test(parts[at] ?? '') && !seen.has(parts[at] ?? '')) {
    seen.add(parts[at++] ?? '');
    const first = at;
    while (/^[a-z\d]{2,8}$/.test(parts[at] ?? '')) at++;
    if (at === first) return undefined;
  }
  if (parts[at] === 'x' && at + 1 < parts.length) at = parts.length;
  return at === parts.length ? names : undefined;
}

let read: Registry | undefined;

type Entry = { readonly Type: string; readonly Subtag?: string; readonly Tag?: string; readonly Description: readonly string[] };

function registered(): Registry {
  if (read !== undefined) return read;
  const require = createRequire(import.meta.url);
  const path = require.resolve('language-subtag-registry/data/json/registry.json');
  const registry = {
    language: new Map<string, string>(),
    extlang: new Map<string, string>(),
    script: new Map<string, string>(),
    region: new Map<string, string>(),
    variant: new Map<string, string>(),
    whole: new Map<string, string>(),
  };
  for (const {
    Type: type,
    Subtag: subtag,
    Tag: tag,
    Description: [name = ''],
  } of JSON.parse(readFileSync(path, 'utf8')) as Entry[]) {
    // Ranges (`qaa..qtz`) are told by their patterns.
    if (subtag !== undefined && !subtag.includes('..')) {
      const kind = registry[type as Kind];
      kind?.set(subtag.toLowerCase(), name);
    } else if (tag !== undefined) registry.whole.set(tag.toLowerCase(), name);
  }
  read = registry;
  return registry;
}
