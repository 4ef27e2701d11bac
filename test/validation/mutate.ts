import type { Json, JsonObject } from '../../src/fhir/json.ts';
import type { ElementDef, Schema, TypeDef } from '../../src/fhir/schema.ts';

/** A valid resource with one thing wrong. */
export type Mutation = {
  /** What was done, and where. */
  readonly title: string;
  readonly kind: string;
  readonly resource: JsonObject;
  /** An error has to be at one of these places; `…` at the end: or within. */
  readonly at: readonly string[];
};

/** A JSON property that the definitions know: where it is, and the element's FHIRPath. */
type Place = {
  readonly steps: readonly (string | number)[];
  readonly path: string;
  readonly element: ElementDef;
  readonly holder: TypeDef;
  readonly primitive: boolean;
};

type Mutator = {
  readonly kind: string;
  readonly fits: (place: Place, value: Json, holder: JsonObject) => boolean;
  /** Changes the holder of a copy; returns the places that may be told. */
  readonly change: (holder: JsonObject, name: string, place: Place, random: () => number) => readonly string[];
};

/** What can be done to any resource, by its definition alone: at most `each` of a kind, at places that the seed chooses. */
export function mutationsOf(resource: JsonObject, schema: Schema, { seed, each }: { seed: number; each: number }): Mutation[] {
  const random = randomOf(seed);
  const places = placesIn(schema, resource, [], typeOf(resource));
  return mutators(schema).flatMap(({ kind, fits, change }) => {
    const fitting = places.filter((place) => {
      const holder = at(resource, place.steps.slice(0, -1)) as JsonObject;
      return fits(place, holder[String(place.steps.at(-1))] ?? null, holder);
    });
    return pick(fitting, each, random).map((place) => {
      const copy = structuredClone(resource);
      const holder = at(copy, place.steps.slice(0, -1)) as JsonObject;
      const told = change(holder, String(place.steps.at(-1)), place, random);
      return { title: `${nameOf(resource)}: ${kind} ${place.path}`, kind, resource: copy, at: told };
    });
  });
}

/**
 * The resource with other words, names, numbers, ids and references of the same form: whatever text of an issue holds `mark` quotes what
 * may be about a patient.
 */
export function withWordsMarked(resource: JsonObject, schema: Schema, mark: string): JsonObject {
  const copy = structuredClone(resource);
  for (const { steps, element, holder } of placesIn(schema, copy, [], typeOf(copy))) {
    const object = at(copy, steps.slice(0, -1)) as JsonObject;
    const name = String(steps.at(-1));
    const isReference = holder.name === 'Reference' && name === 'reference';
    if (!['string', 'markdown'].includes(element.type) && element.name !== 'id') continue;
    const old = object[name];
    const marked = (value: Json): Json => {
      if (typeof value !== 'string') return value;
      if (isReference) return value.startsWith('#') ? value : value.replace(/\/[^/]+$/, `/${mark}`);
      return name === 'id' ? value : mark;
    };
    object[name] = Array.isArray(old) ? old.map(marked) : marked(old ?? null);
  }
  return copy;
}

/** Mulberry32: the same numbers from the same seed, on every machine. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function pick<T>(from: readonly T[], count: number, random: () => number): T[] {
  const left = [...from];
  return Array.from({ length: Math.min(count, left.length) }, () => left.splice(Math.floor(random() * left.length), 1)).flat();
}

function mutators(schema: Schema): Mutator[] {
  const first = (path: string, value: Json) => (Array.isArray(value) ? `${path}[0]` : path);
  const item = (value: Json): Json => (Array.isArray(value) ? (value[0] ?? null) : value);
  /** Puts a value in place of the element's, or of its first item. */
  const replace = (holder: JsonObject, name: string, value: Json): void => {
    const old = holder[name];
    if (Array.isArray(old)) old[0] = value;
    else holder[name] = value;
  };
  const replaced = (
    kind: string,
    fits: (place: Place, value: Json) => boolean,
    value: (place: Place, old: Json, random: () => number) => Json,
    within = false,
  ): Mutator => ({
    kind,
    fits: (place, old) => item(old) !== null && fits(place, item(old)),
    change(holder, name, place, random) {
      const path = first(place.path, holder[name] ?? null);
      replace(holder, name, value(place, item(holder[name] ?? null), random));
      return [within ? `${path}…` : path];
    },
  });
  const isType =
    (...types: string[]) =>
    (place: Place) =>
      types.includes(place.element.type);
  const chosen = (values: readonly string[], random: () => number): string => values[Math.floor(random() * values.length)] ?? '';

  return [
    {
      kind: 'drops',
      // An element of an id alone, or an Extension without all, would be told of in other words.
      fits: ({ element, holder }, _, object) => element.min > 0 && Object.keys(object).length > 2 && holder.name !== 'Extension',
      change(holder, name, { path }) {
        delete holder[name];
        delete holder[`_${name}`];
        return [path];
      },
    },
    replaced(
      'makes a number of',
      (_, value) => typeof value === 'string',
      () => 4711,
    ),
    replaced(
      'makes a string of',
      (_, value) => typeof value === 'number' || typeof value === 'boolean',
      (_, value) => JSON.stringify(value),
    ),
    replaced(
      'makes a string of',
      ({ element }, value) => isObject(value) && schema(element.type)?.kind !== 'resource',
      () => 'text',
    ),
    replaced(
      'makes an object of',
      ({ primitive }) => primitive,
      () => ({ value: 'x' }),
    ),
    {
      kind: 'wraps in an array',
      fits: ({ element }, value) => !element.array && value !== null,
      change(holder, name, { path }) {
        holder[name] = [holder[name] ?? null];
        return [path];
      },
    },
    {
      kind: 'unwraps',
      fits: ({ element }, value) => element.array && item(value) !== null,
      change(holder, name, { path }) {
        holder[name] = item(holder[name] ?? null);
        return [path];
      },
    },
    {
      kind: 'adds an unknown element beside',
      fits: () => true,
      change(holder, _, { path }) {
        holder['quux'] = 'x';
        return [`${path.slice(0, path.lastIndexOf('.'))}.quux`];
      },
    },
    {
      kind: 'adds another of the choice',
      fits: ({ element }) => element.element.endsWith('[x]'),
      change(holder, name, { path, element, holder: type }) {
        const other = [...type.elements.values()].find((each) => each.element === element.element && each.name !== name);
        if (other === undefined) throw new Error(`${path} has no other type`);
        holder[other.name] = holder[name] ?? null;
        return [path];
      },
    },
    {
      kind: 'empties',
      fits: ({ element }, value) => Array.isArray(value) || (isObject(value) && schema(element.type)?.kind !== 'resource'),
      change(holder, name, { path }) {
        holder[name] = Array.isArray(holder[name]) ? [] : {};
        return [path];
      },
    },
    replaced(
      'empties the string',
      (_, value) => typeof value === 'string',
      () => '',
    ),
    {
      kind: 'makes null of',
      fits: (_, value, object) => !Array.isArray(value) && object !== undefined,
      change(holder, name, { path }) {
        holder[name] = null;
        return [path];
      },
    },
    replaced('lengthens', isType('id'), () => 'x'.repeat(65)),
    replaced('lengthens', isType('string', 'markdown'), () => 'x'.repeat(2 ** 20 + 1)),
    replaced('overflows', isType('integer', 'positiveInt', 'unsignedInt'), () => 2 ** 31),
    replaced('makes negative', isType('positiveInt', 'unsignedInt'), () => -1),
    replaced('makes a fraction of', isType('integer', 'positiveInt', 'unsignedInt'), () => 1.5),
    replaced('misdates', isType('date'), (_, __, random) => chosen(['2023-02-30', '2023-13', '23-01-01', '2023-1-1', 'today'], random)),
    replaced('misdates', isType('dateTime'), (_, __, random) =>
      chosen(['2023-02-30', '2023-01-01T10:00', '2023-01-01T25:00:00Z', '2023-01-01 10:00:00Z', '01.01.2023'], random),
    ),
    replaced('misdates', isType('instant'), (_, __, random) =>
      chosen(['2023-01-01', '2023-01-01T10:00:00', '2023-02-30T10:00:00Z'], random),
    ),
    replaced('misdates', isType('time'), () => '25:00:00'),
    replaced('puts a space into', isType('uri', 'url', 'canonical', 'id', 'oid', 'uuid'), () => 'http://example.org/a b'),
    replaced('puts two spaces into', isType('code'), () => 'a  b'),
    replaced(
      'puts another code into',
      ({ element }) => element.type === 'code' && element.binding?.strength === 'required',
      () => 'no-such-code',
    ),
    replaced(
      'puts another concept into',
      ({ element }) => element.type === 'CodeableConcept' && element.binding?.strength === 'required',
      () => ({ coding: [{ system: 'http://example.org/none', code: 'no-such-code' }] }),
      true,
    ),
    replaced(
      'refers to another type from',
      ({ element }) => element.type === 'Reference' && element.targets.length > 0 && !element.targets.includes('Resource'),
      ({ element }) => ({ reference: `${element.targets.includes('SearchParameter') ? 'Basic' : 'SearchParameter'}/x` }),
      true,
    ),
    replaced('refers to nothing from', isType('Reference'), () => ({ reference: 'no reference' }), true),
    replaced('refers to nothing contained from', isType('Reference'), () => ({ reference: '#no-such-id' }), true),
    replaced('puts a script into', isType('xhtml'), (_, value) => textOf(value).replace(/<\/div>\s*$/, '<script>alert(1)</script></div>')),
    replaced('puts an event into', isType('xhtml'), (_, value) => textOf(value).replace(/<\/div>\s*$/, '<p onclick="x()">a</p></div>')),
    replaced('tears', isType('xhtml'), (_, value) => textOf(value).replace(/<\/div>\s*$/, '<p>a</div>')),
    replaced('turns round', isType('Period'), () => ({ start: '2020-02-02', end: '2020-02-01' })),
    replaced(
      'takes the system from',
      (place, value) => place.element.type === 'Quantity' && isObject(value) && typeof value['value'] === 'number',
      (_, value) => ({ value: (value as JsonObject)['value'] ?? 1, code: 'mg' }),
    ),
    replaced('takes the system from', isType('ContactPoint'), () => ({ value: '+1' })),
    replaced('takes the type from', isType('Attachment'), () => ({ data: 'aGVsbG8=' })),
    replaced('breaks', isType('base64Binary'), () => 'no base64!'),
  ];
}

function placesIn(schema: Schema, object: JsonObject, steps: readonly (string | number)[], path: string, type = typeOf(object)): Place[] {
  const holder = schema(type);
  return Object.entries(object).flatMap(([name, value]): Place[] => {
    const element = holder?.elements.get(name);
    if (holder === undefined || element === undefined || value === undefined) return [];
    const step = element.element === 'div' ? '`div`' : element.element.replace('[x]', '');
    const kind = schema(element.type)?.kind;
    const here: Place = { steps: [...steps, name], path: `${path}.${step}`, element, holder, primitive: kind === 'primitive' };
    const items: [Json, (string | number)[], string][] = Array.isArray(value)
      ? value.map((each, index) => [each, [...here.steps, index], `${here.path}[${index}]`])
      : [[value, [...here.steps], here.path]];
    const inner = items.flatMap(([each, place, at]) =>
      isObject(each) ? placesIn(schema, each, place, at, kind === 'resource' ? typeOf(each) : element.type) : [],
    );
    return [here, ...inner];
  });
}

function at(root: JsonObject, steps: readonly (string | number)[]): Json {
  return steps.reduce<Json>((value, step) => (value as Record<string | number, Json>)[step] ?? null, root);
}

export function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function typeOf(resource: JsonObject): string {
  return typeof resource.resourceType === 'string' ? resource.resourceType : '';
}

export function nameOf(resource: JsonObject): string {
  return `${typeOf(resource)}/${textOf(resource.id ?? null)}`;
}

function textOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
