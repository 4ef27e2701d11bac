import { replicationOf } from '../../storage/replication.ts';
import { askOperation } from '../ask.ts';
import { NativeError } from '../error.ts';
import type { NativeHandler } from '../handler.ts';
import { replicationView } from './replication-view.ts';

export const replicationHandlers = {
  async getReplicationStatus(request) {
    const { ctx, grant } = request;
    if (!grant.roles.includes('admin')) throw new NativeError('forbidden', 'Only administrators see how the database is replicated.');
    const status = await askOperation(request, 'replication-status', () => replicationOf(ctx.pool));
    return { status: 200, body: replicationView(status, ctx.config, new Date()) };
  },
} as const satisfies Record<string, NativeHandler>;
