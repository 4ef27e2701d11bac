import type { Definitions } from '../definitions/load.ts';
import type { CompiledPath } from '../fhirpath/compile.ts';
import type { ElementDef, SearchParameterType } from '../fhir/schema.ts';
import type { ElementNumbers } from '../storage/elements.ts';
import { partNames } from './types/part-names.ts';

/**
 * One element of a type that search asks for. Facts and tokens are kept by element, not by parameter: parameters that
 * look at the same element (`code` and `combo-code`, `patient` and `subject`) share what is stored.
 */
export type SearchElement = {
  readonly kind: SearchParameterType;
  /** The element's place: `Observation.value.ofType(Quantity)`. */
  readonly path: string;
  readonly types: readonly string[];
  readonly each: CompiledPath['each'];
  /** Its number in the fact tables. */
  readonly number: number;
  /** Some parameter counts only references to certain types: which types there are is kept too. */
  readonly narrowed: boolean;
  /** The one system of a `code` element's codes, where its required binding names just one. */
  readonly system?: string;
  /** A part of a name or an address that is an element too: that leaves the part's tokens. */
  readonly inWhole: boolean;
  /** How it is kept among audit events, of which there are more than of all else, and whose patients are told by keys alone. */
  readonly audited?: AuditedElement;
};

/**
 * `column`: an instant that is asked of the row's clinical_at and leaves no fact; `few`: of a string few beginnings are kept, and what they
 * don't decide is opened; `by-key`: Patients are named by their ref_key, so that who knows no more of them can name them.
 */
export type AuditedElement = 'column' | 'few' | 'by-key';

function auditedElement(kind: SearchParameterType, path: string): { audited?: AuditedElement } {
  if (path === 'AuditEvent.recorded') return { audited: 'column' };
  if (path === 'AuditEvent.entity.what') return { audited: 'by-key' };
  return kind === 'string' ? { audited: 'few' } : {};
}

/** The elements of one type while it is built, each once, whoever looks at it. */
export type ElementPool = {
  /** The element at a compiled path; made if nobody has asked for it yet. */
  readonly at: (kind: SearchParameterType, compiled: Pick<CompiledPath, 'path' | 'types' | 'each' | 'targets'>) => SearchElement;
  readonly all: () => readonly SearchElement[];
};

/** The name an element is numbered by. */
export const nameOf = (element: Pick<SearchElement, 'kind' | 'path'>): string => `${element.kind} ${element.path}`;

export function elementPool(type: string, definitions: Definitions, numbers: ElementNumbers): ElementPool {
  const elements = new Map<string, GrowingElement>();
  return {
    at(kind, { path, types, each, targets }) {
      const name = nameOf({ kind, path });
      let element = elements.get(name);
      if (element === undefined) {
        element = {
          kind,
          path,
          types,
          each,
          number: numbers({ type, path: name }),
          narrowed: false,
          inWhole: false,
          ...impliedSystem(path, types, definitions),
          ...(type === 'AuditEvent' ? auditedElement(kind, path) : {}),
        };
        elements.set(name, element);
      }
      if (targets !== undefined) element.narrowed = true;
      return element;
    },
    all() {
      for (const element of elements.values()) element.inWhole = isInWhole(element, elements);
      return [...elements.values()];
    },
  };
}

function isInWhole({ kind, path }: GrowingElement, elements: ReadonlyMap<string, GrowingElement>): boolean {
  const at = path.lastIndexOf('.');
  const whole = elements.get(nameOf({ kind, path: path.slice(0, at) }));
  return kind === 'string' && whole?.types.some((type) => partNames[type]?.includes(path.slice(at + 1))) === true;
}

/** While a type is built, its elements still learn who looks at them. */
type GrowingElement = Omit<SearchElement, 'narrowed' | 'inWhole'> & { narrowed: boolean; inWhole: boolean };

function impliedSystem(path: string, types: readonly string[], definitions: Definitions): { system?: string } {
  if (types.join() !== 'code') return {};
  const [root = '', ...names] = path.split('.');
  let type: string | undefined = root;
  let valueSet: string | undefined;
  for (const name of names) {
    const element: ElementDef | undefined = definitions.schema(type ?? '')?.elements.get(name);
    valueSet = element?.binding?.strength === 'required' ? element.binding.valueSet : undefined;
    type = element?.type;
  }
  const system = valueSet === undefined ? undefined : definitions.codeSystemOf(valueSet);
  return system === undefined ? {} : { system };
}
