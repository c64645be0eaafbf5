-- name: begin
-- Nobody has read these lanes for this reader of late: it begins with what is understood from now on.
insert into event_reader (reader, lane, seq, received_at)
select %(reader)s, lane, seq, received_at from intake_cursor
on conflict (reader, lane) do update set seq = greatest(event_reader.seq, excluded.seq), received_at = excluded.received_at;

-- name: pending
-- Lanes of ours with events this reader has not read, and how far they are understood: read before the events themselves.
select i.lane, i.seq, greatest(i.received_at, '2000-01-01Z'), coalesce(c.seq, 0),
       greatest(coalesce(c.received_at, '-infinity'), '2000-01-01Z')
from intake_cursor i left join event_reader c on c.lane = i.lane and c.reader = %(reader)s
where i.lane = any(%(lanes)s::int[]) and i.seq > coalesce(c.seq, 0)
order by i.lane;

-- name: happened
-- Events of these names in a lane, after what was read and up to what is understood, in order; each as its person's of today.
select e.lane, e.seq, e.received_at, e.ts, coalesce(a.to_id, e.profile_id), e.kind, e.name, e.properties::text,
       case when e.source_id = 0 then e.context::text end
from unnest(%(lanes)s::int[], %(froms)s::bigint[], %(tos)s::bigint[], %(sinces)s::timestamptz[]) l (lane, after, upto, since)
cross join lateral (
    select * from event e
    where e.lane = l.lane and e.seq > l.after and e.seq <= l.upto and e.received_at >= l.since
      and e.name = any(%(names)s::text[]) and e.profile_id is not null
    order by e.seq limit %(most)s
) e
left join alias a on a.from_id = e.profile_id
order by e.lane, e.seq;

-- name: move
-- Up to here this reader has read.
insert into event_reader (reader, lane, seq, received_at)
select %(reader)s, l.lane, l.seq, l.received_at
from unnest(%(lanes)s::int[], %(seqs)s::bigint[], %(received)s::timestamptz[]) l (lane, seq, received_at)
on conflict (reader, lane) do update set seq = excluded.seq, received_at = excluded.received_at;
