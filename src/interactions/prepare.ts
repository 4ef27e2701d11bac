import { writtenRows } from '../audit/trail.ts';
import { badRequest, FhirError, forbidden, type Issue, issue, notFound } from '../fhir/error.ts';
import { nearestName } from '../fhir/nearest-name.ts';
import { isId } from '../fhir/references.ts';
import type { Registry } from '../search/registry.ts';
import { type BinaryLink, type LinkedOwner, withOwners } from '../storage/binary-owners.ts';
import { leavesKept, passesFilter, passesWrite, type RowFilter } from '../storage/filter.ts';
import type { LockedVersion } from '../storage/read.ts';
import { type NewVersion, noFacts } from '../storage/rows.ts';
import { isFault } from '../validation/walk.ts';
import { binaryLinksOf } from './binaries.ts';
import type { Call, Context } from './context.ts';
import { type Document, type Edit, storedText } from './document.ts';
import { gravestFirst } from './outcomes.ts';
import { assertUsable } from './parameters/usable.ts';

/** A version ready to be written, the text that was sealed, and the Binaries to bind to its owners before it is written. */
export type Prepared = { readonly row: NewVersion; readonly json: string; readonly links: readonly BinaryLink[] };

/** Where the version is to be; `tokens` of the version before. */
export type Target = Pick<NewVersion, 'id' | 'rid' | 'version' | 'interaction' | 'factsBefore'> & { readonly tokens?: Buffer };

/**
 * Extracts, checks the caller's rights on what would be written, seals, and adds what the audit trail will hold of it. The document must have been checked by `validated`.
 *
 * @param filter  the caller's rows for this interaction on this type: the new version must be one of them, and have the labels that it had
 * @param linked  owners it has beside those it names itself
 * @throws        FhirError 403 if it isn't, 422 if it names an erased patient or is a search parameter that nothing could be found by
 */
export async function prepareVersion(
  ctx: Context,
  call: Call,
  document: Document,
  target: Target,
  filter: RowFilter,
  edits: readonly Edit[] = [],
  linked: readonly LinkedOwner[] = [],
): Promise<Prepared> {
  const { type, file } = document;
  const { id, rid, version, interaction, factsBefore } = target;
  if (type === 'SearchParameter') await assertUsable(ctx, document, id);
  const { refKey, tokens: found, facts, patient, clinicalAt, owners } = ctx.extract(document.value, type, id);
  if (!passesWrite(filter, { tokens: found, patient })) throw outsideRights(type);
  if (!leavesKept(filter, target.tokens, found))
    throw forbidden(
      'security-labels-kept',
      'The caller may neither set nor remove these security labels. Send meta.security as it is stored.',
    );
  const json = storedText(document, id, edits);
  const tokens = withOwners(found, linked);
  const ownerKeys = [...new Set([...owners.keys(), ...linked.map(({ owner }) => owner)])];
  const { passing } = call;
  const address = { type, id, version, owners: ownerKeys, passing };
  const content = await ctx.seal(json, file === undefined ? address : { ...address, file });
  const audit = await writtenRows(ctx.audit, call.trail, { type, id, version, content, passing });
  const row = { rid, type, id, refKey, version, interaction, patient, clinicalAt, tokens, content, owners: ownerKeys, facts, audit };
  const beside = { ...(factsBefore === undefined ? {} : { factsBefore }), ...(file === undefined ? {} : { file: file.key.id }) };
  return { row: { ...row, ...beside }, json, links: binaryLinksOf(ctx, document, owners) };
}

/** Of what the caller may know of; anything else is not found. */
function outsideRights(type: string): FhirError {
  return forbidden('write-outside-scope', `The token's scopes or the user's rights don't permit to write this ${type}.`);
}

/** What is answered to a write of a row that is outside the caller's rows for it: nothing that he doesn't see is there. */
export function refusedWrite(call: Call, { type, tokens }: Pick<LockedVersion, 'type' | 'tokens'>): FhirError {
  return passesFilter(call.access.filter('r', type), tokens) ? outsideRights(type) : notFound(type);
}

/** Deleting what one doesn't see succeeds and does nothing; what one sees but may not delete is refused. */
export function assertDeletable(call: Call, row: LockedVersion | undefined): void {
  if (row !== undefined && !row.deleted && passesFilter(call.access.filter('r', row.type), row.tokens)) throw outsideRights(row.type);
}

/** The version that ends a resource: it keeps owner, patient and tokens, so that its history stays visible to the same callers. */
export async function deletionOf(ctx: Context, call: Call, current: LockedVersion): Promise<NewVersion> {
  const { rid, type, id, refKey, version, patient, tokens, factsBefore } = current;
  const audit = await writtenRows(ctx.audit, call.trail, { type, id, version: version + 1, content: null }, current);
  return {
    rid,
    type,
    id,
    refKey,
    version: version + 1,
    interaction: 'd',
    patient,
    clinicalAt: null,
    tokens,
    content: null,
    owners: [],
    facts: noFacts,
    factsBefore,
    audit,
  };
}

/**
 * Validates what is to be written, by its type and by the profiles in force.
 *
 * @returns the document with what was found that refuses nothing
 * @throws  FhirError 400 for what isn't shaped as its type says, 422 for what breaks a binding, an invariant or a profile
 * @see     https://hl7.org/fhir/R4/http.html#create
 */
export async function validated(ctx: Pick<Context, 'registry' | 'validator'>, document: Document): Promise<Document> {
  assertType(ctx.registry, document.type, 'resourceType');
  const issues = await ctx.validator.validate(document);
  if (issues.length === 0) return document;
  const faults = issues.filter(isFault);
  if (faults.length === 0) return { ...document, findings: issues };
  throw new FhirError(faults.some(isShape) ? 400 : 422, gravestFirst(issues));
}

/** Of what isn't stored, only the shape counts. @throws FhirError 400 */
export async function assertShaped(ctx: Pick<Context, 'validator'>, document: Document): Promise<void> {
  const faults = (await ctx.validator.validate(document)).filter((found) => isFault(found) && isShape(found));
  if (faults.length > 0) throw new FhirError(400, faults);
}

const isShape = ({ id }: Issue): boolean => id.startsWith('shape-');

export function assertType(registry: Registry, type: string, expression?: string, status = 400): void {
  if (registry.isType(type)) return;
  const nearest = nearestName(type, registry.types);
  const text = `${JSON.stringify(type.slice(0, 64))} is no resource type of FHIR R4.${nearest === undefined ? '' : ` Did you mean "${nearest}"?`}`;
  throw new FhirError(status, [issue('not-supported', 'resource-type-unknown', text, expression)]);
}

export function assertId(id: string): void {
  if (!isId(id)) throw badRequest('id-invalid', 'An id has 1 to 64 letters, digits, "-" and ".".', undefined, 'value');
}

/** The body is a resource of the type the URL names. */
export function assertTypeMatches(document: Document, type: string): void {
  if (document.type === type) return;
  throw badRequest(
    'resource-type-mismatch',
    `The URL names ${type} but the body is a resource of another type. Send it to its own type's URL.`,
    'resourceType',
  );
}
