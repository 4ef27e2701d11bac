import type { Schema } from '../fhir/schema.ts';
import { type Node, UnsupportedPath } from './syntax.ts';
import { typesOf } from './typing.ts';

/**
 * Writes a path the one way all its spellings have in common, so that it can serve as the identity of what it finds.
 *
 * `(Observation.value as Quantity)` and `Observation.value.ofType(Quantity)` are the latter; a type test that keeps
 * everything is left out.
 *
 * @param node  a branch of `branchesFor`
 * @param type  the type of `this`, with which the text begins
 */
export function pathText(node: Node, type: string, schema: Schema): string {
  return write(node, { root: type, known: { type, schema } });
}

/** Writes a path in full, as FHIRPath for the library. `root` is what it calls the context. */
export function sourceText(node: Node, root: string): string {
  return write(node, { root, known: undefined });
}

/** What `this` is called, and its type where the text may be shortened by knowing it. */
type Place = { readonly root: string; readonly known: { readonly type: string; readonly schema: Schema } | undefined };

function write(node: Node, place: Place): string {
  switch (node.kind) {
    case 'this':
      return place.root;
    case 'name':
      return identifier(node.name);
    case 'member':
      return after(node.from, identifier(node.name), place);
    case 'index':
      return `${write(node.from, place)}[${node.index}]`;
    case 'ofType':
      return keepsAll(node, place) ? write(node.from, place) : after(node.from, `ofType(${node.type})`, place);
    case 'is':
      return `${write(node.from, place)} is ${node.type}`;
    case 'call':
      return writeCall(node, place);
    case 'union':
      return `(${node.parts.map((part) => write(part, place)).join(' | ')})`;
    case 'binary': {
      const spaced = node.operator === '=' || node.operator === '!=' ? node.operator : ` ${node.operator} `;
      return writeOperand(node.left, place) + spaced + writeOperand(node.right, place);
    }
    case 'literal':
      return typeof node.value === 'string' ? `'${node.value.replace(/[\\']/g, String.raw`\$&`)}'` : String(node.value);
    default:
      throw new UnsupportedPath(`${node.kind} as text`);
  }
}

function writeCall(node: Call, place: Place): string {
  const args = node.args.map((argument) => write(argument, { root: '$this', known: itemsOf(node, place) }));
  return after(node.from, `${node.name}(${args.join(', ')})`, place);
}

type Call = Extract<Node, { kind: 'call' }>;

/** An argument is about each item reached; where those differ in type, its text isn't shortened. */
function itemsOf(node: Call, { known }: Place): Place['known'] {
  const [type, ...others] = known === undefined ? [] : typesOf(node.from, known.type, known.schema);
  return known === undefined || type === undefined || others.length > 0 ? undefined : { ...known, type };
}

function keepsAll(node: Extract<Node, { kind: 'ofType' }>, { known }: Place): boolean {
  if (known === undefined) return false;
  return typesOf(node.from, known.type, known.schema).join() === typesOf(node, known.type, known.schema).join();
}

function after(from: Node, text: string, place: Place): string {
  return from.kind === 'this' && place.root === '$this' ? text : `${write(from, place)}.${text}`;
}

function identifier(name: string): string {
  return /^%?[A-Za-z_]\w*$/.test(name) ? name : `\`${name.replace(/[\\`]/g, String.raw`\$&`)}\``;
}

function writeOperand(node: Node, place: Place): string {
  return node.kind === 'binary' ? `(${write(node, place)})` : write(node, place);
}
