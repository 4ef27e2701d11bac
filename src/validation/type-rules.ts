import { constraintsOf, type Schema, type TypeDef } from '../fhir/schema.ts';
import { attachmentRule } from './attachment.ts';
import { codeRules } from './bindings.ts';
import { bundleRule } from './bundle.ts';
import { codingRule, quantityRule } from './coding.ts';
import { containerRule, narrativeWanted } from './contained.ts';
import { identifierRule } from './identifier.ts';
import { rulesOfInvariants, standardRule } from './invariants.ts';
import { narrativeRule } from './narrative.ts';
import type { ObjectRule } from './objects.ts';
import { referenceRule } from './references.ts';
import type { Rules } from './rules.ts';

/** What the definition of a type, and the standard's text on it, ask of each of its objects beyond their members. */
export function rulesOfType(schema: Schema, rules: Rules, definition: TypeDef): ObjectRule[] {
  const { name, kind, binding } = definition;
  const own: ObjectRule[] = [];
  if (kind === 'resource' && definition.elements.has('contained')) own.push(containerRule, ...narrativeWanted(rules.options));
  const rule = TYPES.get(name) ?? (QUANTITIES.has(name) ? quantityRule : undefined);
  if (rule !== undefined) own.push(rule);
  if (name === 'Reference') own.push(referenceRule(schema));
  if (binding !== undefined) own.push(...codeRules('Quantity', binding, standardRule(name, name)));
  return [...own, ...rulesOfInvariants(schema, rules, constraintsOf(schema, name), name, name)];
}

const QUANTITIES = new Set(['Quantity', 'Age', 'Count', 'Distance', 'Duration', 'Money', 'SimpleQuantity', 'MoneyQuantity']);

const TYPES: ReadonlyMap<string, ObjectRule> = new Map([
  ['Attachment', attachmentRule],
  ['Bundle', bundleRule],
  ['Coding', codingRule],
  ['Identifier', identifierRule],
  ['Narrative', narrativeRule],
]);
