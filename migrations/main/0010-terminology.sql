-- Code systems that were loaded from files: LOINC, SNOMED CT and others too large for memory. They are published texts: nothing in them
-- is a patient's. A version is filled under a number of its own and comes into force when it is whole.
create table code_system (
  id         integer generated always as identity primary key,
  url        text collate "C" not null,
  version    text collate "C" not null default '',
  name       text,
  subsumes   boolean not null default true,      -- its hierarchy says which code is a kind of which
  properties jsonb not null default '{}',        -- {"CLASS": {"type": "string", "description": "..."}}
  concepts   integer not null default 0,
  ready      boolean not null default false,
  loaded_at  timestamptz not null default clock_timestamp()
);
create unique index code_system_in_force on code_system (url, version) where ready;

create table concept (
  system     integer not null references code_system,
  code       text collate "C" not null,
  display    text,
  definition text,
  active     boolean not null default true,
  abstract   boolean not null default false,     -- it groups others
  properties jsonb not null default '{}',        -- {"CLASS": ["CHEM"]}
  primary key (system, code)
);
create index concept_properties on concept using gin (properties jsonb_path_ops);
create index concept_words on concept using gin (to_tsvector('simple', coalesce(display, '')));

-- What a code is a kind of. Walked upwards to check one code, downwards to list many.
create table concept_link (
  system integer not null references code_system,
  parent text collate "C" not null,
  child  text collate "C" not null,
  primary key (system, parent, child)
);
create index concept_link_child on concept_link (system, child);

create table concept_designation (
  system   integer not null references code_system,
  code     text collate "C" not null,
  language text collate "C",
  use      text collate "C",
  value    text not null
);
create index concept_designation_code on concept_designation (system, code);

create trigger code_system_changed after update or delete on code_system
  for each statement execute function tell_conformance();
