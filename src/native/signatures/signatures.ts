import { createHash } from 'node:crypto';
import { FhirError } from '../../fhir/error.ts';
import { canonicalJson } from '../../fhir/canonical-json.ts';
import { noRows } from '../../storage/filter.ts';
import type { components } from '../api-types.ts';
import { askCreate, askFile, askSearch, askVersion } from '../ask.ts';
import { NativeError } from '../error.ts';
import type { NativeAnswer, NativeCall, NativeHandler } from '../handler.ts';
import { asStored, type Told } from '../own-references.ts';
import { textOf } from '../parts.ts';
import { binaryIn } from '../records/attachment-view.ts';
import { kindOf, type RecordId } from '../records/kinds.ts';
import { recordIdIn } from '../records/read-record.ts';
import { recordOf, viewOf } from '../records/record-view.ts';
import { documentFrom, entriesOf, listed, nextOf, numberOf, parsed, readShown, type Resource } from '../view.ts';
import { prove } from './proof.ts';
import { jwsIn, provenanceFor, sessionTag, signatureOf, type Verdict, versionIn } from './signature-view.ts';
import type { Signed } from './signer.ts';

export const signatureHandlers = { listSignatures: list, signRecord: sign, askForSignature: ask } as const satisfies Record<
  string,
  NativeHandler
>;

/** How long a session goes on after its last signature: then all components are asked for anew. */
const sessionSeconds = 30 * 60;

async function sign(request: NativeCall): Promise<NativeAnswer> {
  const sent = request.body as components['schemas']['SignatureInput'];
  const { grant, services, ctx, replay } = request;
  const named = recordIdIn(request);
  if (replay !== undefined) return replayed(request, named, replay);
  const { answer, version, target, patient } = await signable(request, named);
  const session = services.signer.sessionOf(grant);
  const last = session === undefined ? undefined : await lastSigned(request, session);
  const { user, components: proved } = await prove(request, sent, target, last?.sub);
  const signed: Signed = {
    target,
    meaning: sent.meaning,
    who: user.fhirUser ?? '',
    name: user.name,
    sub: user.id,
    iat: Math.floor(Date.now() / 1000),
    components: proved,
    session: session ?? '-',
  };
  const jws = await services.signer.sign(signed, await payloadOf(request, answer));
  const made = await askCreate(request, documentFrom(ctx, provenanceFor(signed, jws, patient)));
  const provenance = { ...provenanceFor(signed, jws, patient), id: made.stamp?.id ?? '' };
  return { status: 201, body: signatureOf(provenance, { status: 'valid', version, signed }) };
}

/** Asks the caller to confirm a signature in his browser: an app never sees what he proves himself by there. */
async function ask(request: NativeCall): Promise<NativeAnswer> {
  const { meaning } = request.body as components['schemas']['SignatureAsked'];
  const { grant, services, ctx } = request;
  const { version, target } = await signable(request, recordIdIn(request));
  const { grantId } = grant;
  if (services.confirmations === undefined || grantId === undefined)
    throw new NativeError('forbidden', 'Only who has an account here and let in this app confirms signatures in his browser.');
  const { id, expiresAt } = await services.confirmations.begin({ account: grant.subject, grantId, target, meaning });
  const confirmAt = `${new URL(ctx.config.baseUrl).origin}/oauth/sign/${id}`;
  const body = { confirmation_id: id, confirm_at: confirmAt, expires_at: expiresAt.toISOString(), record_version: version, meaning };
  return { status: 201, body };
}

type Signable = { readonly answer: Told; readonly version: number; readonly target: string; readonly patient: string };

/** The version that is signed, if the caller is one who may. */
async function signable(request: NativeCall, { kind, type, id }: RecordId): Promise<Signable> {
  request.call.access.permit('c', 'Provenance');
  const answer = await readShown(viewOf(kind), request, id);
  const version = answer.stamp?.version ?? 1;
  assertVersion(request, version);
  const patient = recordOf(parsed(answer)).patient_id;
  if (patient === undefined || request.grant.fhirUser === undefined)
    throw new NativeError('forbidden', 'Only a person signs, for a patient.');
  return { answer, version, target: `${type}/${id}/_history/${version}`, patient };
}

function assertVersion({ parameters }: NativeCall, version: number): void {
  const asked = parameters.header['if-match']?.replace(/^W\//, '');
  if (asked !== undefined && asked !== `"${version}"`)
    throw new NativeError('version_mismatch', 'The record has another version than If-Match says.');
}

async function replayed(request: NativeCall, named: RecordId, replay: readonly string[]): Promise<NativeAnswer> {
  const [, id = '', , version = ''] = replay.find((each) => each.startsWith('Provenance/'))?.split('/') ?? [];
  const provenance = parsed(await askVersion(request, 'Provenance', id, Number(version)));
  return { status: 201, body: signatureOf(provenance, await verdictOf(request, named, provenance, undefined)) };
}

/** The newest signature of the session, if the session still goes on. What a Provenance says counts only if it is signed. */
async function lastSigned(request: NativeCall, session: string): Promise<Signed | undefined> {
  if (request.call.access.filter('s', 'Provenance') === noRows) return undefined;
  const since = new Date(Date.now() - sessionSeconds * 1000).toISOString();
  const pairs = [
    ['_tag', `${sessionTag}|${session}`],
    ['recorded', `ge${since}`],
    ['_sort', '-recorded'],
    ['_count', '1'],
  ] as const;
  const [provenance] = entriesOf(parsed(await askSearch(request, { type: 'Provenance' }, pairs)));
  const target = /^([A-Za-z]+)\/([A-Za-z0-9\-.]+)\/_history\/(\d+)$/.exec(textOf(targetOf(provenance)) ?? '');
  const [, type = '', id = '', version = ''] = target ?? [];
  if (provenance === undefined || target === null) return undefined;
  const { signed } = await verified(request, provenance, { type, id, version: Number(version) });
  const isFresh = signed !== undefined && signed.iat * 1000 >= Date.parse(since);
  return isFresh && signed.session === session ? signed : undefined;
}

const targetOf = (provenance: Resource | undefined) =>
  (provenance?.target as readonly { readonly reference?: string }[] | undefined)?.[0]?.reference;

/** All signatures of a record, each verified against the version that it is over. */
async function list(request: NativeCall): Promise<NativeAnswer> {
  const named = recordIdIn(request);
  const { limit = 20, cursor, total } = request.parameters.query;
  const answer = await readShown(viewOf(named.kind), request, named.id);
  const pairs: [string, string][] = [
    ['target', `${named.type}/${named.id}`],
    ['signature-type:missing', 'false'],
    ['_sort', '-_lastUpdated'],
    ['_count', String(limit)],
  ];
  if (total === true) pairs.push(['_total', 'accurate']);
  if (cursor !== undefined) pairs.push(['_page', String(cursor)]);
  const bundle = parsed(await askSearch(request, { type: 'Provenance' }, pairs));
  const signatures = [];
  for (const provenance of entriesOf(bundle).filter(({ signature }) => signature !== undefined))
    signatures.push(signatureOf(provenance, await verdictOf(request, named, provenance, answer.stamp?.version)));
  const page = listed(request, signatures, nextOf(bundle), total === true ? numberOf(bundle.total) : undefined);
  const { publicKey: key, publicKeys } = request.services.signer;
  return { ...page, body: { ...(page.body as object), key, keys: publicKeys() } };
}

async function verdictOf(request: NativeCall, { type, id }: RecordId, provenance: Resource, current: number | undefined): Promise<Verdict> {
  const version = versionIn(provenance, type, id);
  if (jwsIn(provenance) === undefined) return { status: 'unknown', version, signed: undefined };
  if (version === undefined) return { status: 'altered', version, signed: undefined };
  const { signed, isReadable } = await verified(request, provenance, { type, id, version });
  if (!isReadable) return { status: 'unknown', version, signed };
  if (signed === undefined) return { status: 'altered', version, signed };
  return { status: current === undefined || current === version ? 'valid' : 'replaced', version, signed };
}

type VersionAt = { readonly type: string; readonly id: string; readonly version: number };

/** What a Provenance's signature says of this version, if it is over it as it is stored now. */
async function verified(
  request: NativeCall,
  provenance: Resource,
  { type, id, version }: VersionAt,
): Promise<{ readonly signed: Signed | undefined; readonly isReadable: boolean }> {
  const jws = jwsIn(provenance) ?? '';
  const payload = await unlessGone(async () => payloadOf(request, await askVersion(request, type, id, version)));
  if (payload === undefined) return { signed: undefined, isReadable: false };
  const signed = await request.services.signer.verify(jws, payload);
  const isItsOwn = signed?.target === `${type}/${id}/_history/${version}`;
  return { signed: isItsOwn ? signed : undefined, isReadable: true };
}

/** What is signed: the version as it is read, and of a document the digest of its file. */
async function payloadOf(request: NativeCall, answer: Told): Promise<string> {
  const record = parsed(answer);
  const binary = kindOf(record) === 'document' ? binaryIn(record) : undefined;
  const file = binary === undefined ? undefined : await digestOf(request, binary);
  return canonicalJson({ resource: asStored(answer), ...(file === undefined ? {} : { file }) });
}

/** Only a Binary's label ever changes: of one that was deleted the first version has the file. */
async function digestOf(request: NativeCall, binary: string): Promise<string> {
  const { file } = (await unlessGone(() => askFile(request, binary))) ?? (await askFile(request, binary, 1));
  const digest = createHash('sha256');
  for await (const bytes of file.content) digest.update(bytes);
  return `sha-256:${digest.digest('hex')}`;
}

async function unlessGone<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof FhirError && (error.status === 404 || error.status === 410)) return undefined;
    throw error;
  }
}
