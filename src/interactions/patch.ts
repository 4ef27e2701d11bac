import { badRequest, FhirError, issue, notFound } from '../fhir/error.ts';
import type { JsonObject, ParsedJson } from '../fhir/json.ts';
import type { Transaction } from '../storage/database.ts';
import { passesFilter, passesWrite } from '../storage/filter.ts';
import { type LockedVersion, lockCurrent } from '../storage/read.ts';
import { replaceVersions } from '../storage/write.ts';
import { type Answer, type Return, writeAnswer } from './answer.ts';
import { besideOf } from './beside.ts';
import { bindLinks, linkedOwners } from './binaries.ts';
import { lockMatch, parseCriteria } from './conditional.ts';
import type { Call, Context } from './context.ts';
import { type Document, parseStored } from './document.ts';
import type { Resolve } from './links.ts';
import { toldOf, unchanged, updated } from './outcomes.ts';
import { applyFhirPathPatch } from './patch/fhirpath-patch.ts';
import { applyJsonPatch } from './patch/json-patch.ts';
import { fhirPathPatchLinks, jsonPatchLinks, type NamedText } from './patch/patch-links.ts';
import { assertIfMatch, auditEventsStay, multipleMatches } from './preconditions.ts';
import { assertId, prepareVersion, refusedWrite, validated } from './prepare.ts';
import { gone, openOne } from './read.ts';
import { unchangedText, writeLast } from './update.ts';
import { inWriting } from './writing.ts';

/** A patch as received: RFC 6902 operations, or a Parameters resource of FHIRPath operations. */
export type Patch = { readonly kind: 'json' | 'fhirpath'; readonly parsed: Pick<ParsedJson, 'value' | 'decimals'> };

/** Values and characters that the operations of one patch may copy in all. */
const copiesMax = 20_000_000;

export type PatchOptions = { readonly prefer: Return; readonly ifMatch?: string };

/** @see https://hl7.org/fhir/R4/http.html#patch */
export async function patch(ctx: Context, call: Call, type: string, id: string, change: Patch, options: PatchOptions): Promise<Answer> {
  call.access.permit('u', type);
  assertId(id);
  if (type === 'AuditEvent') throw auditEventsStay();
  return inWriting(ctx, [type], (tx) => patchLocked(ctx, call, tx, type, id, change, options));
}

/** Patches the one resource that matches. @see https://hl7.org/fhir/R4/http.html#patch */
export async function conditionalPatch(
  ctx: Context,
  call: Call,
  type: string,
  criteria: string,
  change: Patch,
  options: PatchOptions,
): Promise<Answer> {
  call.access.permit('u', type);
  call.access.permit('s', type);
  if (type === 'AuditEvent') throw auditEventsStay();
  const query = parseCriteria(ctx, type, criteria, 'The URL');
  return inWriting(ctx, [type], async (tx) => {
    const [match, another] = await lockMatch(ctx, call, tx.client, query);
    if (another !== undefined) throw multipleMatches('the URL');
    if (match === undefined)
      throw new FhirError(404, [issue('not-found', 'criteria-without-match', `No ${type} matches the criteria of the URL.`)]);
    return patchLocked(ctx, call, tx, type, match.id, change, options);
  });
}

async function patchLocked(
  ctx: Context,
  call: Call,
  tx: Transaction,
  type: string,
  id: string,
  change: Patch,
  options: PatchOptions,
): Promise<Answer> {
  const filter = call.access.filter('u', type);
  const address = { type, id, refKey: ctx.refKeyOf(type, id) };
  const [current] = await lockCurrent(tx.client, [address]);
  if (current === undefined) throw notFound(type);
  if (!passesWrite(filter, current)) throw refusedWrite(call, current);
  if (current.deleted) throw gone(current);
  assertIfMatch(options.ifMatch, current.version);
  const document = await patched(ctx, current, change);
  const readable = passesFilter(call.access.filter('r', type), current.tokens);
  const same = await unchangedText(ctx, current, document);
  const told = toldOf(same === undefined ? updated(type) : unchanged(type), document);
  if (same !== undefined)
    return writeAnswer({ status: 200, stamp: current, json: same, row: current, isNew: false, readable }, options.prefer, told);
  const version = current.version + 1;
  const linked = await linkedOwners(ctx, tx.client, address, true);
  const { row, json, links } = await prepareVersion(ctx, call, document, { ...current, version, interaction: 'p' }, filter, [], linked);
  await bindLinks(ctx, tx.client, links);
  const lastUpdated = await writeLast(tx, row, replaceVersions, await besideOf(ctx, call, tx.client, [row]));
  return writeAnswer({ status: 200, stamp: { type, id, version, lastUpdated }, json, row, isNew: true, readable }, options.prefer, told);
}

/**
 * Applies a patch to a current version; type and id stay what they are, and the result must be valid like any other write.
 *
 * @param resolve  what the links in the patch's values become, where it is part of a transaction
 */
export async function patched(ctx: Context, current: LockedVersion, { kind, parsed }: Patch, resolve?: Resolve): Promise<Document> {
  const { json } = await openOne(ctx, current);
  const stored = parseStored(json);
  const context = {
    schema: ctx.definitions.schema,
    limits: { depthMax: ctx.config.jsonDepthMax, copiesMax },
    // A Bundle that is stored is a unit: its references are among its own entries.
    ...(resolve === undefined || current.type === 'Bundle' ? {} : { resolve }),
  };
  const resource = objectOf(stored.value);
  const { value, decimals } = parsed;
  const result =
    kind === 'json'
      ? applyJsonPatch(resource, stored.decimals, value, decimals, context)
      : applyFhirPathPatch(resource, stored.decimals, objectOf(value), decimals, context);
  const document: Document = { type: current.type, value: withoutEmptyMeta(result.resource), decimals: result.decimals };
  if (document.value.resourceType !== current.type || document.value.id !== current.id) {
    throw new FhirError(422, [
      issue('business-rule', 'patch-changes-identity', 'A patch must leave resourceType and id as they are.', [`${current.type}.id`]),
    ]);
  }
  return validated(ctx, document);
}

/** What may be a link in what a patch brings. @throws FhirError if it is malformed */
export function patchLinks({ kind, parsed: { value, decimals } }: Patch): NamedText[] {
  return kind === 'json' ? jsonPatchLinks(value, decimals) : fhirPathPatchLinks(objectOf(value));
}

/** The stored text always has a place for meta; in a resource, an object is never empty. */
function withoutEmptyMeta(resource: JsonObject): JsonObject {
  const { meta } = resource;
  if (typeof meta === 'object' && meta !== null && Object.keys(meta).length === 0) delete resource.meta;
  return resource;
}

function objectOf(value: ParsedJson['value']): { [name: string]: ParsedJson['value'] } {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw badRequest(
    'patch-not-parameters',
    'A FHIRPath patch is a Parameters resource; a JSON patch is an array sent as application/json-patch+json.',
    undefined,
    'structure',
  );
}
