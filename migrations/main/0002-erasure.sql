-- When the rows of an erased patient were cleaned; null while that is still to be done or to be repeated.
alter table erased_patient add column cleaned_at timestamptz;
