import { isSafeAddress } from './read-json.ts';

const answerBytesMax = 262_144;
const answerMs = 5_000;

/**
 * Fetches what an outside provider says, with bounds to it: over TLS (or on this very machine), without redirects, 256 KiB and five
 * seconds for the whole of it.
 *
 * @param init  its signal shortens the five seconds
 */
export async function limitedFetch(address: string, { signal, ...init }: RequestInit): Promise<Response> {
  if (!isSafeAddress(new URL(address))) throw new Error('an outside provider is asked over https alone');
  const signals = [AbortSignal.timeout(answerMs), ...(signal == null ? [] : [signal])];
  const response = await fetch(address, { ...init, redirect: 'manual', signal: AbortSignal.any(signals) });
  if (Number(response.headers.get('content-length') ?? 0) > answerBytesMax) {
    await response.body?.cancel();
    throw new Error('the answer of the outside provider is too long');
  }
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    length += part.length;
    if (length > answerBytesMax) throw new Error('the answer of the outside provider is too long');
    parts.push(part);
  }
  const { status, headers } = response;
  return new Response(isWithoutBody(status) ? null : Buffer.concat(parts), { status, headers });
}

function isWithoutBody(status: number): boolean {
  return status === 101 || status === 204 || status === 205 || status === 304;
}
