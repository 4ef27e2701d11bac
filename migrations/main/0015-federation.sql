-- Who signs in by an outside OpenID provider. A person there is an issuer and a subject: of both together a keyed hash is kept.
create table federated_identity (
  subject    bytea primary key,
  account    uuid not null references account on delete cascade,
  issuer     text collate "C" not null,
  made       boolean not null,               -- the account was made for this person: its rights follow what the provider says
  created_at timestamptz not null default clock_timestamp(),
  -- Who comes into a mailbox after somebody else doesn't come into his account.
  unique (account, issuer)
);

-- Accounts without one sign in elsewhere only.
alter table account alter column password drop not null;
