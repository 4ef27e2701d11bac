import { CannotTell, type Evaluation, type Expression, fromItems, fromTruth, single, text } from './expression.ts';
import { given, type Signature, takes } from './functions.ts';
import { ELSEWHERE, Item, type Items, isOf, type Types, typeOfResource } from './item.ts';
import { compileMember } from './navigate.ts';

/** What FHIR adds to FHIRPath. @see https://hl7.org/fhir/R4/fhirpath.html#functions */
export const RESOURCE_FUNCTIONS: Readonly<Record<string, Signature>> = {
  hasValue: takes(0, 0, (from, _, types) =>
    fromTruth((self, evaluation) => {
      const items = from.items(self, evaluation);
      return items.length === 1 && items[0]?.type.kind !== 'object' && items[0]?.value !== undefined;
    }, types),
  ),
  extension: takes(1, 1, (from, [url], types) => extensions(from, given(url), types)),
  // Not FHIR's own, but R4 writes it in places.
  hasExtension: takes(1, 1, (from, [url], types) => fromTruth(extensions(from, given(url), types).some, types)),
  resolve: takes(0, 0, (from) =>
    fromItems((self, evaluation) => from.items(self, evaluation).flatMap((item) => resolved(item, evaluation))),
  ),
  memberOf: takes(1, 1, (from, [valueSet], types) =>
    fromTruth((self, evaluation) => {
      const items = from.items(self, evaluation);
      const url = text(given(valueSet).items(self, evaluation));
      const [item] = items;
      return items.length !== 1 || item === undefined || url === undefined ? undefined : isMember(item, url, evaluation);
    }, types),
  ),
  conformsTo: takes(1, 1, (from, [profile], types) =>
    fromTruth((self, evaluation) => {
      const item = single(from.items(self, evaluation));
      const url = text(given(profile).items(self, evaluation));
      if (item === undefined || url === undefined) return undefined;
      const answer =
        item.value === ELSEWHERE ? undefined : evaluation.scope.conformsTo(url, item.value as Parameters<Scope['conformsTo']>[1]);
      if (answer === undefined) throw new CannotTell('a profile that is not here');
      return answer;
    }, types),
  ),
  subsumes: takes(1, 1, (_, __, types) => fromTruth(untold, types)),
  subsumedBy: takes(1, 1, (_, __, types) => fromTruth(untold, types)),
  // The narrative is checked where its element is.
  htmlChecks: takes(0, 0, (_, __, types) => fromTruth(() => true, types)),
};

type Scope = Evaluation['scope'];

function untold(): never {
  throw new CannotTell('how codes are related is not known here');
}

function extensions(from: Expression, url: Expression, types: Types): Expression {
  const all = compileMember(from, 'extension', types);
  return fromItems((self, evaluation) => {
    const found = all.items(self, evaluation);
    if (found.length === 0) return found;
    const wanted = text(url.items(self, evaluation));
    return found.filter(({ value }) => (value as { readonly url?: unknown }).url === wanted);
  });
}

/** What a reference points to: the resource if it is here, else no more than its type, else nothing. */
function resolved(item: Item, { scope, types }: Evaluation): Items {
  const { reference, type } = typeof item.value === 'string' ? { reference: item.value, type: undefined } : referenceIn(item.value);
  if (reference === undefined) return [];
  const resource = scope.resolve(reference);
  if (resource !== undefined) return [new Item(resource, typeOfResource(resource, types.of('Resource'), types))];
  const name =
    /^(?:https?:\/\/[^?#]*\/)?([A-Z][A-Za-z]+)\/[A-Za-z0-9.-]{1,64}(?:\/_history\/[A-Za-z0-9.-]+)?$/.exec(reference)?.[1] ?? type;
  return name === undefined || types.schema(name)?.kind !== 'resource' ? [] : [new Item(ELSEWHERE, types.of(name))];
}

function referenceIn(value: unknown): { readonly reference?: string; readonly type?: string } {
  if (typeof value !== 'object' || value === null) return {};
  const { reference, type } = value as { readonly reference?: unknown; readonly type?: unknown };
  return { ...(typeof reference === 'string' ? { reference } : {}), ...(typeof type === 'string' ? { type } : {}) };
}

type Coding = { readonly system?: unknown; readonly code?: unknown; readonly coding?: unknown };

/** One of a concept's codings is enough. */
function isMember(item: Item, valueSet: string, evaluation: Evaluation): boolean {
  const answers = codesOf(item, evaluation.types).map(({ system, code }) => {
    if (typeof code !== 'string') return false;
    return evaluation.scope.memberOf(valueSet, typeof system === 'string' ? system : undefined, code);
  });
  if (answers.includes(true)) return true;
  if (answers.includes(undefined)) throw new CannotTell('a value set that is not here');
  return false;
}

function codesOf({ value, type }: Item, types: Types): readonly Coding[] {
  if (typeof value === 'string') return [{ code: value }];
  if (typeof value !== 'object' || value === null) return [];
  const concept = value as Coding;
  if (!isOf(type, 'CodeableConcept', types)) return [concept];
  const codings: readonly unknown[] = Array.isArray(concept.coding) ? concept.coding : [];
  return codings.filter((coding): coding is Coding => typeof coding === 'object' && coding !== null);
}
