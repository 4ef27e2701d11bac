import type { Json } from '../../fhir/json.ts';
import type { StructureDefinition } from '../../fhir/structure-definition.ts';
import { isObject } from '../resolve.ts';
import { insideResource, type Walk } from '../walk.ts';
import { fixedCodesIn } from './bindings.ts';
import { type CompiledProfile, type Compiler, fault, type FindProfile, type ProfileParts } from './compiler.ts';
import { makeConforms } from './conforming.ts';
import { itemCheckOf } from './contents.ts';
import { isA, type Item, propertyFinder } from './items.ts';
import { childOf, type Node, treeOf, urlOfExtension } from './tree.ts';

/** What profiles that know each other are compiled with. */
export type CompileProfile = (definition: StructureDefinition) => CompiledProfile;

/**
 * Makes the compiler of profiles with a snapshot. Of a profile all elements are compiled at once; what it names is looked for
 * when a resource first needs it.
 *
 * @throws  Error whose message says, as it follows the profile's name, why it can't be compiled: `is a logical model`
 */
export function profileCompiler(parts: ProfileParts, find: FindProfile): CompileProfile {
  const propertiesOf = propertyFinder(parts.schema);
  const conforms = makeConforms(parts.schema, find);
  return (definition) => {
    const { url, version, name, kind, type, abstract, context, contextInvariant, snapshot } = definition;
    if (kind === 'logical') throw new Error('is a logical model, which no resource conforms to');
    if (parts.schema(type) === undefined) throw new Error(`is of ${type}, which is no type of FHIR R4`);
    if (snapshot === undefined) throw new Error('has no snapshot');
    const root = treeOf(snapshot.element);
    const identity = { url, ...(version === undefined ? {} : { version }) };
    const fixedCodes = fixedCodesIn(root);
    const compiler: Compiler = {
      ...parts,
      definition: identity,
      root,
      propertiesOf,
      find,
      conforms,
      fixedCodes,
      contents: new Map(),
      itemCheckOf,
    };
    return {
      ...identity,
      type,
      modifier: root.element.isModifier === true,
      parts: type === 'Extension' ? partsOf(root) : [],
      mustSupport: mustSupported(root),
      definition: { ...identity, name, kind, abstract, ...(context && { context }), ...(contextInvariant && { contextInvariant }) },
      root,
      check: rootCheck(compiler, type),
    };
  };
}

function rootCheck(compiler: Compiler, type: string): CompiledProfile['check'] {
  const { schema, root } = compiler;
  const run = itemCheckOf(compiler, root, { types: [type], properties: [] })?.check;
  const isResource = schema(type)?.kind === 'resource';
  return (walk, value, holder, key) => {
    // No datatype has a resourceType: a resource claims what only a part of one can conform to.
    if (!isResource && isObject(value) && typeof value.resourceType === 'string') {
      return reportType(compiler, walk, value.resourceType, type);
    }
    const item = rootItem(type, isResource, value, holder, key);
    if (item === undefined) return;
    if (!isA(schema, item.type, type)) return reportType(compiler, walk, item.type, type);
    if (run === undefined) return;
    if (!isResource || !isObject(value) || walk.resources.at(-1) === value) return run(walk, item);
    insideResource(walk, value, false, () => run(walk, item));
  };
}

function rootItem(type: string, isResource: boolean, value: Json, holder: object, key: string | number): Item | undefined {
  if (isResource) {
    if (!isObject(value) || typeof value.resourceType !== 'string') return undefined;
    return { value, holder, key, type: value.resourceType, shadow: undefined, index: undefined };
  }
  const beside = isObject(value) ? undefined : (holder as { readonly [name: string]: Json | undefined })[`_${key}`];
  return { value: value ?? undefined, holder, key, type, shadow: isObject(beside) ? beside : undefined, index: undefined };
}

function reportType(compiler: Compiler, walk: Walk, found: string, type: string): void {
  const { url } = compiler.definition;
  const sentence = `is a ${found}, and ${url} is a profile of ${type}: claim one of ${found}.`;
  fault(compiler, walk, { code: 'structure', id: 'profile-type', key: type }, sentence);
}

function partsOf(extension: Node): readonly string[] {
  return (childOf(extension, 'extension')?.slices ?? []).flatMap((slice) => urlOfExtension(slice) ?? slice.element.sliceName ?? []);
}

function mustSupported(node: Node): readonly string[] {
  const own = node.element.mustSupport === true ? [node.id] : [];
  return [...own, ...[...node.children, ...node.slices].flatMap(mustSupported)];
}
