import { LRUCache } from 'lru-cache';
import type { Conformance, LiveConformance } from '../fhir/conformance.ts';
import type { RowFilter } from '../storage/filter.ts';
import type { Validator } from '../validation/validate.ts';
import type { Call, Context } from './context.ts';
import { conformanceFor, seen } from './terminology.ts';
import { openValidation } from './validation.ts';

/** What validation draws on, and may quote. */
const quotedTypes = ['StructureDefinition', 'ValueSet', 'CodeSystem'] as const;

/** Callers fall into few kinds by what of these types they may see; each kind's profiles are compiled once. */
const kindsMax = 8;
const known = new WeakMap<LiveConformance, LRUCache<string, Validator>>();

/**
 * The validator of a caller's questions, as opposed to his writes: a stored profile that is hidden from him is one that isn't there. What is
 * required is no secret: `/metadata` names it.
 */
export function validatorFor(ctx: Context, call: Call): Validator {
  const filters = quotedTypes.map((type) => seen(call, type));
  if (filters.every((filter) => filter === 'all')) return ctx.validator;
  const kinds = kindsOf(ctx.conformance);
  const kind = filters.map(textOf).join(';');
  const found = kinds.get(kind) ?? openValidation(partsFor(ctx, call)).validator;
  kinds.set(kind, found);
  return found;
}

function kindsOf(conformance: LiveConformance): LRUCache<string, Validator> {
  const found = known.get(conformance);
  if (found !== undefined) return found;
  const kinds = new LRUCache<string, Validator>({ max: kindsMax });
  conformance.onChange(() => kinds.clear());
  known.set(conformance, kinds);
  return kinds;
}

function partsFor(ctx: Context, call: Call): Parameters<typeof openValidation>[0] {
  const { config, definitions, codeTables } = ctx;
  const required = new Set([...config.requiredProfiles.values()].flat());
  const visible = conformanceFor(ctx, call);
  const conformance: Conformance = {
    ...visible,
    find: (type, canonical) => (required.has(canonical) ? ctx.conformance : visible).find(type, canonical),
  };
  return { config, schema: definitions.schema, conformance, ...(codeTables === undefined ? {} : { codeTables }) };
}

/** Equal for filters that let the same rows through. */
function textOf(filter: RowFilter): string {
  return JSON.stringify(filter, (_, value: unknown) => (typeof value === 'bigint' ? value.toString(36) : value));
}
