import { createHmac, randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { callerOf } from '../authorization/grant.ts';
import { isUnavailable } from '../storage/database.ts';
import { type Claimed, claimKey, noteWritten, releaseKey, renewKey } from '../storage/idempotency.ts';
import { NativeError } from './error.ts';
import type { NativeAnswer, NativeCall, NativeHandler } from './handler.ts';

/** A claim whose process is gone passes to the next repetition after so long; one that is at work renews it. */
const leaseSeconds = 10;
const renewMs = 3_000;
const waitMs = { step: 50, most: 5_000 };

/**
 * Executes a request with an Idempotency-Key once: what it writes and that it was written commit together. A repetition is answered by
 * rendering again the versions that the first one wrote; one that comes meanwhile waits for it.
 *
 * @param secret       keys are kept as HMACs under it, scoped to the caller
 * @param fingerprint  all that makes the request the same
 * @throws             NativeError 409 `idempotency_mismatch` for another request with the same key, `conflict` while the first is at work
 */
export async function once(
  request: NativeCall,
  handler: NativeHandler,
  secret: Buffer,
  key: string,
  fingerprint: string,
): Promise<NativeAnswer> {
  const { pool, config } = request.ctx;
  const id = hmac(secret, 'key', callerOf(request.grant), key);
  const claim = {
    id,
    fingerprint: hmac(secret, 'request', fingerprint),
    claim: randomUUID(),
    leaseSeconds,
    keptSeconds: config.idempotencyHours * 3600,
  };
  const found = await claimOrWait(request, claim);
  if (found !== undefined) {
    const answer = await handler({ ...request, replay: found });
    return { ...answer, headers: { ...answer.headers, 'idempotency-replayed': 'true' } };
  }
  let isNoted = false;
  const guard: NativeCall['call']['guard'] = async (client, versions) => {
    await request.call.guard?.(client, versions);
    const written = versions.map(({ type, id, version }) => `${type}/${id}/_history/${version}`);
    if (!(await noteWritten(client, id, claim.claim, written))) throw atWork();
    isNoted = true;
  };
  const renewing = setInterval(() => void renewKey(pool, claim).catch(() => {}), renewMs);
  try {
    const answer = await handler({ ...request, call: { ...request.call, guard } });
    // What wrote nothing may be asked again.
    if (!isNoted) await releaseKey(pool, id, claim.claim);
    return answer;
  } catch (error) {
    const released = releaseKey(pool, id, claim.claim);
    // Whether a commit without an answer took effect isn't known. Where it did, the claim stays, as it says what was written; where it is
    // under way, that is waited for, by the repetition too. Where the database can't be asked, the claim runs out by itself.
    if (isUnavailable(error)) released.catch(() => {});
    else await released;
    throw error;
  } finally {
    clearInterval(renewing);
  }
}

/** The versions that the first request wrote; undefined: this is the first. */
async function claimOrWait({ ctx }: NativeCall, claim: Parameters<typeof claimKey>[1]): Promise<readonly string[] | undefined> {
  for (let waited = 0; ; waited += waitMs.step) {
    const claimed: Claimed | undefined = await claimKey(ctx.pool, claim);
    if (claimed === undefined) return undefined;
    if (!claimed.fingerprint.equals(claim.fingerprint))
      throw new NativeError('idempotency_mismatch', 'This Idempotency-Key was used for another request. Take a new one.');
    if (claimed.versions !== null) return claimed.versions;
    if (waited >= waitMs.most) throw atWork();
    await wait(waitMs.step);
  }
}

function atWork(): NativeError {
  return new NativeError('conflict', 'The first request with this Idempotency-Key is still at work. Repeat it later.', {
    headers: { 'retry-after': '1' },
  });
}

function hmac(secret: Buffer, ...parts: readonly string[]): Buffer {
  return createHmac('sha256', secret).update(JSON.stringify(parts)).digest();
}
