-- One table a call, the one that has grown most, so that no transaction of ours lasts long: the answer is 0 when none is left.
create or replace function analyze_filled() returns integer language plpgsql security definer set search_path = public, pg_temp as $$
declare
  relation regclass;
begin
  if not pg_try_advisory_xact_lock(7205, -1) then
    return 0;
  end if;
  select c.oid into relation from pg_class c join pg_stat_user_tables s on s.relid = c.oid
  where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
    and s.n_mod_since_analyze > greatest(2000, c.reltuples * 0.5)
  order by s.n_mod_since_analyze desc limit 1;
  if relation is null then
    return 0;
  end if;
  execute format('analyze %s', relation);
  return 1;
end $$;
