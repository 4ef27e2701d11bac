/**
 * The rules of IHE's Basic Audit Log Patterns, profile by profile, as data: what a successful event of each must look like beyond R4 itself.
 *
 * @see https://profiles.ihe.net/ITI/BALP/content.html
 */
export type ProfileRules = {
  readonly type: Code;
  /** Each at least once among the subtypes. */
  readonly subtypes: readonly Code[];
  readonly action: string;
  readonly agents: Readonly<Record<string, SliceRules>>;
  readonly entities: Readonly<Record<string, SliceRules>>;
  /** No entity but those named. */
  readonly closed?: true;
};

export type Code = readonly [system: string, code: string];

export type SliceRules = {
  /** Codes one of which the slice's `type` (of agents) or `type` or `role` (of entities) has. */
  readonly type?: readonly Code[];
  readonly role?: readonly Code[];
  readonly min: 0 | 1;
  readonly max: number;
  /** Elements that each member has. */
  readonly has?: readonly string[];
  /** Elements that no member has. */
  readonly lacks?: readonly string[];
  readonly requestor?: boolean;
};

const dcm = (code: string): Code => ['http://dicom.nema.org/resources/ontology/DCM', code];
const interaction = (code: string): Code => ['http://hl7.org/fhir/restful-interaction', code];
const entityType = (code: string): Code => ['http://terminology.hl7.org/CodeSystem/audit-entity-type', code];
const objectRole = (code: string): Code => ['http://terminology.hl7.org/CodeSystem/object-role', code];
const participation = (code: string): Code => ['http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code];
const rest: Code = ['http://terminology.hl7.org/CodeSystem/audit-event-type', 'rest'];

const receiver = [participation('IRCP')];
const dataSources = [participation('AUT'), participation('INF'), participation('CST')];

const agents = (client: Code, server: Code, user: readonly Code[]): ProfileRules['agents'] => ({
  client: { type: [client], min: 1, max: 1, has: ['who', 'network'], lacks: ['media'] },
  server: { type: [server], min: 1, max: 1, has: ['who', 'network'], lacks: ['media'] },
  user: { type: user, min: 0, max: 1, has: ['who'], lacks: ['media', 'network'], requestor: true },
});

const transaction: SliceRules = {
  type: [['https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType', 'XrequestId']],
  min: 0,
  max: 1,
  has: ['what.identifier.value'],
};
const data: SliceRules = {
  type: [entityType('2')],
  role: [objectRole('4'), objectRole('3'), objectRole('20')],
  min: 1,
  max: 1,
  has: ['what'],
};
const patient: SliceRules = { type: [entityType('1')], role: [objectRole('1')], min: 1, max: 1, has: ['what'] };
const query: SliceRules = {
  type: [entityType('2')],
  role: [objectRole('24')],
  min: 1,
  max: 1,
  has: ['query'],
  lacks: ['what', 'detail', 'name'],
};

const reading = {
  type: rest,
  action: 'R',
  agents: agents(dcm('110152'), dcm('110153'), receiver),
};
const writing = (code: string, action: string): Omit<ProfileRules, 'entities'> => ({
  type: rest,
  subtypes: code === '' ? [] : [interaction(code)],
  action,
  agents: agents(dcm('110153'), dcm('110152'), dataSources),
});
const deleting = {
  type: rest,
  subtypes: [interaction('delete')],
  action: 'D',
  agents: agents(dcm('110150'), ['http://terminology.hl7.org/CodeSystem/provenance-participant-type', 'custodian'], dataSources),
};
const asking = {
  type: rest,
  subtypes: [interaction('search')],
  action: 'E',
  agents: agents(dcm('110153'), dcm('110152'), receiver),
};

/** By the last part of the profile's canonical url. */
export const balpRules: Readonly<Record<string, ProfileRules>> = {
  'IHE.BasicAudit.Read': { ...reading, subtypes: [], entities: { transaction, data } },
  'IHE.BasicAudit.PatientRead': { ...reading, subtypes: [], entities: { transaction, data, patient } },
  'IHE.BasicAudit.Create': { ...writing('create', 'C'), entities: { transaction, data } },
  'IHE.BasicAudit.PatientCreate': { ...writing('create', 'C'), entities: { transaction, data, patient } },
  'IHE.BasicAudit.Update': { ...writing('', 'U'), entities: { transaction, data } },
  'IHE.BasicAudit.PatientUpdate': { ...writing('', 'U'), entities: { transaction, data, patient } },
  'IHE.BasicAudit.Delete': { ...deleting, entities: { transaction, data } },
  'IHE.BasicAudit.PatientDelete': { ...deleting, entities: { transaction, data, patient } },
  'IHE.BasicAudit.Query': { ...asking, entities: { transaction, query } },
  'IHE.BasicAudit.PatientQuery': { ...asking, entities: { transaction, query, patient } },
  'IHE.IUA.71': {
    type: dcm('110114'),
    subtypes: [['urn:ihe:event-type-code', 'ITI-71']],
    action: 'E',
    agents: agents(dcm('110150'), ['https://profiles.ihe.net/ITI/BALP/CodeSystem/UserAgentTypes', 'AuthzOauthService'], receiver),
    entities: { query: { ...query, lacks: ['what'] } },
    closed: true,
  },
  'IHE.BasicAudit.PrivacyDisclosure.Source': {
    type: dcm('110106'),
    subtypes: [['http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle', 'disclose']],
    action: 'R',
    agents: {
      source: { type: [dcm('110153')], min: 1, max: 1, has: ['who', 'network'] },
      recipient: { type: [dcm('110152')], min: 1, max: 1, has: ['who', 'network'] },
    },
    entities: { patient, data },
  },
};

/** Who must have sent a token, by IHE.BasicAudit.OAUTHaccessTokenUse.Minimal: in whatever event. */
export const tokenUseRules: SliceRules = {
  type: [['https://profiles.ihe.net/ITI/BALP/CodeSystem/UserAgentTypes', 'UserOauthAgent']],
  min: 1,
  max: 1,
  has: ['who', 'policy'],
  requestor: true,
};
