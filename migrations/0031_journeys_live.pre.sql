-- How far each lane's events have been read, by whoever does something with them: campaigns answer and count, journeys hear.
create table event_reader (
    reader text not null,
    lane smallint not null,
    seq bigint not null,
    received_at timestamptz not null,
    primary key (reader, lane)
) with (fillfactor = 50);
insert into event_reader (reader, lane, seq, received_at)
select 'campaigns.' || reader, lane, seq, received_at from campaign_cursor;
drop table campaign_cursor;

-- What people who may be in a journey did, until their journeys have heard it.
create table journey_heard (
    bucket smallint not null,
    profile_id bigint not null,
    id bigint generated always as identity,
    lane smallint not null,
    seq bigint not null,
    ts timestamptz not null,
    received_at timestamptz not null,
    kind text not null,
    name text not null,
    properties jsonb not null,
    journey_id bigint references journey (id) on delete cascade    -- kept back for a paused journey; none: for all that care
);
create index journey_heard_bucket on journey_heard (bucket, id) where journey_id is null;
create index journey_heard_kept on journey_heard (journey_id, bucket, id) where journey_id is not null;
create index journey_heard_person on journey_heard (profile_id, id);
alter table journey_heard set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);

-- Who is due is looked for by version: one that is paused costs nothing. `origin`: whose passage it was before two profiles
-- became one.
drop index journey_run_due;
create index journey_run_due on journey_run (version_id, bucket, wake_at) where wake_at is not null;
alter table journey_run add column origin bigint;
alter table journey_run set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.2);
create index journey_run_origin on journey_run (profile_id, origin) where origin is not null;

-- Moves of one instant have an order.
alter table journey_history add column n bigint generated always as identity;

-- A finished journey keeps people until the last has left.
alter table journey add column emptied_at timestamptz;
drop index journey_open;
create index journey_open on journey (id) where state in ('live', 'paused', 'finished');
create index journey_past_heldout on journey_past (profile_id, journey_id) where reason = 'holdout';
