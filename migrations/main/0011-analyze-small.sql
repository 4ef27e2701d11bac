-- Small tables too: of two hundred patients as of a million, what a name selects decides where a search begins, and until they are
-- looked at nothing is known of it. To look at so few rows takes some milliseconds.
create or replace function analyze_filled() returns integer language plpgsql security definer set search_path = public, pg_temp as $$
declare
  relation regclass;
begin
  if not pg_try_advisory_xact_lock(7205, -1) then
    return 0;
  end if;
  select c.oid into relation from pg_class c join pg_stat_user_tables s on s.relid = c.oid
  where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
    and s.n_mod_since_analyze > greatest(100, c.reltuples * 0.5)
  order by s.n_mod_since_analyze desc limit 1;
  if relation is null then
    return 0;
  end if;
  execute format('analyze %s', relation);
  return 1;
end $$;
