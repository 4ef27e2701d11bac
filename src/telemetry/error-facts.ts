import { AssertionError } from 'node:assert';
import { fileURLToPath } from 'node:url';
import { FhirError } from '../fhir/error.ts';

export type ErrorFacts = {
  readonly type: string;
  /** Only of errors that our own source words, see `isOurs`. */
  readonly message?: string;
  /** An SQLSTATE, a Node error code, or a code of ours. */
  readonly code?: string;
  readonly syscall?: string;
  readonly status?: number;
  /** The ids of a FhirError's issues; their texts may repeat what a client sent. */
  readonly issues?: readonly string[];
  /** Call sites, innermost first, relative to the program's folder. */
  readonly at?: readonly string[];
  readonly cause?: ErrorFacts;
};

const framesMax = 12;
const causesMax = 3;
const sourceFolder = fileURLToPath(new URL('..', import.meta.url));
const engineErrors = [TypeError, RangeError, SyntaxError, ReferenceError, URIError, EvalError];
const programFolder = fileURLToPath(new URL('../..', import.meta.url));

/**
 * What may be written of an error. The messages of others are left out, because many of them quote data: PostgreSQL
 * repeats the values of a row, JSON.parse the text it stopped at, a validator what it was given. The call sites stay.
 */
export function errorFacts(error: unknown, depth = 0): ErrorFacts {
  if (!(error instanceof Error)) return { type: typeof error };
  const frames = framesOf(error);
  const code = 'code' in error ? error.code : undefined;
  const syscall = 'syscall' in error ? error.syscall : undefined;
  return {
    type: isWord(error.name) ? error.name : 'Error',
    ...(isOurs(error, frames) ? { message: error.message } : {}),
    ...(isWord(code) ? { code } : {}),
    ...(isWord(syscall) ? { syscall } : {}),
    ...(error instanceof FhirError ? { status: error.status, issues: error.issues.map(({ id }) => id) } : {}),
    ...(frames.length > 0 ? { at: frames.slice(0, framesMax).map((frame) => frame.replace(programFolder, '')) } : {}),
    ...(error.cause !== undefined && depth < causesMax ? { cause: errorFacts(error.cause, depth + 1) } : {}),
  };
}

/**
 * Whether the message was worded by our source, which holds no data by rule: the error was made there, and not by the
 * engine, whose own errors may name a property or a number that came with the data.
 */
function isOurs(error: Error, frames: readonly string[]): boolean {
  if (error instanceof FhirError || !(frames[0]?.includes(sourceFolder) ?? false)) return false;
  if (error instanceof AssertionError) return !error.generatedMessage;
  return !engineErrors.some((kind) => error instanceof kind);
}

/** The lines of the stack after its head. The head repeats the message, which may itself contain what looks like a line. */
function framesOf(error: Error): string[] {
  const stack = error.stack ?? '';
  const start = stack.indexOf(error.message);
  if (start < 0) return [];
  return stack
    .slice(start + error.message.length)
    .split('\n')
    .map((line) => /^ +at (.*)$/.exec(line)?.[1]?.replace('file://', ''))
    .filter((frame) => frame !== undefined);
}

function isWord(text: unknown): text is string {
  return typeof text === 'string' && /^\w[\w.:-]{0,79}$/.test(text);
}
