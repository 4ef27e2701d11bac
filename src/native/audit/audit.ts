import type { Call } from '../../interactions/context.ts';
import { noRows } from '../../storage/filter.ts';
import { askRead, askSearch } from '../ask.ts';
import { NativeError } from '../error.ts';
import type { NativeAnswer, NativeCall, NativeHandler } from '../handler.ts';
import { userOf } from '../me.ts';
import { escaped } from '../patients/patient-view.ts';
import { entriesOf, listed, nextOf, numberOf, parsed } from '../view.ts';
import { type AuditEntry, changeIn, concernsOnly, entryOf, subtypesOf } from './event-view.ts';
import { diffOf } from './difference.ts';

export const auditHandlers = { listAudit: list } as const satisfies Record<string, NativeHandler>;

/** The audit trail, newest first: all of it for who may read it, and of a patient's own record what others did with it. */
async function list(request: NativeCall): Promise<NativeAnswer> {
  const { query } = request.parameters;
  const isWhole = request.call.access.filter('s', 'AuditEvent') !== noRows;
  const own = isWhole ? undefined : await ownRecord(request);
  const asking = own === undefined ? request : { ...request, call: withEvents(request.call) };
  const bundle = parsed(await askSearch(asking, { type: 'AuditEvent' }, pairsOf(request)));
  const data: AuditEntry[] = [];
  for (const event of entriesOf(bundle).filter(({ resourceType }) => resourceType === 'AuditEvent')) {
    if (own !== undefined && !concernsOnly(event, own)) continue;
    const change = query.diff === false ? undefined : changeIn(event);
    const diff = change === undefined || change.type === 'Binary' ? undefined : await diffOf(request, change);
    data.push({ ...entryOf(event, isWhole), ...(diff === undefined ? {} : { diff }) });
  }
  // Of what is left out here for the patient himself not even the number is told.
  return listed(request, data, nextOf(bundle), query.total === true && isWhole ? numberOf(bundle.total) : undefined);
}

function pairsOf({ parameters }: NativeCall): [string, string][] {
  const { patient_id: patient, actor, action, from, to, limit = 20, cursor, total } = parameters.query;
  const pairs: [string, string][] = [
    ['_sort', '-date'],
    ['_count', String(limit)],
    ...(total === true ? [['_total', 'accurate'] as [string, string]] : []),
  ];
  if (patient !== undefined) pairs.push(['entity', `Patient/${patient}`]);
  if (actor !== undefined) {
    const text = String(actor);
    pairs.push(/^[A-Z][A-Za-z]+\/[A-Za-z0-9\-.]{1,64}$/.test(text) ? ['agent', text] : ['agent:identifier', escaped(text)]);
  }
  if (action !== undefined) pairs.push(['subtype', (subtypesOf[String(action)] ?? []).join(',')]);
  if (from !== undefined) pairs.push(['date', `ge${from}`]);
  if (to !== undefined) pairs.push(['date', `le${to}`]);
  if (cursor !== undefined) pairs.push(['_page', String(cursor)]);
  return pairs;
}

/** The record of the patient who asks for his own. @throws NativeError 403 for anybody's else */
async function ownRecord(request: NativeCall): Promise<string> {
  const { parameters, call, grant } = request;
  const asked = parameters.query.patient_id;
  const user = userOf(grant);
  if (user?.type !== 'Patient' || user.id !== asked || !call.access.hasScope('r', 'AuditEvent'))
    throw new NativeError('forbidden', 'The audit trail is for administrators, and for patients as far as it is about them.');
  await askRead(request, 'Patient', asked);
  return asked;
}

/** Events of his own record only are shown of what this finds. */
function withEvents(call: Call): Call {
  const { filter, permit } = call.access;
  const access: Call['access'] = {
    ...call.access,
    filter: (letter, type) => (type === 'AuditEvent' && letter === 's' ? 'all' : filter(letter, type)),
    permit: (letter, type) => (type === 'AuditEvent' && letter === 's' ? 'all' : permit(letter, type)),
  };
  return { ...call, access };
}
