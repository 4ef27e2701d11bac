-- Who signs in here. Login names tell who somebody is: they are found by a keyed hash, and read from what is sealed.
create table account (
  id           uuid primary key default gen_random_uuid(),
  login_key    bytea not null unique,        -- keyed hash of the login name
  profile      bytea not null,               -- sealed: login name, and what pages call him
  password     text not null,                -- argon2id with its parameters; the key of the installation is part of it
  password_at  timestamptz not null default clock_timestamp(),
  roles        text[] not null,              -- patient, viewer, provider, admin
  fhir_user    text collate "C",             -- Practitioner/123
  totp         bytea,                        -- sealed secret of the second factor; null: he has none
  totp_step    bigint not null default 0,    -- the time step of the last code that was taken: no code counts twice
  enabled      boolean not null default true,
  created_at   timestamptz not null default clock_timestamp(),
  signed_in_at timestamptz
);

-- What stands in for the second factor once; a row goes when it is used.
create table recovery_code (
  account uuid not null references account on delete cascade,
  code    bytea not null,                    -- keyed hash
  primary key (account, code)
);

-- Failed attempts to sign in, by keyed hash of the login name (whether or not there is one) and of the address. Worth nothing after a crash.
create unlogged table sign_in_failure (
  subject       bytea primary key,
  failures      integer not null,
  last_at       timestamptz not null,
  blocked_until timestamptz not null
);
create index sign_in_failure_last on sign_in_failure (last_at);
