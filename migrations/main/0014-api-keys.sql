-- Keys of programs that can't do OAuth. Of the secret only its hash is here: it has 256 random bits, so nobody finds it by trying.
create table api_key (
  id             text collate "C" primary key check (id ~ '^[0-9a-f]{16}$'),
  name           text not null,
  secret_hash    bytea not null check (octet_length(secret_hash) = 32),
  -- The secret before the last rotation, as long as it may still be used.
  previous_hash  bytea check (octet_length(previous_hash) = 32),
  previous_until timestamptz,
  scopes         text[] not null check (scopes <> '{}'),
  roles          text[] not null,
  patient        text collate "C",
  fhir_user      text collate "C",
  created_at     timestamptz not null default clock_timestamp(),
  expires_at     timestamptz not null,
  revoked_at     timestamptz,
  last_used_at   timestamptz,                -- to the hour
  check ((previous_hash is null) = (previous_until is null))
);
