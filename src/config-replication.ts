import { whole } from './config-kinds.ts';

/** What is asked of replicas of the main database. Part of the table in config-variables.ts. */
export const replicationVariables = {
  REPLICA_LAG_MAX_MS: whole(10_000, [100, 3_600_000], 'ms', 'How far behind a replica may be before it is out of service.'),
  RPO_TARGET_SECONDS: whole(5, [0, 86_400], 's', 'What may be lost with the primary; told beside what is measured.'),
  RTO_TARGET_SECONDS: whole(60, [0, 86_400], 's', 'How long it may take until all is served again; told beside what is measured.'),
};
