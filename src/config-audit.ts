import { choice, onOff, optional, path, webAddress, whole } from './config-kinds.ts';

/** What the audit trail and signatures go by. Part of the table in config-variables.ts. */
export const auditVariables = {
  AUDIT: onOff('on', 'Whether what happens is recorded. Off is for measurements: the server warns of it, and refuses it in production.'),
  AUDIT_TIMEOUT_MS: whole(
    5_000,
    [100, 30_000],
    'ms',
    'Longest time that recording may take; what can not be recorded by then is refused with 503.',
  ),
  AUDIT_WAITING_MAX: whole(
    20_000,
    [10, 1_000_000],
    'events',
    'Most events that wait to be written; a request that would leave more gets 503.',
  ),
  AUDIT_FAILURE: choice(
    'refuse',
    ['refuse', 'spool'],
    'What becomes of a read that the database can not record: it is refused with 503, or answered once its events are on disk in AUDIT_SPOOL_DIR, to be brought in later. What changes something is refused in either case.',
  ),
  AUDIT_SPOOL_DIR: optional(
    'audit-spool beside KEY_FILE',
    path('', 'Folder for those events, outside DATA_DIR and CACHE_DIR, on a disk that outlives the process and is open to its user alone.'),
  ),
  AUDIT_SPOOL_MIB: whole(64, [1, 16_384], 'MiB', 'Most that may wait there; beyond it reads are refused.'),
  AUDIT_ANCHOR_SECONDS: whole(60, [1, 86_400], 'seconds', "How often the end of the audit trail's chain is told to the outside."),
  AUDIT_ANCHOR_FILE: optional(
    'audit-anchors.ndjson beside KEY_FILE',
    path(
      '',
      'File that it is told to, outside DATA_DIR and CACHE_DIR. Without its lines nobody can tell whether the end of the trail was cut off: keep it where those who can change the database can not.',
    ),
  ),
  AUDIT_ANCHOR_URL: optional('none', webAddress('', 'Address that it is posted to as well, as JSON.')),
  AUDIT_RETENTION_YEARS: whole(6, [1, 100], 'years', 'How long audit events are kept.'),
  AUDIT_QUERY_DAYS: whole(
    90,
    [1, 36_500],
    'days',
    'How long the text of searches that concern no single patient can be read, in whole months from their end.',
  ),
  SIGNATURE_KEY: whole(
    1,
    [1, 100],
    '',
    'Number of the key that signs records. One more is a new key: what the keys before it signed is verified as ever. Never make it smaller.',
  ),
} as const;
