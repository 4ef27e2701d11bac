-- A destroyed key is cleared out of its page at the next round of autovacuum, not after a fifth of the table has changed.
alter table patient_key set (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0);
