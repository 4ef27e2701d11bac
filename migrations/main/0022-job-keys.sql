-- Jobs keep no keys of their own: idempotency_key holds those of all requests.
alter table bulk_job drop column request, drop column fingerprint;
