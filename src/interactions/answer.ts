import type { Disclosed } from '../audit/concerned.ts';
import type { Issue } from '../fhir/error.ts';
import { render, renderText, type VersionStamp } from './document.ts';

/** What an interaction answers, before it is rendered for HTTP or as a Bundle entry. */
export type Answer = AnswerHead & (Telling | Silent);

type AnswerHead = {
  readonly status: number;
  /** Of the resource answered about: makes ETag, Last-Modified and, for a new version, Location. */
  readonly stamp?: VersionStamp;
  /** The answer made a version or names one: Location is sent. */
  readonly located?: boolean;
  readonly issues?: readonly Issue[];
  /** What is answered as it is instead of as a resource. */
  readonly file?: FileBody;
  /** Its event in the audit trail was committed with what it wrote. */
  readonly recorded?: true;
};

/** The bytes of a Binary, to be read once; reading throws where what is stored isn't what was: what came until then isn't the whole. */
export type FileBody = {
  readonly contentType: string;
  readonly size: number;
  readonly content: Iterable<Buffer> | AsyncIterable<Buffer>;
  /** Whose it is: the reference of its securityContext. */
  readonly securityContext?: string;
};

/** Who shows something says which stored rows it shows: from them follows whom it concerns. */
type Telling = {
  /** A resource as JSON text or bytes. */
  readonly body: Buffer | string;
  readonly disclosed: readonly Disclosed[];
};
type Silent = { readonly body?: undefined; readonly disclosed?: readonly Disclosed[] };

/** `Prefer: return=…` @see https://hl7.org/fhir/R4/http.html#ops */
export type Return = 'representation' | 'minimal' | 'OperationOutcome';

export type WriteAnswer = {
  readonly status: 200 | 201;
  readonly stamp: VersionStamp;
  /** The stored text, as written or as found. */
  readonly json: string | Buffer;
  /** The row as it is now. */
  readonly row: Disclosed;
  /** It was written by this request, its event with it; false: it was like that before. */
  readonly isNew: boolean;
  /** The caller may read what he wrote. */
  readonly readable: boolean;
};

/** The answer to a write, with as much of the resource as was preferred and the caller may read. */
export function writeAnswer({ status, stamp, json, row, isNew, readable }: WriteAnswer, prefer: Return, advice: readonly Issue[]): Answer {
  const base = { status, stamp, located: true, disclosed: [row], ...(isNew ? ({ recorded: true } as const) : {}) };
  if (prefer === 'OperationOutcome') return { ...base, issues: advice };
  if (prefer === 'minimal' || !readable) return base;
  return { ...base, body: typeof json === 'string' ? renderText(json, stamp) : render(json, stamp) };
}
