import type { Readable } from 'node:stream';
import type { Grant } from '../authorization/grant.ts';
import type { SignatureConfirmations } from '../authorization/signature-confirmations.ts';
import type { SecurityEvents } from '../authorization/security-events.ts';
import type { Call, Context } from '../interactions/context.ts';
import type { Jobs } from '../bulk/jobs.ts';
import type { Erasing } from '../interactions/erasure.ts';
import type { Users } from '../authorization/users.ts';
import type { Parameters } from './contract.ts';
import type { Signer } from './signatures/signer.ts';

/** What handlers need beside the interactions. */
export type NativeServices = {
  readonly erasing: Erasing;
  readonly jobs: Jobs;
  /** Notes who got access and who changed it. */
  readonly events: SecurityEvents;
  /** Local accounts: who signs proves who he is. */
  readonly users: Users;
  readonly signer: Signer;
  /** Undefined where this server gives no tokens of its own. */
  readonly confirmations: SignatureConfirmations | undefined;
};

/** One request to an operation of the contract, its parameters and body checked against it. */
export type NativeCall = {
  readonly ctx: Context;
  /** What the interactions see of it: the same rights, audit and consistency as on the FHIR API. */
  readonly call: Call;
  readonly grant: Grant;
  readonly requestId: string;
  readonly parameters: Parameters;
  readonly services: NativeServices;
  /** The JSON body; undefined where there is none, or where it is streamed. */
  readonly body: unknown;
  /** What the first request with this Idempotency-Key wrote (`Patient/x/_history/1`): it is to be answered again. */
  readonly replay?: readonly string[];
  /** The body as it comes, of operations that take other media types than JSON. */
  readonly stream?: Stream;
};

export type Stream = {
  readonly mediaType: string;
  readonly charset?: string;
  readonly body: Readable;
  /** How long it says it is, where it says so and comes as it is. */
  readonly declaredBytes?: number;
  /** Does the work once for an Idempotency-Key, now that it is known what the body is. @param received  all that makes it the same */
  readonly once: (work: NativeHandler, received: string) => Promise<NativeAnswer>;
};

export type NativeAnswer = {
  readonly status: number;
  /** What JSON is made of; a stream is sent as it comes, with the content type among the headers. */
  readonly body?: object | Readable;
  readonly headers?: Readonly<Record<string, string>>;
};

/** By operationId. */
export type NativeHandler = (request: NativeCall) => Promise<NativeAnswer>;
