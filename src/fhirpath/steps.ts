import type { ElementDef, Schema } from '../fhir/schema.ts';
import { compileCondition } from './conditions.ts';
import { type Node, UnsupportedPath } from './syntax.ts';
import { elementsNamed, narrowed } from './typing.ts';
import type { Continue, Step } from './visit.ts';

/**
 * Compiles a path into a step from an item of `type` to what it finds.
 *
 * @param next  what follows at the path's end, by the type of the items there
 * @returns     undefined if the path can find nothing (no such element)
 * @throws      UnsupportedPath for what is left to the library
 */
export function compileSteps(node: Node, type: string, schema: Schema, next: Continue): Step | undefined {
  switch (node.kind) {
    case 'this':
      return next(type);
    case 'member':
      return compileSteps(node.from, type, schema, (from) => compileMember(node.name, from, schema, next));
    case 'ofType':
      return compileSteps(node.from, type, schema, (from) => {
        const left = narrowed(from, node.type, schema);
        const step = left === undefined ? undefined : next(left);
        return step === undefined || left === from ? step : whereResourceType(node.type, step);
      });
    case 'index':
      return compileIndex(node.from, node.index, type, schema, next);
    case 'call':
      return compileCall(node, type, schema, next);
    default:
      throw new UnsupportedPath(`${node.kind} as a path`);
  }
}

function compileMember(name: string, type: string, schema: Schema, next: Continue): Step | undefined {
  const steps = elementsNamed(name, type, schema).flatMap((element) => {
    const step = next(element.type);
    return step === undefined ? [] : [goInto(element, jsonKind(element.type, schema), step)];
  });
  const [only, second, third] = steps;
  if (only === undefined || second === undefined) return only;
  if (third === undefined) {
    return (value, holder, key, visit) => {
      only(value, holder, key, visit);
      second(value, holder, key, visit);
    };
  }
  return (value, holder, key, visit) => {
    for (const step of steps) step(value, holder, key, visit);
  };
}

function compileCall(node: Extract<Node, { kind: 'call' }>, type: string, schema: Schema, next: Continue): Step | undefined {
  const [argument] = node.args;
  if (argument === undefined || node.args.length !== 1) throw new UnsupportedPath(`${node.name}()`);
  switch (node.name) {
    case 'where':
      return compileSteps(node.from, type, schema, (from) => {
        const condition = compileCondition(argument, { type: from, schema, compileSteps });
        const step = next(from);
        return step === undefined
          ? undefined
          : (value, holder, key, visit) => {
              if (condition(value) === true) step(value, holder, key, visit);
            };
      });
    case 'extension': {
      if (argument.kind !== 'literal') throw new UnsupportedPath('extension() by a computed url');
      const extensions: Node = { kind: 'member', from: node.from, name: 'extension' };
      return compileSteps(extensions, type, schema, (from) => {
        const step = next(from);
        return step === undefined
          ? undefined
          : (value, holder, key, visit) => {
              if ((value as { readonly url?: unknown }).url === argument.value) step(value, holder, key, visit);
            };
      });
    }
    case 'select':
      return compileSteps(node.from, type, schema, (from) => compileSteps(argument, from, schema, next));
    default:
      throw new UnsupportedPath(`${node.name}()`);
  }
}

/** Counts what comes by; the count is put aside while a visitor walks another resource by the same path. */
function compileIndex(from: Node, index: number, type: string, schema: Schema, next: Continue): Step | undefined {
  let count = 0;
  const counted = compileSteps(from, type, schema, (reached) => {
    const step = next(reached);
    return step === undefined
      ? undefined
      : (value, holder, key, visit) => {
          if (count++ === index) step(value, holder, key, visit);
        };
  });
  return counted === undefined
    ? undefined
    : (value, holder, key, visit) => {
        const before = count;
        count = 0;
        counted(value, holder, key, visit);
        count = before;
      };
}

function whereResourceType(type: string, step: Step): Step {
  return (value, holder, key, visit) => {
    if ((value as { readonly resourceType?: unknown }).resourceType === type) step(value, holder, key, visit);
  };
}

type JsonKind = 'object' | 'string' | 'number' | 'boolean';

const NUMBERS = new Set(['decimal', 'integer', 'positiveInt', 'unsignedInt']);

function jsonKind(type: string, schema: Schema): JsonKind {
  if (schema(type)?.kind !== 'primitive') return 'object';
  if (type === 'boolean') return 'boolean';
  return NUMBERS.has(type) ? 'number' : 'string';
}

/** Values of another shape than the element's are passed over: whether a resource is well-formed is asked elsewhere. */
function goInto(element: ElementDef, kind: JsonKind, step: Step): Step {
  const { name } = element;
  if (!element.array) {
    return (value, _holder, _key, visit) => {
      const child = (value as Record<string, unknown>)[name];
      if (typeof child === kind && child !== null && !Array.isArray(child)) step(child, value as object, name, visit);
    };
  }
  return (value, _holder, _key, visit) => {
    const children = (value as Record<string, unknown>)[name];
    if (!Array.isArray(children)) return;
    for (let index = 0; index < children.length; index++) {
      const child: unknown = children[index];
      if (typeof child === kind && child !== null && !Array.isArray(child)) step(child, children, index, visit);
    }
  };
}
