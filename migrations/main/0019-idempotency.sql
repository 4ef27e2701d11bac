-- What requests with an Idempotency-Key have done. It holds no answer: a replay renders the versions anew that the first request wrote.
create table idempotency_key (
  id            bytea primary key check (octet_length(id) = 32),           -- HMAC of caller and key
  fingerprint   bytea not null check (octet_length(fingerprint) = 32),     -- HMAC of the request
  claim         uuid not null,                                             -- of the process that executes it
  claimed_until timestamptz not null,
  versions      text[],                                                    -- Type/id/_history/version: written by the write's own transaction
  expires_at    timestamptz not null
);
create index idempotency_key_expires on idempotency_key (expires_at);
