import {
  type Code,
  dicom,
  eventType,
  iheAuthorization,
  iheEvent,
  iheUserAgent,
  lifecycle,
  ownEvent,
  participant,
  participation,
  restfulInteraction,
  securityRole,
} from './codes.ts';
import type { AuditKind } from './event.ts';

/** What every event of a kind says. */
export type KindShape = {
  readonly type: Code;
  readonly subtypes: readonly Code[];
  readonly action: 'C' | 'R' | 'U' | 'D' | 'E';
  /** The parts that client, server and user play. */
  readonly client: Code;
  readonly server: Code;
  readonly user: Code;
  /** The profile of BALP that a success meets, without and with a patient, if it has what `needs` says. */
  readonly profile?: { readonly id: string; readonly patient?: string; readonly needs: readonly ('data' | 'query' | 'patient')[] };
  /** The profile takes no entity that isn't its own. */
  readonly closed?: true;
};

const source = dicom('110153', 'Source Role ID');
const destination = dicom('110152', 'Destination Role ID');
const application = dicom('110150', 'Application');
const custodian = participant('custodian', 'Custodian');
const authorizationServer = securityRole('authserver', 'authorization server');
const receiver = participation('IRCP', 'information recipient');
const author = participation('AUT', 'author (originator)');

const rest = eventType('rest', 'RESTful Operation');
const interaction = (code: string): Code => restfulInteraction(code, code);

/** Data flows to the client: he is its destination. */
const reading = (code: string): KindShape => ({
  type: rest,
  subtypes: [interaction(code)],
  action: 'R',
  client: destination,
  server: source,
  user: receiver,
  profile: { id: 'IHE.BasicAudit.Read', patient: 'IHE.BasicAudit.PatientRead', needs: ['data'] },
});

/** It is the question that flows, from the client to the server: so has DICOM had it, and so does BALP. */
const asking = (...codes: string[]): KindShape => ({
  type: rest,
  subtypes: codes.map(interaction),
  action: 'E',
  client: source,
  server: destination,
  user: receiver,
});

const searching = (...codes: string[]): KindShape => ({
  ...asking(...codes),
  profile: { id: 'IHE.BasicAudit.Query', patient: 'IHE.BasicAudit.PatientQuery', needs: ['query'] },
});

const writing = (code: string, action: 'C' | 'U', profile: string): KindShape => ({
  type: rest,
  subtypes: [interaction(code)],
  action,
  client: source,
  server: destination,
  user: author,
  profile: { id: `IHE.BasicAudit.${profile}`, patient: `IHE.BasicAudit.Patient${profile}`, needs: ['data'] },
});

const security = (type: Code, subtype: Code, action: KindShape['action'] = 'E'): KindShape => ({
  type,
  subtypes: [subtype],
  action,
  client: application,
  server: authorizationServer,
  user: receiver,
});

const authentication = dicom('110114', 'User Authentication');
const alert = dicom('110113', 'Security Alert');
const activity = dicom('110100', 'Application Activity');
const userAttributes = dicom('110137', 'User Security Attributes Changed');
const securityConfiguration = dicom('110129', 'Security Configuration');

/** `application`: the server does it by itself. */
const ofServer = (type: Code, subtype: Code, action: KindShape['action'] = 'E'): KindShape => ({
  ...security(type, subtype, action),
  server: custodian,
});

const moving = (type: Code, subtype: Code, action: KindShape['action'], client: Code, server: Code): KindShape => ({
  type,
  subtypes: [subtype],
  action,
  client,
  server,
  user: receiver,
});

const exporting = dicom('110106', 'Export');

const tokenRequest: KindShape = {
  ...security(authentication, iheEvent('ITI-71', 'Get Access Token')),
  server: iheUserAgent('AuthzOauthService', 'Authorization OAuth service'),
  profile: { id: 'IHE.IUA.71', needs: ['query'] },
  closed: true,
};

/** @see https://profiles.ihe.net/ITI/BALP/content.html */
export const kindShapes: Readonly<Record<AuditKind, KindShape>> = {
  read: reading('read'),
  vread: reading('vread'),
  create: writing('create', 'C', 'Create'),
  update: writing('update', 'U', 'Update'),
  patch: writing('patch', 'U', 'Update'),
  delete: {
    type: rest,
    subtypes: [interaction('delete')],
    action: 'D',
    client: application,
    server: custodian,
    user: author,
    profile: { id: 'IHE.BasicAudit.Delete', patient: 'IHE.BasicAudit.PatientDelete', needs: ['data'] },
  },
  'history-instance': asking('history-instance'),
  'history-type': asking('history-type'),
  'history-system': asking('history-system'),
  'search-type': searching('search', 'search-type'),
  'search-system': searching('search', 'search-system'),
  operation: asking('operation'),
  batch: asking('batch'),
  transaction: asking('transaction'),
  'unknown-interaction': { ...asking(), subtypes: [ownEvent('unknown-interaction', 'No interaction of FHIR')] },
  login: security(authentication, dicom('110122', 'Login')),
  logout: security(authentication, dicom('110123', 'Logout')),
  'lock-out': security(alert, ownEvent('lock-out', 'Account locked'), 'U'),
  'second-factor': security(alert, userAttributes, 'U'),
  password: security(alert, userAttributes, 'U'),
  'token-issued': tokenRequest,
  'token-refused': tokenRequest,
  'token-revoked': security(authentication, ownEvent('token-revoked', 'Token revoked'), 'D'),
  introspection: security(authentication, iheEvent('ITI-102', 'Introspect Token')),
  consent: security(alert, iheAuthorization('AuthZ-Role', 'Authorization Decision using only Roles')),
  launch: security(authentication, ownEvent('launch', 'Launch of an app')),
  client: security(alert, securityConfiguration, 'U'),
  account: security(alert, userAttributes, 'U'),
  roles: security(alert, dicom('110136', 'Security Roles Changed'), 'U'),
  'api-key': security(alert, ownEvent('api-key', 'API key made or ended'), 'U'),
  key: ofServer(alert, ownEvent('key', 'Key made, changed or destroyed'), 'U'),
  configuration: ofServer(alert, securityConfiguration, 'U'),
  'security-alert': ofServer(alert, ownEvent('security-alert', 'Something looks like a misuse')),
  'break-glass': security(alert, dicom('110127', 'Emergency Override Started')),
  export: moving(exporting, ownEvent('export', 'Export'), 'R', destination, source),
  import: moving(dicom('110107', 'Import'), ownEvent('import', 'Import'), 'C', source, destination),
  disclosure: {
    ...moving(exporting, lifecycle('disclose', 'Disclose Record Lifecycle Event'), 'R', destination, source),
    profile: { id: 'IHE.BasicAudit.PrivacyDisclosure.Source', needs: ['data', 'patient'] },
  },
  erasure: {
    ...ofServer(lifecycle('destroy', 'Destroy/Delete Record Lifecycle Event'), ownEvent('erasure', 'Record of a patient erased'), 'D'),
  },
  'audit-log-used': { ...ofServer(dicom('110101', 'Audit Log Used'), ownEvent('audit-log-used', 'Audit trail looked at'), 'R') },
  'application-start': ofServer(activity, dicom('110120', 'Application Start')),
  'application-stop': ofServer(activity, dicom('110121', 'Application Stop')),
  maintenance: ofServer(activity, ownEvent('maintenance', 'Maintenance')),
};

export const isKind = (text: string): text is AuditKind => Object.hasOwn(kindShapes, text);
