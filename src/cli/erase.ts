import { loadConfig } from '../config.ts';
import { isId } from '../fhir/references.ts';
import { erasePatient } from '../interactions/erasure.ts';
import { openServices } from '../services.ts';
import { createLog } from '../telemetry/log.ts';
import { readArguments, UsageError, withUsage } from './arguments.ts';
import type { CommandIo } from './io.ts';

const usage = `npm run erase -- --patient ID --reason TEXT

Erases a patient's record for good, beside the running server or without it: destroys the key that his data is sealed with, empties
all that is his alone, and takes him out of what he shares with others. There is no way back.

  --patient  the id of the Patient
  --reason   why, for the erasure ledger: the number of the order, no names
`;

export function run(args: readonly string[], io: CommandIo): Promise<number> {
  return withUsage(usage, args, io, async () => {
    const { values } = readArguments(args, { patient: { type: 'string' }, reason: { type: 'string' } });
    const { patient: id = '', reason = '' } = values;
    if (!isId(id)) throw new UsageError('--patient needs the id of a Patient');
    if (reason.trim() === '' || reason.length > 500) throw new UsageError('--reason needs a text of at most 500 characters');
    const config = loadConfig();
    const services = await openServices(config, createLog({ logLevel: config.logLevel === 'info' ? 'warn' : config.logLevel }), 'attach');
    try {
      const counts = await erasePatient(services.erasing, { id, reason, at: new Date() });
      if (counts === undefined) {
        io.stderr.write(`No Patient/${id} was ever known here. Nothing was done.\n`);
        return 1;
      }
      io.stdout.write(`Patient/${id} is erased: ${counts.erased} resources are gone, ${counts.shared} are left to others.\n`);
      return 0;
    } finally {
      await services.close();
    }
  });
}
