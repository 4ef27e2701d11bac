import { replicationOf } from '../../storage/replication.ts';
import { NativeError } from '../error.ts';
import type { NativeHandler } from '../handler.ts';
import { replicationView } from './replication-view.ts';

export const replicationHandlers = {
  async getReplicationStatus({ ctx, grant }) {
    if (!grant.roles.includes('admin')) throw new NativeError('forbidden', 'Only administrators see how the database is replicated.');
    return { status: 200, body: replicationView(await replicationOf(ctx.pool), ctx.config, new Date()) };
  },
} as const satisfies Record<string, NativeHandler>;
