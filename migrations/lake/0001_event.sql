-- Every event, cold: partitioned by the month it happened in, sorted within a file by (name, ts). Never partitioned by name.
create table lake.event (
    lane smallint not null,
    seq bigint not null,
    received_at timestamptz not null,
    ts timestamptz not null,
    profile_id bigint,
    name varchar not null,
    kind varchar not null,
    message_id varchar,
    source_id integer,
    properties varchar,
    context varchar
);
alter table lake.event set partitioned by (year(ts), month(ts));
alter table lake.event set sorted by (name asc, ts asc);

-- The same events sorted by profile, for questions about one person.
create table lake.event_by_profile (
    lane smallint not null,
    seq bigint not null,
    received_at timestamptz not null,
    ts timestamptz not null,
    profile_id bigint not null,
    name varchar not null,
    kind varchar not null,
    message_id varchar,
    source_id integer,
    properties varchar,
    context varchar
);
alter table lake.event_by_profile set partitioned by (year(ts));
alter table lake.event_by_profile set sorted by (profile_id asc, ts asc);

-- How far each lane of events has been copied. Lane -1 counts the moves: every mover changes it, so two movers conflict.
create table lake.watermark (
    lane smallint not null,
    seq bigint not null
);
insert into lake.watermark values (-1, 0);
