import { type Concept, displaysOf } from './code-system.ts';
import { conceptIn, type Look, type Member, memberOf } from './membership.ts';
import { nearestCode } from './nearest.ts';
import type { Needs, Stock } from './stock.ts';
import type { Listed } from './value-set.ts';
import type { CodeChecker, CodeQuestion, CodeVerdict } from './verdict.ts';

/** Verdicts are kept up to so many; then all are forgotten, and the frequent ones are soon back. */
const verdictsMax = 50_000;
/** Each round loads what the one before found missing: a value set, those it imports, their code systems, concepts. */
const roundsMax = 24;

/** What is longer is no code of anything, and isn't kept. */
const lengthMax = 500;

type ByCode = Map<string, CodeVerdict>;

/** What validation asks, answered from memory while the resource is walked, and from the places where definitions are else. */
export function makeChecker(stock: Stock): CodeChecker {
  const verdicts = new Map<string, Map<string, ByCode>>();
  let kept = 0;
  const forget = (): void => {
    verdicts.clear();
    kept = 0;
  };
  stock.onForget(forget);

  function keep({ valueSet = '', system = '', code }: CodeQuestion, verdict: CodeVerdict): void {
    if (code.length > lengthMax || system.length > lengthMax) return;
    if (kept >= verdictsMax) forget();
    kept++;
    const bySystem = verdicts.get(valueSet) ?? new Map<string, ByCode>();
    const byCode: ByCode = bySystem.get(system) ?? new Map<string, CodeVerdict>();
    verdicts.set(valueSet, bySystem.set(system, byCode.set(code, verdict)));
  }

  /** Undefined with what it needs noted. */
  function judge(asked: CodeQuestion, needs: Needs): CodeVerdict | undefined {
    const question = copied(asked);
    const verdict = verdictOn(question, { stock, needs });
    if (verdict !== undefined) keep(question, verdict);
    return verdict;
  }

  const now = (question: CodeQuestion): CodeVerdict | undefined =>
    verdicts
      .get(question.valueSet ?? '')
      ?.get(question.system ?? '')
      ?.get(question.code) ?? judge(question, new Map());

  return {
    now,
    async later(questions) {
      const found: (CodeVerdict | undefined)[] = questions.map(() => undefined);
      for (let round = 0; round < roundsMax; round++) {
        const needs: Needs = new Map();
        for (const [at, question] of questions.entries()) found[at] ??= judge(question, needs);
        if (needs.size === 0) break;
        await stock.load(needs);
      }
      return found.map(
        (verdict) =>
          verdict ?? {
            kind: 'unchecked',
            why: 'The code was not checked: its value set takes more memory than there is for value sets, or is composed too deeply.',
          },
      );
    },
  };
}

/** Strings of a request may be slices of its text, all of which would be kept with them. */
function copied({ valueSet, system, code }: CodeQuestion): CodeQuestion {
  const copy = (text: string): string => Buffer.from(text).toString();
  return { valueSet, system: system === undefined ? undefined : copy(system), code: copy(code) };
}

function verdictOn(question: CodeQuestion, look: Look): CodeVerdict | undefined {
  const { valueSet, system, code } = question;
  if (valueSet === undefined && system === undefined) return { kind: 'unchecked', why: 'A code without a system can not be checked.' };
  const member = valueSet === undefined ? inSystem(system ?? '', code, look) : memberOf(valueSet, system, code, look);
  switch (member.kind) {
    case 'later':
      return undefined;
    case 'untold':
      return { kind: 'unchecked', why: member.why };
    case 'in':
      return verdictIn(member.concept, member.listed);
    default:
      return verdictOut(question, look);
  }
}

function inSystem(url: string, code: string, look: Look): Member {
  const system = look.stock.system(url, undefined, look.needs);
  return system === undefined ? { kind: 'later' } : conceptIn(system, url, undefined, code, look);
}

function verdictIn(concept: Concept | undefined, listed: Listed | undefined): CodeVerdict {
  const own = concept === undefined ? [] : displaysOf(concept);
  const said = listed === undefined ? [] : [listed.display ?? [], listed.designations.map(({ value }) => value)].flat();
  const displays = said.length === 0 ? own : [...new Set([...said, ...own])];
  return {
    kind: 'in',
    displays,
    ...(concept?.inactive === true || listed?.inactive === true ? { inactive: true } : {}),
    ...(concept?.abstract === true || listed?.abstract === true ? { abstract: true } : {}),
  };
}

/** The nearest code is looked for when somebody wants to tell it: most codes that are out were only tried. */
function verdictOut(question: CodeQuestion, { stock }: Look): CodeVerdict {
  const { system, code } = question;
  // Only what is in memory anyhow: whether the code exists at all is said if it costs nothing.
  const known = system === undefined ? undefined : stock.system(system, undefined, new Map());
  const unknown = known !== undefined && conceptIn(known, system ?? '', undefined, code, { stock, needs: new Map() }).kind === 'out';
  let nearest: ReturnType<typeof nearestCode> | undefined;
  return {
    kind: 'out',
    unknown,
    get nearest() {
      return (nearest ??= nearestCode(question, stock)).found;
    },
  };
}
