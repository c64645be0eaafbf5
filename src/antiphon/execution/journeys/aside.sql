-- name: runs_of
-- Passages of some people in a journey; held until the transaction ends.
select profile_id, id from journey_run where profile_id = any(%(profiles)s::bigint[]) and journey_id = %(journey_id)s order by 1, 2 for update;

-- name: set_aside
-- Passages as they stand, before they end.
insert into journey_aside (profile_id, run_id, reason, at, journey_id, version_id, step, turn, moved, coming, wake_at, entered_at,
                           arrived_at, key, memory, origin)
select r.profile_id, r.id, %(reason)s, %(now)s, r.journey_id, r.version_id, r.step, r.turn, r.moved, r.coming, r.wake_at, r.entered_at,
       r.arrived_at, r.key, r.memory, r.origin
from unnest(%(profiles)s::bigint[], %(runs)s::bigint[]) u (profile_id, id) join journey_run r on r.profile_id = u.profile_id and r.id = u.id;

-- name: forget_aside
-- What was set aside too long ago to be taken up again.
delete from journey_aside where at < case when reason = 'merged' then %(merged)s::timestamptz else %(taken_out)s::timestamptz end;

-- name: aside_of
-- Passages of some people in a journey that can be taken up again, until when.
select run_id, at from journey_aside
where profile_id = any(%(profiles)s::bigint[]) and journey_id = %(journey_id)s and reason = 'taken_out' and at >= %(since)s;

-- name: set_back
-- Passages that were set aside are under way again, as this profile's: where they stood, and until when they were told. What another
-- system was asked, and answered too late, is asked again.
with back as (
    delete from journey_aside a using unnest(%(runs)s::bigint[]) u (id)
    where a.run_id = u.id and a.profile_id = any(%(profiles)s::bigint[])
    returning a.*
), again as (
    insert into journey_run (profile_id, id, journey_id, version_id, bucket, step, turn, moved, coming, wake_at, entered_at, arrived_at,
                             key, memory, origin)
    overriding system value
    select %(into)s::bigint, run_id, journey_id, version_id, %(into)s::bigint %% 64, step, turn, moved, coming, wake_at, entered_at, arrived_at, key, memory,
           case when profile_id = %(into)s::bigint then origin else coalesce(origin, profile_id) end
    from back
), unended as (
    delete from journey_past p using back b where p.profile_id = b.profile_id and p.run_id = b.run_id
), asked as (
    update journey_ask k set state = 'waiting', due_at = %(now)s, ended_at = null, status = null, reason = null
    from back b join journey_version v on v.id = b.version_id
    where k.profile_id = any(%(profiles)s::bigint[]) and k.run_id = b.run_id and k.turn = b.turn and k.state = 'too_late'
      and k.step = v.definition -> 'steps' -> b.step::int ->> 'key'
), told as (
    insert into journey_history (profile_id, run_id, journey_id, version_id, at, path)
    select %(into)s::bigint, run_id, journey_id, version_id, %(now)s, jsonb_build_array(jsonb_build_object(
        's', step, 'd', %(did)s::text, 'h', 'moved', 'w', %(facts)s::jsonb || jsonb_build_object('until', wake_at))) from back
), counted as (
    insert into journey_count (version_id, step, did, how, day, slot, people)
    select version_id, step, %(did)s::text, 'moved', (%(now)s::timestamptz at time zone 'UTC')::date, 0, count(*) from back group by 1, 2
    on conflict (version_id, step, did, how, day, slot) do update set people = journey_count.people + excluded.people
)
select run_id, journey_id, at from back;

-- name: rivals_of
-- Whether somebody is in one of these versions.
select exists (select 1 from journey_run where profile_id = %(profile_id)s and version_id = any(%(versions)s::bigint[]));

-- name: open_last_move
-- Whoever comes back to an older version is moved as everybody was, if nothing else came of the journey since.
update journey_move m set state = 'open', done_at = null
where m.id = (select max(id) from journey_move where journey_id = %(journey_id)s) and m.kind in ('move', 'leave') and m.state = 'done'
  and m.at >= %(since)s
returning m.id;

-- name: there
-- Whether they are a customer now; nobody erases or merges them until the transaction ends.
select 1 from profile where id = %(profile_id)s and merged_into is null for key share;
