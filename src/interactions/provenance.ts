import { badRequest, FhirError } from '../fhir/error.ts';
import { type JsonObject, parseJson } from '../fhir/json.ts';
import { withPositions } from '../fhir/locate.ts';
import type { NewVersion } from '../storage/rows.ts';
import type { Call, Context, StatedProvenance } from './context.ts';
import { type Document, documentOf, limitsOf } from './document.ts';
import { newId } from './ids.ts';
import { type Resolve, rewriteLinks } from './links.ts';
import { prepareVersion, validated } from './prepare.ts';

/** As a header it shares the room that a request's headers have; what is larger is sent as a resource, in a transaction. */
const headerBytesMax = 8192;

/**
 * Reads `X-Provenance`: a Provenance in JSON without targets. It is refused before anything is done, as far as it can be judged then.
 *
 * @param header  as Node gives it: each byte a character
 * @throws        FhirError 400 and 422 as for any resource that is created, 403 if the caller may create no Provenance
 * @see           https://hl7.org/fhir/R4/provenance.html#header
 */
export async function withProvenance(ctx: Context, call: Call, header: string | undefined): Promise<Call> {
  if (header === undefined) return call;
  call.access.permit('c', 'Provenance');
  const provenance = await ofHeader(undefined, () => readProvenance(ctx, header.trim()));
  const { document, text } = provenance;
  // Which targets it will have isn't known yet, only that it will.
  await ofHeader(text, () => validated(ctx, aimed(document, ['urn:uuid:00000000-0000-4000-8000-000000000000'])));
  return { ...call, provenance };
}

function readProvenance(ctx: Context, header: string): StatedProvenance {
  if (header.length > headerBytesMax)
    throw badRequest(
      'provenance-too-large',
      `it is larger than ${headerBytesMax} bytes. Send the Provenance as a resource, in one transaction with what it is about.`,
      undefined,
      'too-long',
    );
  const parsed = parseJson(Buffer.from(header, 'latin1'), limitsOf(ctx), { links: true });
  const document = documentOf(parsed, parsed.value, 'Provenance');
  if (document.type !== 'Provenance') throw badRequest('provenance-expected', 'it holds a Provenance.', 'Provenance', 'structure');
  if (document.value.target !== undefined || document.value._target !== undefined)
    throw badRequest(
      'provenance-with-target',
      'it has no "target": the server names the versions that this request makes.',
      'Provenance.target',
      'structure',
    );
  return { document, text: parsed.received };
}

/**
 * The Provenance of versions about to be written, to be written with them; undefined if none was sent, or there is nothing to be said
 * of.
 *
 * @param resolve  what its links become, where it came with a transaction
 */
export async function provenanceOf(
  ctx: Context,
  call: Call,
  versions: readonly NewVersion[],
  resolve?: Resolve,
): Promise<NewVersion | undefined> {
  if (call.provenance === undefined || versions.length === 0) return undefined;
  const { document: sent, text } = call.provenance;
  const resolved = resolve === undefined ? sent : rewriteLinks(sent, resolve, ctx.definitions.schema).document;
  const targets = versions.map(({ type, id, version }) => `${type}/${id}/_history/${version}`);
  const document = await ofHeader(text, () => validated(ctx, aimed(resolved, targets)));
  const [rid = 0] = await ctx.rowIds.take(1);
  const target = { id: newId('Provenance'), rid, version: 1, interaction: 'c' } as const;
  const trail = { ...call.trail, asked: { kind: 'create', data: { type: 'Provenance' } } } as const;
  return (await prepareVersion(ctx, { ...call, trail }, document, target, call.access.filter('c', 'Provenance'))).row;
}

/** The document with these targets, and so without the text it came as. */
function aimed({ type, value, decimals }: Document, references: readonly string[]): Document {
  const aimedValue: JsonObject = { ...value, target: references.map((reference) => ({ reference })) };
  const literals = decimals.get(value);
  return { type, value: aimedValue, decimals: literals === undefined ? decimals : new Map(decimals).set(aimedValue, literals) };
}

/** What is found wrong is told of the header, with its place there. */
async function ofHeader<T>(text: string | undefined, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof FhirError)) throw error;
    const found = text === undefined ? error.issues : withPositions(error.issues, text);
    const issues = found.map((each) => ({ ...each, text: `X-Provenance: ${each.text}` }));
    throw new FhirError(error.status, issues, { cause: error, headers: error.headers });
  }
}
