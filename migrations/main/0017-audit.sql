-- The chain over the audit events: who changes, removes, adds or moves one leaves a block that no longer fits. See docs/audit.md.

-- The order in which events are sealed. All that is below a snapshot's xmin has either committed or never will.
create index audit_event_sealing on audit_event (xid, rid);

create table audit_block (
  n         bigint primary key,
  kind      "char" not null check (kind in ('b', 'd')), -- b seals events, d tells which were dropped
  at        timestamptz not null,
  count     bigint not null,                 -- events that it seals
  after_xid xid8 not null,                   -- the last event of the block before: those of this one come behind it
  after_rid bigint not null,
  last_xid  xid8 not null,                   -- the last event of this one
  last_rid  bigint not null,
  first_at  timestamptz,                     -- the earliest and the latest of its events
  last_at   timestamptz,
  root      bytea not null,                  -- sha256 over xid, rid and mac of its events, in the order of xid and rid
  dropped   text,                            -- of kind d: what was dropped, JSON
  h         bytea not null                   -- HMAC over all of these and the h of the block before
);
create index audit_block_last_at on audit_block (last_at);
create trigger audit_block_unchanged before update or delete on audit_block for each row execute function refuse_change();
