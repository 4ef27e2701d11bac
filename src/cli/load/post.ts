import { entryIndex, isRecord, listOf, outcomeText, parsed } from './answers.ts';
import { type FhirClient, RETRIED, ServerUnusable } from './client.ts';
import type { Source } from './sources.ts';

export type Failure = {
  /** The file and line. */
  readonly source: string;
  /** The entry that it is about, counted from 0 as in FHIRPath; undefined: the Bundle as a whole. */
  readonly entry: number | undefined;
  readonly status: number | undefined;
  readonly text: string;
};

/** What became of one Bundle: the answers to its entries by status, and what failed. */
export type Posted = { readonly statuses: readonly number[]; readonly failures: readonly Failure[] };

const BATCH_ROUNDS_MAX = 3;

/** Posts one Bundle. Entries of a batch that were told "not now" are posted again, a bounded number of times. */
export async function postBundle(client: FhirClient, source: Source): Promise<Posted> {
  const statuses: number[] = [];
  const failures: Failure[] = [];
  let body: Uint8Array | string = source.bytes;
  /** For each entry of `body`, its number in the Bundle as it was read. */
  let numbers: readonly number[] | undefined;
  for (let round = 1; ; round++) {
    const fail = (entry: number | undefined, status: number | undefined, text: string): void => {
      failures.push({ source: source.name, entry, status, text });
    };
    const answer = await attempt(client, body, fail);
    if (answer === undefined) return { statuses, failures };
    const { type, responses } = answer;
    const again = type === 'batch-response' && round < BATCH_ROUNDS_MAX ? indexesOf(responses, (status) => RETRIED.has(status)) : [];
    responses.forEach((response, i) => {
      if (again.includes(i)) return;
      const number = numbers?.[i] ?? i;
      statuses.push(response.status);
      if (response.status >= 400 || response.status === 0) fail(number, response.status, response.text ?? 'no reason given');
    });
    if (again.length === 0) return { statuses, failures };
    body = batchOf(body, again);
    numbers = again.map((i) => numbers?.[i] ?? i);
  }
}

type EntryResponse = { readonly status: number; readonly text: string | undefined };

async function attempt(
  client: FhirClient,
  body: Uint8Array | string,
  fail: (entry: number | undefined, status: number | undefined, text: string) => void,
): Promise<{ readonly type: unknown; readonly responses: readonly EntryResponse[] } | undefined> {
  try {
    const answer = await client.send('POST', '', { body });
    const content = parsed(answer.text);
    if (answer.status >= 200 && answer.status < 300 && isRecord(content) && content['resourceType'] === 'Bundle') {
      return { type: content['type'], responses: listOf(content['entry']).map(entryResponse) };
    }
    const text = outcomeText(content) ?? `not a Bundle: ${answer.text.slice(0, 200)}`;
    fail(entryIndex(text), answer.status, text);
  } catch (error) {
    if (error instanceof ServerUnusable) throw error;
    fail(undefined, undefined, error instanceof Error ? error.message : String(error));
  }
  return undefined;
}

/** The status of an entry, 0 if the server told none. */
function entryResponse(entry: unknown): EntryResponse {
  const response = isRecord(entry) ? entry['response'] : undefined;
  if (!isRecord(response)) return { status: 0, text: 'the answer has no response for it' };
  const [, status = '0'] = /^(\d{3})/.exec(String(response['status'])) ?? [];
  return { status: Number(status), text: outcomeText(response['outcome']) };
}

function indexesOf(responses: readonly EntryResponse[], holds: (status: number) => boolean): number[] {
  return responses.flatMap((response, i) => (holds(response.status) ? [i] : []));
}

/** The same batch with some of its entries only. Entries of a batch don't refer to one another, so they stand alone. */
function batchOf(body: Uint8Array | string, indexes: readonly number[]): string {
  const bundle: unknown = JSON.parse(typeof body === 'string' ? body : Buffer.from(body).toString('utf8'), keepLiterals);
  if (!isRecord(bundle)) throw new Error('what was posted is no Bundle');
  const entries = listOf(bundle['entry']);
  return JSON.stringify({ ...bundle, entry: indexes.map((i) => entries[i]) });
}

/** A reviver that keeps numbers as they were written: `1.0` stays `1.0`. */
function keepLiterals(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || context?.source === undefined) return value;
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(context.source);
}
