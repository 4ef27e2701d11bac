import type { ElementDef, Schema } from '../fhir/schema.ts';
import { derivesFrom } from './normalize.ts';
import { type Node, UnsupportedPath } from './syntax.ts';

/**
 * The datatypes a path can end at.
 *
 * @param node  a branch of `branchesFor`
 * @param type  the type of `this`
 * @returns     empty if no such element exists
 */
export function typesOf(node: Node, type: string, schema: Schema): string[] {
  switch (node.kind) {
    case 'this':
      return [type];
    case 'member':
      return unique(
        typesOf(node.from, type, schema).flatMap((from) => elementsNamed(node.name, from, schema).map((element) => element.type)),
      );
    case 'ofType':
      return unique(typesOf(node.from, type, schema).flatMap((from) => narrowed(from, node.type, schema) ?? []));
    case 'index':
      return typesOf(node.from, type, schema);
    case 'call':
      if (node.name === 'where') return typesOf(node.from, type, schema);
      if (node.name === 'extension') return typesOf({ kind: 'member', from: node.from, name: 'extension' }, type, schema);
      if (node.name === 'select' && node.args[0] !== undefined) {
        const [projection] = node.args;
        return unique(typesOf(node.from, type, schema).flatMap((from) => typesOf(projection, from, schema)));
      }
      return ['boolean'];
    case 'is':
    case 'binary':
      return ['boolean'];
    default:
      throw new UnsupportedPath(`${node.kind} as a path`);
  }
}

/**
 * The JSON properties an element name stands for: one per type if it is a choice.
 *
 * @throws  UnsupportedPath below an element whose type only the data tells (`contained`, `Bundle.entry.resource`)
 */
export function elementsNamed(name: string, type: string, schema: Schema): readonly ElementDef[] {
  const definition = schema(type);
  if (definition === undefined) return [];
  const single = definition.elements.get(name);
  if (single !== undefined) return [single];
  const choices = [...definition.elements.values()].filter((element) => element.element === `${name}[x]`);
  if (choices.length === 0 && definition.kind === 'resource' && definition.abstract) {
    throw new UnsupportedPath(`${name} of a ${type}`);
  }
  return choices;
}

/** What is left of a static type by `ofType(wanted)`: itself, the type wanted if the data may be that, or nothing. */
export function narrowed(type: string, wanted: string, schema: Schema): string | undefined {
  if (derivesFrom(type, wanted, schema)) return type;
  return schema(type)?.abstract === true && derivesFrom(wanted, type, schema) ? wanted : undefined;
}

/**
 * The types a condition on references asks for: `resolve() is Patient`, or several of these joined by `or`.
 *
 * @returns  undefined if it asks for anything else
 */
export function resolvedTypes(condition: Node | undefined): readonly string[] | undefined {
  if (condition?.kind === 'binary' && condition.operator === 'or') {
    const left = resolvedTypes(condition.left);
    const right = resolvedTypes(condition.right);
    return left && right && [...left, ...right];
  }
  if (condition?.kind !== 'is' || condition.from.kind !== 'call') return undefined;
  const { name, from } = condition.from;
  return name === 'resolve' && from.kind === 'this' ? [condition.type] : undefined;
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}
