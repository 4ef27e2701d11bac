import { entityType, iheEntity, objectRole, uriSystem } from '../codes.ts';
import { type AuditRecord, type RecordedData, same } from '../record.ts';
import type { Surroundings } from './surroundings.ts';
import { toldOf } from './told.ts';

const person = entityType('1', 'Person');
const systemObject = entityType('2', 'System Object');
const patientRole = objectRole('1', 'Patient');
const domainResource = objectRole('4', 'Domain Resource');
const jobRole = objectRole('20', 'Job');
const queryRole = objectRole('24', 'Query');
const requestType = iheEntity('XrequestId', 'X-Request-Id');

type Entity = Readonly<Record<string, unknown>>;

/** What it was about. */
export function renderEntities(record: AuditRecord, about: Surroundings): readonly Entity[] {
  const { kind, data, patient, operation } = record;
  const told = toldOf(record);
  if (told.queryAlone) return [queryEntity(record, about, detailsOf(record, about, true))];
  return [
    ...(told.data && data !== undefined ? [dataEntity(data, record, about)] : []),
    ...(patient === undefined ? [] : [patientEntity(patient, about)]),
    ...(told.query ? [queryEntity(record, about, {})] : []),
    ...(kind === 'operation' ? [operationEntity(operation)] : []),
    requestEntity(record, about),
  ];
}

function dataEntity({ type, id, version, patient }: RecordedData, record: AuditRecord, about: Surroundings): Entity {
  const keyId = patient === same ? record.patient : patient;
  const known = keyId === undefined ? id : about.patientId(keyId);
  const reference = known === undefined ? undefined : `${type}/${known}${version === undefined ? '' : `/_history/${version}`}`;
  return {
    what: {
      ...(reference === undefined ? {} : { reference }),
      type,
      ...(keyId !== undefined && known === undefined ? { identifier: pseudonymOf(keyId) } : {}),
    },
    type: systemObject,
    role: domainResource,
  };
}

function patientEntity(keyId: string, { patientId }: Surroundings): Entity {
  const id = patientId(keyId);
  const what = id === undefined ? { type: 'Patient', identifier: pseudonymOf(keyId) } : { reference: `Patient/${id}`, type: 'Patient' };
  return { what, type: person, role: patientRole };
}

/** What stands for an erased patient: it tells his events from those of others, and nothing else. */
function pseudonymOf(keyId: string): object {
  const hex = Buffer.from(keyId, 'base64url').toString('hex');
  const uuid = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  return { system: uriSystem, value: `urn:uuid:${uuid}` };
}

const masked = { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'masked' }] };

function queryEntity({ parameters, data }: AuditRecord, { query }: Surroundings, details: object): Entity {
  const description = `${data === undefined ? '' : data.type}?${parameters ?? ''}`;
  return {
    type: systemObject,
    role: queryRole,
    ...(description === '?' ? {} : { description }),
    // Its key is destroyed: that there was a query stays.
    ...(query === undefined ? { _query: masked } : { query: query.toString('base64') }),
    ...details,
  };
}

/** Not as a name: what is the same in so many events needn't be found by its letters. */
const operationEntity = (operation: string | undefined): Entity => ({
  type: systemObject,
  role: jobRole,
  ...(operation === undefined ? {} : { description: `$${operation}` }),
});

function requestEntity(record: AuditRecord, about: Surroundings): Entity {
  return { what: { identifier: { value: record.requestId } }, type: requestType, ...detailsOf(record, about, false) };
}

/** What has no place of its own in an AuditEvent. */
function detailsOf({ kind, requestId, entry, details = {} }: AuditRecord, { query }: Surroundings, withRequest: boolean): object {
  const told = [
    ...(withRequest ? [['X-Request-Id', requestId] as const] : []),
    ...(entry === undefined ? [] : [['entry', String(entry)] as const]),
    ...(kind === 'break-glass' && query !== undefined ? [['emergency', query.toString()] as const] : []),
    ...Object.entries(details),
  ].filter(([, value]) => value !== '');
  return told.length === 0 ? {} : { detail: told.map(([type, valueString]) => ({ type, valueString })) };
}
