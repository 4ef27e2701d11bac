import { loadConfig } from '../config.ts';
import { openServices } from '../services.ts';
import { createLog } from '../telemetry/log.ts';
import { readArguments, UsageError, withUsage } from './arguments.ts';
import type { CommandIo } from './io.ts';

const usage = `npm run oauth -- rotate-keys

Keys of the authorization server, beside the running server or without it.

  rotate-keys   signs with a new key from now on; the old one is published for two hours, until its tokens have ended
`;

export function run(args: readonly string[], io: CommandIo): Promise<number> {
  return withUsage(usage, args, io, async () => {
    const { positionals } = readArguments(args, {});
    if (positionals.length !== 1 || positionals[0] !== 'rotate-keys') throw new UsageError('say rotate-keys');
    const config = loadConfig();
    const services = await openServices(config, createLog({ logLevel: config.logLevel === 'info' ? 'warn' : config.logLevel }), 'attach');
    try {
      if (services.oauth === undefined) {
        io.stderr.write('AUTHORIZATION_SERVER is off: there are no keys.\n');
        return 1;
      }
      await services.oauth.rotateKeys();
      io.stdout.write('A new key signs from now on.\n');
      return 0;
    } finally {
      await services.close();
    }
  });
}
