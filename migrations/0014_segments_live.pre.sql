-- Segments kept true from second to second.

-- Whose row in the lake's mirror changed, for whoever follows it: appended in the transaction that ends the copy, under
-- one lock, so that seq is in the order of commits. Kept for a day.
create table mirror_change (
    seq bigint generated always as identity primary key,
    at  timestamptz not null default clock_timestamp(),
    ids bytea not null
);
create index mirror_change_at on mirror_change (at);

-- `live`: its members follow every event and every change of a profile within seconds. `periodic`: worked out whole now
-- and then; why it cannot be live is in `not_live`, null while nobody has tried.
alter table segment add freshness text not null default 'periodic' check (freshness in ('live', 'periodic'));
alter table segment add not_live text;

-- Until when the live segments of a bucket (id % 64) are true: business time, and the machine's at which that was written.
create table segment_pulse (
    bucket smallint primary key,
    at     timestamptz not null,
    beat   timestamptz not null default clock_timestamp()
);

-- Until when the members of a segment are true.
create function segment_true_until(s segment) returns timestamptz language sql stable as $$
    select case when s.freshness = 'live'
        then greatest(s.evaluated_at, (select p.at from segment_pulse p where p.bucket = s.id % 64)) else s.evaluated_at end
$$;
