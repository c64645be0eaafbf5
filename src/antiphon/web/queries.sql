-- name: note_metrics
-- What this process measured so far; what died processes left is swept out.
with swept as (delete from process_metrics where at < clock_timestamp() - interval '1 minute' and node <> %(node)s)
insert into process_metrics (node, body) values (%(node)s, %(body)s)
on conflict (node) do update set at = clock_timestamp(), body = excluded.body;

-- name: read_metrics
-- What every living process measured.
select node, body from process_metrics where at > clock_timestamp() - interval '30 seconds' order by node;

-- name: forget_metrics
-- A process ends.
delete from process_metrics where node = %(node)s;

-- name: note_overview
-- One point more, a day's worth kept.
with old as (delete from overview_point where at < clock_timestamp() - interval '1 day')
insert into overview_point (numbers) values (%(numbers)s);

-- name: read_overview
-- The last points, thinned evenly to so many, oldest first.
with points as (
    select at, numbers, row_number() over (order by at desc) - 1 as place, count(*) over () as total
    from overview_point where at > clock_timestamp() - %(minutes)s * interval '1 minute'
)
select at, numbers from points where place %% greatest(1, ceil(total::numeric / %(most)s)::bigint) = 0 order by at;
