import {
  type ApiKeyFault,
  type ApiKeyRegister,
  apiKeyRegister,
  assertKeepsApiKeys,
  isApiKeyId,
  type TellingApiKey,
} from '../../authorization/api-key-register.ts';
import { FhirError, issue } from '../../fhir/error.ts';
import { withOrigin } from '../../authorization/security-events.ts';
import type { ApiKey } from '../../storage/api-keys.ts';
import { askOperation } from '../ask.ts';
import { NativeError } from '../error.ts';
import { invalid } from '../existing.ts';
import type { NativeAnswer, NativeCall, NativeHandler } from '../handler.ts';
import { listed } from '../view.ts';
import { type ApiKeyInput, apiKeyView, askedKeyOf, detailOf } from './api-key-view.ts';

/** Keys of programs. Their rights are asked first, so that nobody else learns whether there is such a key. */
export const apiKeyHandlers = {
  listApiKeys: list,
  createApiKey: create,
  getApiKey: get,
  rotateApiKey: rotate,
  revokeApiKey: revoke,
} as const satisfies Record<string, NativeHandler>;

async function list(request: NativeCall): Promise<NativeAnswer> {
  const { limit = 20, cursor } = request.parameters.query;
  const after = cursor === undefined ? undefined : String(cursor);
  const keys = await asked(request, (register) =>
    register.list({ limit: Number(limit) + 1, ...(after === undefined ? {} : { after: idIn(after) }) }),
  );
  const page = keys.slice(0, Number(limit));
  const next = keys.length > page.length ? (page.at(-1)?.id ?? null) : null;
  const now = Date.now();
  return listed(
    request,
    page.map((key) => apiKeyView(key, now)),
    next,
    undefined,
  );
}

async function get(request: NativeCall): Promise<NativeAnswer> {
  return shown(200, await asked(request, (register) => found(register, request)));
}

async function create(request: NativeCall): Promise<NativeAnswer> {
  const { replay } = request;
  if (replay !== undefined) return shown(201, await asked(request, (register) => found(register, request, replayedId(replay))));
  const made = await changed(request, (register) => register.create(askedKeyOf(request.body as ApiKeyInput)));
  return shown(201, accepted(made).key, accepted(made).secret);
}

async function rotate(request: NativeCall): Promise<NativeAnswer> {
  if (request.replay !== undefined) return shown(200, await asked(request, (register) => found(register, request)));
  const { expires_in_days: expiresInDays, overlap_hours: overlapHours } = (request.body ?? {}) as {
    readonly expires_in_days?: number;
    readonly overlap_hours?: number;
  };
  const rotated = await changed(request, async (register) => {
    const { id } = await found(register, request);
    return register.rotate(id, {
      ...(expiresInDays === undefined ? {} : { expiresInDays }),
      ...(overlapHours === undefined ? {} : { overlapHours }),
    });
  });
  if (rotated === undefined) throw new NativeError('conflict', 'The key was revoked or has expired: make another one.');
  return shown(200, accepted(rotated).key, accepted(rotated).secret);
}

/** One that was revoked before stays so. */
async function revoke(request: NativeCall): Promise<NativeAnswer> {
  await changed(request, async (register) => register.revoke((await found(register, request)).id));
  return { status: 204 };
}

/** What only looks. */
async function asked<T>(request: NativeCall, work: (register: ApiKeyRegister) => Promise<T>): Promise<T> {
  return askOperation(request, 'api-keys', () => kept(request, work));
}

/** What changes keys: its success is an event of the register's. */
async function changed<T>(request: NativeCall, work: (register: ApiKeyRegister) => Promise<T>): Promise<T> {
  return askOperation(request, 'api-keys', () => kept(request, work), { told: true });
}

function kept<T>({ ctx, call, grant, requestId, services }: NativeCall, work: (register: ApiKeyRegister) => Promise<T>): Promise<T> {
  assertKeepsApiKeys(grant);
  const { address } = call.trail.agent;
  const register = apiKeyRegister({
    pool: ctx.pool,
    events: services.events,
    by: grant,
    beside: async (client, id) => call.guard?.(client, [{ type: 'ApiKey', id, version: 1 }]),
  });
  return withOrigin({ requestId, ...(address === undefined ? {} : { address }) }, () => work(register));
}

async function found(register: ApiKeyRegister, request: NativeCall, id = request.parameters.path.id ?? ''): Promise<ApiKey> {
  const key = await register.find(id);
  if (key === undefined) throw new FhirError(404, [issue('not-found', 'api-key-not-found', 'There is no such API key.')]);
  return key;
}

const replayedId = (replay: readonly string[]): string => replay[0]?.split('/')[1] ?? '';

function idIn(cursor: string): string {
  if (isApiKeyId(cursor)) return cursor;
  const details = [{ field: 'cursor', code: 'invalid', message: 'It is no next_cursor of this list.' }];
  throw new NativeError('invalid_request', 'The request is not as the contract says; see details.', { details });
}

/** @throws NativeError 422 */
function accepted(made: TellingApiKey | ApiKeyFault): TellingApiKey {
  if ('field' in made) throw invalid([detailOf(made)]);
  return made;
}

/** @param secret  told in the answer to the request that made it and nowhere else: it is not kept */
function shown(status: number, key: ApiKey, secret?: string): NativeAnswer {
  return { status, body: { ...apiKeyView(key, Date.now()), ...(secret === undefined ? {} : { secret }) } };
}
