import { hash, randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Attempt } from '../authorization/attempt.ts';
import type { Grant } from '../authorization/grant.ts';
import type { Config } from '../config.ts';
import { FhirError, issue } from '../fhir/error.ts';
import { addressReader, networkOf } from './peers.ts';

/** What has a rate of its own. Those of a caller are taken from by who he is, the others by the address he comes from. */
export type CallerBudget = 'reads' | 'searches' | 'writes';
export type AddressBudget = 'public' | 'refused' | 'token' | 'sign-in';

export type RateLimits = {
  /** Takes from the budget of a caller, what isn't there yet too if `points` is so large. @throws FhirError 429 if it is spent */
  readonly takeOf: (grant: Grant, budget: CallerBudget) => Promise<unknown> | undefined;
  /** Counts what a request turned out to cost beside the one that was taken; it is not refused for it, later ones are. */
  readonly charge: (grant: Grant, budget: CallerBudget, points: number) => Promise<unknown> | undefined;
  /** @throws FhirError 429 */
  readonly takeAt: (incoming: IncomingMessage, budget: AddressBudget) => Promise<unknown> | undefined;
  /** Bounds how many refused tokens are looked at for one address. */
  readonly attemptOf: (incoming: IncomingMessage) => Attempt;
};

/** Counts within a minute, for one budget. What counts in memory of this process can be replaced by a store that many share. */
export type Counter = {
  /** Counts, and tells after how many ms it is refused no more; undefined: it isn't. */
  readonly take: (who: string, points: number) => Promise<number | undefined>;
  /** The same without counting. */
  readonly look: (who: string) => Promise<number | undefined>;
};
export type MakeCounter = (budget: CallerBudget | AddressBudget, perMinute: number) => Counter;

type Limits = Pick<
  Config,
  | 'rateLimitReads'
  | 'rateLimitSearches'
  | 'rateLimitWrites'
  | 'rateLimitPublic'
  | 'rateLimitRefused'
  | 'rateLimitToken'
  | 'rateLimitSignIn'
  | 'trustedProxies'
>;

/** @param bucketKey  what addresses are hashed with: of all processes whose counters are shared, the same */
export function makeRateLimits(config: Limits, makeCounter: MakeCounter, bucketKey: Buffer = randomBytes(16)): RateLimits {
  const limits: Readonly<Record<CallerBudget | AddressBudget, number>> = {
    reads: config.rateLimitReads,
    searches: config.rateLimitSearches,
    writes: config.rateLimitWrites,
    public: config.rateLimitPublic,
    refused: config.rateLimitRefused,
    token: config.rateLimitToken,
    'sign-in': config.rateLimitSignIn,
  };
  const counters = new Map(
    Object.entries(limits).flatMap(([budget, limit]) =>
      limit === 0 ? [] : [[budget, makeCounter(budget as CallerBudget | AddressBudget, limit)] as const],
    ),
  );
  const addressOf = addressReader(config.trustedProxies);
  const bucketOf = addressBuckets(bucketKey);
  const whoAt = (incoming: IncomingMessage): string => bucketOf(networkOf(addressOf(incoming)));
  const refused = counters.get('refused');
  return {
    takeOf: (grant, budget) => counters.get(budget)?.take(nameOf(grant), 1).then(refuseAfter),
    charge: (grant, budget, points) => (points > 0 ? counters.get(budget)?.take(nameOf(grant), points) : undefined),
    takeAt: (incoming, budget) => counters.get(budget)?.take(whoAt(incoming), 1).then(refuseAfter),
    attemptOf: (incoming) => ({
      begin: () => refused?.look(whoAt(incoming)).then(refuseAfter),
      failed: () => refused?.take(whoAt(incoming), 1),
    }),
  };
}

/**
 * Addresses fall into 2^18 buckets by a keyed hash: memory is bounded whatever addresses there are, and nobody can choose whose budget he
 * shares.
 */
function addressBuckets(bucketKey: Buffer): (network: string) => string {
  const key = bucketKey.toString('hex');
  return (network) => (hash('sha256', `${key}${network}`, 'buffer').readUInt32LE(0) % 2 ** 18).toString(36);
}

const names = new WeakMap<Grant, string>();

/** A client and its user, whatever token they come with. */
function nameOf(grant: Grant): string {
  let name = names.get(grant);
  if (name === undefined) {
    name = JSON.stringify([grant.issuer, grant.clientId, grant.subject]);
    names.set(grant, name);
  }
  return name;
}

function refuseAfter(ms: number | undefined): void {
  if (ms !== undefined) throw tooMany(ms);
}

function tooMany(ms: number): FhirError {
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  const text = `Too many requests within a minute. Send the next one after ${seconds} s, as Retry-After says.`;
  return new FhirError(429, [issue('throttled', 'rate-limited', text)], { headers: { 'retry-after': String(seconds) } });
}

/** Counts in the memory of this process: where several serve, each has budgets of its own. */
export async function countersInMemory(): Promise<MakeCounter> {
  const { RateLimiterMemory, RateLimiterRes } = await import('rate-limiter-flexible');
  return (_, perMinute) => {
    const limiter = new RateLimiterMemory({ points: perMinute, duration: 60 });
    return {
      take: (who, points) =>
        limiter.consume(who, points).then(
          () => undefined,
          (reason: unknown) => {
            if (reason instanceof RateLimiterRes) return reason.msBeforeNext;
            throw reason;
          },
        ),
      look: async (who) => {
        const found = await limiter.get(who);
        return found !== null && found.consumedPoints >= perMinute && found.msBeforeNext > 0 ? found.msBeforeNext : undefined;
      },
    };
  };
}
