-- name: keep_schedules
-- Schedules that are no longer of the live version let nobody in.
delete from journey_schedule where journey_id = %(journey_id)s and not entry = any(%(entries)s::text[]);

-- name: add_schedule
-- A schedule that is new; one that was there before goes on as it was.
insert into journey_schedule (journey_id, entry, schedule, next_wall, next_at)
values (%(journey_id)s, %(entry)s, %(schedule)s::jsonb, %(wall)s, %(at)s) on conflict do nothing;

-- name: stop_schedules
-- A journey that is over lets nobody in.
delete from journey_schedule where journey_id = %(journey_id)s;

-- name: next_schedule
-- A schedule of a live journey whose time has come.
select s.journey_id, s.entry, s.schedule, s.next_wall, s.next_at from journey_schedule s join journey j on j.id = s.journey_id
where s.next_at <= %(now)s and j.state = 'live' and s.journey_id %% %(divisor)s = any(%(buckets)s::int[])
order by s.next_at, s.journey_id limit 1 for update of s skip locked;

-- name: move_schedule
-- When it is next; never again without a time.
update journey_schedule set next_wall = %(wall)s, next_at = %(at)s where journey_id = %(journey_id)s and entry = %(entry)s;

-- name: read_schedules
-- When the schedules of a journey let people in next.
select schedule, next_wall, next_at from journey_schedule where journey_id = %(journey_id)s order by next_at, entry;

-- name: open_intake
-- People to be let in; the same occasion once.
insert into journey_intake (journey_id, source, detail, key, members, size, at, over_at)
values (%(journey_id)s, %(source)s, %(detail)s, %(key)s, case when %(size)s::bigint > 0 then %(members)s::bytea end, %(size)s, %(now)s,
    case when %(size)s = 0 then %(now)s::timestamptz end)
on conflict (journey_id, key) do nothing returning id;

-- name: next_intake
-- People of a live journey who are to be let in.
select i.id, i.journey_id, i.source, i.members, i.taken, i.size, j.live_version_id
from journey_intake i join journey j on j.id = i.journey_id
where i.over_at is null and i.size is not null and i.id > %(after)s and j.state = 'live' and i.journey_id %% %(divisor)s = any(%(buckets)s::int[])
order by i.id limit 1 for update of i skip locked;

-- name: next_unknown
-- People an import brought, of whom nobody has looked yet who they are.
select i.id, i.key from journey_intake i join journey j on j.id = i.journey_id
where i.over_at is null and i.size is null and i.journey_id %% %(divisor)s = any(%(buckets)s::int[])
order by i.id limit 1;

-- name: know_intake
-- Who they are.
update journey_intake set size = %(size)s, members = case when %(size)s::bigint > 0 then %(members)s::bytea end,
    over_at = case when %(size)s = 0 then %(now)s::timestamptz end
where id = %(id)s and size is null;

-- name: note_intake
-- How far it is; whom it was for is forgotten once all were asked.
update journey_intake set taken = %(taken)s, entered = entered + %(entered)s,
    members = case when %(over)s then null else members end, over_at = case when %(over)s then %(now)s::timestamptz end
where id = %(id)s;

-- name: stop_intakes
-- A journey that is over lets nobody in any more.
update journey_intake set over_at = %(now)s, members = null where journey_id = %(journey_id)s and over_at is null;

-- name: list_intakes
-- People who were let in together, newest first.
select id, source, detail, size, taken, entered, at, over_at from journey_intake where journey_id = %(journey_id)s
order by id desc limit %(limit)s;

-- name: import_entries
-- Live journeys that imports let people into.
select j.id, v.definition from journey j join journey_version v on v.id = j.live_version_id
where j.state in ('live', 'paused') and v.definition @> '{"entries": [{"kind": "import"}]}' order by j.id;

-- name: claim_keys
-- Keys of entries that were never used for this journey.
insert into journey_entry_key (journey_id, key, body, answer, at)
select %(journey_id)s, k.key, k.body, '{}', %(now)s from unnest(%(keys)s::bytea[], %(bodies)s::bytea[]) k (key, body) order by k.key
on conflict do nothing returning key;

-- name: used_keys
-- What was answered to keys that were used before.
select key, body, answer from journey_entry_key where journey_id = %(journey_id)s and key = any(%(keys)s::bytea[]);

-- name: answer_keys
-- Keep what was answered.
update journey_entry_key e set answer = a.answer from unnest(%(keys)s::bytea[], %(answers)s::jsonb[]) a (key, answer)
where e.journey_id = %(journey_id)s and e.key = a.key;

-- name: forget_keys
-- Let go of old keys, some at a time.
delete from journey_entry_key where ctid = any(array(select ctid from journey_entry_key where at < %(before)s limit 10000));

-- name: who_they_are
-- Who these are now, if they were merged.
select p.id, coalesce(a.to_id, p.id) from unnest(%(people)s::bigint[]) p (id) left join alias a on a.from_id = p.id;
