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
