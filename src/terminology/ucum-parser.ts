import type { Atom, Measure, UcumTable } from './ucum-atoms.ts';

/** Longer codes than this are no units. */
const codeMax = 100;
const depthMax = 8;

/**
 * Reads a UCUM code (case sensitive) as a factor and dimensions: `mg/dL`, `10*3/uL`, `kg.m2/s2`, `mL/min/{1.73_m2}`.
 *
 * @returns  undefined if it is no code of UCUM, or one whose scale isn't a ratio (`Cel`, `[pH]`)
 * @see      https://ucum.org/ucum#section-Grammar-of-Units-and-Unit-Terms
 */
export function parseUcum(code: string, table: UcumTable): Measure | undefined {
  if (code === '' || code.length > codeMax || !/^[\x21-\x7e]+$/.test(code)) return undefined;
  const reader: Reader = { code, at: 0, table, depth: 0 };
  const measure = mainTerm(reader);
  return reader.at === code.length ? measure : undefined;
}

type Reader = { readonly code: string; at: number; readonly table: UcumTable; depth: number };

/** A term, or one that begins with a solidus: `/min`. */
function mainTerm(reader: Reader): Measure | undefined {
  const measure = reader.code[reader.at] === '/' ? one : component(reader);
  return measure === undefined ? undefined : rest(reader, measure);
}

const one: Measure = { factor: 1, dimensions: new Map() };

/** Components are taken from left to right: `a/b/c` and `a/b.c` are (a/b)/c and (a/b).c. */
function rest(reader: Reader, first: Measure): Measure | undefined {
  let measure = first;
  for (;;) {
    const operator = reader.code[reader.at];
    if (operator !== '.' && operator !== '/') return measure;
    reader.at++;
    const next = component(reader);
    if (next === undefined) return undefined;
    measure = combine(measure, next, operator === '.' ? 1 : -1);
  }
}

function component(reader: Reader): Measure | undefined {
  const { code } = reader;
  if (code[reader.at] === '(') return group(reader);
  const annotated = annotation(reader);
  if (annotated) return one;
  const simple = simpleUnitText(code, reader.at);
  if (simple === '') return undefined;
  const measure = simpleUnit(simple, reader.table);
  if (measure === undefined) return undefined;
  reader.at += simple.length;
  annotation(reader);
  return measure;
}

function group(reader: Reader): Measure | undefined {
  if (++reader.depth > depthMax) return undefined;
  reader.at++;
  const measure = mainTerm(reader);
  if (measure === undefined || reader.code[reader.at] !== ')') return undefined;
  reader.at++;
  reader.depth--;
  return measure;
}

/** Skips `{…}`; it says nothing about the unit. */
function annotation(reader: Reader): boolean {
  if (reader.code[reader.at] !== '{') return false;
  const end = reader.code.indexOf('}', reader.at);
  if (end === -1) return false;
  reader.at = end + 1;
  return true;
}

/** Up to the next operator, bracket or annotation; what stands in square brackets belongs to it whole. */
function simpleUnitText(code: string, from: number): string {
  let at = from;
  while (at < code.length && !'./(){}'.includes(code[at] ?? '')) {
    if (code[at] === '[') {
      const end = code.indexOf(']', at);
      if (end === -1) return '';
      at = end;
    }
    at++;
  }
  return code.slice(from, at);
}

/** A number, or an atom with prefix and exponent. `10*3` is the atom `10*` with exponent 3. */
function simpleUnit(text: string, table: UcumTable): Measure | undefined {
  if (/^[1-9]\d{0,14}$/.test(text)) return { factor: Number(text), dimensions: one.dimensions };
  const whole = prefixedAtom(text, table);
  if (whole !== undefined) return whole;
  const [, unit = '', exponent = ''] = /^(.*?[^\d+-])([+-]?\d{1,2})$/.exec(text) ?? [];
  const measure = unit === '' ? undefined : prefixedAtom(unit, table);
  return measure === undefined ? undefined : power(measure, Number(exponent));
}

function prefixedAtom(text: string, table: UcumTable): Measure | undefined {
  const atom = table.atoms.get(text);
  if (atom !== undefined) return ratio(atom);
  for (const length of [1, 2]) {
    const prefix = table.prefixes.get(text.slice(0, length));
    const prefixed = prefix === undefined ? undefined : table.atoms.get(text.slice(length));
    if (prefix !== undefined && prefixed?.metric && !prefixed.special)
      return { factor: prefix * prefixed.factor, dimensions: prefixed.dimensions };
  }
  return undefined;
}

function ratio(atom: Atom): Measure | undefined {
  return atom.special ? undefined : atom;
}

function combine(left: Measure, right: Measure, sign: 1 | -1): Measure {
  const dimensions = new Map(left.dimensions);
  for (const [name, exponent] of right.dimensions) {
    const sum = (dimensions.get(name) ?? 0) + sign * exponent;
    if (sum === 0) dimensions.delete(name);
    else dimensions.set(name, sum);
  }
  return { factor: sign === 1 ? left.factor * right.factor : left.factor / right.factor, dimensions };
}

function power({ factor, dimensions }: Measure, exponent: number): Measure {
  if (exponent === 0) return one;
  return { factor: factor ** exponent, dimensions: new Map([...dimensions].map(([name, each]) => [name, each * exponent])) };
}
