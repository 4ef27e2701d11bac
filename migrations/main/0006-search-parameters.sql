-- The search parameters in force beside the standard's own, each as one version of its SearchParameter resource says. Every change of
-- the set raises the number store_state.search_parameters; a process extracts by one such generation at a time.
create table job (
  id          bigint generated always as identity primary key,
  types       text[] not null,               -- whose resources are extracted anew, one type after the other
  at          integer not null default 1,    -- which of them it has come to
  rid         bigint not null default 0,     -- and behind which row
  done        bigint not null default 0,
  total       bigint not null default 0,     -- as counted when it began
  skipped     bigint not null default 0,     -- resources that could not be read
  running     boolean not null default false, -- every process extracts for it: what is written needs no more work
  created_at  timestamptz not null default clock_timestamp(),
  finished_at timestamptz
);
create table search_parameter (
  id      text collate "C" primary key,      -- of the SearchParameter
  version integer not null,
  job     bigint references job,             -- what builds it; null once it can be searched by
  fault   text                               -- why it can't be used
);

create function tell_search_parameter() returns trigger language plpgsql as $$
begin
  perform pg_notify('search_parameters', '');
  return null;
end $$;
create trigger search_parameter_written after insert or update on resource_other
  for each row when (new.type = 'SearchParameter') execute function tell_search_parameter();
