import { createHmac } from 'node:crypto';
import type { Log } from '../telemetry/log.ts';
import { type Counter, countersInMemory, type MakeCounter } from './rate-limits.ts';

export type SharedCounters = {
  readonly makeCounter: MakeCounter;
  /** How often it was counted in this process alone, because Valkey was away. */
  readonly missed: () => number;
  readonly close: () => void;
};

export type SharedCountersOptions = {
  /** `valkey://user:password@host:6379/0`; `valkeys:` with TLS. */
  readonly url: string;
  /** 32 bytes that all processes have and Valkey hasn't: it learns no caller's name and no address. */
  readonly secret: Buffer;
  readonly log: Log;
};

const answerMs = 250;
/** Once it failed to answer, nobody waits for it so long. */
const pauseMs = 1_000;
const reconnectMsMax = 5_000;

/** One step, so that no count is left without an end. In the words that Redis has for it, too. */
const count = `redis.call('set', KEYS[1], 0, 'EX', ARGV[2], 'NX')
local consumed = redis.call('incrby', KEYS[1], ARGV[1])
return {consumed, redis.call('pttl', KEYS[1])}`;

/**
 * Counts in Valkey, for all processes that serve. While it doesn't answer, this process counts for itself: the budgets are then those of
 * each process, and nobody is let through uncounted.
 */
export async function countersInValkey({ url, secret, log }: SharedCountersOptions): Promise<SharedCounters> {
  const [{ Redis: Valkey }, { RateLimiterRes, RateLimiterValkey }, inMemory] = await Promise.all([
    import('iovalkey'),
    import('rate-limiter-flexible'),
    countersInMemory(),
  ]);
  const client = new Valkey(url, {
    commandTimeout: answerMs,
    connectTimeout: 2_000,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (times) => Math.min(times * 100, reconnectMsMax),
  });
  let [awayUntil, isAway, missed] = [0, false, 0];

  function lost(error: unknown): void {
    awayUntil = Date.now() + pauseMs;
    if (isAway) return;
    isAway = true;
    log.error({}, 'Valkey does not answer: each process counts requests for itself', error);
  }
  function found(): void {
    if (!isAway) return;
    isAway = false;
    log.info({}, 'Valkey answers again: requests are counted together');
  }
  // Without it, a lost connection would end the process.
  client.on('error', lost);

  const makeCounter: MakeCounter = (budget, perMinute) => {
    const own = inMemory(budget, perMinute);
    const limiter = new RateLimiterValkey({
      storeClient: client,
      keyPrefix: `anamnesis:${budget}`,
      points: perMinute,
      duration: 60,
      rejectIfValkeyNotReady: true,
      customIncrTtlLuaScript: count,
    });
    const nameOf = (who: string): string => createHmac('sha256', secret).update(`${budget}\0${who}`).digest('base64url').slice(0, 22);
    async function counted(
      together: () => Promise<number | undefined>,
      alone: () => Promise<number | undefined>,
    ): Promise<number | undefined> {
      if (Date.now() >= awayUntil) {
        try {
          const answer = await together();
          found();
          return answer;
        } catch (error) {
          lost(error);
        }
      }
      missed++;
      return alone();
    }
    return {
      take: (who, points) =>
        counted(
          () =>
            limiter.consume(nameOf(who), points).then(
              () => undefined,
              (reason: unknown) => {
                if (reason instanceof RateLimiterRes) return reason.msBeforeNext;
                throw reason;
              },
            ),
          () => own.take(who, points),
        ),
      look: (who) =>
        counted(
          async () => {
            const seen = await limiter.get(nameOf(who));
            return seen !== null && seen.consumedPoints >= perMinute && seen.msBeforeNext > 0 ? seen.msBeforeNext : undefined;
          },
          () => own.look(who),
        ),
    } satisfies Counter;
  };
  return { makeCounter, missed: () => missed, close: () => client.disconnect() };
}
