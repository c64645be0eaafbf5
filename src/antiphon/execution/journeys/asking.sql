-- name: claim
-- Who is to be asked about now; by whoever takes them, for a while nobody else does.
with due as (
    select a.profile_id, a.run_id, a.step, a.turn from journey_ask a
    where a.bucket = any(%(buckets)s::int[]) and a.state = 'waiting' and a.due_at <= %(now)s
    order by a.due_at limit %(most)s for update skip locked
)
update journey_ask a set due_at = %(claimed_to)s, attempts = a.attempts + 1
from due d, journey_request r
where a.profile_id = d.profile_id and a.run_id = d.run_id and a.step = d.step and a.turn = d.turn and r.id = a.request_id
returning a.profile_id, a.run_id, a.step, a.turn, a.body::text, a.attempts, a.give_up_at, r.url, r.method, r.sealed;

-- name: ask_again
-- When it is asked again, and why.
update journey_ask a set due_at = w.due_at, reason = w.reason
from unnest(%(profile_ids)s::bigint[], %(run_ids)s::bigint[], %(steps)s::text[], %(turns)s::bigint[], %(due_ats)s::timestamptz[],
            %(reasons)s::text[]) as w (profile_id, run_id, step, turn, due_at, reason)
where a.profile_id = w.profile_id and a.run_id = w.run_id and a.step = w.step and a.turn = w.turn and a.state = 'waiting';

-- name: bring
-- What came of asking is noted once; who still stands at the step, at the turn, has it in memory and wakes.
with told as materialized (
    select w.*, coalesce(l.to_id, w.profile_id) as person_id
    from unnest(%(profile_ids)s::bigint[], %(run_ids)s::bigint[], %(steps)s::text[], %(turns)s::bigint[], %(states)s::text[],
                %(answers)s::text[], %(statuses)s::int[], %(reasons)s::text[])
        as w (profile_id, run_id, step, turn, state, answer, status, reason)
    left join alias l on l.from_id = w.profile_id
), open as materialized (
    select t.* from told t
    join journey_ask a on a.profile_id = t.profile_id and a.run_id = t.run_id and a.step = t.step and a.turn = t.turn
    where a.state = 'waiting'
    order by a.profile_id, a.run_id, a.step, a.turn for update of a
), standing as materialized (
    select r.profile_id, r.id, o.step, o.answer from open o
    join journey_run r on r.profile_id = o.person_id and r.id = o.run_id and r.turn = o.turn
    join journey_version v on v.id = r.version_id and v.definition -> 'steps' -> r.step::int ->> 'key' = o.step
    order by r.profile_id, r.id for update of r
), moved as (
    update journey_run r set wake_at = least(r.wake_at, %(now)s::timestamptz), memory = coalesce(r.memory, '{}') || jsonb_build_object(
        'answers', coalesce(r.memory -> 'answers', '{}') || jsonb_build_object(s.step, s.answer::jsonb))
    from standing s where r.profile_id = s.profile_id and r.id = s.id
    returning r.id, s.step
), noted as (
    update journey_ask a set state = case when m.id is null then 'too_late' else o.state end, status = nullif(o.status, 0),
        reason = o.reason, ended_at = %(now)s
    from open o left join moved m on m.id = o.run_id and m.step = o.step
    where a.profile_id = o.profile_id and a.run_id = o.run_id and a.step = o.step and a.turn = o.turn
)
select count(*) from moved;

-- name: forget_asked
-- What was asked long ago.
delete from journey_ask a using (
    select profile_id, run_id, step, turn from journey_ask where ended_at < %(before)s limit %(most)s
) o
where a.profile_id = o.profile_id and a.run_id = o.run_id and a.step = o.step and a.turn = o.turn;

-- name: take_raised
-- Events on their way into the journal, in order, taken off it.
delete from journey_outgoing o using (
    select profile_id, id from journey_outgoing where bucket = any(%(buckets)s::int[]) order by id limit %(most)s
) n
where o.profile_id = n.profile_id and o.id = n.id returning o.id, o.payload;

-- name: any_raised
-- Whether there are any.
select 1 from journey_outgoing where bucket = any(%(buckets)s::int[]) limit 1;
