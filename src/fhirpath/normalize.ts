import type { Schema } from '../fhir/schema.ts';
import { type Node, UnsupportedPath } from './syntax.ts';

/** A path from an item of `type` (`this`). It is the resource's type, not the item's, where the path begins at `%resource`. */
export type Branch = { readonly node: Node; readonly type: string };

/**
 * The branches of an expression that apply to a type.
 *
 * Unions are split wherever they stand (`(A | B).c` becomes `A.c` and `B.c`), a leading type name becomes `this` if it is
 * the type or one it derives from (`Resource.meta` on a Patient), and branches of other types are dropped.
 *
 * @param node  the whole expression
 * @param type  a resource type, datatype or backbone: `Patient`, `Observation.component`
 * @throws      UnsupportedPath for a union under something that counts or picks over the whole of it
 */
export function branchesFor(node: Node, type: string, schema: Schema): Branch[] {
  const fromItem = (name: string): Node | undefined => {
    if (name === RESOURCE) throw new UnsupportedPath('%resource beside other roots');
    if (!isTypeName(name, schema)) return { kind: 'member', from: { kind: 'this' }, name };
    return derivesFrom(type, name, schema) ? { kind: 'this' } : undefined;
  };
  return splitUnions(node).flatMap((branch): Branch[] => {
    const isOnResource = leadingName(branch) === RESOURCE;
    const bound = rebind(branch, isOnResource ? fromResource : fromItem);
    return bound === undefined ? [] : [{ node: bound, type: isOnResource ? resourceTypeOf(type, schema) : type }];
  });
}

const RESOURCE = '%resource';

function fromResource(name: string): Node {
  if (name !== RESOURCE) throw new UnsupportedPath('%resource beside other roots');
  return { kind: 'this' };
}

/** `MolecularSequence` of `MolecularSequence.variant`. */
function resourceTypeOf(type: string, schema: Schema): string {
  const [head = ''] = type.split('.');
  if (schema(head)?.kind !== 'resource') throw new UnsupportedPath(`%resource around a ${type}`);
  return head;
}

function leadingName(node: Node): string | undefined {
  if (node.kind === 'name') return node.name;
  if (node.kind === 'binary') return leadingName(node.left);
  return 'from' in node ? leadingName(node.from) : undefined;
}

/** Whether a leading name is a type's: element names begin with a small letter. */
export function isTypeName(name: string, schema: Schema): boolean {
  return /^[A-Z]/.test(name) && schema(name) !== undefined;
}

/** Whether `type` is `base` or derives from it: `Age` from `Quantity`, `canonical` from `uri`, `Patient` from `Resource`. */
export function derivesFrom(type: string, base: string, schema: Schema): boolean {
  for (let name = type; name !== ''; name = schema(name)?.base ?? '') if (name === base) return true;
  return false;
}

function splitUnions(node: Node): Node[] {
  switch (node.kind) {
    case 'union':
      return node.parts.flatMap(splitUnions);
    case 'member':
    case 'ofType':
      return splitUnions(node.from).map((from) => ({ ...node, from }));
    case 'call': {
      const froms = splitUnions(node.from);
      if (froms.length > 1 && !ELEMENTWISE.has(node.name)) throw new UnsupportedPath(`${node.name}() over a union`);
      return froms.map((from) => ({ ...node, from }));
    }
    case 'index':
    case 'is': {
      const froms = splitUnions(node.from);
      if (froms.length > 1) throw new UnsupportedPath('one item of a union');
      return froms.map((from) => ({ ...node, from }));
    }
    default:
      return [node];
  }
}

const ELEMENTWISE = new Set(['where', 'extension', 'select']);

/** Replaces the leading names; undefined if one of them is another type's. */
function rebind(node: Node, bind: (name: string) => Node | undefined): Node | undefined {
  switch (node.kind) {
    case 'name':
      return bind(node.name);
    case 'member':
    case 'index':
    case 'ofType':
    case 'is':
    case 'call': {
      const from = rebind(node.from, bind);
      if (from === undefined) return undefined;
      return node.kind === 'call'
        ? shortenExtension({ ...node, from, args: rebindAll(node.args, elementOfItem) ?? [] })
        : { ...node, from };
    }
    case 'binary': {
      const [left, right] = rebindAll([node.left, node.right], bind) ?? [];
      return left === undefined || right === undefined ? undefined : { ...node, left, right };
    }
    case 'union': {
      const parts = rebindAll(node.parts, bind);
      return parts && { ...node, parts };
    }
    default:
      return node;
  }
}

function rebindAll(nodes: readonly Node[], bind: (name: string) => Node | undefined): Node[] | undefined {
  const bound = nodes.map((node) => rebind(node, bind)).filter((node) => node !== undefined);
  return bound.length === nodes.length ? bound : undefined;
}

/** Arguments are about the items: only names of elements lead there, as far as we go. */
function elementOfItem(name: string): Node {
  if (/^[A-Z%]/.test(name)) throw new UnsupportedPath(`${name} within an argument`);
  return { kind: 'member', from: { kind: 'this' }, name };
}

/** `extension.where(url='…')` says the same as `extension('…')`, and is kept as that. */
function shortenExtension(call: Extract<Node, { kind: 'call' }>): Node {
  const [condition] = call.args;
  const { from } = call;
  if (call.name !== 'where' || from.kind !== 'member' || from.name !== 'extension') return call;
  if (condition?.kind !== 'binary' || condition.operator !== '=') return call;
  const { left, right } = condition;
  const isUrl = left.kind === 'member' && left.from.kind === 'this' && left.name === 'url' && right.kind === 'literal';
  return isUrl ? { kind: 'call', from: from.from, name: 'extension', args: [right] } : call;
}
