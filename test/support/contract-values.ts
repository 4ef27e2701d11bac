import fc, { type Arbitrary } from 'fast-check';
import type { Described, DescribedOperation, Schema } from './contract.ts';

/** Ids that requests may name, so that some of them meet something. */
export type KnownIds = (kind?: string) => readonly string[];

export type ValueMaker = {
  /** Values that a schema of the contract takes. */
  readonly valid: (schema: Schema, name?: string) => Arbitrary<unknown>;
  /** One body for a request that is to get as far as the handler: the contract's first example, else one that the schema takes. */
  readonly sampleBody: (operation: DescribedOperation) => unknown;
};

/** Makes values of the contract's schemas: what grows in the contract is asked for by itself. */
export function makeValues(contract: Described, ids: KnownIds): ValueMaker {
  const oneOf = (kind?: string) => fc.nat().map((at) => ids(kind)[at % Math.max(1, ids(kind).length)] ?? 'none');
  /** Mostly of what the name says; of anything, too. */
  const named = (name: string) => fc.oneof({ weight: 5, arbitrary: oneOf(name) }, { weight: 1, arbitrary: oneOf() });

  function valid(schema: Schema, name = ''): Arbitrary<unknown> {
    const { $ref, enum: choices, oneOf, anyOf, allOf } = schema;
    if (typeof $ref === 'string') return $ref.endsWith('/Id') ? named(name) : valid(contract.schemaAt($ref), name);
    if (schema.const !== undefined) return fc.constant(schema.const);
    if (Array.isArray(choices)) return fc.constantFrom(...(choices as unknown[]));
    for (const forms of [oneOf, anyOf])
      if (Array.isArray(forms)) return fc.oneof(...(forms as Schema[]).map((form) => valid({ ...without(schema), ...form }, name)));
    if (Array.isArray(allOf)) return valid(merged(schema, allOf as Schema[]), name);
    const { type } = schema;
    if (Array.isArray(type)) return fc.oneof(...(type as string[]).map((each) => valid({ ...schema, type: each }, name)));
    if (type === 'object' || (type === undefined && schema.properties !== undefined)) return objects(schema);
    if (type === 'array')
      return fc.array(valid((schema.items ?? {}) as Schema, name), {
        minLength: Number(schema.minItems ?? 0),
        maxLength: Math.min(4, Number(schema.maxItems ?? 4)),
      });
    if (type === 'boolean') return fc.boolean();
    if (type === 'null') return fc.constant(null);
    const [min, max] = [Number(schema.minimum ?? -1000), Number(schema.maximum ?? 1e6)];
    if (type === 'integer') return fc.integer({ min, max });
    if (type === 'number') return fc.double({ min, max, noNaN: true });
    if (type === 'string') return name.endsWith('_id') || name === 'job' ? named(name) : texts(schema);
    return fc.jsonValue();
  }

  function objects(schema: Schema): Arbitrary<unknown> {
    const properties = Object.entries((schema.properties ?? {}) as Readonly<Record<string, Schema>>);
    const required = (schema.required ?? []) as string[];
    return fc.record(Object.fromEntries(properties.map(([name, each]) => [name, valid(each, name)])), {
      requiredKeys: required.filter((name) => properties.some(([known]) => known === name)),
    });
  }

  /** Schemas that hold together, as one; references followed. */
  function merged(schema: Schema, parts: readonly Schema[]): Schema {
    const all = [without(schema), ...parts.map((part) => (typeof part.$ref === 'string' ? contract.schemaAt(part.$ref) : part))];
    const properties = Object.assign({}, ...all.map((part) => part.properties ?? {})) as Schema;
    const required = all.flatMap((part) => (part.required ?? []) as string[]);
    return { ...(Object.assign({}, ...all) as Schema), properties, required, type: 'object' };
  }

  function sampleBody({ id, body }: DescribedOperation): unknown {
    const { schema, examples } = body?.content['application/json'] ?? {};
    // An example of another operation will do, where its body is the same.
    const alike = contract.operations.flatMap((each) => {
      const other = each.body?.content['application/json'];
      return schema?.$ref !== undefined && other?.schema?.$ref === schema.$ref ? Object.values(other.examples ?? {}) : [];
    });
    const example = [...Object.values(examples ?? {}), ...alike][0]?.value;
    if (example !== undefined || schema === undefined) return example;
    const [sample] = fc.sample(valid(schema), { numRuns: 1, seed: id.length });
    return sample;
  }

  return { valid, sampleBody };
}

function without({ oneOf: _one, anyOf: _any, allOf: _all, ...rest }: Schema): Schema {
  return rest;
}

const dayMs = 86_400_000;

function texts(schema: Schema): Arbitrary<string> {
  const { format, pattern } = schema;
  const [minLength, maxLength] = [Number(schema.minLength ?? 0), Math.min(Number(schema.maxLength ?? 60), 4096)];
  const fits = (text: string): boolean => text.length >= minLength && text.length <= Number(schema.maxLength ?? Infinity);
  if (format === 'date') return fc.integer({ min: -25_000, max: 30_000 }).map((day) => new Date(day * dayMs).toISOString().slice(0, 10));
  if (format === 'date-time') return fc.integer({ min: 0, max: 4e12 }).map((ms) => new Date(ms).toISOString());
  if (format === 'email') return fc.stringMatching(/^[a-z]{1,12}$/).map((text) => `${text}@example.org`);
  if (format === 'uri' || format === 'uri-reference')
    return fc.stringMatching(/^[a-z]{1,12}$/).map((text) => `https://example.org/${text}`);
  if (format === 'uuid') return fc.uuid();
  if (typeof pattern === 'string') return fc.stringMatching(new RegExp(pattern, 'u'), { size: '-1' }).filter(fits);
  // At the limits as often as between them; beyond the letters of English, too.
  return fc.oneof(
    { weight: 4, arbitrary: fc.string({ unit: 'grapheme', minLength, maxLength }).filter(fits) },
    { weight: 1, arbitrary: fc.constantFrom('a'.repeat(Math.max(1, minLength)), 'z'.repeat(maxLength)) },
  );
}
