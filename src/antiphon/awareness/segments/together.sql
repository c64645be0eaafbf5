-- name: real_ids
-- Who some profiles are by now, in their order.
select array_agg(coalesce(a.to_id, i.id) order by i.n)
from unnest(%(ids)s::bigint[]) with ordinality as i (id, n)
left join lateral (select a.to_id from alias a where a.from_id = i.id limit 1) a on true;

-- name: merged_into
-- Every id that was merged into some profiles.
select from_id, to_id from alias where to_id = any(%(ids)s::bigint[]);

-- name: traits
-- Some traits of some people as JSON, in their order, one row a trait. Everybody is looked up by id, whatever the planner thinks.
with p as materialized (
    select i.n, p.traits from unnest(%(ids)s::bigint[]) with ordinality as i (id, n)
    left join lateral (select p.traits from profile p where p.id = i.id limit 1) p on true
)
select u.name, array_agg((p.traits -> u.name)::text order by p.n) from unnest(%(names)s::text[]) as u (name) cross join p group by u.name;

-- name: instants
-- The instants every profile has, in their order.
select array_agg(p.created_at order by i.n), array_agg(p.first_seen order by i.n), array_agg(p.last_seen order by i.n)
from unnest(%(ids)s::bigint[]) with ordinality as i (id, n)
left join lateral (select p.created_at, p.first_seen, p.last_seen from profile p where p.id = i.id limit 1) p on true;

-- name: hot_since
-- Whether days of events were ever dropped here, and since when all are here.
select exists (select 1 from lake_upkeep where task = 'events.dropped'),
    (select min(to_date(right(c.relname, 8), 'YYYYMMDD'))::timestamp at time zone 'UTC'
     from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'event'::regclass and c.relname ~ '^event_\d{8}$');

-- name: hot_events
-- What some people did since then, of some names, in order; an event is received when it happened, or later.
select e.profile_id, e.ts, e.name, e.properties
from unnest(%(ids)s::bigint[]) as i (id)
cross join lateral (
    select e.profile_id, e.ts, e.name, case when %(said)s::boolean then e.properties::text end as properties, e.lane, e.seq
    from event e
    where e.profile_id = i.id and e.name = any(%(names)s::text[])
      and e.ts >= coalesce(%(since)s::timestamptz, '-infinity') and e.received_at >= coalesce(%(since)s::timestamptz, '-infinity')
    offset 0
) e
order by e.ts, e.lane, e.seq;
