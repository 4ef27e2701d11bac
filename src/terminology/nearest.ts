import { nearestName } from '../fhir/nearest-name.ts';
import { type Enumerating, type Entry, membersOf, NotEnumerable } from './members.ts';
import type { Stock } from './stock.ts';
import type { System } from './system.ts';
import type { CodeQuestion, Nearest } from './verdict.ts';

/** More codes than these aren't gone through. */
const candidatesMax = 5_000;

/**
 * The code that was likely meant: the same in another of the value set's systems, the same in other case, the one whose display was
 * written instead, or the one with the fewest typing errors. Only what is in memory is looked through.
 */
export function nearestCode({ valueSet, system, code }: CodeQuestion, stock: Stock): { readonly found: Nearest | undefined } {
  if (valueSet !== undefined) return { found: nearestAmong(codesIn(valueSet, stock), code) };
  const known = system === undefined ? undefined : stock.system(system, undefined, new Map());
  return { found: known === undefined ? undefined : nearestOf(known, system ?? '', code) };
}

export function nearestOf(system: System, url: string, code: string): Nearest | undefined {
  const concepts =
    system.kind === 'memory' ? system.system.concepts.values() : system.kind === 'grammar' ? (system.grammar.list?.() ?? []) : [];
  const entries = Iterator.from(concepts)
    .take(candidatesMax)
    .map((concept) => ({ system: url, version: undefined, code: concept.code, concept, listed: undefined }));
  return nearestAmong(entries.toArray(), code);
}

function nearestAmong(candidates: readonly Entry[], code: string): Nearest | undefined {
  const lower = code.toLowerCase();
  let alike: Entry | undefined;
  for (const entry of candidates) {
    if (entry.code === code) return nearest(entry);
    const called = entry.listed?.display ?? entry.concept?.display;
    if (alike === undefined && (entry.code.toLowerCase() === lower || called?.toLowerCase() === lower)) alike = entry;
  }
  if (alike !== undefined) return nearest(alike);
  const name = nearestName(
    code,
    candidates.map((entry) => entry.code),
  );
  const found = name === undefined ? undefined : candidates.find((entry) => entry.code === name);
  return found === undefined ? undefined : nearest(found);
}

function nearest({ system, code, concept, listed }: Entry): Nearest {
  const display = listed?.display ?? concept?.display;
  return { system, code, ...(display === undefined ? {} : { display }) };
}

function codesIn(canonical: string, stock: Stock): readonly Entry[] {
  const look: Enumerating = { stock, needs: new Map(), limit: candidatesMax };
  const found: Entry[] = [];
  try {
    for (const entry of membersOf(canonical, look)) {
      found.push(entry);
      if (found.length === candidatesMax) break;
    }
  } catch (error) {
    // What can't be listed to its end has been listed up to there.
    if (!(error instanceof NotEnumerable)) throw error;
  }
  return found;
}
