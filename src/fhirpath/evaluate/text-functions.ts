import { assertTextLength, CannotTell, type Evaluation, fromItems, fromTruth, number, single, spend, text } from './expression.ts';
import { given, type Signature, takes } from './functions.ts';
import { Item, type Items, NOTHING, type Types, written } from './item.ts';
import { matches, patternOf, replaceMatches } from './pattern.ts';

/** Those about texts, numbers and conversions. What they are applied to is one item or none. @see https://hl7.org/fhirpath/N1/#string-manipulation */
export const TEXT_FUNCTIONS: Readonly<Record<string, Signature>> = {
  startsWith: test((value, part) => value.startsWith(part)),
  endsWith: test((value, part) => value.endsWith(part)),
  contains: test((value, part) => value.includes(part)),
  matches: test((value, pattern, evaluation) => matching(pattern, value, evaluation)),
  matchesFull: test((value, pattern, evaluation) => matching(`^(?:${pattern})$`, value, evaluation)),
  length: convert('integer', (value) => value.length),
  lower: convert('string', (value) => value.toLowerCase()),
  upper: convert('string', (value) => value.toUpperCase()),
  trim: convert('string', (value) => value.trim()),
  toInteger: convert('integer', (value) => (/^[+-]?\d+$/.test(value) ? Number(value) : BOOLEANS.get(value))),
  toDecimal: convert('decimal', (value) => (/^[+-]?\d+(?:\.\d+)?$/.test(value) ? Number(value) : BOOLEANS.get(value))),
  toBoolean: convert('boolean', (value) => TRUTHS.get(value.toLowerCase())),
  toString: takes(0, 0, (from, _, types) => fromItems((self, evaluation) => toText(from.items(self, evaluation), evaluation, types))),
  indexOf: takes(1, 1, (from, [part], types) =>
    fromItems((self, evaluation) => {
      const value = text(from.items(self, evaluation));
      const wanted = text(given(part).items(self, evaluation));
      return value === undefined || wanted === undefined ? NOTHING : [new Item(value.indexOf(wanted), types.of('integer'))];
    }),
  ),
  substring: takes(1, 2, (from, [start, length], types) =>
    fromItems((self, evaluation) => {
      const value = text(from.items(self, evaluation));
      const at = number(given(start).items(self, evaluation));
      if (value === undefined || at === undefined || at < 0 || at >= value.length) return NOTHING;
      const count = length === undefined ? undefined : number(length.items(self, evaluation));
      return [new Item(value.slice(at, count === undefined ? undefined : at + Math.max(0, count)), types.of('string'))];
    }),
  ),
  replace: replacement((value, part, by) => {
    assertTextLength(value.length + (value.split(part).length + 1) * by.length);
    return value.replaceAll(part, () => by);
  }),
  replaceMatches: replacement((value, pattern, by) => replaceMatches(patternOf(pattern), value, by)),
  split: takes(1, 1, (from, [separator], types) =>
    fromItems((self, evaluation) => {
      const value = text(from.items(self, evaluation));
      const by = text(given(separator).items(self, evaluation));
      return value === undefined || by === undefined ? NOTHING : value.split(by).map((part) => new Item(part, types.of('string')));
    }),
  ),
  join: takes(0, 1, (from, [separator], types) =>
    fromItems((self, evaluation) => {
      const by = separator === undefined ? '' : (text(separator.items(self, evaluation)) ?? '');
      const values = from.items(self, evaluation).map((item) => text([item]) ?? '');
      assertTextLength(values.reduce((sum, value) => sum + value.length + by.length, 0));
      return values.length === 0 ? NOTHING : [new Item(values.join(by), types.of('string'))];
    }),
  ),
  toChars: takes(0, 0, (from, _, types) =>
    fromItems((self, evaluation) => [...(text(from.items(self, evaluation)) ?? '')].map((letter) => new Item(letter, types.of('string')))),
  ),
  abs: calculate(Math.abs),
  ceiling: calculate(Math.ceil),
  floor: calculate(Math.floor),
  truncate: calculate(Math.trunc),
};

const BOOLEANS: ReadonlyMap<string, number> = new Map([
  ['true', 1],
  ['false', 0],
]);

const TRUTHS: ReadonlyMap<string, boolean> = new Map([
  ...['true', 't', 'yes', 'y', '1', '1.0'].map((word) => [word, true] as const),
  ...['false', 'f', 'no', 'n', '0', '0.0'].map((word) => [word, false] as const),
]);

function test(ask: (value: string, argument: string, evaluation: Evaluation) => boolean): Signature {
  return takes(1, 1, (from, [argument], types) =>
    fromTruth((self, evaluation) => {
      const value = text(from.items(self, evaluation));
      const wanted = text(given(argument).items(self, evaluation));
      return value === undefined || wanted === undefined ? undefined : ask(value, wanted, evaluation);
    }, types),
  );
}

function matching(source: string, value: string, evaluation: Evaluation): boolean {
  const pattern = patternOf(source);
  spend(evaluation, (pattern.steps.length * value.length) >> 5);
  return matches(pattern, value);
}

function convert(type: string, change: (value: string) => unknown): Signature {
  return takes(0, 0, (from, _, types) =>
    fromItems((self, evaluation) => {
      const value = text(from.items(self, evaluation));
      const changed = value === undefined ? undefined : change(value);
      return changed === undefined ? NOTHING : [new Item(changed, types.of(type))];
    }),
  );
}

function replacement(change: (value: string, part: string, by: string) => string): Signature {
  return takes(2, 2, (from, [part, by], types) =>
    fromItems((self, evaluation) => {
      const value = text(from.items(self, evaluation));
      const old = text(given(part).items(self, evaluation));
      const fresh = text(given(by).items(self, evaluation));
      if (value === undefined || old === undefined || fresh === undefined) return NOTHING;
      return [new Item(change(value, old, fresh), types.of('string'))];
    }),
  );
}

function calculate(change: (value: number) => number): Signature {
  return takes(0, 0, (from, _, types) =>
    fromItems((self, evaluation) => {
      const item = single(from.items(self, evaluation));
      if (item === undefined) return NOTHING;
      if (typeof item.value !== 'number') throw new CannotTell('something else where there has to be a number');
      return [new Item(change(item.value), types.of(item.type.name))];
    }),
  );
}

/** Numbers as they were written: `1.0` isn't `1`. */
function toText(items: Items, { scope }: Evaluation, types: Types): Items {
  const item = single(items);
  if (item === undefined || item.value === undefined || typeof item.value === 'object') return NOTHING;
  const { value, holder, key } = item;
  const literal = typeof value === 'number' && holder !== undefined && key !== undefined ? scope.literal?.(holder, key, value) : undefined;
  return [new Item(literal ?? written(value), types.of('string'))];
}
