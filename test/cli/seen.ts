/** Resources of the sample as its tests look at them: the members they ask for, as if all were there. */
export type Seen = {
  readonly resourceType: string;
  readonly status: string;
  readonly identifier: readonly [{ readonly system: string; readonly value: string }];
  readonly name: readonly { readonly use: string }[];
  readonly birthDate: string;
  readonly deceasedDateTime?: string;
  readonly deceasedBoolean?: boolean;
  readonly start: string;
  readonly period?: { readonly start: string };
  readonly effectiveDateTime?: string;
  readonly occurrenceDateTime?: string;
  readonly encounter: { readonly reference: string };
  readonly diagnosis?: readonly [{ readonly condition: { readonly reference: string } }];
  readonly code: Code;
  readonly valueQuantity?: Value;
  readonly interpretation?: readonly [Code];
  readonly referenceRange: readonly [{ readonly low?: Value; readonly high?: Value }];
};

type Code = { readonly coding: readonly [{ readonly code: string }] };
type Value = { readonly value: number };

export type SeenBundle = {
  readonly resourceType: string;
  readonly type: string;
  readonly entry: readonly {
    readonly fullUrl: string;
    readonly resource: Seen;
    readonly request: { readonly method: string; readonly url: string; readonly ifNoneExist?: string };
  }[];
};

export function readBundle(line: string): SeenBundle {
  return JSON.parse(line) as SeenBundle;
}

export function resourcesOf(bundle: SeenBundle): readonly Seen[] {
  return bundle.entry.map((entry) => entry.resource);
}

export function ofType(list: readonly Seen[], type: string): readonly Seen[] {
  return list.filter((resource) => resource.resourceType === type);
}
