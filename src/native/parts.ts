import type { Json } from '../fhir/json.ts';
import type { Resource } from './view.ts';

/** An element of a resource. */
export type Part = Readonly<Record<string, Json>>;

export const partsOf = (value: Json | undefined): Part[] => (Array.isArray(value) ? (value as Part[]) : []);

export function partOf(value: Json | undefined): Part | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
}

export const textOf = (value: Json | undefined): string | undefined => (typeof value === 'string' ? value : undefined);

export const numberOf = (value: Json | undefined): number | undefined => (typeof value === 'number' ? value : undefined);

/** Without the members that are undefined. */
export const filled = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as T;

/** A resource of our making; members that are undefined fall away. */
export const resourceFrom = (value: object): Resource => JSON.parse(JSON.stringify(value)) as Resource;

/** A text that was sent, without white space around it; undefined where nothing is left. */
export function given(value: string | null | undefined): string | undefined {
  const trimmed = value?.trim();
  return trimmed === '' ? undefined : trimmed;
}

/** What a CodeableConcept says: its text, or the first display or code there is. */
export function wordsOf(concept: Json | undefined): string | undefined {
  const part = partOf(concept);
  const codings = partsOf(part?.coding);
  return (
    textOf(part?.text) ??
    textOf(codings.find(({ display }) => display !== undefined)?.display) ??
    textOf(codings.find(({ code }) => code !== undefined)?.code)
  );
}

export const referenceTo = (type: string, id: string): { reference: string } => ({ reference: `${type}/${id}` });

/** The id in a reference to a resource of this server: `Patient/x`; undefined where it is to another type or another server. */
export function idIn(reference: Json | undefined, type: string): string | undefined {
  const [, named, id] =
    /^([A-Z][A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/\d+)?$/.exec(textOf(partOf(reference)?.reference) ?? '') ?? [];
  return named === type ? id : undefined;
}

/** What the server sets: of a resource that was not read yet, the first version. */
export function stampOf(resource: Resource): { updated_at: string; version: number } {
  const meta = partOf(resource.meta);
  return { updated_at: textOf(meta?.lastUpdated) ?? new Date(0).toISOString(), version: Number(textOf(meta?.versionId) ?? 1) };
}

/** What stays of a resource that is replaced. A narrative that was generated of the values before would contradict those after. */
export function keptOf(before: Resource | undefined): Resource {
  const { text: narrative, ...kept } = before ?? {};
  return narrative === undefined || partOf(narrative)?.status === 'generated' ? kept : { ...kept, text: narrative };
}

/** A FHIR time as RFC 3339 in UTC; what has no time of the day stays as it is. */
export function utcOf(value: Json | undefined): string | undefined {
  const text = textOf(value);
  return text?.includes('T') === true && !Number.isNaN(Date.parse(text)) ? new Date(text).toISOString() : text;
}

/** The list with one of its parts replaced, or put first where there was none; undefined where nothing is left. */
export function replacedFirst(list: readonly Part[], old: Part | undefined, part: object | undefined): object[] | undefined {
  const others = list.filter((each) => each !== old);
  const all = part === undefined ? others : [part, ...others];
  return all.length === 0 ? undefined : all;
}

/** FHIR's status codes as the native API writes them: `on_hold`; and back. */
export const wordOfCode = (code: Json | undefined): string | undefined => textOf(code)?.replaceAll('-', '_');
export const codeOfWord = (word: string): string => word.replaceAll('_', '-');
