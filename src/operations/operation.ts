import type { Disclosed } from '../audit/concerned.ts';
import type { Decimals, Json, JsonObject } from '../fhir/json.ts';
import type { Answer } from '../interactions/answer.ts';
import type { Call, Context } from '../interactions/context.ts';

/** Where an operation is called: at the base, on a type, or on one resource. */
export type Level = 'system' | 'type' | 'instance';

/** One parameter of an operation, as its OperationDefinition has it. */
export type ParameterDef = {
  readonly name: string;
  readonly min: number;
  readonly max: string;
  /** A datatype or a resource type; undefined: it has parts. */
  readonly type?: string;
  readonly part?: readonly ParameterDef[];
};

/** The value of a parameter, and where in the body it stands (`Parameters.parameter[0].resource`; empty: it is the body, or comes from the URL). */
export type Argument = { readonly value: Json; readonly path: string };

/** By name; each parameter has been checked against its definition. */
export type Arguments = ReadonlyMap<string, readonly Argument[]>;

export type Invocation = {
  readonly call: Call;
  /** The type in the URL. */
  readonly type?: string;
  /** The resource in the URL. */
  readonly id?: string;
  readonly args: Arguments;
  /** The same as plain values, lists where several are allowed. */
  readonly request: JsonObject;
  /** The literals of the body's numbers. */
  readonly decimals: Decimals;
  /** The body's text as received: positions are told in it. */
  readonly received?: string;
  readonly ifMatch?: string;
};

/** An operation that is answered here. None of them changes anything, so that each may be called by GET. */
export type Operation = {
  /** Without the `$`. */
  readonly code: string;
  /** Canonical url of its OperationDefinition. */
  readonly definition: string;
  /** The resource type it is for; `Resource`: every type. */
  readonly type: string;
  readonly levels: readonly Level[];
  /** What it takes beside the parameters of its definition. */
  readonly beside?: readonly ParameterDef[];
  /** What it answers to a body that can't be read, if that is for the operation to say. */
  readonly unreadable?: (error: unknown) => Answer | undefined;
  readonly run: (ctx: Context, invocation: Invocation) => Promise<Answer>;
};

export function textOf(args: Arguments, name: string): string | undefined {
  const value = args.get(name)?.[0]?.value;
  return typeof value === 'string' ? value : undefined;
}

export function resourceOf(args: Arguments, name: string): (Argument & { readonly value: JsonObject }) | undefined {
  const found = args.get(name)?.[0];
  return found !== undefined && isObject(found.value) ? { path: found.path, value: found.value } : undefined;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A resource that was made as an answer. @param disclosed  the stored rows that it was made of, as far as they may be somebody's */
export function answerOf(resource: object, disclosed: readonly Disclosed[]): Answer {
  return { status: 200, body: JSON.stringify(resource), disclosed };
}
