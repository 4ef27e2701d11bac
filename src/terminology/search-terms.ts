import { codesFrom, findConcept } from './code-system.ts';
import { membersOf, NotEnumerable } from './members.ts';
import { type Needs, settled, type Stock } from './stock.ts';

export type CodeInSystem = { readonly system: string; readonly code: string };

/** Why something can't be told: a sentence for the client, that names what is missing. */
export type Untold = { readonly untold: string };

/** What searches ask of codes: which are in a value set, and which are kinds of which. */
export type SearchTerms = {
  /** @param valueSet  canonical url, with or without `|version` */
  readonly expandCodes: (valueSet: string) => Promise<readonly CodeInSystem[] | Untold>;
  /** The code itself and all that are a kind of it. */
  readonly descendants: (system: string, code: string) => Promise<readonly string[] | Untold>;
  /** The code itself and all that it is a kind of. */
  readonly ancestors: (system: string, code: string) => Promise<readonly string[] | Untold>;
};

/** More codes than these are more than a search should ask for. */
const codesMax = 5_000;

export function searchTerms(stock: Stock): SearchTerms {
  return {
    expandCodes: (valueSet) => settled(stock, (needs) => codesIn(valueSet, stock, needs)),
    descendants: (system, code) => settled(stock, (needs) => relatives(stock, needs, system, code, 'children')),
    ancestors: (system, code) => settled(stock, (needs) => relatives(stock, needs, system, code, 'parents')),
  };
}

function codesIn(valueSet: string, stock: Stock, needs: Needs): readonly CodeInSystem[] | Untold {
  const codes: CodeInSystem[] = [];
  try {
    for (const { system, code, listed } of membersOf(valueSet, { stock, needs, limit: codesMax })) {
      if (listed?.abstract === true) continue;
      codes.push({ system, code });
      if (codes.length > codesMax) return { untold: `The value set ${valueSet} has more than ${codesMax} codes.` };
    }
  } catch (error) {
    if (error instanceof NotEnumerable) return { untold: error.message };
    throw error;
  }
  return codes;
}

function relatives(stock: Stock, needs: Needs, url: string, code: string, way: 'children' | 'parents'): readonly string[] | Untold {
  const found = stock.system(url, undefined, needs);
  if (found === undefined) return [];
  if (found.kind === 'absent') return { untold: `The code system ${url} is not known here.` };
  const subsumes = found.kind === 'memory' ? found.system.subsumes : found.kind === 'table' ? found.table.subsumes : true;
  if (!subsumes) return { untold: `The hierarchy of the code system ${url} does not tell which codes are kinds of which.` };
  const unknown = { untold: `The code system ${url} has no code ${code}.` };
  if (found.kind === 'grammar') return found.grammar.find(code) === undefined ? unknown : [code];
  if (found.kind === 'memory') {
    const concept = findConcept(found.system, code);
    return concept === undefined ? unknown : codesFrom(found.system, concept.code, way);
  }
  const concept = stock.concept(found.table, code, needs);
  if (concept === undefined) return [];
  if (concept === 'none') return unknown;
  if (way === 'parents') return [code, ...(concept.ancestors ?? [])];
  const codes = stock.descendants(found.table, code, codesMax + 1, needs) ?? [];
  if (codes.length > codesMax) return { untold: `More than ${codesMax} codes of ${url} are a kind of ${code}.` };
  return codes;
}
