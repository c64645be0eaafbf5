-- name: places_after
-- Where the members of some segments in force are, a slice after an id.
select id, name, delta_seq, evaluated_at from segment
where state = 'active' and id > %(after)s order by id limit %(limit)s;

-- name: merged_since
-- Who was merged away by transactions from `since` on, eight bytes each; and from which transaction to ask next.
select pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
    (select string_agg(int8send(from_id), ''::bytea) from alias where xid >= %(since)s::text::xid8);
