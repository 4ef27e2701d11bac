/** A patient with a decimal in an extension and a name, small enough to compare by eye. */
export function patient(more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { resourceType: 'Patient', name: [{ family: 'Sample', given: ['Ada'] }], ...more };
}

export function observation(more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { resourceType: 'Observation', status: 'final', code: { text: 'pulse' }, ...more };
}

export const identifierSystem = 'https://example.org/ids';

/** `identifier` and the search criteria that find it, different at each call. */
export function identified(): { readonly identifier: readonly unknown[]; readonly criteria: string; readonly value: string } {
  const value = `n${Math.random().toString(36).slice(2)}`;
  return { identifier: [{ system: identifierSystem, value }], criteria: `identifier=${identifierSystem}|${value}`, value };
}

/** The stable id of the first issue of an outcome. */
export function issueId(outcome: { issue?: readonly { details?: { coding?: readonly { code?: string }[] } }[] }): string | undefined {
  return outcome.issue?.[0]?.details?.coding?.[0]?.code;
}

type Entry = {
  readonly fullUrl?: string;
  readonly resource?: Readonly<Record<string, unknown>>;
  readonly request: Readonly<Record<string, unknown>>;
};

export function bundle(type: 'batch' | 'transaction', ...entry: readonly Entry[]): Record<string, unknown> {
  return { resourceType: 'Bundle', type, entry };
}

/** The numbers of an entry's answers: `[201, 200]`. */
export function statuses(answer: { entry?: readonly { response: { status: string } }[] }): number[] {
  return (answer.entry ?? []).map(({ response }) => Number.parseInt(response.status, 10));
}

/** The resource id in `Patient/1/_history/2` of an entry's answer. */
export function locatedId(answer: { entry: readonly { response: { location?: string } }[] }, index: number): string {
  return answer.entry[index]?.response.location?.split('/')[1] ?? '';
}
