import { describe, expect, test } from 'vitest';
import { replicationView } from '../../src/native/replication/replication-view.ts';
import type { Replica } from '../../src/storage/replication.ts';

const targets = { rpoTargetSeconds: 5, rtoTargetSeconds: 60, replicaLagMaxMs: 1000 };
const well: Replica = { name: 'a', state: 'streaming', sync: 'async', replayLsn: '0/10', lagBytes: 16, lagMs: 40.4, silentMs: 100 };
const view = (...replicas: readonly Replica[]) =>
  replicationView({ isPrimary: true, isVisible: true, lsn: '0/20', replicas }, targets, new Date(0));

describe('a replica', () => {
  test.each([
    [{}, undefined],
    [{ lagMs: null }, undefined],
    [{ state: null, lagMs: null, lagBytes: null }, 'not_visible'],
    [{ state: 'catchup' }, 'not_streaming'],
    [{ silentMs: 60_000 }, 'silent'],
    [{ lagMs: 1001 }, 'behind'],
  ])('of %j is out of service because it is %s', (change, reason) => {
    expect(view({ ...well, ...change }).replicas[0]).toMatchObject({ in_service: reason === undefined });
    expect(view({ ...well, ...change }).replicas[0]?.reason).toBe(reason);
  });
});

describe('what would be lost', () => {
  test('is how far the closest replica is behind that is in service', () => {
    expect(view(well, { ...well, lagMs: 7 }, { ...well, lagMs: 1, state: 'catchup' }).measured).toEqual({
      rpo_seconds: 0.007,
      rto_seconds: null,
    });
  });

  test('is nothing where a replica confirms each commit, and unknown where there is none', () => {
    expect(view(well, { ...well, sync: 'sync', lagMs: 900 }).measured.rpo_seconds).toBe(0);
    expect(view().measured.rpo_seconds).toBeNull();
  });
});
