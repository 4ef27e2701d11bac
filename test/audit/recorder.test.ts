import { describe, expect, test } from 'vitest';
import type { AuditedEvent } from '../../src/audit/event.ts';
import { makeRecorder, type RecorderOptions } from '../../src/audit/recorder.ts';
import { FhirError } from '../../src/fhir/error.ts';
import { storeDirectly } from '../../src/audit/store.ts';
import type { AuditRow } from '../../src/storage/audit-rows.ts';

const event = (requestId: string): AuditedEvent => ({ kind: 'read', at: 1, requestId, agent: { purposes: [] }, outcome: 0 });
const row = (rid: number): AuditRow => ({
  rid,
  id: String(rid),
  refKey: 1n,
  at: 1,
  patient: null,
  tokens: Buffer.alloc(0),
  content: Buffer.alloc(0),
  mac: Buffer.alloc(0),
});

/** A recorder whose batches end when they are told to; what was made into rows, batch by batch. */
function recording(more: Partial<RecorderOptions> = {}) {
  const batches: string[][] = [];
  const held: PromiseWithResolvers<undefined>[] = [];
  const failures: unknown[] = [];
  const recorder = makeRecorder({
    rows(events) {
      batches.push(events.map(({ requestId }) => requestId));
      return Promise.resolve(events.map((_, at) => row(at)));
    },
    store: storeDirectly(() => {
      const one = Promise.withResolvers<undefined>();
      held.push(one);
      return one.promise;
    }),
    waitingMax: 4,
    batchMax: 10,
    inFlightMax: 1,
    besideAfterMs: 0,
    timeoutMs: 1_000,
    onFailure: (error) => failures.push(error),
    ...more,
  });
  return { recorder, batches, held, failures };
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
const faultOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );
const sqlError = (code: string): Error => Object.assign(new Error(code), { code });

describe('what is recorded', () => {
  test('is durable before the promise resolves, and shares a commit with what came meanwhile', async () => {
    const { recorder, batches, held } = recording();
    const done: string[] = [];
    const first = recorder.record([event('a')]).then(() => done.push('a'));
    await turn();
    const others = [recorder.record([event('b'), event('c')]), recorder.record([event('d')])].map((each) =>
      each.then(() => done.push('x')),
    );
    await turn();
    expect({ batches, done }).toEqual({ batches: [['a']], done: [] });
    held[0]?.resolve(undefined);
    await first;
    await turn();
    expect({ batches, done }).toEqual({ batches: [['a'], ['b', 'c', 'd']], done: ['a'] });
    held[1]?.resolve(undefined);
    await Promise.all(others);
  });

  test('is nothing where there is nothing: no batch', async () => {
    const { recorder, batches } = recording();
    await recorder.record([]);
    await turn();
    expect(batches).toEqual([]);
  });

  test.each(['08006', '53100', '57014', '57P01'])(
    'but can not be written (%s) is refused with 503, once, and not tried again',
    async (code) => {
      const { recorder, batches, held, failures } = recording();
      const refused = [faultOf(recorder.record([event('a')])), faultOf(recorder.record([event('b')]))];
      await turn();
      held[0]?.reject(sqlError(code));
      for (const error of await Promise.all(refused)) {
        expect(error).toBeInstanceOf(FhirError);
        expect(error).toMatchObject({ status: 503, headers: { 'retry-after': '5' }, issues: [{ id: 'audit-unavailable' }] });
        expect(String(error)).not.toContain(code);
      }
      expect(batches).toEqual([['a', 'b']]);
      expect(failures).toHaveLength(2);
    },
  );

  test('but holds one event that no row can be made of harms no other', async () => {
    const { recorder, failures } = recording({
      rows: (events) =>
        events.some(({ requestId }) => requestId === 'bad')
          ? Promise.reject(new Error('bad'))
          : Promise.resolve(events.map((_, at) => row(at))),
      store: storeDirectly(() => Promise.resolve()),
    });
    const [good, bad] = await Promise.all([faultOf(recorder.record([event('good')])), faultOf(recorder.record([event('bad')]))]);
    expect(good).toBeUndefined();
    expect(bad).toMatchObject({ status: 503 });
    expect(failures).toHaveLength(1);
  });

  test('is refused at once when too many wait, and again taken when they are gone', async () => {
    const { recorder, held } = recording();
    const waiting = Array.from({ length: 4 }, (_, n) => recorder.record([event(String(n))]));
    expect(await faultOf(recorder.record([event('more')]))).toMatchObject({ status: 503 });
    await turn();
    held[0]?.resolve(undefined);
    await Promise.all(waiting);
    const late = recorder.record([event('late')]);
    await turn();
    held[1]?.resolve(undefined);
    await late;
  });

  test('is refused by how many events wait, however few requests they are of', async () => {
    const { recorder, held } = recording();
    const many = (request: string, count: number) => recorder.record(Array.from({ length: count }, () => event(request)));
    // What one request leaves may be more than that, if nothing waits.
    const first = many('everything', 1_000);
    expect(await faultOf(many('b', 1))).toMatchObject({ status: 503 });
    await turn();
    held[0]?.resolve(undefined);
    await first;
    const [three, two] = [many('c', 3), faultOf(many('d', 2))];
    expect(await two).toMatchObject({ status: 503 });
    await turn();
    held[1]?.resolve(undefined);
    await three;
  });

  test('goes in commits of so many events, not of so many requests', async () => {
    const { recorder, batches, held } = recording({ waitingMax: 100 });
    const all = ['a', 'b', 'c', 'd'].map((request) => recorder.record(Array.from({ length: 4 }, () => event(request))));
    for (let at = 0; at < 2; at++) {
      await turn();
      held[at]?.resolve(undefined);
    }
    await Promise.all(all);
    expect(batches.map((batch) => batch.length)).toEqual([8, 8]);
  });

  test('is refused when it takes too long', async () => {
    const { recorder } = recording({ timeoutMs: 20 });
    expect(await faultOf(recorder.record([event('a')]))).toMatchObject({ status: 503 });
  });
});
