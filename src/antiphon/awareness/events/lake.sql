-- name: hot_events
-- The condition, as PostgreSQL reads it, for event rows the lake does not hold yet; lanes are dense from 0. Every part can use the index (lane, seq).
select coalesce(string_agg('lane = ' || lane || ' and seq > ' || seq, ' or ' order by lane) filter (lane >= 0) || ' or ', '')
    || 'lane > ' || max(lane)
from lake.watermark;

-- name: watermark
-- How far each lane has been copied.
select lane, seq from lake.watermark where lane >= 0 order by lane;

-- name: claim_move
-- Every mover changes this row, so that of two movers at once one fails and copies nothing.
update lake.watermark set seq = seq + 1 where lane = -1;

-- name: forget_watermark
-- The lanes' rows are written anew by each move.
delete from lake.watermark where lane >= 0;

-- name: write_watermark
-- How far each lane has been copied, from the mover's own table.
insert into lake.watermark select lane::smallint, seq from moved;

-- name: append_events
-- The batch, cold.
insert into lake.event by name select * from moving;

-- name: append_events_by_profile
-- The batch once more, for questions about one person.
insert into lake.event_by_profile by name select * from moving where profile_id is not null;

-- name: drop_batch
-- The batch is in the lake's files now.
drop table if exists moving;

-- name: crowded_months
-- Whether some part of a table has more small files than a merge is worth.
select count(*) from (
    select 1 from ducklake_list_files('lake', $table)
    where data_file_size_bytes < $small
    group by regexp_replace(data_file, '[^/]*$', '') having count(*) >= $files
);

-- name: merge_files
-- Small neighbouring files become one, sorted as its table is.
call ducklake_merge_adjacent_files('lake', $table, max_compacted_files => 64);

-- name: flush_inlined
-- Rows kept in the catalogue because they came in tiny batches become files.
call ducklake_flush_inlined_data('lake', table_name => $table);

-- name: rewrite_deleted
-- Files of which much was deleted are written anew without it.
call ducklake_rewrite_data_files('lake', $table, delete_threshold => $share);

-- name: expire_snapshots
-- Old states of the lake that no permitted question can still be reading.
call ducklake_expire_snapshots('lake', older_than => now() - $keep * interval 1 second);

-- name: clean_up_files
-- Files that no state of the lake names any more.
call ducklake_cleanup_old_files('lake', older_than => now() - $keep * interval 1 second);

-- name: remove_orphans
-- Files that a killed process wrote and never committed.
call ducklake_delete_orphaned_files('lake', older_than => now() - $keep * interval 1 second);

-- name: find_renamed
-- Antiphon's own events of some people that are to be called otherwise; the people are written in, so that files are passed over.
create or replace temp table renamed as
select distinct e.profile_id, e.lane, e.seq, e.ts, e.name, w.becomes
from lake.event_by_profile e join (
    select unnest($profile_ids) as profile_id, unnest($names) as name, unnest($becomes) as becomes, unnest($message_ids) as message_id
) w on w.profile_id = e.profile_id and w.message_id = e.message_id and w.name = e.name
where e.source_id = 0 and e.profile_id in (null);

-- name: rename_by_profile
-- They are called otherwise in the copy sorted by profile.
update lake.event_by_profile e set name = r.becomes from renamed r
where e.profile_id = r.profile_id and e.lane = r.lane and e.seq = r.seq and e.ts = r.ts and e.profile_id in (null);

-- name: rename_cold
-- And in the copy sorted by name.
update lake.event e set name = r.becomes from renamed r
where e.name = r.name and e.ts = r.ts and e.lane = r.lane and e.seq = r.seq
    and e.ts >= (select min(ts) from renamed) and e.ts <= (select max(ts) from renamed);
