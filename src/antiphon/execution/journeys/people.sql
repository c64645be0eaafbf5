-- name: list_people
-- People inside, by version, step and id, after a place in the list.
select r.version_id, r.step, r.profile_id, r.id, r.entered_at, r.arrived_at, r.wake_at, r.turn, r.key, r.moved
from journey_run r
where r.version_id = any(%(versions)s::bigint[]) and (%(step)s::int is null or r.step = %(step)s)
  and (r.version_id, r.step, r.profile_id, r.id) > (%(version_id)s::bigint, %(after_step)s::int, %(profile_id)s::bigint, %(id)s::bigint)
order by r.version_id, r.step, r.profile_id, r.id limit %(limit)s;

-- name: list_passed
-- A stretch of the history in the order of people, and who in it went by an exit of a step: read from one person on, so that a
-- page costs the same however long the history is. The last person may be cut off, and is read again.
select profile_id, run_id, at, path @> %(way)s::jsonb and version_id = %(version_id)s as went
from journey_history where profile_id > %(profile_id)s::bigint order by profile_id, at limit %(stretch)s;

-- name: standing
-- Where passages stand now, those that are under way.
select id, step::int, wake_at from journey_run where profile_id = any(%(people)s::bigint[]) and id = any(%(runs)s::bigint[]);

-- name: passages
-- A person's passages through a journey, under way and ended, newest first.
select id as run_id, version_id, step::int, key, entered_at, null::timestamptz as ended_at, null as reason, false as converted,
    null::float8 as value, wake_at, moved, turn
from journey_run where profile_id = any(%(people)s::bigint[]) and journey_id = %(journey_id)s
union all
select run_id, version_id, step::int, key, entered_at, ended_at, reason, converted, value::float8, null, false, 0
from journey_past where profile_id = any(%(people)s::bigint[]) and journey_id = %(journey_id)s
order by entered_at desc, run_id desc limit 200;

-- name: told
-- What was decided of a person in a journey, and why, in order.
select run_id, version_id, at, path from journey_history
where profile_id = any(%(people)s::bigint[]) and journey_id = %(journey_id)s order by at, n limit 5000;

-- name: arrows
-- How many people went which way in a version.
select step::int, did, how, sum(people)::bigint as people from journey_count where version_id = %(version_id)s
  and (%(since)s::date is null or day >= %(since)s::date)
group by step, did, how order by step, how, did;
