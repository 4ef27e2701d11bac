import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino';
import type { Config } from '../config.ts';
import { errorFacts } from './error-facts.ts';
import { terminalLine } from './terminal-line.ts';

/** What a line carries beside its text: facts, never things. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** @param error  anything caught; written of it is what can't quote data, see `errorFacts` */
type WriteLine = (fields: LogFields, message: string, error?: unknown) => void;

export type Log = {
  readonly fatal: WriteLine;
  readonly error: WriteLine;
  readonly warn: WriteLine;
  readonly info: WriteLine;
  readonly debug: WriteLine;
  readonly trace: WriteLine;
  /** A log that adds these fields to each of its lines. */
  readonly child: (fields: LogFields) => Log;
};

/**
 * The server's log on standard output: one JSON object a line, or readable text when that is a terminal.
 *
 * A line holds ids, codes, counts, durations, and a message that is a constant of the source. It never holds what a
 * resource, a request or a query says: no names, dates of birth, identifiers, search values, bodies, tokens or keys.
 * The type of the fields leaves no room for resources; at run time revealing names, queries of URLs, long texts and
 * objects are replaced as well, as a net under that rule and no licence to lean on it. docs/logging.md has the details.
 *
 * Lines are written synchronously: those before a crash are the ones that matter.
 */
export function createLog(config: Pick<Config, 'logLevel'>, output: DestinationStream = standardOutput()): Log {
  const options = {
    level: config.logLevel,
    base: { pid: process.pid },
    messageKey: 'message',
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (level: string) => ({ level }) },
  };
  return logOf(pino(options, output));
}

function standardOutput(): DestinationStream {
  const { stdout } = process;
  return stdout.isTTY ? { write: (line) => stdout.write(terminalLine(line, stdout)) } : destination({ dest: 1, sync: true });
}

function logOf(lines: Logger): Log {
  const writer = (level: keyof Omit<Log, 'child'>): WriteLine => {
    return (fields, message, error) => {
      if (!lines.isLevelEnabled(level)) return;
      lines[level](error === undefined ? factsOf(fields) : { ...factsOf(fields), error: errorFacts(error) }, message);
    };
  };
  return {
    fatal: writer('fatal'),
    error: writer('error'),
    warn: writer('warn'),
    info: writer('info'),
    debug: writer('debug'),
    trace: writer('trace'),
    child: (fields) => logOf(lines.child(factsOf(fields))),
  };
}

/** Last words of field names whose texts would tell of a person, or open a door: `requestBody`, `patient_name`. */
const revealing = new Set(
  ['authorization', 'cookie', 'credential', 'password', 'secret', 'token']
    .concat(['body', 'content', 'narrative', 'payload', 'query', 'resource', 'search', 'text', 'value'])
    .concat(['address', 'birthdate', 'email', 'family', 'given', 'identifier', 'name', 'phone', 'telecom']),
);
const textLengthMax = 200;

function factsOf(fields: LogFields): Record<string, unknown> {
  return Object.fromEntries(Object.entries<unknown>(fields).map(([name, value]) => [name, factOf(name, value)]));
}

function factOf(name: string, value: unknown): unknown {
  if (typeof value === 'object' && value !== null) return '[object]';
  if (typeof value !== 'string') return value;
  if (revealing.has(name.toLowerCase()) || revealing.has(lastWord(name))) return '[redacted]';
  if (value.length > textLengthMax) return `[${value.length} characters]`;
  return value.replace(/\?.*/s, '?[redacted]');
}

function lastWord(name: string): string {
  return (name.match(/[A-Z]?[a-z]+$/)?.[0] ?? name).toLowerCase();
}
