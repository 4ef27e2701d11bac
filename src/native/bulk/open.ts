import { join } from 'node:path';
import type { AccessOfGrant } from '../../authorization/access.ts';
import { type Jobs, makeJobs } from '../../bulk/jobs.ts';
import { openPlace } from '../../bulk/place.ts';
import { type Runner, startRunner } from '../../bulk/runner.ts';
import type { Context } from '../../interactions/context.ts';
import type { DayKeys } from '../../storage/day-keys.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Contract } from '../contract.ts';
import { exportWork } from './export-job.ts';
import { importWork } from './import-job.ts';
import { importKinds } from './kinds.ts';

export type BulkOptions = {
  readonly context: Context;
  readonly contract: Contract;
  readonly dayKeys: DayKeys;
  readonly jobsSecret: Buffer;
  readonly accessOfGrant: AccessOfGrant;
  readonly log: Log;
};

/** Opens the folder of imports and exports, and goes on with those that were left behind. */
export async function openBulk(options: BulkOptions): Promise<{ readonly jobs: Jobs; readonly stop: () => Promise<void> }> {
  const { context: ctx, contract, dayKeys, jobsSecret: secret, accessOfGrant, log } = options;
  const { config, pool } = ctx;
  const place = await openPlace(join(config.dataDir, 'bulk'));
  const jobs = makeJobs({
    pool,
    place,
    dayKeys,
    secret,
    keptDays: config.bulkDays,
    spoolBytesMax: config.bulkSpoolMib * 2 ** 20,
    unfinishedMax: config.bulkJobsMax,
    onSubmit: () => runner.wake(),
  });
  const runner: Runner = startRunner({
    pool,
    place: place.id,
    jobs,
    work: { import: importWork({ ctx, contract, kinds: importKinds, accessOfGrant }), export: exportWork({ ctx, accessOfGrant }) },
    atOnce: config.bulkJobsAtOnce,
    log,
  });
  return { jobs, stop: runner.stop };
}
