-- FHIR packages that were added, and the conformance resources they define. They are published texts: nothing in them is a patient's.
create table package (
  id           bigint generated always as identity primary key,
  name         text collate "C" not null,    -- hl7.fhir.us.core
  version      text collate "C" not null,
  title        text,
  canonical    text,
  dependencies jsonb not null,               -- {"hl7.terminology.r4": "5.0.0"}
  added_at     timestamptz not null default clock_timestamp(),
  unique (name, version)
);
create table package_resource (
  package bigint not null references package on delete cascade,
  type    text collate "C" not null,
  url     text collate "C" not null,         -- of a NamingSystem, which has none, the identifiers it names
  id      text collate "C" not null,
  version text collate "C",
  name    text,
  constrains text collate "C",               -- of a profile, the resource type it is of
  content bytea not null,                    -- zstd of its JSON, without the narrative
  primary key (package, type, url, id)
);
create index package_resource_url on package_resource (type, url);
create index package_resource_constrains on package_resource (constrains, url) where constrains is not null;
alter table package_resource alter content set storage external;

create function tell_conformance() returns trigger language plpgsql as $$
begin
  perform pg_notify('conformance', '');
  return null;
end $$;
create trigger conformance_written after insert or update on resource_other
  for each row when (new.type in ('StructureDefinition', 'ValueSet', 'CodeSystem', 'ConceptMap', 'NamingSystem'))
  execute function tell_conformance();
create trigger package_changed after insert or update or delete on package
  for each statement execute function tell_conformance();
