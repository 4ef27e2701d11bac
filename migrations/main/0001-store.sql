-- The resource store. See docs/architecture.md for what each table is for.
-- No statement here names the server's role: src/storage/migrate.ts grants it what it needs after every migration.

-- Row ids come in blocks of 1000, one nextval a block, so that facts can name their row before it is written.
create sequence resource_rid increment by 1000;

create table resource (
  rid          bigint not null,
  type         text collate "C" not null,
  id           text collate "C" not null,
  version      integer not null,
  last_updated timestamptz not null,
  interaction  "char" not null,              -- c create, u update, p patch, d delete
  deleted      boolean not null default false,
  ref_key      bigint not null,              -- PRF of Type/id: finds, never proves (type and id are compared as well)
  patient      bigint,                       -- ref_key of the one Patient of the type's patient or subject parameter
  clinical_at  timestamptz,                  -- start of the type's main date parameter: sorts, never filters
  tokens       bigint[] not null,
  content      bytea,                        -- sealed document; null in a deletion
  xid          xid8 not null default pg_current_xact_id(),
  unique (type, ref_key)
) partition by list (type);

do $$
declare
  heavy text;
  relation text;
begin
  foreach heavy in array array['Patient', 'Encounter', 'Observation', 'MedicationStatement', 'MedicationRequest', 'Condition', 'Procedure',
    'DiagnosticReport', 'Immunization', 'AllergyIntolerance', 'DocumentReference', 'Appointment', 'Claim', 'ExplanationOfBenefit'] loop
    relation := 'resource_' || lower(heavy);
    execute format('create table %I partition of resource for values in (%L)', relation, heavy);
    execute format('create unique index %I on %I (rid)', relation || '_rid', relation);
    execute format('create index %I on %I using gin (tokens)', relation || '_tokens', relation);
    execute format('create index %I on %I (patient, clinical_at, rid)', relation || '_patient', relation);
    execute format('create index %I on %I (clinical_at, rid)', relation || '_clinical', relation);
    execute format('create index %I on %I (last_updated, rid)', relation || '_updated', relation);
    execute format('alter table %I alter content set storage external', relation);
  end loop;
end $$;

-- All other types share one partition; its ordered indexes lead with the type.
create table resource_other partition of resource default;
create unique index resource_other_rid on resource_other (type, rid);
create index resource_other_tokens on resource_other using gin (tokens);
create index resource_other_patient on resource_other (type, patient, clinical_at, rid);
create index resource_other_clinical on resource_other (type, clinical_at, rid);
create index resource_other_updated on resource_other (type, last_updated, rid);
alter table resource_other alter content set storage external;

-- Superseded versions, append only. The current version is in resource.
create table resource_version (
  ref_key      bigint not null,
  version      integer not null,
  rid          bigint not null,
  type         text collate "C" not null,
  id           text collate "C" not null,
  last_updated timestamptz not null,
  interaction  "char" not null,
  deleted      boolean not null,
  patient      bigint,
  tokens       bigint[] not null,            -- a filter for restrictions, never a way in: no GIN
  content      bytea,
  xid          xid8 not null,
  unique (ref_key, version)
) partition by hash (ref_key);

do $$
begin
  for part in 0..15 loop
    execute format('create table resource_version_%s partition of resource_version for values with (modulus 16, remainder %s)', part, part);
    execute format('alter table resource_version_%s alter content set storage external', part);
  end loop;
end $$;
create index resource_version_type on resource_version (type, last_updated, rid);
create index resource_version_updated on resource_version (last_updated, rid);

-- What a fact's param stands for: one number per element that search can ask for. Filled by the server from the registry.
create table search_element (
  param smallint generated always as identity primary key,
  type  text collate "C" not null,
  path  text collate "C" not null,
  unique (type, path)
);

create table fact_date (
  rid   bigint not null,
  param smallint not null,
  pair  bigint not null default 0,           -- token of a composite's other component, else 0
  lo    timestamptz not null,
  hi    timestamptz not null,                -- half open
  primary key (rid, param, lo, hi, pair)
);
create index fact_date_value on fact_date (param, lo, hi, rid);

create table fact_quantity (
  rid   bigint not null,
  param smallint not null,
  pair  bigint not null default 0,
  unit  bigint not null,                     -- 0 without a unit, else PRF of system|code
  lo    double precision not null,
  hi    double precision not null,
  primary key (rid, param, lo, hi, unit, pair)
);
create index fact_quantity_value on fact_quantity (param, lo, hi, unit, rid);

create table fact_reference (
  rid    bigint not null,
  param  smallint not null,
  target bigint not null,                    -- ref_key of Type/id, whether or not it exists yet
  primary key (rid, param, target)
);
create index fact_reference_target on fact_reference (param, target, rid);

-- What a blind value sorts by: the start of its normalised text (two letters) or its year, never more.
create table fact_sort (
  rid   bigint not null,
  param smallint not null,
  low   bigint not null,
  high  bigint not null,
  primary key (rid, param, low, high)
);
create index fact_sort_low on fact_sort (param, low, rid);
create index fact_sort_high on fact_sort (param, high, rid);

-- Patients whose key is destroyed. Their ids are never used again; writes that name them are refused.
create table erased_patient (
  ref_key bigint primary key,
  at      timestamptz not null default clock_timestamp()
);

-- AuditEvents stand apart: the server's role may add and read them, nobody changes them.
create table audit_event (
  rid          bigint not null,
  type         text collate "C" not null default 'AuditEvent' check (type = 'AuditEvent'),
  id           text collate "C" not null,
  version      integer not null,
  last_updated timestamptz not null,
  interaction  "char" not null,
  deleted      boolean not null default false check (not deleted),
  ref_key      bigint not null,
  patient      bigint,
  clinical_at  timestamptz,
  tokens       bigint[] not null,
  content      bytea not null,
  mac          bytea,
  xid          xid8 not null default pg_current_xact_id()
) partition by range (last_updated);
create index audit_event_rid on audit_event (rid);
create index audit_event_ref_key on audit_event (ref_key);
create index audit_event_tokens on audit_event using gin (tokens);
create index audit_event_clinical on audit_event (clinical_at, rid);
create index audit_event_updated on audit_event (last_updated, rid);
create table audit_event_default partition of audit_event default;
alter table audit_event_default alter content set storage external;

-- Keeps the ids of audit events unique over all months.
create table audit_id (ref_key bigint primary key);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'rows of % are never changed', tg_table_name using errcode = 'insufficient_privilege';
end $$;
create trigger audit_event_unchanged before update or delete on audit_event for each row execute function refuse_change();

-- Makes the month partition that holds the given time; the server calls it, with the owner's rights, ahead of each month.
create function ensure_audit_partition(at timestamptz) returns void language plpgsql security definer set search_path = public, pg_temp as $$
declare
  first timestamptz := date_trunc('month', at, 'UTC');
  relation text := 'audit_event_' || to_char(first at time zone 'UTC', 'YYYY_MM');
begin
  perform pg_advisory_xact_lock(hashtextextended(relation, 0));
  if to_regclass('public.' || relation) is null then
    execute format('create table %I partition of audit_event for values from (%L) to (%L)', relation, first, first + interval '1 month');
    execute format('alter table %I alter content set storage external', relation);
  end if;
end $$;

-- Lets the server empty the GIN pending lists without owning the indexes: a long list costs every search.
create function clean_pending_lists() returns bigint language sql security definer set search_path = public, pg_temp as $$
  select coalesce(sum(gin_clean_pending_list(i.indexrelid)), 0)::bigint
  from pg_index i
  join pg_class c on c.oid = i.indexrelid
  join pg_am a on a.oid = c.relam
  where a.amname = 'gin' and c.relkind = 'i' and c.relnamespace = 'public'::regnamespace
$$;

-- What the store as a whole was filled under: the definitions, the epoch of its change order.
create table store_state (
  name  text primary key,
  value text not null
);
