import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import type { CommandIo } from './io.ts';

/** The arguments are wrong: the command prints the text and its usage on stderr, and exits with 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

type Values<O extends ParseArgsOptionsConfig> = ReturnType<typeof parseArgs<{ args: string[]; options: O; allowPositionals: true }>>;

/** Reads a command's arguments. @throws UsageError on an unknown option, or one without its value */
export function readArguments<const O extends ParseArgsOptionsConfig>(args: readonly string[], options: O): Values<O> {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    if (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')) {
      throw new UsageError(error.message.split('. ')[0] ?? error.message, { cause: error });
    }
    throw error;
  }
}

/** Reads a whole number within limits. @throws UsageError */
export function wholeNumber(option: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || value < min || value > max) throw new UsageError(`${option} must be a whole number from ${min} to ${max}`);
  return value;
}

/** Runs a command: `--help` prints its usage and ends with 0, a UsageError prints it on stderr and ends with 2. */
export async function withUsage(usage: string, args: readonly string[], io: CommandIo, command: () => Promise<number>): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    io.stdout.write(usage);
    return 0;
  }
  try {
    return await command();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    io.stderr.write(`${error.message}\n\n${usage}`);
    return 2;
  }
}
