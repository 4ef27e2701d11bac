import type { Schema, TypeDef } from '../../fhir/schema.ts';
import { derivesFrom } from '../normalize.ts';

/** What values of a type are in JSON, and how they are compared. */
export type Kind = 'object' | 'text' | 'number' | 'boolean' | 'date' | 'time';

/** A FHIR type, with what evaluation asks of it again and again. FHIRPath's own types are those of FHIR's primitives here. */
export type Type = {
  readonly name: string;
  readonly kind: Kind;
  readonly definition: TypeDef | undefined;
  /** By element name (`value`) and JSON property name (`valueQuantity`): one per type if it is a choice; filled as it is asked. */
  readonly members: Map<string, readonly Member[]>;
  /** Whether it is the type named or derives from it; filled as it is asked. */
  readonly derives: Map<string, boolean>;
};

/** One JSON property. */
export type Member = {
  readonly property: string;
  readonly extra: string;
  readonly array: boolean;
  readonly type: Type;
  readonly open: boolean;
};

/** One thing in a collection, with its place in the resource if it has one. */
export class Item {
  /** Undefined for a primitive of which there is only `extra`. */
  readonly value: unknown;
  readonly type: Type;
  /** A primitive's id and extensions: the `_name` beside it. */
  readonly extra: object | undefined;
  readonly holder: object | undefined;
  readonly key: string | number | undefined;

  constructor(value: unknown, type: Type, extra?: object, holder?: object, key?: string | number) {
    this.value = value;
    this.type = type;
    this.extra = extra;
    this.holder = holder;
    this.key = key;
  }
}

export type Items = readonly Item[];

/** A primitive's value as text. */
export function written(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** Stands for a resource that isn't here, but whose type is known from the reference to it. */
export const ELSEWHERE: object = Object.freeze({});

export const NOTHING: Items = Object.freeze([]);

/** The types of one schema, each made when it is first asked for. A name nobody knows is a type without members. */
export type Types = { readonly schema: Schema; readonly of: (name: string) => Type };

const known = new WeakMap<Schema, Types>();

export function typesFrom(schema: Schema): Types {
  const found = known.get(schema);
  if (found !== undefined) return found;
  const types = new Map<string, Type>();
  const made: Types = {
    schema,
    of: (name) => {
      const type = types.get(name) ?? makeType(name, schema);
      types.set(name, type);
      return type;
    },
  };
  known.set(schema, made);
  return made;
}

function makeType(name: string, schema: Schema): Type {
  return { name, kind: kindOf(name, schema), definition: schema(name), members: new Map(), derives: new Map() };
}

const KINDS: ReadonlyMap<string, Kind> = new Map([
  ...['boolean'].map((name) => [name, 'boolean'] as const),
  ...['decimal', 'integer', 'positiveInt', 'unsignedInt'].map((name) => [name, 'number'] as const),
  ...['date', 'dateTime', 'instant'].map((name) => [name, 'date'] as const),
  ...['time'].map((name) => [name, 'time'] as const),
  ...['string'].map((name) => [name, 'text'] as const),
]);

function kindOf(name: string, schema: Schema): Kind {
  return KINDS.get(name) ?? (schema(name)?.kind === 'primitive' ? 'text' : 'object');
}

export function isOf(type: Type, base: string, { schema }: Types): boolean {
  let answer = type.derives.get(base);
  if (answer === undefined) {
    answer = derivesFrom(type.name, base, schema);
    type.derives.set(base, answer);
  }
  return answer;
}

/** The properties an element name stands for. What a primitive has beside its value is that of any element. */
export function membersOf(type: Type, name: string, types: Types): readonly Member[] {
  let members = type.members.get(name);
  if (members === undefined) {
    members = findMembers(type, name, types);
    // What no element is called isn't kept: such names come from outside, and there is no end of them.
    if (members.length > 0) type.members.set(name, members);
  }
  return members;
}

function findMembers(type: Type, name: string, types: Types): readonly Member[] {
  const elements = (type.kind === 'object' ? type.definition : types.schema('Element'))?.elements;
  if (elements === undefined) return [];
  const single = elements.get(name);
  const found = single === undefined ? [...elements.values()].filter(({ element }) => element === `${name}[x]`) : [single];
  return found.map((element) => ({
    property: element.name,
    extra: `_${element.name}`,
    array: element.array,
    type: types.of(element.type),
    open: types.schema(element.type)?.abstract === true,
  }));
}

/** The type of a value that stands where any resource may: the resource's own. */
export function typeOfResource(value: object, declared: Type, types: Types): Type {
  const name = (value as { readonly resourceType?: unknown }).resourceType;
  return typeof name === 'string' && types.schema(name)?.kind === 'resource' ? types.of(name) : declared;
}
