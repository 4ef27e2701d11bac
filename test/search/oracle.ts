/**
 * Search as the specification tells it, on a list in memory: no index, no token, no code of the server's. Slow and plain on
 * purpose; it knows the few parameters that the property test asks for.
 */

export type Subject = {
  readonly resourceType: 'Patient' | 'Observation';
  readonly id: string;
  readonly name?: readonly { readonly family?: string; readonly given?: readonly string[] }[];
  readonly gender?: string;
  readonly active?: boolean;
  readonly birthDate?: string;
  readonly identifier?: readonly { readonly system?: string; readonly value?: string }[];
  readonly status?: string;
  readonly code?: Concept;
  readonly subject?: { readonly reference: string };
  readonly effectiveDateTime?: string;
  readonly effectivePeriod?: { readonly start?: string; readonly end?: string };
  readonly valueQuantity?: Quantity;
  readonly component?: readonly { readonly code: Concept; readonly valueQuantity?: Quantity }[];
};

type Concept = {
  readonly text?: string;
  readonly coding: readonly { readonly system?: string; readonly code?: string; readonly display?: string }[];
};
/** Of units that are multiples of each other. */
type Quantity = { readonly value: number; readonly system?: string; readonly code?: string };

export type Asked = { readonly param: string; readonly modifier?: string; readonly values: readonly string[] };

/** All clauses must hold. */
export function matchesAll(resource: Subject, clauses: readonly Asked[]): boolean {
  return clauses.every((clause) => matchesClause(resource, clause));
}

function matchesClause(resource: Subject, { param, modifier, values }: Asked): boolean {
  const kind = kinds[param];
  if (kind === undefined) throw new Error(`the oracle doesn't know ${param}`);
  if (modifier === 'text') return values.some((value) => startsWords(textsOf(resource.code), value));
  const found = elements[param]?.(resource) ?? [];
  if (modifier === 'missing') return (found.length === 0) === (values[0] === 'true');
  const some = found.some((element) => values.some((value) => compare[kind](element as never, value, modifier)));
  return modifier === 'not' ? !some : some;
}

type Kind = 'token' | 'string' | 'date' | 'reference' | 'quantity' | 'pair';
const kinds: Readonly<Record<string, Kind>> = {
  gender: 'token',
  active: 'token',
  identifier: 'token',
  code: 'token',
  status: 'token',
  family: 'string',
  given: 'string',
  name: 'string',
  birthdate: 'date',
  date: 'date',
  subject: 'reference',
  patient: 'reference',
  'value-quantity': 'quantity',
  'component-value-quantity': 'quantity',
  'combo-code': 'token',
  'code-value-quantity': 'pair',
  'component-code-value-quantity': 'pair',
  'combo-code-value-quantity': 'pair',
};

type Coded = { readonly system?: string; readonly code: string; readonly exact?: boolean };
type Span = readonly [number, number];

const codesOf = (systems: Readonly<Record<string, string>>, name: 'gender' | 'status') => (resource: Subject) =>
  resource[name] === undefined ? [] : [{ system: systems[name] as string, code: resource[name] }];
const implied = {
  gender: 'http://hl7.org/fhir/administrative-gender',
  status: 'http://hl7.org/fhir/observation-status',
};

const elements: Readonly<Record<string, (resource: Subject) => readonly unknown[]>> = {
  gender: codesOf(implied, 'gender'),
  status: codesOf(implied, 'status'),
  active: ({ active }) => (active === undefined ? [] : [{ code: String(active) }]),
  identifier: ({ identifier = [] }) =>
    identifier.map(({ system, value = '' }) => ({ ...(system === undefined ? {} : { system }), code: value, exact: true })),
  code: ({ code }) => codings(code),
  'combo-code': ({ code, component = [] }) => [...codings(code), ...component.flatMap((part) => codings(part.code))],
  family: ({ name = [] }) => name.flatMap(({ family }) => family ?? []),
  given: ({ name = [] }) => name.flatMap(({ given = [] }) => given),
  name: ({ name = [] }) => name.flatMap(({ family, given = [] }) => [...(family === undefined ? [] : [family]), ...given]),
  birthdate: ({ birthDate }) => (birthDate === undefined ? [] : [span(birthDate)]),
  date: ({ effectiveDateTime, effectivePeriod }) => {
    if (effectiveDateTime !== undefined) return [span(effectiveDateTime)];
    if (effectivePeriod === undefined) return [];
    const { start, end } = effectivePeriod;
    return [[start === undefined ? -Infinity : span(start)[0], end === undefined ? Infinity : span(end)[1]]];
  },
  subject: ({ subject }) => (subject === undefined ? [] : [subject.reference]),
  patient: ({ subject }) => (subject?.reference.startsWith('Patient/') ? [subject.reference] : []),
  'value-quantity': ({ valueQuantity }) => (valueQuantity === undefined ? [] : [valueQuantity]),
  'component-value-quantity': ({ component = [] }) => component.flatMap(({ valueQuantity }) => valueQuantity ?? []),
  'code-value-quantity': (resource) => pairs(resource),
  'component-code-value-quantity': ({ component = [] }) => component.flatMap(pairs),
  'combo-code-value-quantity': (resource) => [resource, ...(resource.component ?? [])].flatMap(pairs),
};

const codings = (concept: Concept | undefined): Coded[] =>
  concept?.coding.map(({ system, code = '' }) => ({ ...(system === undefined ? {} : { system }), code })) ?? [];

type Pair = { readonly code: Coded; readonly quantity: Quantity };

/** Each code of an item with its value. */
function pairs({ code, valueQuantity }: { readonly code?: Concept; readonly valueQuantity?: Quantity }): Pair[] {
  return valueQuantity === undefined ? [] : codings(code).map((each) => ({ code: each, quantity: valueQuantity }));
}

const textsOf = (concept: Concept | undefined): string[] =>
  concept === undefined ? [] : [concept.text, ...concept.coding.map(({ display }) => display)].flatMap((text) => text ?? []);

/** Each word asked for begins one of the value's. */
function startsWords(texts: readonly string[], asked: string): boolean {
  const words = texts.flatMap((text) => fold(text).split(' '));
  return fold(asked)
    .split(' ')
    .every((start) => words.some((word) => word.startsWith(start)));
}

const compare: Readonly<Record<Kind, (element: never, value: string, modifier: string | undefined) => boolean>> = {
  token({ system, code, exact }: Coded, value) {
    const bar = value.indexOf('|');
    const asked = bar === -1 ? value : value.slice(bar + 1);
    const sameCode = exact ? code === asked : code.toLowerCase() === asked.toLowerCase();
    if (bar === -1) return sameCode;
    const askedSystem = value.slice(0, bar);
    if (askedSystem === '') return system === undefined && sameCode;
    return system === askedSystem && (asked === '' || sameCode);
  },
  string(text: string, value, modifier) {
    if (modifier === 'exact') return text === value;
    return modifier === 'contains' ? fold(text).includes(fold(value)) : fold(text).startsWith(fold(value));
  },
  date([from, until]: Span, value) {
    const [prefix, rest] = prefixed(value);
    const [start, end] = span(rest);
    switch (prefix) {
      case 'ne':
        return !(start <= from && until <= end);
      case 'gt':
        return until > end;
      case 'lt':
        return from < start;
      case 'ge':
        return until >= start;
      case 'le':
        return from <= end;
      case 'sa':
        return from > end;
      case 'eb':
        return until < start;
      default:
        return start <= from && until <= end;
    }
  },
  reference(target: string, value, modifier) {
    if (value.includes('/')) return target === value && (modifier === undefined || value.startsWith(`${modifier}/`));
    return modifier === undefined ? target.endsWith(`/${value}`) : target === `${modifier}/${value}`;
  },
  pair({ code, quantity }: Pair, value) {
    const [first = '', second = ''] = value.split('$');
    return compare.token(code as never, first, undefined) && compare.quantity(quantity as never, second, undefined);
  },
  quantity(quantity: Quantity, value) {
    const [text = '', system, unit] = value.split('|');
    const [prefix, rest] = prefixed(text);
    if (unit !== undefined && quantity.code === undefined) return false;
    if (system === '' && quantity.code !== unit) return false;
    const digits = rest.includes('.') ? rest.length - rest.indexOf('.') - 1 : 0;
    // Whole numbers of a unit so small that no rounding error decides: millionths of mg, or of what has no unit.
    const scale = 1e6 * (unit === undefined ? 1 : (inMilligrams[unit] ?? 0));
    const own = 1e6 * (unit === undefined ? 1 : (inMilligrams[quantity.code ?? ''] ?? 0));
    const [stored, number] = [Math.round(quantity.value * own), Math.round(Number(rest) * scale)];
    // Half of the last digit given.
    const half = scale / 2 / 10 ** digits;
    const equal = -half <= stored - number && stored - number < half;
    switch (prefix) {
      case 'ne':
        return !equal;
      case 'gt':
      case 'sa':
        return stored > number;
      case 'lt':
      case 'eb':
        return stored < number;
      case 'ge':
        return stored >= number;
      case 'le':
        return stored <= number;
      default:
        return equal;
    }
  },
};

const inMilligrams: Readonly<Record<string, number>> = { g: 1000, mg: 1, ug: 0.001 };

function prefixed(value: string): [string, string] {
  return /^[a-z]{2}/.test(value) ? [value.slice(0, 2), value.slice(2)] : ['eq', value];
}

/** Lower case and without accents, as "starts with" compares. */
function fold(text: string): string {
  return text
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .toLowerCase();
}

/** First and last second that a date stands for; times are UTC here. */
function span(text: string): Span {
  if (text.includes('T')) {
    const second = Date.parse(text) / 1000;
    return [second, second];
  }
  const [year = 0, month, day] = text.split('-').map(Number);
  const from = Date.UTC(year, (month ?? 1) - 1, day ?? 1);
  const until =
    day !== undefined
      ? Date.UTC(year, (month ?? 1) - 1, day + 1)
      : month !== undefined
        ? Date.UTC(year, month, 1)
        : Date.UTC(year + 1, 0, 1);
  return [from / 1000, until / 1000 - 1];
}
