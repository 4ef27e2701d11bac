import { hoursOfDay, onOff, optional, timeZone, whole, words } from './config-kinds.ts';

/** What looks like a misuse: docs/alerts.md tells how it is counted. */
export const alertVariables = {
  ALERT_MANY_PATIENTS: whole(300, [0, 1_000_000], 'patients', 'Patients of whom one user sees something within an hour. 0: no alert.'),
  ALERT_MANY_PATIENTS_CLIENT: whole(0, [0, 100_000_000], 'patients', 'The same of a client that has no user. 0: no alert.'),
  ALERT_REFUSALS: whole(100, [0, 1_000_000], 'requests', 'Requests of one caller that are refused within 10 minutes. 0: no alert.'),
  ALERT_FAILED_LOGINS: whole(
    10,
    [0, 1_000_000],
    'accounts',
    'Accounts that fail to sign in from one address within 10 minutes. 0: no alert.',
  ),
  ALERT_BREAK_GLASS: onOff('on', 'Whether breaking the glass is an alert.'),
  ALERT_NEW_EXPORT: onOff('on', 'Whether the first export of a client is an alert.'),
  ALERT_OFF_HOURS: optional('none', hoursOfDay('Hours in which a user who sees something of a patient is an alert.')),
  ALERT_OFF_DAYS: words('none', /^(?:mon|tue|wed|thu|fri|sat|sun)$/, 'days (sat,sun)', 'Days on which he is one at any hour.'),
  ALERT_TIME_ZONE: timeZone('UTC', 'The time zone of these hours and days.'),
  ALERT_LABELS: words(
    'none',
    /^[^\s|]+\|[^\s|]+$/,
    'security labels (system|code)',
    'Labels in the meta.security of patients of whom seeing anything is an alert.',
  ),
} as const;
