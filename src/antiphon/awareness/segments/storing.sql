-- name: refresh_together
-- Members that are true for this instant and version, of several segments; those somebody else changed meanwhile stay as they are.
update segment s
set revision = s.revision + 1, size = c.size, delta_seq = c.seq, evaluated_at = %(now)s, evaluated_version = c.version,
    took_ms = %(took_ms)s, failed = null, due_at = clock_timestamp() + %(pause)s
from unnest(%(ids)s::bigint[], %(revisions)s::bigint[], %(sizes)s::bigint[], %(seqs)s::bigint[], %(versions)s::int[])
    c (id, revision, size, seq, version)
where s.id = c.id and s.revision = c.revision and s.state = 'active' and (s.evaluated_at is null or s.evaluated_at <= %(now)s)
returning s.id, s.revision;

-- name: weights
-- How much has changed since the base, in how many deltas, and how large the base is, of several segments.
select i.id, coalesce(d.changes, 0), coalesce(d.deltas, 0), coalesce(b.size, -1)
from unnest(%(ids)s::bigint[]) i (id)
left join segment_base b on b.segment_id = i.id
left join lateral (
    select sum(changes) as changes, count(seq) as deltas from segment_delta where segment_id = i.id
) d on true;

-- name: write_bases
-- Members written anew, of several segments.
insert into segment_base (segment_id, seq, size, ids)
select * from unnest(%(ids)s::bigint[], %(seqs)s::bigint[], %(sizes)s::bigint[], %(members)s::bytea[])
on conflict (segment_id) do update set seq = excluded.seq, size = excluded.size, ids = excluded.ids;

-- name: drop_deltas
-- Changes that are in their bases now.
delete from segment_delta d using unnest(%(ids)s::bigint[], %(seqs)s::bigint[]) c (id, seq)
where d.segment_id = c.id and d.seq <= c.seq;
