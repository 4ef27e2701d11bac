-- An event that waited in a file is brought in once, whatever became of the first attempt: one row for a time and a row id.

drop index audit_event_updated;
create unique index audit_event_updated on audit_event (last_updated, rid);
