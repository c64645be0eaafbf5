-- name: open_move
-- Another version goes live, or the journey ends at once: what becomes of the people inside.
insert into journey_move (journey_id, from_version_id, to_version_id, kind, back, map, state, total, at, by, queued, done_at)
values (%(journey_id)s, %(from)s, %(to)s, %(kind)s, %(back)s, %(map)s::jsonb, %(state)s, %(total)s, %(now)s, %(by)s, %(queued)s,
    case when %(state)s = 'done' then %(now)s::timestamptz end)
returning id;

-- name: stop_moves
-- What was begun before is overtaken: whoever was not moved yet is treated by what comes now.
update journey_move set state = 'stopped', done_at = %(now)s where journey_id = %(journey_id)s and state = 'open';

-- name: list_moves
-- What became of the people inside each time, newest first.
select m.id, m.kind, m.back, f.number as from_version, t.number as to_version, m.map, m.state, m.total, m.moved, m.gone, m.at, m.by, m.queued
from journey_move m left join journey_version f on f.id = m.from_version_id left join journey_version t on t.id = m.to_version_id
where m.journey_id = %(journey_id)s and (not %(open)s::bool or m.state = 'open') order by m.id desc limit %(limit)s;

-- name: last_move_between
-- How people came to a version the last time it went live: its map leads back again.
select kind, map, from_version_id from journey_move
where journey_id = %(journey_id)s and to_version_id = %(to)s and not back order by id desc limit 1;

-- name: next_move
-- A move that is under way, held by this transaction; whether entries of before it may still come.
select m.id, m.journey_id, m.to_version_id, m.kind, m.map, m.opened > clock_timestamp() - interval '30 seconds' as early, m.queued
from journey_move m where m.state = 'open' and m.id > %(after)s and m.journey_id %% %(divisor)s = any(%(buckets)s::int[])
order by m.id limit 1 for update skip locked;

-- name: move_some
-- People at some steps of older versions are put at steps of the new one; who comes to a step anew goes on at the next tick. Where a
-- wait lasts longer or shorter by now, it does so for who waits already: from when they came to the step.
with way as (
    select * from unnest(%(versions)s::bigint[], %(steps)s::int[], %(onward)s::int[], %(comes)s::bool[], %(lasts)s::float8[])
        w (version_id, step, onward, comes, lasts)
), taken as (
    select r.profile_id, r.id, w.onward, coalesce(w.comes, r.wake_at is null) as comes, case
        when coalesce(w.comes, r.wake_at is null) then %(now)s::timestamptz
        when r.coming or w.lasts is null then r.wake_at
        when w.lasts < 'infinity' then r.arrived_at + w.lasts * interval '1 second' end as wake_at
    from way w join journey_run r on r.version_id = w.version_id and r.step = w.step
    limit %(most)s for update of r skip locked
), moved as (
    update journey_run r set version_id = %(to)s, step = s.onward, moved = true, coming = r.coming or s.comes, wake_at = s.wake_at,
        arrived_at = case when s.comes then %(now)s else r.arrived_at end
    from taken s where r.profile_id = s.profile_id and r.id = s.id
    returning r.profile_id, r.id, r.journey_id, s.onward, case when r.coming then null else r.wake_at end as until
), told as (
    insert into journey_history (profile_id, run_id, journey_id, version_id, at, path)
    select profile_id, id, journey_id, %(to)s, %(now)s, jsonb_build_array(jsonb_build_object(
        's', onward, 'd', 'moved', 'h', 'moved', 'w', jsonb_strip_nulls(jsonb_build_object('move', %(id)s::bigint, 'until', until))))
    from moved
), counted as (
    insert into journey_count (version_id, step, did, how, day, slot, people)
    select %(to)s, onward, 'moved', 'moved', (%(now)s::timestamptz at time zone 'UTC')::date, 0, count(*) from moved group by onward
    on conflict (version_id, step, did, how, day, slot) do update set people = journey_count.people + excluded.people
)
select count(*) from moved;

-- name: end_some
-- People at some steps of older versions, or everybody, leave for a reason; what each did stays in the history.
with way as (
    select * from unnest(%(versions)s::bigint[], %(steps)s::int[]) w (version_id, step)
), taken as (
    select r.profile_id, r.id from way w join journey_run r on r.version_id = w.version_id and r.step = w.step
    limit %(most)s for update of r skip locked
), gone as (
    delete from journey_run r using taken s where r.profile_id = s.profile_id and r.id = s.id
    returning r.profile_id, r.id, r.journey_id, r.version_id, r.step, r.key, r.entered_at, coalesce((r.memory->>'goal')::bool, false) as converted
), past as (
    insert into journey_past (profile_id, run_id, journey_id, version_id, step, reason, key, converted, entered_at, ended_at)
    select profile_id, id, journey_id, version_id, step, %(reason)s, key, converted, entered_at, %(now)s from gone
), told as (
    insert into journey_history (profile_id, run_id, journey_id, version_id, at, path)
    select profile_id, id, journey_id, version_id, %(now)s,
        jsonb_build_array(jsonb_build_object('s', step, 'd', %(reason)s::text, 'h', 'left', 'w', '{}'::jsonb)) from gone
), counted as (
    insert into journey_count (version_id, step, did, how, day, slot, people)
    select version_id, step, %(reason)s, 'left', (%(now)s::timestamptz at time zone 'UTC')::date, 0, count(*) from gone group by 1, 2
    on conflict (version_id, step, did, how, day, slot) do update set people = journey_count.people + excluded.people
)
select count(*), array_agg(profile_id) filter (where %(listed)s::bool), array_agg(id) filter (where %(listed)s::bool) from gone;

-- name: note_move
-- How far it is; and whether it is over.
update journey_move set moved = moved + %(moved)s, gone = gone + %(gone)s, state = case when %(over)s then 'done' else state end,
    done_at = case when %(over)s then %(now)s::timestamptz end
where id = %(id)s;

-- name: any_left
-- Whether somebody still stands where people are moved from, be they in the engine's hands just now.
select exists (
    select 1 from unnest(%(versions)s::bigint[], %(steps)s::int[]) w (version_id, step)
    join journey_run r on r.version_id = w.version_id and r.step = w.step
);

-- name: is_paused
-- Whether a journey is paused.
select state = 'paused' from journey where id = %(journey_id)s;
