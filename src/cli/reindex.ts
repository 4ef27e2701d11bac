import { recordOwn } from '../audit/operator.ts';
import { loadConfig } from '../config.ts';
import { reindexContext } from '../interactions/parameters/registrar.ts';
import { openServices, type Services } from '../services.ts';
import { relationOf } from '../storage/relations.ts';
import { reindexBatch } from '../storage/reindex.ts';
import { countResources } from '../storage/search-parameters.ts';
import { createLog } from '../telemetry/log.ts';
import { readArguments, UsageError, withUsage } from './arguments.ts';
import type { CommandIo, Output } from './io.ts';

const usage = `npm run reindex [-- --type TYPE ...]

Extracts anew what stored resources are found by, beside the running server or without it: after an upgrade that finds more, or to
clear what removed search parameters left. Resources keep their versions and times. It may be ended and started again at any time.

  --type  a resource type, once or more; without it all of them but AuditEvent, whose rows are never changed
`;

/** Resources of one transaction. */
const batchRows = 200;
const tellMs = 1_000;

export function run(args: readonly string[], io: CommandIo): Promise<number> {
  return withUsage(usage, args, io, async () => {
    const { values } = readArguments(args, { type: { type: 'string', multiple: true } });
    const config = loadConfig();
    const log = createLog({ logLevel: config.logLevel === 'info' ? 'warn' : config.logLevel });
    const services = await openServices(config, log, 'attach');
    try {
      await recordOwn(services.context.audit, 'cli', 'maintenance', { command: 'reindex' });
      const { done, skipped, seconds } = await reindexAll(services, typesOf(services, values.type), io.stderr);
      const rate = Math.round(done / Math.max(seconds, 0.001));
      io.stdout.write(`${done} resources in ${seconds.toFixed(1)} s (${rate} a second), ${skipped} of them could not be read.\n`);
      return skipped === 0 ? 0 : 1;
    } finally {
      await services.close();
    }
  });
}

function typesOf({ context: { registry } }: Services, asked: readonly string[] | undefined): readonly string[] {
  for (const type of asked ?? []) {
    if (!registry.isType(type)) throw new UsageError(`--type ${type} is no resource type`);
    if (type === 'AuditEvent') throw new UsageError('AuditEvents are never changed');
  }
  return asked ?? registry.types.filter((type) => type !== 'AuditEvent');
}

async function reindexAll({ context, log }: Services, types: readonly string[], output: Output) {
  const reindexing = reindexContext(context, log, batchRows);
  const total = await countResources(context.pool, Map.groupBy(types, relationOf));
  const began = performance.now();
  let done = 0;
  let skipped = 0;
  let told = began;
  for (const type of types) {
    for (let after: number | undefined = 0; after !== undefined; ) {
      const reindexed = await reindexBatch(reindexing, type, after, () => Promise.resolve(true));
      if (reindexed === 'stopped') break;
      done += reindexed.done;
      skipped += reindexed.skipped;
      after = reindexed.last;
      if (performance.now() - told < tellMs) continue;
      told = performance.now();
      output.write(`${type}: ${done} of about ${total}\n`);
    }
  }
  return { done, skipped, seconds: (performance.now() - began) / 1000 };
}
