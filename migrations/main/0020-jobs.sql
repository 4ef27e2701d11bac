-- Bulk imports and exports that outlive their request. What they are about is sealed; in clear are only states, numbers and times.
create table bulk_job (
  id            uuid primary key,
  kind          text not null check (kind in ('import', 'export')),
  owner         bytea not null check (octet_length(owner) = 32),           -- HMAC of the caller
  place         uuid not null,                                             -- the folder that holds its files
  state         text not null default 'queued' check (state in ('queued', 'running', 'done', 'failed', 'cancelled')),
  failure       text,                                                      -- our word for why it failed
  arguments     bytea not null,                                            -- sealed with the key of its day
  progress      jsonb not null default '{}',                               -- numbers alone
  claim         uuid,                                                      -- of the process that runs it
  claimed_until timestamptz not null default '-infinity',
  request       bytea unique check (octet_length(request) = 32),           -- HMAC of caller and Idempotency-Key
  fingerprint   bytea check (octet_length(fingerprint) = 32),              -- HMAC of the request
  created_at    timestamptz not null default clock_timestamp(),
  ended_at      timestamptz,
  expires_at    timestamptz not null
);
create index bulk_job_waiting on bulk_job (place, created_at) where state in ('queued', 'running');
create index bulk_job_owner on bulk_job (owner) where state in ('queued', 'running');
create index bulk_job_expires on bulk_job (expires_at);

-- The contact data of an import that only validates, as tokens: of what occurs in it twice. Gone with the job's end.
create table bulk_contact (
  job  uuid not null,
  key  bigint not null,
  line bigint not null,
  primary key (job, key)
);
