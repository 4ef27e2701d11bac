import type { Answer } from '../interactions/answer.ts';
import { FhirError } from '../fhir/error.ts';
import type { StoredFile } from '../storage/stored-file.ts';
import { askTransaction } from './ask.ts';
import type { NativeCall } from './handler.ts';
import type { Resource } from './view.ts';

/** One entry of a transaction. `fullUrl`: what the others refer to it by. */
export type Change = {
  readonly method: 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly resource?: Resource;
  readonly fullUrl?: string;
  readonly ifMatch?: string;
  /** Of a Binary: its bytes, which were stored before. */
  readonly file?: StoredFile;
};

/** Writes all or nothing, under the caller's rights. @returns an answer for each change; the first one with its resource */
export async function transact(request: NativeCall, changes: readonly Change[]): Promise<Answer[]> {
  const entry = changes.map(({ method, url, resource, fullUrl, ifMatch }) => ({ fullUrl, resource, request: { method, url, ifMatch } }));
  const files = new Map(changes.flatMap(({ file }, at) => (file === undefined ? [] : [[at, file] as const])));
  try {
    return await askTransaction(request, { resourceType: 'Bundle', type: 'transaction', entry }, files);
  } catch (error) {
    throw error instanceof FhirError ? withoutEntry(error) : error;
  }
}

/** Of the first change, faults are told as if it had been sent alone. */
function withoutEntry(error: FhirError): FhirError {
  const first = 'Bundle.entry[0].resource.';
  const issues = error.issues.map(({ expression, ...each }) => {
    // An entry as such is no field that a client sent.
    const places = expression?.filter((path) => !/^Bundle\.entry\[\d+\]$/.test(path));
    const text = each.text.replace(/^Entry \d+: /, '');
    if (places === undefined || places.length === 0) return { ...each, text };
    return { ...each, text, expression: places.map((path) => (path.startsWith(first) ? path.slice(first.length) : path)) };
  });
  return new FhirError(error.status, issues, { cause: error, headers: error.headers });
}
