-- name: export_runs
-- Journeys a customer is in.
select journey_id, entered_at, arrived_at, wake_at, key, memory from journey_run
where profile_id = any(%(profile_ids)s::bigint[]) order by entered_at, id;

-- name: export_past
-- Journeys a customer was in, and how each ended.
select journey_id, entered_at, ended_at, reason, key, converted, value from journey_past
where profile_id = any(%(profile_ids)s::bigint[]) order by entered_at, run_id;

-- name: export_history
-- What journeys decided of a customer, and why.
select journey_id, run_id, at, path from journey_history
where profile_id = any(%(profile_ids)s::bigint[]) order by at, run_id;

-- name: export_aside
-- Passages that can be taken up again.
select journey_id, reason, at, entered_at, arrived_at, wake_at, key, memory from journey_aside
where profile_id = any(%(profile_ids)s::bigint[]) order by at, run_id;

-- name: erase_aside
-- Erasure: there is nobody to be put back.
delete from journey_aside where profile_id = any(%(profile_ids)s::bigint[]);

-- name: erase_runs
-- Erasure: nobody is in a journey any more; what waits finds no row.
delete from journey_run where profile_id = any(%(profile_ids)s::bigint[]);

-- name: erase_past
-- Erasure: that they ever were.
delete from journey_past where profile_id = any(%(profile_ids)s::bigint[]);

-- name: erase_history
-- Erasure: what was decided of them.
delete from journey_history where profile_id = any(%(profile_ids)s::bigint[]);

-- name: erase_heard
-- Erasure: what they did that is to be heard.
delete from journey_heard where profile_id = any(%(profile_ids)s::bigint[]);
