-- What the authorization server keeps. Ids, grants, sessions and accounts are named by SHA-256 alone: whoever reads these tables holds
-- no token, no code and no session. Payloads are sealed.
create table oauth_client (
  id         text collate "C" primary key,
  metadata   jsonb not null,                 -- RFC 7591, without its secret
  secret     bytea,                          -- SHA-256 of 256 random bits
  origins    text[] not null,                -- of its redirect URIs: web pages that may call us
  source     text not null,                  -- operator, registration
  disabled   boolean not null default false,
  created_at timestamptz not null default clock_timestamp(),
  used_at    timestamptz                     -- to the hour
);

create table oauth_item (
  kind        text collate "C" not null,     -- Session, Interaction, AuthorizationCode, RefreshToken, Grant, Launch, ...
  id          bytea not null,
  grant_id    bytea,
  uid         bytea,                         -- of a session; of what was given in a session
  account     bytea,
  client      text collate "C",
  payload     bytea not null,
  created_at  timestamptz not null default clock_timestamp(),
  consumed_at timestamptz,
  expires_at  timestamptz not null,
  primary key (kind, id)
);
create index oauth_item_grant on oauth_item (grant_id) where grant_id is not null;
create index oauth_item_uid on oauth_item (uid) where uid is not null;
create index oauth_item_account on oauth_item (account) where account is not null;
create index oauth_item_client on oauth_item (client) where client is not null;
create index oauth_item_expiry on oauth_item (expires_at);

-- Tokens that end before their time: those of a token id, a grant, a client or an account that were given until then. Kept until the
-- last of them would have ended by itself.
create table oauth_revocation (
  name       bytea primary key,              -- SHA-256 of kind and id
  until      timestamptz not null,           -- of tokens given up to this moment
  expires_at timestamptz not null
);

-- Keys of the authorization server itself, sealed: what it signs with and what it published before; and those of its cookies.
create table oauth_key (
  id         text collate "C" primary key,   -- of a signing key, its thumbprint
  purpose    text not null,                  -- sign, cookie
  sealed     bytea not null,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz                     -- set once a newer one is in use
);
