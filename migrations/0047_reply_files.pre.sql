-- What customers attached to their answers by mail, as it came; strangers' attachments are not kept.
create table reply_file (
    id bigint generated always as identity,
    profile_id bigint not null,
    delivery_id bigint,  -- what it answers, if that is known
    channel text not null,
    name text not null,
    content_type text not null,
    size integer not null,
    octets bytea not null,
    at timestamptz not null,
    primary key (profile_id, id)
);
create unique index reply_file_id on reply_file (id, profile_id);
alter table reply_file alter column octets set storage external;
