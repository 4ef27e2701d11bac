import { loadConfig } from '../../src/config.ts';
import { erasePatient } from '../../src/interactions/erasure.ts';
import { openServices } from '../../src/services.ts';
import { createLog } from '../../src/telemetry/log.ts';

// Erases a patient and kills itself before a step, as a power failure would: `node own-erasure.ts <patient> <step>`.
const [id = '', stop] = process.argv.slice(2);
const services = await openServices(loadConfig(), createLog({ logLevel: 'silent' }), 'attach');
await erasePatient(
  {
    ...services.erasing,
    onStep(step) {
      if (step === stop) process.kill(process.pid, 'SIGKILL');
    },
  },
  { id, reason: 'killed', at: new Date() },
);
