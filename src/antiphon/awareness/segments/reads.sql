-- name: places_after
-- Where the members of some segments in force are, a slice after an id.
select id, name, delta_seq, segment_true_until(segment) as evaluated_at from segment
where state = 'active' and id > %(after)s order by id limit %(limit)s;

-- name: merged_since
-- Who was merged away by transactions from `since` on, eight bytes each; and from which transaction to ask next.
select pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
    (select string_agg(int8send(from_id), ''::bytea) from alias where xid >= %(since)s::text::xid8);

-- name: growth
-- The size of a segment at the end of each hour or day in which it changed, and who came and went in it, latest first.
select date_trunc(%(step)s, at, %(zone)s) as at, max(version) as version,
    (array_agg(size order by at desc))[1] as size, sum(entered)::bigint as entered, sum(gone)::bigint as gone
from segment_growth
where segment_id = %(id)s and (%(since)s::timestamptz is null or at >= %(since)s)
    and (%(until)s::timestamptz is null or at < %(until)s)
group by 1 order by 1 desc limit %(limit)s;

-- name: size_before
-- The size a segment had just before an instant.
select size from segment_growth where segment_id = %(id)s and at < %(at)s order by at desc limit 1;

-- name: sizes
-- What sizes some segments had at instants that follow each other: nothing before the first members.
select s.id as segment_id, array_agg(g.size order by i.at) as sizes
from unnest(%(ids)s::bigint[]) as s (id)
cross join unnest(%(instants)s::timestamptz[]) as i (at)
left join lateral (
    select size from segment_growth where segment_id = s.id and at <= i.at order by at desc limit 1
) g on true
group by s.id order by s.id;

-- name: fold_growth
-- Put the minutes before an instant together to hours.
with old as (
    delete from segment_growth
    where at < %(before)s and at <> date_bin('1 hour', at, '2000-01-01T00:00:00Z')
    returning segment_id, at, version, size, entered, gone
)
insert into segment_growth (segment_id, at, version, size, entered, gone)
select segment_id, date_bin('1 hour', at, '2000-01-01T00:00:00Z'), max(version), (array_agg(size order by at desc))[1],
    sum(entered), sum(gone)
from old group by 1, 2
on conflict (segment_id, at) do update
set version = excluded.version, size = excluded.size, entered = segment_growth.entered + excluded.entered,
    gone = segment_growth.gone + excluded.gone;

-- name: version_tree
-- One tree a segment had.
select tree from segment_version where segment_id = %(id)s and version = %(version)s;

-- name: all_refs
-- Every segment in force with what it refers to.
select id, name, refs from segment where state = 'active' and refs <> '{}' order by lower(name), id;

-- name: segment_names
-- What some segments are called.
select id, name from segment where id = any(%(ids)s);
