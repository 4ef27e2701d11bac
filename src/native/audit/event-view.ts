import type { components } from '../api-types.ts';
import { filled, idIn, type Part, partOf, partsOf, textOf } from '../parts.ts';
import type { Resource } from '../view.ts';

export type AuditEntry = components['schemas']['AuditEntry'];

/** Which events an action means: their subtypes. */
export const subtypesOf: Readonly<Record<string, readonly string[]>> = {
  read: ['read', 'vread'],
  search: ['search-type', 'search-system'],
  history: ['history-instance', 'history-type', 'history-system'],
  create: ['create'],
  update: ['update', 'patch'],
  delete: ['delete'],
  operation: ['operation'],
  batch: ['batch', 'transaction'],
};

const outcomes: Readonly<Record<string, AuditEntry['outcome']>> = { '0': 'done', '4': 'refused', '8': 'failed', '12': 'failed' };
const [patientRole, dataRole] = ['1', '4'];

/**
 * An AuditEvent in plain fields.
 *
 * @param isWhole  what of the request itself is told too: the address, the token and what the query asked
 */
export function entryOf(event: Resource, isWhole: boolean): AuditEntry {
  const agents = partsOf(event.agent);
  const requestor = agents.find((agent) => agent.requestor === true);
  const client = agents.find((agent) => agent.requestor !== true && partOf(agent.network)?.type === '2') ?? requestor;
  const code = textOf(partsOf(event.subtype).at(-1)?.code) ?? textOf(partOf(event.type)?.code);
  const who = partOf(requestor?.who);
  const data = withRole(event, dataRole);
  const about = textOf(partOf(data?.what)?.reference);
  const target = changedIn(event);
  return filled({
    event_id: textOf(event.id) ?? '',
    at: textOf(event.recorded),
    action: actionOf(code),
    event: code,
    outcome: outcomes[textOf(event.outcome) ?? ''] ?? 'done',
    reason: textOf(event.outcomeDesc),
    actor: filled({
      reference: textOf(who?.reference),
      name: textOf(requestor?.name) ?? textOf(who?.display),
      subject: isWhole ? textOf(partOf(who?.identifier)?.value) : undefined,
      roles: partsOf(requestor?.role).flatMap((role) => textOf(partsOf(role.coding)[0]?.code) ?? []),
    }),
    client: textOf(partOf(partOf(client?.who)?.identifier)?.value),
    address: isWhole ? textOf(partOf(client?.network)?.address) : undefined,
    purposes: partsOf(requestor?.purposeOfUse).flatMap((purpose) => textOf(partsOf(purpose.coding)[0]?.code) ?? []),
    patient_id: idIn(partOf(withRole(event, patientRole)?.what), 'Patient'),
    resource_type: textOf(partOf(data?.what)?.type),
    resource_id: target?.id ?? (about === undefined ? undefined : /^[A-Za-z]+\/([A-Za-z0-9\-.]{1,64})/.exec(about)?.[1]),
    version: target?.version,
    request_id: isWhole ? requestIdOf(event) : undefined,
  }) as AuditEntry;
}

const withRole = (event: Resource, role: string): Part | undefined =>
  partsOf(event.entity).find((entity) => partOf(entity.role)?.code === role);

function actionOf(code: string | undefined): string {
  return Object.keys(subtypesOf).find((action) => subtypesOf[action]?.includes(code ?? '')) ?? 'other';
}

function requestIdOf(event: Resource): string | undefined {
  const entity = partsOf(event.entity).find(({ type }) => partOf(type)?.code === 'XrequestId');
  return textOf(partOf(partOf(entity?.what)?.identifier)?.value);
}

export type VersionAt = { readonly type: string; readonly id: string; readonly version: number };

/** The version that an event tells of. */
function changedIn(event: Resource): VersionAt | undefined {
  const reference = textOf(partOf(withRole(event, dataRole)?.what)?.reference) ?? '';
  const [, type = '', id = '', version] = /^([A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})\/_history\/([1-9]\d{0,8})$/.exec(reference) ?? [];
  return version === undefined ? undefined : { type, id, version: Number(version) };
}

/** The version that a change made, where it was made. */
export function changeIn(event: Resource): VersionAt | undefined {
  const code = textOf(partsOf(event.subtype).at(-1)?.code) ?? '';
  const isChange = ['create', 'update', 'patch'].includes(code) && event.outcome === '0';
  return isChange ? changedIn(event) : undefined;
}

/** Whether an event names another patient than this one. */
export function concernsOnly(event: Resource, patient: string): boolean {
  return partsOf(event.entity).every((entity) => {
    const what = partOf(entity.what);
    const named = idIn(what, 'Patient');
    return named === undefined ? what?.type !== 'Patient' : named === patient;
  });
}
