-- name: lanes_reach
-- For each lane with rows beyond the lake's watermark: the last of the next batch and how many they are. One step along the index a lane.
with recursive found (lane) as (
    select min(lane) from event
    union all
    select (select min(e.lane) from event e where e.lane > found.lane) from found where found.lane is not null
), known as (
    select * from unnest(%(lanes)s::smallint[], %(seqs)s::bigint[]) as k (lane, seq)
)
select f.lane, reach.seq, reach.count
from found f left join known k using (lane)
cross join lateral (
    select max(next.seq) as seq, count(*) as count
    from (select e.seq from event e where e.lane = f.lane and e.seq > coalesce(k.seq, 0) order by e.seq limit %(batch)s) next
) reach
where f.lane is not null and reach.count > 0;

-- name: upkeep_due
-- Whether a task was last done longer ago than its period; claims it.
insert into lake_upkeep as u (task, done_at) values (%(task)s, clock_timestamp())
on conflict (task) do update set done_at = excluded.done_at where u.done_at < excluded.done_at - %(period)s::interval
returning task;

-- name: ensure_days
-- The partitions of the days around a day.
select count(*) filter (where ensure_day('event', %(day)s::date + n)) from generate_series(-1, %(ahead)s) n;

-- name: event_days
-- The hot days there are, oldest first.
select c.relname::text, to_date(right(c.relname, 8), 'YYYYMMDD')
from pg_inherits i join pg_class c on c.oid = i.inhrelid
where i.inhparent = 'event'::regclass and c.relname ~ '^event_\d{8}$'
order by 2;

-- name: flushed_day
-- The lanes of a day as they were when it was first seen wholly in the lake, and for how long that is.
select lanes, clock_timestamp() - flushed_at from event_day_flushed where day = %(day)s;

-- name: mark_flushed
-- A day is wholly in the lake from now; its grace begins.
insert into event_day_flushed (day, lanes) values (%(day)s, %(lanes)s)
on conflict (day) do update set lanes = excluded.lanes, flushed_at = excluded.flushed_at;

-- name: forget_flushed
-- The day is gone; from now on not all that ever happened is here.
with gone as (delete from event_day_flushed where day = %(day)s)
insert into lake_upkeep (task, done_at) values ('events.dropped', clock_timestamp())
on conflict (task) do update set done_at = excluded.done_at;
