-- How frequent a token is decides whether a search walks an ordered index or gathers what matches. A hundred distinct codes are soon
-- more than the default target tells apart; a much larger one would cost every search that is planned.
do $$
declare
  relation regclass;
begin
  for relation in
    select c.oid from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tokens'
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname !~ '^resource_version'
  loop
    execute format('alter table %s alter column tokens set statistics 300', relation);
  end loop;
end $$;

-- Has PostgreSQL look at the tables that have grown by half and more since it last did: after a bulk load, searches would be planned
-- for the empty table until autovacuum comes round. One process at a time; the answer tells how many tables were looked at.
create function analyze_filled() returns integer language plpgsql security definer set search_path = public, pg_temp as $$
declare
  relation regclass;
  analysed integer := 0;
begin
  if not pg_try_advisory_xact_lock(7205, -1) then
    return 0;
  end if;
  for relation in
    select c.oid from pg_class c join pg_stat_user_tables s on s.relid = c.oid
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
      and s.n_mod_since_analyze > greatest(2000, c.reltuples * 0.5)
  loop
    execute format('analyze %s', relation);
    analysed := analysed + 1;
  end loop;
  return analysed;
end $$;
