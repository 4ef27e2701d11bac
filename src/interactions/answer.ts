import type { Issue } from '../fhir/error.ts';
import { render, renderText, type VersionStamp } from './document.ts';

/** What an interaction answers, before it is rendered for HTTP or as a Bundle entry. */
export type Answer = {
  readonly status: number;
  /** A resource as JSON text or bytes. */
  readonly body?: Buffer | string;
  /** Of the resource answered about: makes ETag, Last-Modified and, for a new version, Location. */
  readonly stamp?: VersionStamp;
  /** The answer made a version or names one: Location is sent. */
  readonly located?: boolean;
  readonly issues?: readonly Issue[];
};

/** `Prefer: return=…` @see https://hl7.org/fhir/R4/http.html#ops */
export type Return = 'representation' | 'minimal' | 'OperationOutcome';

export type WriteAnswer = {
  readonly status: 200 | 201;
  readonly stamp: VersionStamp;
  /** The stored text, as written or as found. */
  readonly json: string | Buffer;
  /** The caller may read what he wrote. */
  readonly readable: boolean;
};

/** The answer to a write, with as much of the resource as was preferred and the caller may read. */
export function writeAnswer({ status, stamp, json, readable }: WriteAnswer, prefer: Return, advice: readonly Issue[]): Answer {
  const base = { status, stamp, located: true };
  if (prefer === 'OperationOutcome') return { ...base, issues: advice };
  if (prefer === 'minimal' || !readable) return base;
  return { ...base, body: typeof json === 'string' ? renderText(json, stamp) : render(json, stamp) };
}
