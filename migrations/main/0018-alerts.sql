-- What looks like a misuse: see docs/alerts.md.

-- What each rule has lately seen of each actor: actors and items are pseudonyms, 64 bits of a keyed function.
create table alert_sighting (
  rule  text collate "C" not null,
  actor bigint not null,
  item  bigint not null,
  at    timestamptz not null,                -- when it was seen last
  primary key (rule, actor, item)
);
create index alert_sighting_at on alert_sighting (rule, at);

create table audit_alert (
  id              bigint generated always as identity primary key,
  rule            text collate "C" not null,
  actor           bigint not null,
  opened_at       timestamptz not null,
  count           integer not null,          -- what was seen, of how many it takes
  threshold       integer not null,
  details         bytea not null,            -- sealed: who, from where, whom it concerns
  recorded_at     timestamptz,               -- since when there is an audit event of it
  acknowledged_at timestamptz,
  acknowledged_by text
);
create index audit_alert_actor on audit_alert (rule, actor, opened_at);
create index audit_alert_unrecorded on audit_alert (id) where recorded_at is null;
create index audit_alert_open on audit_alert (id) where acknowledged_at is null;
