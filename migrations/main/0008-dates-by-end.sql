-- Dates are asked for since some day far more often than up to one, and `ge` and `gt` compare the end: with it in front, what is recent
-- is one short range however long the history is.
drop index fact_date_value;
create index fact_date_value on fact_date (param, pair, hi, lo, rid);
