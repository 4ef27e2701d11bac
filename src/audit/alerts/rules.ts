import type { AuditedAgent, AuditedEvent } from '../event.ts';
import type { OffHours } from './off-hours.ts';

export type RuleName =
  | 'many-patients'
  | 'many-patients-client'
  | 'refusals'
  | 'failed-logins'
  | 'break-glass'
  | 'off-hours'
  | 'new-export'
  | 'labelled';

/** What looks like a misuse: so many different things of one actor within a time. */
export type Rule = {
  readonly name: RuleName;
  readonly threshold: number;
  readonly windowSeconds: number;
  /** For so long no second alert is opened for the same actor; for ever: Infinity. */
  readonly quietSeconds: number;
  /** Counts patients alone that have one of the configured labels. */
  readonly labelled?: true;
  /** Undefined: the event means nothing to it. */
  readonly sees: (event: AuditedEvent) => Sight | undefined;
};

/** Whose doing it is, and what is counted: as texts that are made pseudonyms. */
export type Sight = { readonly actor: readonly string[]; readonly item: readonly string[] };

/** 0 switches a rule off. */
export type RuleSettings = {
  readonly manyPatients: number;
  readonly manyPatientsClient: number;
  readonly refusals: number;
  readonly failedLogins: number;
  readonly breakGlass: boolean;
  readonly newExport: boolean;
  /** Undefined: no hours are off. */
  readonly offHours: OffHours | undefined;
  readonly labelled: boolean;
};

const hour = 3_600;

/** The rules in force. Each looks at one event at a time; what has been seen before is counted by who asks. */
export function rulesOf(settings: RuleSettings): readonly Rule[] {
  const { offHours } = settings;
  const rules: readonly (Rule & { readonly on?: boolean })[] = [
    {
      name: 'many-patients',
      threshold: settings.manyPatients,
      windowSeconds: hour,
      quietSeconds: hour,
      sees: (event) => (registers(event) ? undefined : patientBy(userOf(event.agent), event)),
    },
    {
      name: 'many-patients-client',
      threshold: settings.manyPatientsClient,
      windowSeconds: hour,
      quietSeconds: hour,
      sees: (event) =>
        registers(event) ? undefined : patientBy(event.agent.user === undefined ? clientOf(event.agent) : undefined, event),
    },
    {
      name: 'refusals',
      threshold: settings.refusals,
      windowSeconds: 600,
      quietSeconds: hour,
      sees: (event) =>
        isRefused(event) ? { actor: anyoneOf(event.agent), item: [event.requestId, String(event.entry ?? '')] } : undefined,
    },
    {
      name: 'failed-logins',
      threshold: settings.failedLogins,
      windowSeconds: 600,
      quietSeconds: hour,
      sees: loginFailed,
    },
    {
      name: 'break-glass',
      threshold: settings.breakGlass ? 1 : 0,
      windowSeconds: hour,
      quietSeconds: hour,
      sees: (event) => (event.kind === 'break-glass' ? aboutPatient(anyoneOf(event.agent), event) : undefined),
    },
    {
      name: 'off-hours',
      threshold: offHours === undefined ? 0 : 1,
      windowSeconds: hour,
      quietSeconds: 8 * hour,
      sees: (event) => (offHours?.isOff(event.at) === true ? patientBy(userOf(event.agent), event) : undefined),
    },
    {
      name: 'new-export',
      threshold: settings.newExport ? 1 : 0,
      windowSeconds: hour,
      quietSeconds: Number.POSITIVE_INFINITY,
      sees: (event) => (event.kind === 'export' && event.outcome === 0 ? { actor: anyoneOf(event.agent), item: ['export'] } : undefined),
    },
    {
      name: 'labelled',
      threshold: settings.labelled ? 1 : 0,
      windowSeconds: hour,
      quietSeconds: 24 * hour,
      labelled: true,
      sees: (event) => (isSeen(event) ? aboutPatient(anyoneOf(event.agent), event) : undefined),
    },
  ];
  return rules.filter(({ threshold }) => threshold > 0);
}

/** Somebody saw or changed something of a patient. */
const isSeen = ({ patient, outcome, kind }: AuditedEvent): boolean => patient !== undefined && outcome === 0 && kind !== 'security-alert';

/** Who makes a patient's record learns nothing of anybody, were they thousands, as in an import; by criteria he may find one that is there. */
const registers = ({ kind, data, query }: AuditedEvent): boolean => kind === 'create' && data?.type === 'Patient' && query === undefined;

function patientBy(actor: readonly string[] | undefined, event: AuditedEvent): Sight | undefined {
  if (actor === undefined || event.patient === undefined || !isSeen(event)) return undefined;
  // His own record is nobody else's business.
  if (/(?:^|\/)Patient\//.test(event.agent.user?.fhirUser ?? '')) return undefined;
  return { actor, item: [event.patient.keyId.toString('hex')] };
}

/** Each actor and patient for themselves: another patient is another alert. */
function aboutPatient(actor: readonly string[], { patient }: AuditedEvent): Sight {
  return { actor: patient === undefined ? actor : [...actor, patient.keyId.toString('hex')], item: ['patient'] };
}

/** Issues that say that somebody asked for what isn't his: what he may not do, who he isn't, and what for him does not exist. */
const refusals =
  /^(?:scope-|rights-|token-|api-key-|credentials-|break-glass-)|^(?:write-outside-scope|security-labels-kept|search-hop-forbidden|page-of-another|resource-not-found|version-not-found)$/;

function isRefused({ kind, outcome, reason = '' }: AuditedEvent): boolean {
  return outcome !== 0 && kind !== 'login' && kind !== 'security-alert' && refusals.test(reason);
}

const userOf = ({ user }: AuditedAgent): readonly string[] | undefined => user && ['user', user.issuer, user.subject];
const clientOf = ({ client }: AuditedAgent): readonly string[] | undefined => (client === undefined ? undefined : ['client', client]);
const anyoneOf = (agent: AuditedAgent): readonly string[] => userOf(agent) ?? clientOf(agent) ?? ['address', agent.address ?? ''];

/** Each attempt counts once where the account isn't known: names that are tried out are seen too. */
function loginFailed({ kind, outcome, agent: { user, address }, requestId }: AuditedEvent): Sight | undefined {
  if (kind !== 'login' || outcome === 0 || address === undefined) return undefined;
  return { actor: ['address', address], item: ['account', user?.subject ?? requestId] };
}
