-- The patients who own a Binary because a resource of theirs names it in an attachment, whether or not the Binary exists yet.
create table binary_owner (
  binary_key bigint not null,                -- ref_key of the Binary
  owner      bigint not null,                -- ref_key of the Patient, as in patient_key
  token      bigint not null,                -- his owner's token, which every version of the Binary holds
  primary key (binary_key, owner)
);
create index binary_owner_owner on binary_owner (owner);
