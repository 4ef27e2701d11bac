-- The key store: in a cluster of its own, so that destroying a key is not undone by the main database's backups.

create table data_key (
  key_id     uuid primary key,
  purpose    text not null,                  -- common, token, audit, cursor
  generation integer not null,
  wrapped    bytea not null,
  created_at timestamptz not null default clock_timestamp(),
  unique (purpose, generation)
);

create table patient_key (
  key_id     uuid primary key,
  owner      bigint not null unique,         -- ref_key of the Patient
  wrapped    bytea,                          -- null once destroyed
  created_at timestamptz not null default clock_timestamp(),
  erased_at  timestamptz,
  check ((wrapped is null) = (erased_at is not null))
);

-- Rises with every destroyed key; each process compares it with what it has cached.
create table key_generation (
  one        boolean primary key default true check (one),
  generation bigint not null
);
insert into key_generation (generation) values (0);
