import type { Replica, Replication } from '../../storage/replication.ts';
import type { components } from '../api-types.ts';

export type ReplicationStatus = components['schemas']['ReplicationStatus'];
type Reason = NonNullable<ReplicationStatus['replicas'][number]['reason']>;

export type Targets = { readonly rpoTargetSeconds: number; readonly rtoTargetSeconds: number; readonly replicaLagMaxMs: number };

/** A standby says something every `wal_receiver_status_interval`, 10 s by default. */
const silenceMaxMs = 35_000;

/** @param now  when it was looked at */
export function replicationView({ isPrimary, isVisible, lsn, replicas }: Replication, targets: Targets, now: Date): ReplicationStatus {
  const shown = replicas.map((replica) => replicaView(replica, targets.replicaLagMaxMs));
  return {
    role: isPrimary ? 'primary' : 'standby',
    wal_lsn: lsn,
    observed_at: now.toISOString(),
    is_visible: isVisible,
    targets: { rpo_seconds: targets.rpoTargetSeconds, rto_seconds: targets.rtoTargetSeconds },
    measured: { rpo_seconds: rpoOf(shown), rto_seconds: null },
    replicas: shown,
  };
}

/** What would be lost if the primary were gone now and the closest replica took over: nothing, where one confirms every commit. */
function rpoOf(replicas: ReplicationStatus['replicas']): number | null {
  const fit = replicas.filter(({ in_service }) => in_service);
  if (fit.some(({ sync }) => sync === 'sync' || sync === 'quorum')) return 0;
  const lags = fit.flatMap(({ lag_ms }) => (lag_ms === null ? [] : [lag_ms]));
  return lags.length === 0 ? null : Math.min(...lags) / 1000;
}

function replicaView(replica: Replica, lagMaxMs: number): ReplicationStatus['replicas'][number] {
  const { name, state, sync, lagBytes, lagMs, replayLsn } = replica;
  const reason = reasonOf(replica, lagMaxMs);
  return {
    name,
    state,
    sync,
    lag_bytes: lagBytes,
    lag_ms: lagMs === null ? null : Math.round(lagMs),
    replay_lsn: replayLsn,
    in_service: reason === undefined,
    ...(reason === undefined ? {} : { reason }),
  };
}

function reasonOf({ state, lagMs, silentMs }: Replica, lagMaxMs: number): Reason | undefined {
  if (state === null) return 'not_visible';
  if (state !== 'streaming') return 'not_streaming';
  if (silentMs !== null && silentMs > silenceMaxMs) return 'silent';
  return lagMs !== null && lagMs > lagMaxMs ? 'behind' : undefined;
}
