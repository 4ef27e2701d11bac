import { developmentKeyFileOf, signDevelopmentToken } from '../authorization/development-issuer.ts';
import { loadConfig } from '../config.ts';
import { readArguments, UsageError, wholeNumber, withUsage } from './arguments.ts';
import type { CommandIo } from './io.ts';

const usage = `npm run -s token -- --scope SCOPES [--patient ID] [--user TYPE/ID] [--expires SECONDS]

Prints an access token of the development issuer. Not in production.

  --scope    SMART scopes, separated by spaces: "system/*.cruds", "patient/*.rs"
  --patient  the patient in context, an id: the bound of patient/ scopes
  --user     who it is: Practitioner/ID or Patient/ID
  --expires  seconds until it expires (3600)
`;

export function run(args: readonly string[], io: CommandIo): Promise<number> {
  return withUsage(usage, args, io, async () => {
    const { values } = readArguments(args, {
      scope: { type: 'string' },
      patient: { type: 'string' },
      user: { type: 'string' },
      expires: { type: 'string', default: '3600' },
    });
    const config = loadConfig();
    if (!config.devTokenIssuer) {
      io.stderr.write('Development tokens are not accepted here: this is production, or DEV_TOKEN_ISSUER is off.\n');
      return 1;
    }
    if (values.scope === undefined) throw new UsageError('--scope is needed');
    const token = await signDevelopmentToken(developmentKeyFileOf(config), {
      scope: values.scope,
      audience: config.baseUrl,
      expiresIn: wholeNumber('--expires', values.expires, 1, 31_536_000),
      ...(values.patient === undefined ? {} : { patient: values.patient }),
      ...(values.user === undefined ? {} : { fhirUser: values.user }),
    });
    io.stdout.write(`${token}\n`);
    return 0;
  });
}
