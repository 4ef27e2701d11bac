-- Files of Binaries, in sealed pieces. What opens them is nowhere but in the sealed document of the Binary that they belong to: whoever can't open that one
-- opens nothing here. A piece is written while its file arrives and never changed; a file that no Binary has taken after a while is removed.
create table binary_file (
  id         uuid primary key,
  made_at    timestamptz not null default clock_timestamp(),
  bound_at   timestamptz,                                                  -- when a Binary took it
  binary_key bigint,                                                       -- ref_key of that Binary
  version    integer,                                                      -- the first of its versions that has the file
  check ((bound_at is null) = (binary_key is null) and (bound_at is null) = (version is null))
);
create index binary_file_unbound on binary_file (made_at) where bound_at is null;
create index binary_file_binary on binary_file (binary_key) where binary_key is not null;

create table binary_chunk (
  file   uuid not null references binary_file on delete cascade,
  seq    integer not null check (seq >= 0),
  sealed bytea not null,
  primary key (file, seq)
);
-- What is sealed can't be compressed.
alter table binary_chunk alter column sealed set storage external;
