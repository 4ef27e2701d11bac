-- A composite's facts stand together by the token of their first value, so that `code=… & value-quantity=…` is one range of the
-- index; plain facts have pair 0.
drop index fact_date_value;
create index fact_date_value on fact_date (param, pair, lo, hi, rid);
drop index fact_quantity_value;
create index fact_quantity_value on fact_quantity (param, pair, lo, hi, unit, rid);
